"""How an import begins: by the rules of that moment, and not at all where there is nothing to read."""

import os
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.utils import timezone

from annotator.exceptions import UserError
from annotator.models import Project
from annotator.services.image_jobs import set_image_rules
from tests.vision.image_files import run, write_slices
from vision.models import ImageImport, Series
from vision.services.imports import import_images
from vision.services.options import ImportOptions
from vision.services.records import fail_record, open_record
from vision.storage import originals_folder


def as_it_was_loaded(world):
    """The project as an import holds it that was started before the next thing happened."""
    return Project.objects.select_related("schema").get(pk=world.project.pk)


@pytest.mark.django_db
def test_rules_are_those_of_the_moment_the_import_is_opened(world, tmp_path):
    write_slices(tmp_path / "lumbar-1")
    project = as_it_was_loaded(world)
    set_image_rules(project=world.project, actor=None, dates="keep", keeps_originals=True)
    record = run(project, tmp_path)
    assert (record.options["dates"], record.options["keeps_originals"]) == ("keep", True)
    assert len(list(originals_folder(project).rglob("*.dcm"))) == 6


@pytest.mark.django_db
def test_import_that_was_given_up_does_not_go_on_by_rules_that_have_changed(world, tmp_path):
    write_slices(tmp_path / "lumbar-1")
    project, now = as_it_was_loaded(world), timezone.now()
    record = open_record(project=project, source_name="x", options=ImportOptions(), actor=None, now=now)

    def give_up(n_done, n_all):
        if ImageImport.objects.filter(pk=record.pk, state="running").exists():
            fail_record(record, "it stopped")
            set_image_rules(project=world.project, actor=None, dates="shift", keeps_originals=True)

    with pytest.raises(UserError, match="rules for images"):
        import_images(
            project=project,
            source=tmp_path,
            actor=None,
            options=ImportOptions(),
            now=now,
            record=record,
            progress=give_up,
        )
    assert not Series.objects.exists()


@pytest.mark.django_db
def test_record_that_has_ended_is_not_gone_on_with(world, tmp_path):
    write_slices(tmp_path / "lumbar-1")
    now = timezone.now()
    record = open_record(project=world.project, source_name="x", options=ImportOptions(), actor=None, now=now)
    fail_record(record, "it stopped")
    with pytest.raises(UserError, match="has ended"):
        import_images(
            project=world.project, source=tmp_path, actor=None, options=ImportOptions(), now=now, record=record
        )
    assert not Series.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    "connection.vendor != 'postgresql'",
    reason="two transactions at once need PostgreSQL: scripts/with_postgres.py pytest tests/vision",
)
def test_import_waits_for_rules_that_are_being_changed(world):
    """The rules are changed in a transaction that has not ended when the import begins."""
    project = as_it_was_loaded(world)

    def begin():
        try:
            options = ImportOptions()
            return open_record(project=project, source_name="x", options=options, actor=None, now=timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            set_image_rules(project=world.project, actor=None, dates="keep", keeps_originals=True)
            opening = pool.submit(begin)
            is_waiting = False
            while not (is_waiting or opening.done()):
                cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
                [is_waiting] = cursor.fetchone()
        record = opening.result(10)
    assert is_waiting
    assert (record.options["dates"], record.options["keeps_originals"]) == ("keep", True)
    assert (project.image_dates, project.keeps_originals) == ("keep", True)


@pytest.mark.django_db
def test_folder_of_links_only_is_an_error_that_says_so(world, tmp_path):
    write_slices(tmp_path / "elsewhere", n=2)
    folder = tmp_path / "Quellwasser"
    (folder / "inner").mkdir(parents=True)
    for name in ("im000.dcm", "im001.dcm"):
        (folder / name).symlink_to(tmp_path / "elsewhere" / name)
    (folder / "more").symlink_to(tmp_path / "elsewhere")
    (folder / ".DS_Store").write_bytes(b"x")
    os.mkfifo(folder / "inner" / "pipe")
    with pytest.raises(UserError) as error:
        run(world.project, folder)
    said = str(error.value)
    assert "3 links" in said
    assert "1 special file" in said
    assert "1 file of the desktop" in said
    assert "Quellwasser" not in said
    record = ImageImport.objects.get()
    assert (record.state, record.error) == ("failed", said)


@pytest.mark.django_db
def test_empty_folder_and_empty_archive_are_errors(world, tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(UserError, match="the folder holds nothing; expected DICOM"):
        run(world.project, tmp_path / "a")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("__MACOSX/x", b"x")
    with pytest.raises(UserError, match="no file in the archive"):
        run(world.project, tmp_path / "b.zip")
