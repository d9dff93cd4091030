"""What is left on the disk when storing goes wrong, and when a series is removed."""

import os
import time

import pytest
from django.db import transaction

from tests.annotator.worlds import NOW
from tests.vision.image_files import write_slices
from tests.vision.stored import stored_series
from vision.models import ImageImport, Series
from vision.services import removal, writing
from vision.services.imports import import_images
from vision.services.options import ImportOptions
from vision.services.removal import remove_series
from vision.services.work_folders import remove_dead_work, work_folder
from vision.services.writing import PreparedSeries, store_series
from vision.storage import originals_folder, project_folder, series_path


def a_part(world, folder, *, uid="2.25.7"):
    origin = ImageImport.objects.create(project=world.project, source_name="x", started_at=NOW, heartbeat_at=NOW)
    row = Series(
        project=world.project,
        origin=origin,
        series_uid=uid,
        source="dicom",
        kind="volume",
        n_images=1,
        n_bytes=3,
        sha256="a" * 64,
        linked_by="name",
    )
    files = [folder / name for name in ("pack", "thumbnail", "preview")]
    for file in files:
        file.write_bytes(b"new")
    return PreparedSeries(row, *files)


def test_files_of_a_store_that_fails_are_gone_before_its_number_is_free_again(world, tmp_path, monkeypatch):
    part = a_part(world, tmp_path)
    project_folder(world.project.pk)
    original = tmp_path / "original.dcm"
    original.write_bytes(b"as it came")
    kept = originals_folder(world.project) / "2.25.7" / "original.dcm"
    seen = []

    def fail(_folder):
        assert kept.exists()
        raise OSError(28, "No space left on device")

    leave = transaction.Atomic.__exit__

    def watch(self, *error):
        seen.append([path.name for path in project_folder(world.project.pk).iterdir()] + [kept.exists()])
        return leave(self, *error)

    monkeypatch.setattr(writing, "sync_folder", fail)
    monkeypatch.setattr(transaction.Atomic, "__exit__", watch)
    with pytest.raises(OSError, match="No space"):
        store_series([part], case=world.cases[0], modality="CT", originals={original: kept})
    assert seen[-1] == [False]


def test_originals_are_in_place_before_their_series_can_be_seen(world, tmp_path, monkeypatch):
    world.project.keeps_originals = True
    world.project.save()
    write_slices(tmp_path / "lumbar-1")
    seen = []
    store = writing.sync_folder
    monkeypatch.setattr(
        writing,
        "sync_folder",
        lambda folder: (seen.append(len(list(originals_folder(world.project).rglob("*.dcm")))), store(folder)),
    )
    import_images(project=world.project, source=tmp_path, actor=None, options=ImportOptions(), now=NOW)
    assert seen[-1] == 6


def test_files_stay_when_the_removal_of_their_series_does_not_hold(world, monkeypatch):
    series = stored_series(world.cases[0])
    original = originals_folder(world.project) / series.series_uid / "1.dcm"
    original.parent.mkdir(parents=True)
    original.write_bytes(b"as it came")

    def fail(*_, **__):
        raise RuntimeError("no connection")

    with monkeypatch.context() as broken:
        broken.setattr(removal.Event.objects, "create", fail)
        with pytest.raises(RuntimeError):
            remove_series(series=series, actor=None)
    assert original.exists()
    assert series_path(series).exists()
    remove_series(series=series, actor=None)
    assert not original.parent.exists()
    assert not series_path(series).exists()


def test_originals_that_cannot_be_removed_are_not_passed_over(world, monkeypatch):
    series = stored_series(world.cases[0])
    (originals_folder(world.project) / series.series_uid).mkdir(parents=True)

    def fail(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "rmdir", fail)
    with pytest.raises(PermissionError):
        remove_series(series=series, actor=None)


def test_work_of_imports_that_died_is_removed_and_of_others_is_not(world):
    dead = project_folder(world.project.pk) / ".work-dead"
    dead.mkdir()
    (dead / "1.dcm").write_bytes(b"as it came")
    begun = project_folder(world.project.pk) / ".work-begun"
    begun.mkdir()
    with work_folder(world.project) as alive:
        for folder in (dead, alive):
            os.utime(folder, (time.time() - 3600,) * 2)
        remove_dead_work()
        assert alive.is_dir()
        assert begun.is_dir()
        assert not dead.exists()
    assert not alive.exists()


def test_an_import_begins_by_removing_the_work_of_dead_ones(world, tmp_path):
    dead = project_folder(world.project.pk) / ".work-dead"
    dead.mkdir()
    os.utime(dead, (time.time() - 3600,) * 2)
    write_slices(tmp_path / "lumbar-1")
    import_images(project=world.project, source=tmp_path, actor=None, options=ImportOptions(), now=NOW)
    assert not dead.exists()
