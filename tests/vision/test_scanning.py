"""An import takes so many frames and pixels in all; a file beyond them is refused with the rest of its series."""

from dataclasses import replace

import pytest
from django.utils import timezone
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from tests.vision.image_files import outcomes, slice_dataset, write_slices
from vision.core.archives import OpenArchives
from vision.core.limits import DEFAULT_LIMITS
from vision.models import Series
from vision.services.context import Context
from vision.services.links import Linker, read_mapping
from vision.services.options import ImportOptions
from vision.services.records import Tally, open_record
from vision.services.scanning import scan

pytestmark = pytest.mark.django_db


def many_frames(path, n_frames, *, series):
    """A file that claims so many frames, with a fragment of two bytes for each."""
    dataset: Dataset = slice_dataset(0, series=series)
    dataset.NumberOfFrames = n_frames
    dataset.file_meta.TransferSyntaxUID = RLELossless
    dataset.PixelData = encapsulate([b"\0\0"] * n_frames, has_bot=False)
    dataset["PixelData"].is_undefined_length = True
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)


def scanned(world, folder, **limits):
    """The numbers of images of the series that are found, and what became of the other files by their names."""
    refused = {}
    options = ImportOptions(each_file=lambda file: refused.update({file.name: (file.code, file.reason)}))
    now = timezone.now()
    record = open_record(project=world.project, source_name="x", options=options, actor=None, now=now, stored=False)
    linker = Linker(world.project, read_mapping(None), source_name="x", link_by=options.link_by)
    context = Context(
        world.project,
        world.project.schema.parsed(),
        options,
        linker,
        Tally(record, options),
        lambda n: None,
        limits=replace(DEFAULT_LIMITS, **limits),
    )
    with OpenArchives() as archives:
        found = scan(folder, context=context, archives=archives)
    return {uid: len(images) for (_, uid), images in found.series.items()}, refused, context.tally.n_refused_of


def test_files_beyond_the_frames_of_an_import_are_refused_and_those_that_fit_are_found(world, tmp_path):
    for name in ("a", "b", "c"):
        many_frames(tmp_path / f"{name}.dcm", 8, series=f"2.25.1{ord(name)}")
    write_slices(tmp_path / "d", n=4)
    # 8 + 8 + 4 frames fit; c would make 24 of the first three.
    series, refused, n_refused_of = scanned(world, tmp_path, max_total_frames=20)
    assert series == {"2.25.197": 1, "2.25.198": 1, "2.25.901": 4}
    assert list(refused) == ["c.dcm"]
    code, reason = refused["c.dcm"]
    assert code == "import_too_large"
    assert "8 frames" in reason
    assert "at most 20" in reason
    assert n_refused_of == {"2.25.199": 1}


def test_series_of_which_a_file_does_not_fit_is_refused_as_a_whole(world, tmp_path):
    write_slices(tmp_path / "a", n=6)
    slice_dataset(0, series="2.25.77").save_as(tmp_path / "a" / "z.dcm", enforce_file_format=True)
    series, refused, _ = scanned(world, tmp_path, max_total_frames=5)
    assert series == {}
    assert {code for code, _ in refused.values()} == {"import_too_large"}
    assert len(refused) == 7


def test_pixels_of_an_import_are_bounded_too(world, tmp_path):
    write_slices(tmp_path / "a", n=2)
    slice_dataset(0, series="2.25.77").save_as(tmp_path / "a" / "z.dcm", enforce_file_format=True)
    # 24 rows x 32 columns are 768 pixels a slice.
    series, refused, _ = scanned(world, tmp_path, max_total_pixels=2 * 768)
    assert series == {"2.25.901": 2}
    assert {name: code for name, (code, _) in refused.items()} == {"a/z.dcm": "import_too_large"}


def test_small_files_that_claim_millions_of_frames_are_refused_and_the_rest_is_stored(world, tmp_path):
    write_slices(tmp_path / "lumbar-1")
    many_frames(tmp_path / "z" / "00.dcm", 20_000, series="2.25.300")
    content = (tmp_path / "z" / "00.dcm").read_bytes()
    for number in range(1, 21):
        uid = b"2.25.3%02d" % number
        (tmp_path / "z" / f"{number:02}.dcm").write_bytes(content.replace(b"2.25.300", uid))
    found = outcomes(world.project, tmp_path)
    # 6 frames of the slices, then 19 files of 20,000: the next two would make 400,006 and more.
    assert [found[f"z/{number:02}.dcm"] for number in (19, 20)] == [("refused", "import_too_large")] * 2
    assert {found[f"lumbar-1/im00{k}.dcm"][0] for k in range(6)} == {"stored"}
    assert Series.objects.get().n_images == 6
