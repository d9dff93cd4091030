"""Places of voxels: by hand (geometry.json), and as SimpleITK has them."""

from pathlib import Path

import numpy as np
import pytest

from tests.phantoms import Place, places, series, write_files
from vision.core.geometry import (
    Grid,
    affine_from_dicom,
    index_to_world,
    lps_from_ras,
    orientation_letters,
    plane_name,
    plane_normal,
    same_grid,
    world_to_index,
)

PLACES = places()
ALL = places(with_left_handed=True)


@pytest.mark.parametrize("place", ALL.values(), ids=ALL)
def test_indices_lead_to_the_points_calculated_by_hand_and_back(place: Place) -> None:
    for index, world in place.points:
        assert index_to_world(index, place.affine_lps) == pytest.approx(world, abs=1e-9)
        assert world_to_index(world, place.affine_lps) == pytest.approx(index, abs=1e-9)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_dicom_attributes_give_the_affine_calculated_by_hand(place: Place) -> None:
    affine = affine_from_dicom(
        position_lps=place.position_lps,
        orientation=place.orientation,
        pixel_spacing_mm=place.pixel_spacing_mm,
        step_lps=plane_normal(place.orientation) * place.slice_gap_mm,
    )
    assert affine == pytest.approx(place.affine_lps, abs=1e-12)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_dicom_attributes_lead_where_simpleitk_puts_the_voxels(place: Place, tmp_path: Path) -> None:
    import SimpleITK

    paths = write_files(series(place), tmp_path)
    read = SimpleITK.ReadImage([str(path) for path in paths])
    assert np.array_equal(SimpleITK.GetArrayFromImage(read), place.voxels - 1024)
    for index in ((0, 0, 0), (4, 5, 3), (1, 3, 2)):
        expected = read.TransformIndexToPhysicalPoint(index)
        assert index_to_world(index, place.affine_lps) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("place", ALL.values(), ids=ALL)
def test_axes_lead_to_the_letters_written_by_hand(place: Place) -> None:
    direction = Grid(place.shape_kji, place.affine_lps).direction
    assert tuple(orientation_letters(direction[:, axis]) for axis in range(3)) == place.letters_ijk


def test_many_points_are_moved_at_once() -> None:
    affine = PLACES["oblique"].affine_lps
    indices = np.arange(24, dtype=float).reshape(2, 4, 3)
    assert world_to_index(index_to_world(indices, affine), affine) == pytest.approx(indices)


def test_nifti_and_dicom_differ_in_the_signs_of_x_and_y() -> None:
    ras = np.array([[2.0, 0, 0, 10], [0, 3, 0, 20], [0, 0, 4, 30], [0, 0, 0, 1]])
    lps = lps_from_ras(ras)
    assert lps.tolist() == [[-2, 0, 0, -10], [0, -3, 0, -20], [0, 0, 4, 30], [0, 0, 0, 1]]
    assert lps_from_ras(lps).tolist() == ras.tolist()


def test_a_grid_knows_its_spacing_origin_and_directions() -> None:
    place = PLACES["oblique"]
    grid = Grid(place.shape_kji, place.affine_lps)
    assert grid.spacing_mm == pytest.approx((0.5, 1.5, 4))
    assert grid.origin_lps.tolist() == [10, -20, 30]
    assert grid.direction == pytest.approx(np.array([[0.8, -0.36, -0.48], [0.6, 0.48, 0.64], [0, -0.8, 0.6]]))


@pytest.mark.parametrize(
    "affine",
    [
        np.diag([1.0, 1, 0, 1]),
        np.full((4, 4), np.nan),
        np.eye(3),
        np.array([[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
        np.diag([1.0, 1, 1, 2]),
    ],
    ids=["no step", "not finite", "3 x 3", "axes in one plane", "last row"],
)
def test_a_grid_refuses_a_matrix_that_places_nothing(affine: np.ndarray) -> None:
    with pytest.raises(ValueError, match="affine"):
        Grid((2, 2, 2), affine)


def test_a_grid_refuses_an_empty_extent() -> None:
    with pytest.raises(ValueError, match="extents"):
        Grid((2, 0, 2), np.eye(4))


def test_the_matrix_of_a_grid_cannot_be_changed() -> None:
    source = np.eye(4)
    grid = Grid((2, 2, 2), source)
    source[0, 3] = 5
    assert grid.origin_lps.tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="read-only"):
        grid.affine_lps[0, 3] = 5


def test_grids_are_the_same_when_no_voxel_is_off_by_more_than_the_tolerance() -> None:
    grid = Grid((11, 11, 11), np.eye(4))
    stretched = np.diag([1.002, 1, 1, 1])
    assert same_grid(grid, Grid((11, 11, 11), stretched), 0.03)
    assert not same_grid(grid, Grid((11, 11, 11), stretched), 0.01)
    assert not same_grid(grid, Grid((11, 11, 10), np.eye(4)))


@pytest.mark.parametrize(
    ("orientation", "name"),
    [
        ((1, 0, 0, 0, 1, 0), "axial"),
        ((1, 0, 0, 0, 0, -1), "coronal"),
        ((0, 1, 0, 0, 0, -1), "sagittal"),
        ((1, 0, 0, 0, 0.8, -0.6), "axial"),
        ((0.8, 0.6, 0, -0.36, 0.48, -0.8), "oblique"),
    ],
)
def test_planes_are_named_by_the_nearest_axis(orientation: tuple[float, ...], name: str) -> None:
    assert plane_name(orientation) == name


def test_a_direction_without_length_has_no_letters() -> None:
    with pytest.raises(ValueError, match="leads nowhere"):
        orientation_letters((0, 0, 0))
