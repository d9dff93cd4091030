"""NIfTI volumes become series, and masks find the series that they were drawn on."""

import shutil
import struct

import nibabel
import numpy as np
import pytest

from annotator.models import Project
from tests.annotator.worlds import label_schema
from tests.shared_data import shared_data
from tests.vision.image_files import AFFINE_RAS, labels_ijk, outcomes, run, write_nifti, write_slices
from vision.core.phantoms.files import SeriesTags, write_segmentation, write_series
from vision.core.phantoms.shapes import Canvas, Ellipsoid
from vision.models import Mask, Series
from vision.storage import mask_path, series_path

pytestmark = pytest.mark.django_db


@pytest.fixture
def abdomen(world):
    """The world's project under the schema of the abdomen."""
    Project.objects.filter(pk=world.project.pk).update(schema=label_schema("abdomen-ct"))
    world.project.refresh_from_db()
    return world


def read_labels(mask):
    """The label map as [k, j, i]."""
    return np.asarray(nibabel.load(mask_path(mask)).dataobj).transpose(2, 1, 0)


def test_label_map_beside_its_series_is_attached_with_names_counts_and_centres(abdomen, tmp_path):
    folder = tmp_path / "lumbar-1"
    write_slices(folder)
    labels = labels_ijk(spleen=(1, 4), right=(2, 10), left=(3, 16), liver=(5, 22))
    write_nifti(folder / "totalseg.nii.gz", labels)
    run(abdomen.project, folder)
    mask = Mask.objects.get()
    assert mask.series == Series.objects.get()
    found = {shown["value"]: shown for shown in mask.classes}
    assert {value: shown["name"] for value, shown in found.items()} == {
        1: "spleen",
        2: "kidney_right",
        3: "kidney_left",
        5: "liver",
    }
    # A box of 4 columns, 6 rows and 2 slices.
    assert {shown["n_voxels"] for shown in found.values()} == {48}
    x, y, z = found[5]["centre_lps_mm"]
    assert -10 + 22 * 0.7 <= x <= -10 + 25 * 0.7
    assert -20 + 8 * 0.8 <= y <= -20 + 13 * 0.8
    assert 104 <= z <= 106
    assert mask.centres["5"] == pytest.approx(found[5]["centre_lps_mm"], abs=2)


def test_mask_is_stored_on_the_voxels_of_its_series_though_it_was_written_the_other_way_round(abdomen, tmp_path):
    folder = tmp_path / "lumbar-1"
    write_slices(folder)
    labels = labels_ijk(liver=(5, 22))
    turned = AFFINE_RAS.copy()
    turned[:3, 0], turned[:3, 3] = -AFFINE_RAS[:3, 0], AFFINE_RAS[:3, 3] + 31 * AFFINE_RAS[:3, 0]
    write_nifti(folder / "liver_mask.nii.gz", np.ascontiguousarray(labels[::-1]), turned)
    run(abdomen.project, folder)
    mask = Mask.objects.get()
    assert np.array_equal(read_labels(mask), labels.transpose(2, 1, 0))
    assert mask.note == ""


def test_mask_on_another_grid_is_moved_and_says_so(abdomen, tmp_path):
    folder = tmp_path / "lumbar-1"
    write_slices(folder)
    coarse = labels_ijk(liver=(5, 20))[::2, ::2]
    affine = AFFINE_RAS @ np.diag([2, 2, 1, 1])
    write_nifti(folder / "mask.nii.gz", np.ascontiguousarray(coarse), affine)
    run(abdomen.project, folder)
    assert "another grid" in Mask.objects.get().note


def test_folder_with_a_file_for_each_class_is_one_mask(abdomen, tmp_path):
    folder = tmp_path / "lumbar-1"
    write_slices(folder / "ct")
    for name, column in (("liver", 22), ("spleen", 4)):
        write_nifti(folder / "segmentations" / f"{name}.nii.gz", labels_ijk(box=(1, column)))
    record = run(abdomen.project, folder)
    mask = Mask.objects.get()
    assert {shown["name"] for shown in mask.classes} == {"liver", "spleen"}
    assert (record.n_masks, record.n_unlinked, mask.name) == (1, 0, "segmentations")


