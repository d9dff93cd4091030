"""`import_images` and `check_images` at the command line."""

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from annotator.models import Event
from tests.factories import ReadingFactory
from tests.vision.image_files import write_slices
from vision.models import ImageImport, Series
from vision.storage import series_path

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def image_dir(tmp_path, settings):
    settings.IMAGE_DIR = tmp_path / "stored"
    settings.IMAGE_DIR.mkdir()


def say(*arguments, **options):
    out = io.StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def test_import_lists_what_is_refused_and_counts_the_rest(world, tmp_path):
    folder = tmp_path / "lumbar-1"
    write_slices(folder)
    (folder / "notes.txt").write_text("x")
    said = say("import_images", "lumbar", folder, user=world.manager.username)
    assert "notes.txt\trefused\tnot_an_image_file\tneither DICOM nor NIfTI" in said
    assert "6 images in 1 series, 0 masks; 0 files unchanged, 1 refused, 0 series and masks belong to no case" in said
    assert ImageImport.objects.get().imported_by == world.manager


def test_dry_run_says_would_be(world, tmp_path):
    write_slices(tmp_path / "lumbar-1")
    assert "would be: 6 images" in say("import_images", "lumbar", tmp_path, dry_run=True)
    assert not Series.objects.exists()


def test_import_of_nothing_ends_with_an_error(world, tmp_path):
    with pytest.raises(CommandError, match="nothing could be imported"):
        say("import_images", "lumbar", tmp_path)
    with pytest.raises(CommandError, match="there is no file"):
        say("import_images", "lumbar", tmp_path / "missing")
    with pytest.raises(CommandError, match="there is no project"):
        say("import_images", "nowhere", tmp_path)


def test_import_for_the_page_goes_on_with_its_record_and_removes_the_upload(world, tmp_path):
    upload = tmp_path / "token"
    write_slices(upload / "files" / "lumbar-1")
    now = timezone.now()
    record = ImageImport.objects.create(
        project=world.project, source_name="my exam", started_at=now, heartbeat_at=now, imported_by=world.manager
    )
    say("import_images", "lumbar", upload / "files", record=record.pk, remove_source=True, verbosity=0)
    record.refresh_from_db()
    assert (record.state, record.n_images, record.source_name) == ("finished", 6, "my exam")
    assert not upload.exists()
    with pytest.raises(CommandError, match="not waiting"):
        say("import_images", "lumbar", tmp_path, record=record.pk)


def test_check_finds_what_was_changed_lost_or_left_over(world, tmp_path, settings):
    write_slices(tmp_path / "lumbar-1")
    say("import_images", "lumbar", tmp_path)
    assert "as they were stored" in say("check_images")
    series = Series.objects.get()
    content = bytearray(series_path(series).read_bytes())
    content[-1] ^= 1
    series_path(series).write_bytes(content)
    (series_path(series).parent / "99.pack").write_bytes(b"left over")
    (series_path(series).parent / f"{series.pk}.preview.png").unlink()
    out = io.StringIO()
    with pytest.raises(CommandError, match="3 files"):
        call_command("check_images", stdout=out)
    folder = f"{world.project.pk}"
    assert f"{folder}/{series.pk}.pack\tdiffers" in out.getvalue()
    assert f"{folder}/99.pack\tbelongs to no series" in out.getvalue()
    assert f"{folder}/{series.pk}.preview.png\tis missing" in out.getvalue()


def test_series_is_removed_with_its_files_and_can_be_imported_again(world, tmp_path):
    write_slices(tmp_path / "lumbar-1")
    say("import_images", "lumbar", tmp_path)
    series = Series.objects.get()
    folder = series_path(series).parent
    say("remove_series", "lumbar", series.pk, user=world.manager.username)
    assert not Series.objects.exists()
    assert list(folder.iterdir()) == []
    assert Event.objects.get(verb="images_removed").payload["series_uid"] == series.series_uid
    assert "6 images in 1 series" in say("import_images", "lumbar", tmp_path)
    with pytest.raises(CommandError, match="no series 999"):
        say("remove_series", "lumbar", 999)


def test_series_that_was_measured_in_is_not_removed_by_chance(world, tmp_path):
    write_slices(tmp_path / "lumbar-1")
    say("import_images", "lumbar", tmp_path)
    series = Series.objects.get()
    body = {"cells": {}, "measurements": [{"id": "m", "series": series.pk}]}
    ReadingFactory(case=world.cases[0], reader=world.reader, body=body)
    with pytest.raises(CommandError, match="have measured"):
        say("remove_series", "lumbar", series.pk)
    say("remove_series", "lumbar", series.pk, though_measured=True)
    assert not Series.objects.exists()
