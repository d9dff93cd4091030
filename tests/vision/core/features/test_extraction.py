"""Features of real organs agree with SimpleITK's own filters, and of many cases with those of each."""

from pathlib import Path

import numpy as np
import pytest

from labeling.core.schema_yaml import load_preset
from tests.shared_data import shared_data
from vision.core.features import radiomics
from vision.core.features.extraction import Case, extract
from vision.core.features.extractors import OrganRadiomics, default_extractor, disc_pictures
from vision.core.features.table import FeatureTable, load_features
from vision.core.mask_classes import built_in_classes
from vision.core.nifti import write_nifti_gz
from vision.core.phantoms import lumbar
from vision.core.phantoms.shapes import sagittal
from vision.core.refusals import ImageRefused
from vision.core.regions import regions_of

ORGANS = regions_of(load_preset("abdomen-ct"))
LEVELS = regions_of(load_preset("spine-mri"))
ON_ITS_GRID = OrganRadiomics(spacing_mm=None)
CLASSES = built_in_classes()


@pytest.fixture(scope="module")
def real() -> Case:
    folder = shared_data("ct_abdomen")
    return Case("real", "p1", folder / "example_ct_sm.nii.gz", folder / "example_seg.nii.gz")


@pytest.fixture(scope="module")
def measured(real: Case, tmp_path_factory: pytest.TempPathFactory) -> tuple[FeatureTable, Path]:
    cache = tmp_path_factory.mktemp("cache")
    table, failures = extract([real], ORGANS, ON_ITS_GRID, cache=cache, classes=CLASSES)
    assert not failures
    return table, cache


def column(table: FeatureTable, region: int) -> dict[str, float]:
    return dict(zip(table.names, table.values[0, region].tolist(), strict=True))


def test_organs_of_a_real_ct_have_the_figures_of_simpleitk_from_the_files(real: Case, measured) -> None:
    import SimpleITK

    table, _ = measured
    image = SimpleITK.ReadImage(str(real.image), SimpleITK.sitkFloat64)
    mask = SimpleITK.ReadImage(str(real.mask), SimpleITK.sitkUInt8)
    numbers = {known.name: known.value for known in CLASSES}
    n_seen = 0
    for index, region in enumerate(ORGANS):
        merged = SimpleITK.Image(mask.GetSize(), SimpleITK.sitkUInt8)
        merged.CopyInformation(mask)
        for name in region.masks:
            merged = merged | (mask == numbers[name])
        whole, shape = SimpleITK.LabelStatisticsImageFilter(), SimpleITK.LabelShapeStatisticsImageFilter()
        whole.Execute(image, merged)
        shape.Execute(merged)
        assert table.found[0, index] == whole.HasLabel(1)
        if not whole.HasLabel(1):
            assert (table.values[0, index] == 0).all()
            continue
        n_seen += 1
        ours = column(table, index)
        assert ours["intensity_mean"] == pytest.approx(whole.GetMean(1), rel=1e-5, abs=1e-3)
        assert ours["intensity_standard_deviation"] == pytest.approx(whole.GetSigma(1), rel=1e-5)
        assert ours["intensity_minimum"] == pytest.approx(whole.GetMinimum(1))
        assert ours["intensity_maximum"] == pytest.approx(whole.GetMaximum(1))
        assert ours["shape_volume_mm3"] == pytest.approx(shape.GetPhysicalSize(1), rel=1e-5)
        assert ours["shape_elongation"] == pytest.approx(shape.GetElongation(1), rel=1e-4)
        assert ours["shape_surface_mm2"] == pytest.approx(shape.GetPerimeter(1), rel=1e-4)
    assert n_seen >= 5


def test_percentiles_are_those_of_the_voxels(real: Case, measured) -> None:
    import nibabel

    liver = np.asarray(nibabel.load(real.image).get_fdata())[np.asarray(nibabel.load(real.mask).dataobj) == 5]
    ours = column(measured[0], 1)
    for percent in (5, 50, 95):
        assert ours[f"intensity_percentile_{percent}"] == pytest.approx(np.percentile(liver, percent), abs=1e-3)