def test_class_table_of_the_user_names_the_values(abdomen, tmp_path):
    folder = tmp_path / "lumbar-1"
    write_slices(folder)
    write_nifti(folder / "labels.nii.gz", labels_ijk(a=(1, 4), b=(7, 20)))
    table = tmp_path / "classes.csv"
    table.write_text("value,name\n1,liver\n7,spleen\n")
    run(abdomen.project, folder, class_table=table)
    assert {shown["value"]: shown["name"] for shown in Mask.objects.get().classes} == {1: "liver", 7: "spleen"}


@pytest.mark.parametrize(
    ("file", "name", "shown"), [("liver_mask", "liver", "liver"), ("Fernweh_mask", "mask", "class 1")]
)
def test_only_names_of_classes_are_taken_from_files(abdomen, tmp_path, file, name, shown):
    folder = tmp_path / "lumbar-1"
    write_slices(folder)
    write_nifti(folder / f"{file}.nii.gz", labels_ijk(lesion=(1, 20)))
    run(abdomen.project, folder)
    mask = Mask.objects.get()
    assert (mask.name, [known["name"] for known in mask.classes]) == (name, [shown])


def test_dicom_segmentation_finds_the_series_that_it_names(abdomen, tmp_path):
    millimetres = [np.arange(n, dtype=np.float32) * step for n, step in ((5, 3.0), (20, 1.0), (24, 1.0))]
    canvas = Canvas(axes=((2, millimetres[0]), (1, millimetres[1]), (0, millimetres[2])), background=-1000.0)
    box, inside = canvas.find(Ellipsoid((12.0, 10.0, 6.0), (5.0, 4.0, 4.0)))
    canvas.labels[box][inside] = 5
    canvas.voxels[box][inside] = 60
    tags = SeriesTags(patient_id="P1", study_id="lumbar-1", number=2, modality="CT", description="abdomen")
    paths = write_series(tmp_path / "dicom" / "ct", canvas, tags, compressed=False)
    import pydicom

    sources = [pydicom.dcmread(path) for path in paths]
    write_segmentation(tmp_path / "dicom" / "seg.dcm", canvas, sources, {"liver": 5})
    record = run(abdomen.project, tmp_path / "dicom")
    mask = Mask.objects.get()
    assert (record.n_masks, mask.source, mask.series) == (1, "seg", Series.objects.get())
    assert [shown["name"] for shown in mask.classes] == ["liver"]
    assert np.array_equal(read_labels(mask) > 0, canvas.labels > 0)


def test_real_mask_lies_on_the_liver_of_the_real_ct(abdomen, tmp_path):
    folder = tmp_path / "exam"
    shutil.copytree(shared_data("ct_abdomen/dicom"), folder / "lumbar-1")
    shutil.copy(shared_data("ct_abdomen/mask_of_dicom.nii.gz"), folder)
    record = run(abdomen.project, folder)
    mask = Mask.objects.get()
    assert record.n_masks == 1
    assert "same grid" in mask.note
    original = nibabel.load(shared_data("ct_abdomen/mask_of_dicom.nii.gz"))
    for shown in mask.classes:
        # nibabel's affine is RAS: x and y change sign.
        ras = np.array([-shown["centre_lps_mm"][0], -shown["centre_lps_mm"][1], shown["centre_lps_mm"][2], 1])
        i, j, k = np.rint(np.linalg.inv(original.affine) @ ras)[:3].astype(int)
        assert int(np.asarray(original.dataobj)[i, j, k]) == shown["value"]


def test_mask_that_belongs_to_nothing_is_listed(abdomen, tmp_path):
    write_slices(tmp_path / "exam" / "lumbar-1")
    write_nifti(tmp_path / "exam" / "mask.nii.gz", np.pad(labels_ijk(a=(1, 4)), 1))
    record = run(abdomen.project, tmp_path / "exam")
    assert (record.n_masks, record.n_unlinked) == (0, 1)
    assert record.unlinked[0]["kind"] == "mask"


