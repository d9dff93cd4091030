"""A real CT, its organ mask and an MR stored in LPS order: every reader puts their voxels in the same places."""

import nibabel as nib
import numpy as np
import pytest

from tests.shared_data import shared_data
from vision.core.dicom import Instance, read_instance
from vision.core.frames import decode_frame, to_units
from vision.core.geometry import Grid, index_to_world, lps_from_ras, orientation_letters, same_grid, world_to_index
from vision.core.stacks import arrange

_LIVER, _AORTA = 5, 52


@pytest.fixture(scope="module")
def ct() -> tuple[Grid, np.ndarray]:
    """The grid of the CT and its values in HU [k, j, i]."""
    instances: list[Instance] = []
    for path in sorted(shared_data("ct_abdomen/dicom").iterdir()):
        instance = read_instance(path.read_bytes())
        instance.load_pixels()
        instances.append(instance)
    (stack,) = arrange([instance.header for instance in instances])
    assert stack.grid is not None
    in_order = [instances[index] for index, _ in stack.images]
    slices = [to_units(decode_frame(one.dataset), one.header.slope, one.header.intercept) for one in in_order]
    return stack.grid, np.stack(slices)


def test_the_ct_lies_where_simpleitk_puts_it_and_has_its_values(ct: tuple[Grid, np.ndarray]) -> None:
    import SimpleITK

    grid, values = ct
    # One by one: these files' series identifiers are empty, by which SimpleITK would collect them.
    names = [str(path) for path in shared_data("ct_abdomen/dicom").iterdir()]
    images = sorted((SimpleITK.ReadImage(name) for name in names), key=lambda image: image.GetOrigin()[2])
    for k in (0, 7, 19):
        for i, j in ((0, 0), (511, 3), (100, 400)):
            expected = images[k].TransformIndexToPhysicalPoint((i, j, 0))
            assert index_to_world((i, j, k), grid.affine_lps) == pytest.approx(expected, abs=1e-3)
            assert values[k, j, i] == images[k].GetPixel(i, j, 0)


def test_the_mask_of_the_ct_lies_on_its_voxels(ct: tuple[Grid, np.ndarray]) -> None:
    grid, values = ct
    mask = nib.load(shared_data("ct_abdomen/mask_of_dicom.nii.gz"))
    labels = np.asarray(mask.dataobj)
    affine_lps = lps_from_ras(mask.affine)
    # The mask has its rows the other way round: voxel by voxel, the same places.
    upturned = Grid(grid.shape_kji, affine_lps @ np.array([[1, 0, 0, 0], [0, -1, 0, 511], [0, 0, 1, 0], [0, 0, 0, 1]]))
    assert same_grid(grid, upturned, 1e-3)
    for organ, low_hu, high_hu in ((_LIVER, 60, 160), (_AORTA, 100, 300)):
        at = np.argwhere(labels == organ)
        assert len(at) > 1000
        i, j, k = world_to_index(index_to_world(at, affine_lps), grid.affine_lps).round().astype(int).T
        inside = values[k, j, i]
        assert low_hu < np.median(inside) < high_hu
        assert np.percentile(inside, 75) - np.percentile(inside, 25) < 60


def test_the_real_mr_is_stored_in_lps_order() -> None:
    volume = nib.load(shared_data("ct_abdomen/example_mr_sm.nii.gz"))
    grid = Grid(volume.shape[::-1], lps_from_ras(volume.affine))
    assert nib.aff2axcodes(volume.affine) == ("L", "P", "S")
    assert "".join(orientation_letters(grid.direction[:, axis])[0] for axis in range(3)) == "LPS"
    index = (3, 5, 2)
    expected_ras = nib.affines.apply_affine(volume.affine, index)
    assert index_to_world(index, grid.affine_lps) == pytest.approx(expected_ras * (-1, -1, 1))
