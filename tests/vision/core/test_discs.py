"""Disc volumes lie along their disc, whatever finds it."""

import itertools

import numpy as np
import pytest

from labeling.core.schema_yaml import load_preset
from tests.shared_data import shared_data
from vision.core.discs import (
    SHAPE,
    disc_grid,
    disc_volume,
    level_of,
    places_in_mask,
    places_of_landmarks,
    read_landmarks,
)
from vision.core.geometry import Grid, index_to_world, orientation_letters, world_to_index
from vision.core.mask_classes import LabelMap, MaskClass, built_in_classes, named_classes
from vision.core.masks import label_map_of
from vision.core.nifti import read_nifti
from vision.core.phantoms import lumbar
from vision.core.phantoms.shapes import Canvas, Ellipsoid, sagittal
from vision.core.refusals import ImageRefused
from vision.core.regions import Region, regions_of
from vision.core.volumes import Volume

LEVELS = regions_of(load_preset("spine-mri"))
PLAN = lumbar.LumbarPlan(sac_mm={"L4-L5": 5.0})


@pytest.fixture(scope="module")
def canvas() -> Canvas:
    drawn = sagittal(size=256, fov_mm=300, first_x=-28, spacing_mm=4, n_images=15, y=-14, z=10)
    lumbar.paint_lumbar(drawn, PLAN)
    return drawn


@pytest.fixture(scope="module")
def spine(canvas) -> tuple[Volume, LabelMap]:
    grid = Grid(canvas.voxels.shape, canvas.affine_lps())
    classes = tuple(MaskClass(value, name, "#ffffff") for name, value in lumbar.CLASSES.items())
    return Volume(canvas.voxels, grid), LabelMap(canvas.labels, grid, classes)


def drawn_middle(level: str) -> np.ndarray:
    return np.array(lumbar.spine_of(PLAN).middle(level))


def test_levels_are_read_from_the_masks_of_the_schema() -> None:
    assert [level_of(region) for region in LEVELS] == [("L3", "L4"), ("L4", "L5"), ("L5", "S1")]
    assert level_of(Region("liver", ("liver",))) is None


def test_discs_between_vertebrae_lie_where_they_were_drawn_and_tilt_with_them(spine) -> None:
    places = places_in_mask(spine[1], LEVELS)
    assert set(places) == {"L3-L4", "L4-L5", "L5-S1"}
    for level, place in places.items():
        assert np.linalg.norm(place.centre - drawn_middle(level)) < 3.5
        tilt = np.deg2rad(lumbar.spine_of(PLAN).tilt_deg(level))
        drawn_up = np.array([0, -np.sin(tilt), np.cos(tilt)])
        assert place.up @ drawn_up > np.cos(np.deg2rad(8))
        assert 28 < place.depth_mm < 42  # bodies are drawn 36 mm deep or less


def test_a_disc_volume_runs_down_back_and_to_the_right(spine) -> None:
    place = places_in_mask(spine[1], LEVELS)["L3-L4"]
    grid = disc_grid(place, slice_mm=4)
    assert grid.shape_kji == SHAPE == (9, 112, 224)
    assert [orientation_letters(grid.affine_lps[:3, axis])[0] for axis in range(3)] == ["P", "I", "R"]
    middle = (np.array(SHAPE[::-1]) - 1) / 2
    assert index_to_world(middle, grid.affine_lps) == pytest.approx(place.centre)


def test_a_spot_planted_behind_a_disc_shows_at_its_place_in_the_volume(spine) -> None:
    volume, label_map = spine
    place = places_in_mask(label_map, LEVELS)["L4-L5"]
    spot = place.centre + disc_grid(place, slice_mm=4).affine_lps[:3, 0] * 60  # 60 columns behind the middle
    k, j, i = np.indices(volume.voxels.shape)
    away = np.linalg.norm(index_to_world(np.stack([i, j, k], -1), volume.grid.affine_lps) - spot, axis=-1)
    disc = disc_volume(Volume(np.where(away < 4, 5000, volume.voxels).astype(np.float32), volume.grid), place)
    at = np.argwhere(disc.voxels == 1)
    assert np.median(at, axis=0)[1:] == pytest.approx([55.5, 171.5], abs=4)  # the middle, and 60 columns behind it