def test_importing_masks_and_volumes_again_changes_nothing(abdomen, tmp_path):
    folder = tmp_path / "lumbar-1"
    write_slices(folder / "ct")
    write_nifti(folder / "mr.nii.gz", np.arange(32 * 24 * 6, dtype=np.int16).reshape(32, 24, 6))
    write_nifti(folder / "mask.nii.gz", labels_ijk(a=(1, 4)))
    run(abdomen.project, folder)
    record = run(abdomen.project, folder)
    assert (record.n_unchanged, record.n_images, record.n_masks, record.n_refused) == (8, 0, 0, 0)
    assert (Series.objects.count(), Mask.objects.count()) == (2, 1)


def test_nifti_volume_keeps_its_voxels_and_loses_its_free_text(abdomen, tmp_path):
    voxels = np.random.default_rng(7).integers(-1000, 1000, (32, 24, 6), dtype=np.int16)
    image = nibabel.Nifti1Image(voxels, AFFINE_RAS)
    image.header["descrip"] = b"Fernweh Ottilie"
    path = tmp_path / "lumbar-2.nii.gz"
    nibabel.save(image, path)
    run(abdomen.project, path)
    series = Series.objects.get()
    stored = nibabel.load(series_path(series))
    assert np.array_equal(np.asarray(stored.dataobj), voxels)
    assert stored.affine == pytest.approx(AFFINE_RAS)
    assert bytes(stored.header["descrip"]).strip(b"\0") == b""
    assert (series.source, series.kind, series.manifest["units"]) == ("nifti", "volume", "HU")
    assert series.manifest["images"][1]["position"] == pytest.approx([-10, -20, 102])


def test_nifti_that_claims_27_terabytes_is_refused_and_the_rest_is_stored(abdomen, tmp_path):
    folder = tmp_path / "lumbar-1"
    write_nifti(folder / "good.nii.gz", np.zeros((8, 8, 8), dtype=np.int16) + np.arange(8, dtype=np.int16))
    header = bytearray(859)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, 30000, 30000, 30000, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 2, 8)
    struct.pack_into("<8f", header, 76, 1, 1, 1, 1, 0, 0, 0, 0)
    struct.pack_into("<f", header, 108, 352)
    header[344:348] = b"n+1\0"
    (folder / "huge.nii").write_bytes(header)
    found = outcomes(abdomen.project, folder)
    assert found["huge.nii"][0] == "refused"
    assert found["good.nii.gz"][0] == "stored"


def test_image_that_is_called_a_mask_is_refused_with_the_reason(abdomen, tmp_path):
    folder = tmp_path / "lumbar-1"
    write_slices(folder / "ct")
    write_nifti(folder / "mask.nii.gz", np.linspace(-5, 5, 32 * 24 * 6).reshape(32, 24, 6).astype(np.float32))
    assert outcomes(abdomen.project, folder)["mask.nii.gz"] == ("refused", "mask_values")
    assert not Mask.objects.exists()


def test_levels_of_the_spine_lie_between_their_vertebrae(world, tmp_path):
    folder = tmp_path / "lumbar-1"
    write_slices(folder, n=12)
    labels = np.zeros((32, 24, 12), dtype=np.uint8)
    labels[10:20, 8:16, 7:11] = 28  # vertebrae_L4 above
    labels[10:20, 8:16, 1:5] = 27  # vertebrae_L5 below
    write_nifti(folder / "vertebrae_seg.nii.gz", labels)
    run(world.project, folder, class_table="total")
    centre = Mask.objects.get().centres["27,28"]
    # Bodies end at slices 4 and 7: the level is at slice 5.5, 111 mm; slices are 2 mm apart from 100 mm.
    assert centre[2] == pytest.approx(111, abs=1)


def test_equal_masks_of_two_studies_are_both_kept(abdomen, tmp_path):
    for name in ("lumbar-1", "lumbar-2"):
        write_slices(tmp_path / name, StudyInstanceUID=f"1.2.{name[-1]}", SeriesInstanceUID=f"1.2.{name[-1]}.1")
        write_nifti(tmp_path / name / "totalseg.nii.gz", labels_ijk(spleen=(1, 4), liver=(5, 22), a=(2, 10), b=(3, 16)))
    run(abdomen.project, tmp_path)
    assert Series.objects.count() == 2
    assert Mask.objects.values("series").distinct().count() == 2