def test_on_finer_voxels_an_organ_keeps_its_volume_and_mean(real: Case, measured) -> None:
    table, _ = extract([real], ORGANS, OrganRadiomics(spacing_mm=2.0), classes=CLASSES)
    at = [table.names.index(name) for name in ("shape_volume_mm3", "intensity_mean")]
    before, after = measured[0].values[0, 1, at], table.values[0, 1, at]
    assert after[0] == pytest.approx(before[0], rel=0.02)
    assert after[1] == pytest.approx(before[1], abs=4)


def test_a_second_look_comes_from_the_cache_and_other_options_do_not(real: Case, measured) -> None:
    table, cache = measured
    again, _ = extract([real], ORGANS, ON_ITS_GRID, cache=cache, classes=CLASSES)
    assert again.manifest["n_from_cache"] == 1
    assert (again.values == table.values).all()
    wider = OrganRadiomics(spacing_mm=None, measured=radiomics.RadiomicsOptions(bin_width=50))
    other, _ = extract([real], ORGANS, wider, cache=cache, classes=CLASSES)
    assert other.manifest["n_from_cache"] == 0
    for entry in cache.glob("*/*.npz"):
        entry.write_bytes(entry.read_bytes()[:100])  # as a crash of the machine leaves it
    mended, _ = extract([real], ORGANS, ON_ITS_GRID, cache=cache, classes=CLASSES)
    assert (mended.values == table.values).all()


def test_a_case_that_is_refused_is_listed_and_the_others_are_measured(real: Case, measured, tmp_path) -> None:
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"no image")
    cases = [Case("a", "p", broken, real.mask), Case("b", "p", tmp_path / "none"), Case("c", "p", real.image), real]
    table, failures = extract(cases, ORGANS, ON_ITS_GRID, cache=measured[1], classes=CLASSES)
    assert table.case_ids == ("real",)
    assert [failure.case_id for failure in failures] == ["a", "b", "c"]
    assert [failure.code for failure in failures][1:] == ["no_file", "no_regions"]


def test_discs_are_measured_from_a_mask_and_a_level_outside_it_is_unknown(tmp_path) -> None:
    canvas = sagittal(size=96, fov_mm=300, first_x=-28, spacing_mm=4, n_images=15, y=-14, z=10)
    lumbar.paint_lumbar(canvas, lumbar.LumbarPlan())
    labels = np.where(canvas.labels == lumbar.CLASSES["vertebrae_S1"], 0, canvas.labels)
    write_nifti_gz(tmp_path / "image.nii.gz", canvas.voxels, affine_lps=canvas.affine_lps())
    write_nifti_gz(tmp_path / "mask.nii.gz", labels, affine_lps=canvas.affine_lps())
    case = Case("spine", "p", tmp_path / "image.nii.gz", tmp_path / "mask.nii.gz")
    table, failures = extract([case], LEVELS, disc_pictures(), classes=CLASSES)
    assert not failures
    assert table.found.tolist() == [[True, True, False]] == table.known.tolist()
    assert table.values.shape == (1, 3, 14 * 28)


@pytest.mark.parametrize(
    ("preset", "modality", "name"), [("abdomen-ct", "CT", "radiomics"), ("spine-mri", "MR", "pictures")]
)
def test_what_needs_no_weights_is_chosen_by_the_regions(preset, modality, name) -> None:
    assert default_extractor(regions_of(load_preset(preset)), modality=modality).name == name


def test_a_table_comes_back_as_it_was_saved_and_changed_bytes_are_seen(measured, tmp_path) -> None:
    table, _ = measured
    path = tmp_path / "features.npz"
    table.save(path)
    back = load_features(path)
    assert (back.case_ids, back.regions, back.names) == (table.case_ids, table.regions, table.names)
    assert (back.values == table.values).all()
    first = path.read_bytes()
    table.save(path)
    assert path.read_bytes() == first
    path.write_bytes(first[:-1] + b"?")
    with pytest.raises(ImageRefused, match="one of them was changed"):
        load_features(path)
