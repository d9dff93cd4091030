"""What lies below the folder of images and belongs to nothing is found, originals too."""

import pytest

from tests.vision.image_files import run, write_slices
from vision.models import Series
from vision.services.checking import check_files
from vision.storage import originals_folder

pytestmark = pytest.mark.django_db


@pytest.fixture
def originals(world, tmp_path):
    """The folder with the originals of the project's only series."""
    world.project.keeps_originals = True
    world.project.save()
    write_slices(tmp_path / "lumbar-1")
    run(world.project, tmp_path)
    folder = originals_folder(world.project) / Series.objects.get().series_uid
    assert len(list(folder.iterdir())) == 6
    return folder


def faults():
    return {fault.path: fault.what for fault in check_files()}


def test_originals_of_a_stored_series_are_in_order(originals):
    assert faults() == {}


def test_originals_that_belong_to_nothing_are_found(world, originals, image_dir):
    (originals / "2.25.1.dcm").write_bytes(b"as it came")
    (originals.parent / "2.25.9").mkdir()
    (originals.parent / "2.25.9" / "1.dcm").write_bytes(b"as it came")
    (originals.parent / "notes.txt").write_text("x")
    (image_dir / "originals" / "999" / "2.25.9").mkdir(parents=True)
    (image_dir / "originals" / "stray.dcm").write_bytes(b"as it came")
    project = f"originals/{world.project.pk}"
    assert faults() == {
        f"{project}/{originals.name}/2.25.1.dcm": "belongs to no stored image",
        f"{project}/2.25.9": "holds originals of no stored series",
        f"{project}/notes.txt": "belongs to no series or mask",
        "originals/999": "holds originals of no project",
        "originals/stray.dcm": "belongs to no series or mask",
    }


def test_originals_of_a_series_of_another_project_are_found(originals, image_dir):
    (image_dir / "originals" / "999" / originals.name).mkdir(parents=True)
    assert faults() == {"originals/999": "holds originals of no project"}


def test_originals_of_a_series_that_is_gone_are_found(originals, image_dir):
    series = Series.objects.get()
    Series.objects.all().delete()
    path = originals.relative_to(image_dir).as_posix()
    found = faults()
    assert found.pop(path) == "holds originals of no stored series"
    assert set(found) == {
        f"{series.project_id}/{series.pk}.{ending}" for ending in ("pack", "preview.png", "thumbnail.png")
    }
