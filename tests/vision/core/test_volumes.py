"""Volumes and masks move together: a planted voxel stays where it is in the patient."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from tests.shared_data import shared_data
from vision.core.geometry import Grid, index_to_world
from vision.core.mask_classes import LabelMap, MaskClass
from vision.core.nifti import NiftiVolume, read_nifti
from vision.core.refusals import ImageRefused
from vision.core.volumes import Volume, both_on, cropped, isotropic, resampled, volume_of

AXIAL = np.array([[0.9, 0, 0, -40], [0, 0.9, 0, 12], [0, 0, -5, 300], [0, 0, 0, 1.0]])
# Rows and columns turned by 30 degrees about the long axis, columns running to the right.
TURNED = np.array(
    [
        [-0.9 * np.cos(np.pi / 6), 0.9 * np.sin(np.pi / 6), 0, 10],
        [0.9 * np.sin(np.pi / 6), 0.9 * np.cos(np.pi / 6), 0, -30],
        [0, 0, 3, -70],
        [0, 0, 0, 1],
    ]
)


def planted(affine: np.ndarray, at_kji: tuple[int, int, int]) -> tuple[Volume, LabelMap]:
    """A bright cube of 5 x 9 x 9 voxels round a voxel of an empty image, marked in the mask."""
    grid = Grid((20, 40, 36), affine)
    voxels, labels = np.zeros(grid.shape_kji, np.float32), np.zeros(grid.shape_kji, np.uint8)
    box = tuple(slice(at - half, at + half + 1) for at, half in zip(at_kji, (2, 4, 4), strict=True))
    voxels[box], labels[box] = 1000, 1
    return Volume(voxels, grid), LabelMap(labels, grid, (MaskClass(1, "planted", "#ffffff"),))


def middle_of(weights: np.ndarray, grid: Grid) -> np.ndarray:
    k, j, i = np.nonzero(weights)
    at = index_to_world(np.stack([i, j, k], axis=1), grid.affine_lps)
    return np.average(at, axis=0, weights=weights[k, j, i])


@pytest.mark.parametrize("affine", [AXIAL, TURNED], ids=["axial, head first", "turned, columns to the right"])
@pytest.mark.parametrize("spacing_mm", [0.75, 2.0])
def test_planted_voxels_stay_in_their_place_and_under_their_mask(affine, spacing_mm) -> None:
    volume, label_map = planted(affine, (11, 17, 22))
    place = index_to_world((22, 17, 11), affine)  # the middle of the cube, by the definition of the affine
    volume, label_map = cropped(volume, label_map, margin_mm=6)
    moved, mask = both_on(volume, label_map, isotropic(volume.grid, spacing_mm), outside=0)
    assert moved.grid.spacing_mm == pytest.approx((spacing_mm,) * 3)
    assert middle_of(moved.voxels, moved.grid) == pytest.approx(place, abs=0.25 * spacing_mm)
    assert middle_of(mask.labels, mask.grid) == pytest.approx(place, abs=0.51 * spacing_mm)
    bright = moved.voxels > 500
    assert (bright == (mask.labels == 1)).mean() > 0.99
    assert not (bright & (mask.labels == 0)).sum() > 0.1 * bright.sum()


def test_a_grid_of_the_same_voxels_changes_no_value() -> None:
    volume, _ = planted(TURNED, (5, 9, 30))
    noise = np.random.default_rng(1).normal(size=volume.voxels.shape).astype(np.float32)
    assert resampled(replace(volume, voxels=noise), volume.grid, outside=9).voxels == pytest.approx(noise, abs=1e-4)


def test_an_isotropic_grid_covers_the_same_box() -> None:
    grid = isotropic(Grid((20, 40, 36), AXIAL), 2.0)
    assert grid.shape_kji == (50, 18, 17)  # 20 x 5, 40 x 0.9 and 36 x 0.9 mm by 2 mm, rounded up
    corner = index_to_world((-0.5, -0.5, -0.5), grid.affine_lps)
    assert corner == pytest.approx(index_to_world((-0.5, -0.5, -0.5), AXIAL))


def test_beyond_the_image_lies_what_is_said() -> None:
    volume, _ = planted(AXIAL, (5, 9, 30))
    far = Grid((2, 2, 2), AXIAL + np.array([[0, 0, 0, 500.0]] + [[0, 0, 0, 0]] * 3))
    assert (resampled(volume, far, outside=-1024).voxels == -1024).all()


def test_scaled_values_are_read_as_values_and_not_finite_ones_are_refused() -> None:
    grid = Grid((2, 2, 2), np.eye(4))
    stored = NiftiVolume(grid, np.full((2, 2, 2), 10, np.int16), slope=2, intercept=-1000, n_not_finite=0, warnings=())
    assert (volume_of(stored).voxels == -980).all()
    with pytest.raises(ImageRefused, match="3 voxels"):
        volume_of(replace(stored, n_not_finite=3))


def test_a_sheared_grid_is_refused() -> None:
    sheared = np.eye(4)
    sheared[0, 1] = 0.2
    with pytest.raises(ImageRefused, match="not perpendicular"):
        resampled(
            Volume(np.zeros((2, 2, 2), np.float32), Grid((2, 2, 2), sheared)), Grid((2, 2, 2), np.eye(4)), outside=0
        )


@pytest.mark.parametrize("name", ["example_ct_sm.nii.gz", "example_mr_sm.nii.gz"])
def test_real_volumes_are_resampled_as_simpleitk_does_from_the_file(name) -> None:
    import SimpleITK

    path = shared_data(f"ct_abdomen/{name}")
    volume = volume_of(read_nifti(path))
    grid = isotropic(volume.grid, 4.0)
    ours = resampled(volume, grid, outside=0)
    image = SimpleITK.ReadImage(str(path), SimpleITK.sitkFloat32)
    inner = range(1, min(grid.shape_kji) - 1, 4)
    seen = 0
    for k, j, i in itertools.product(inner, inner, inner):
        point = index_to_world((i, j, k), grid.affine_lps)
        index = image.TransformPhysicalPointToContinuousIndex([float(part) for part in point])
        if all(0 <= at <= side - 1 for at, side in zip(index, image.GetSize(), strict=True)):
            expected = image.EvaluateAtContinuousIndex(index, SimpleITK.sitkLinear)
            assert ours.voxels[k, j, i] == pytest.approx(expected, abs=max(0.05, 1e-3 * abs(expected)))
            seen += 1
    assert seen > 20