def test_bodies_are_a_quarter_and_beyond_the_image_is_zero(spine) -> None:
    volume, label_map = spine
    place = places_in_mask(label_map, LEVELS)["L4-L5"]
    disc = disc_volume(volume, place)
    assert 0 <= disc.voxels.min() <= disc.voxels.max() <= 1
    above = world_to_index(place.bodies[0] - place.up * 5, disc.grid.affine_lps)
    i, j, k = np.rint(above).astype(int)
    assert disc.voxels[k, j, i] == pytest.approx(0.25, abs=0.06)  # its own median: 1 x 0.5 / 2, less noise
    narrow = volume.voxels[6:9]  # 3 slices only
    affine = volume.grid.affine_lps.copy()
    affine[:3, 3] = index_to_world((0, 0, 6), volume.grid.affine_lps)
    few = disc_volume(Volume(narrow, Grid(narrow.shape, affine)), place)
    assert (few.voxels[0] == 0).all()
    assert (few.voxels[4] > 0).mean() > 0.9


def test_landmarks_give_the_same_discs_within_millimetres(spine) -> None:
    lines = ["vertebra,x_mm,y_mm,z_mm"]
    for name in ("L3", "L4", "L5"):
        x, y, z = lumbar.spine_of(PLAN).middle(name)
        lines.append(f"{name},{x},{y},{z}")
    places = places_of_landmarks(read_landmarks("\n".join(lines).encode()), LEVELS)
    assert set(places) == {"L3-L4", "L4-L5"}  # S1 has no landmark
    by_mask = places_in_mask(spine[1], LEVELS)
    for level, place in places.items():
        assert np.linalg.norm(place.centre - by_mask[level].centre) < 4
        assert place.up @ by_mask[level].up > np.cos(np.deg2rad(6))


def test_a_disc_that_has_a_class_of_its_own_is_found_by_its_flatness() -> None:
    drawn = sagittal(size=128, fov_mm=150, first_x=-20, spacing_mm=2, n_images=21, y=0, z=0)
    drawn.paint(Ellipsoid((0, 5, -10), (20, 17, 4), tilt_deg=20), 1, label=7)
    grid = Grid(drawn.labels.shape, drawn.affine_lps())
    label_map = LabelMap(drawn.labels, grid, (MaskClass(7, "disc_L4_L5", "#ffffff"),))
    place = places_in_mask(label_map, LEVELS)["L4-L5"]
    assert place.centre == pytest.approx([0, 5, -10], abs=0.5)
    # Drawn upwards and tilted by 20 degrees.
    assert place.up @ [0, -np.sin(np.deg2rad(20)), np.cos(np.deg2rad(20))] == pytest.approx(1, abs=0.01)
    assert place.depth_mm == pytest.approx(34, abs=3)


@pytest.mark.parametrize(
    "text",
    ["vertebra,x_mm,y_mm\nL4,1,2", "vertebra,x_mm,y_mm,z_mm\nliver,1,2,3", "vertebra,x_mm,y_mm,z_mm\nL4,1,nan,2"],
)
def test_landmarks_that_cannot_be_read_say_what_is_expected(text) -> None:
    with pytest.raises(ImageRefused, match="expected columns vertebra, x_mm, y_mm, z_mm"):
        read_landmarks(text.encode())


def test_bodies_without_signal_are_refused(spine) -> None:
    place = places_in_mask(spine[1], LEVELS)["L4-L5"]
    dark = Volume(np.zeros_like(spine[0].voxels), spine[0].grid)
    with pytest.raises(ImageRefused, match="no signal"):
        disc_volume(dark, place)


def test_real_vertebrae_of_a_ct_give_discs_between_their_bodies_and_none_beside_a_cut_one() -> None:
    folder = shared_data("ct_abdomen/spine_report/example_ct_report")
    read = label_map_of(read_nifti(folder / "totalseg.nii.gz"))
    classes = named_classes([known.value for known in read.classes], built_in_classes())
    names = [known.name for known in classes if known.name.startswith("vertebrae_")]
    pairs = [Region(upper, (upper, lower)) for lower, upper in itertools.pairwise(names)]
    places = places_in_mask(LabelMap(read.labels, read.grid, classes), pairs)
    # T11 is cut off by the upper edge: 76 voxels, beside 1,700 and more of the others.
    assert set(places) == {f"vertebrae_{name}" for name in ("L5", "L4", "L3", "L2", "L1", "T12")}
    bodies = label_map_of(read_nifti(folder / "totalseg_vertebrae_body.nii.gz"))
    for place in places.values():
        for i, j, k in np.rint(world_to_index(place.bodies, bodies.grid.affine_lps)).astype(int):
            assert bodies.labels[k, j, i] > 0, "the middle of a body lies in the mask of bodies"
