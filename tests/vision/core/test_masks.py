"""Label maps on the grid of a series: reordered exactly, or sampled with a note, or refused."""

import io
import itertools
import tracemalloc

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread

from tests.shared_data import shared_data
from vision.core.geometry import Grid, affine_from_dicom, index_to_world, world_to_index
from vision.core.mask_classes import built_in_classes
from vision.core.masks import LabelMap, MaskClass, label_map_of, merge_class_files, on_grid
from vision.core.nifti import NiftiVolume, read_nifti
from vision.core.refusals import ImageRefused

AFFINE = np.array([[0.7, 0, 0, -30], [0, 0.8, 0, 12], [0, 0, 3.0, 100], [0, 0, 0, 1.0]])
GRID = Grid((4, 3, 5), AFFINE)
LABELS = np.arange(60, dtype=np.uint8).reshape(4, 3, 5)
CLASSES = tuple(MaskClass(value, f"class {value}", "#000000") for value in range(1, 60))
MAP = LabelMap(LABELS, GRID, CLASSES)


def volume(
    voxels: np.ndarray, *, affine_lps: np.ndarray = AFFINE, slope: float = 1.0, intercept: float = 0.0
) -> NiftiVolume:
    shape = (voxels.shape[0], voxels.shape[1], voxels.shape[2])
    return NiftiVolume(Grid(shape, affine_lps), voxels, slope, intercept, 0, ())


def turned(order: tuple[int, ...], flips: tuple[bool, ...]) -> Grid:
    """The grid of MAP with its axes in another order (of i, j, k) and direction."""
    shape_ijk = GRID.shape_kji[::-1]
    affine = np.eye(4)
    affine[:3, 3] = GRID.origin_lps
    for axis, source in enumerate(order):
        step = AFFINE[:3, source]
        affine[:3, axis] = -step if flips[axis] else step
        affine[:3, 3] += step * (shape_ijk[source] - 1) if flips[axis] else 0
    sides = [shape_ijk[source] for source in order]
    return Grid((sides[2], sides[1], sides[0]), affine)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("flips", list(itertools.product([False, True], repeat=3)))
def test_axes_in_another_order_or_direction_are_reordered_without_loss(
    order: tuple[int, ...], flips: tuple[bool, ...]
) -> None:
    grid = turned(order, flips)
    moved, note = on_grid(MAP, grid)
    assert note is None
    assert moved.classes == MAP.classes
    for j, k in itertools.product(range(grid.shape_kji[1]), range(grid.shape_kji[0])):
        i = 0
        at = np.rint(world_to_index(index_to_world([i, j, k], grid.affine_lps), AFFINE)).astype(int)
        assert moved.labels[k, j, i] == LABELS[at[2], at[1], at[0]]
    back, _ = on_grid(moved, GRID)
    assert np.array_equal(back.labels, LABELS)


@settings(deadline=None, max_examples=60)
@given(
    offset=st.tuples(*[st.floats(-2, 2)] * 3),
    spacing=st.tuples(*[st.floats(0.4, 4)] * 3),
    angle=st.sampled_from([0.0, 0.3, 1.2]),
    shape=st.tuples(*[st.integers(1, 6)] * 3),
)
def test_any_other_grid_takes_the_nearest_voxel(
    offset: tuple[float, ...], spacing: tuple[float, ...], angle: float, shape: tuple[int, int, int]
) -> None:
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn * np.array(spacing), GRID.origin_lps + np.array(offset)
    grid = Grid(shape, affine)
    expected = np.zeros(shape, dtype=np.uint8)
    is_near_tie = False
    for k, j, i in np.ndindex(shape):
        at = world_to_index(index_to_world([i, j, k], affine), AFFINE)
        is_near_tie |= bool((np.abs(at - np.floor(at) - 0.5) < 1e-6).any())
        index = np.floor(at + 0.5).astype(int)
        if (index >= 0).all() and (index < GRID.shape_kji[::-1]).all():
            expected[k, j, i] = LABELS[index[2], index[1], index[0]]
    if is_near_tie:
        return
    if not expected.any():
        with pytest.raises(ImageRefused):
            on_grid(MAP, grid)
        return
    moved, _ = on_grid(MAP, grid)
    assert np.array_equal(moved.labels, expected)
    assert {known.value for known in moved.classes} == set(np.unique(expected).tolist()) - {0}


def test_a_mask_of_another_place_is_refused() -> None:
    far = AFFINE.copy()
    far[2, 3] = 900
    with pytest.raises(ImageRefused) as caught:
        on_grid(MAP, Grid(GRID.shape_kji, far))
    assert caught.value.code == "mask_elsewhere"


def test_the_note_says_what_was_moved_and_what_was_lost() -> None:
    half = Grid((2, 3, 5), AFFINE)
    moved, note = on_grid(MAP, half)
    assert np.array_equal(moved.labels, LABELS[:2])
    assert note is not None
    assert "0.7 x 0.8 x 3 mm" in note
    assert "51% of the marked volume lies beyond the series" in note  # 30 of 59 marked voxels
    assert "30 classes have no voxel left" in note


def test_an_empty_mask_is_no_mask_of_another_place() -> None:
    far = AFFINE.copy()
    far[2, 3] = 900
    moved, _ = on_grid(LabelMap(np.zeros((4, 3, 5), np.uint8), GRID, ()), Grid((2, 2, 2), far))
    assert not moved.labels.any()


def test_resampling_takes_the_memory_of_its_result() -> None:
    labels = np.ones((64, 64, 64), dtype=np.uint8)
    source = LabelMap(labels, Grid((64, 64, 64), np.eye(4)), (CLASSES[0],))
    turn = np.array([[0.5, -0.1, 0, 0], [0.1, 0.5, 0, 0], [0, 0, 0.3, 0], [0, 0, 0, 1]])
    tracemalloc.start()
    moved, _ = on_grid(source, Grid((200, 128, 128), turn))
    assert tracemalloc.get_traced_memory()[1] < 3 * moved.labels.nbytes
    tracemalloc.stop()


def test_a_nifti_mask_brings_its_names_from_its_own_label_table() -> None:
    label_map = label_map_of(read_nifti(shared_data("ct_abdomen/mask_of_dicom.nii.gz")))
    names = {known.value: known.name for known in label_map.classes}
    assert (len(names), names[5], names[32], names[79]) == (31, "liver", "vertebrae_T12", "spinal_cord")
    assert label_map.labels.dtype == np.uint8


def test_a_table_of_the_user_goes_before_that_of_the_file() -> None:
    label_map = label_map_of(volume(np.array([[[0, 3, 9]]], np.int16)), classes=[MaskClass(3, "lesion", "#ff0000")])
    assert [(known.value, known.name) for known in label_map.classes] == [(3, "lesion"), (9, "class 9")]


def test_whole_numbers_stored_as_scaled_or_floats_are_labels() -> None:
    floats = label_map_of(volume(np.array([[[0.0, 1.0, 300.0]]], np.float32)))
    scaled = label_map_of(volume(np.array([[[-2, -1, 0]]], np.int16), slope=2.0, intercept=4.0))
    assert floats.labels.tolist() == [[[0, 1, 300]]]
    assert scaled.labels.tolist() == [[[0, 2, 4]]]


@pytest.mark.parametrize(
    "voxels",
    [
        np.array([[[0.0, 0.5]]], np.float32),
        np.array([[[0.0, np.nan]]], np.float32),
        np.array([[[-1, 2]]], np.int16),
        np.array([[[0, 70_000]]], np.int32),
        np.array([[[0.0, 1e30]]], np.float64),
        np.arange(4_000, dtype=np.int32).reshape(1, 40, 100),
    ],
)
def test_images_are_not_taken_for_masks(voxels: np.ndarray) -> None:
    with pytest.raises(ImageRefused) as caught:
        label_map_of(volume(voxels))
    assert caught.value.code == "mask_values"


def test_files_of_one_class_each_become_one_map_where_the_smaller_class_wins() -> None:
    kidney, cyst, lesion, nothing = (np.zeros((1, 2, 6), np.uint8) for _ in range(4))
    kidney[0, :, :5], cyst[0, 0, 2:4], lesion[0, 1, 5] = 1, 1, 1
    files = {"kidney_left": kidney, "kidney_cyst_left": cyst, "my lesion": lesion, "liver": nothing}
    maps = [
        merge_class_files((name, volume(files[name])) for name in order) for order in (list(files), list(files)[::-1])
    ]
    for merged, note in maps:
        assert merged.labels[0].tolist() == [[3, 3, 23, 23, 3, 0], [3, 3, 3, 3, 3, 118]]
        assert [(known.value, known.name) for known in merged.classes] == [
            (3, "kidney_left"),
            (23, "kidney_cyst_left"),
            (118, "my lesion"),
        ]
        assert note == "2 voxels lie in two classes; the smaller class has them."


def test_files_of_one_mask_on_two_grids_are_refused() -> None:
    other = AFFINE.copy()
    other[0, 3] += 1
    files = [("liver", volume(LABELS)), ("spleen", volume(LABELS, affine_lps=other))]
    with pytest.raises(ImageRefused) as caught:
        merge_class_files(files)
    assert caught.value.code == "mask_grids_differ"


def test_the_mask_of_the_real_ct_lies_on_its_organs() -> None:
    """Mean Hounsfield units by class, with SimpleITK as the second reader of the series and resampler of the mask."""
    sitk = pytest.importorskip("SimpleITK")
    folder, mask_path = shared_data("ct_abdomen/dicom"), shared_data("ct_abdomen/mask_of_dicom.nii.gz")
    slices = sorted((dcmread(path) for path in folder.iterdir()), key=lambda ds: float(ds.ImagePositionPatient[2]))
    step = np.subtract(slices[1].ImagePositionPatient, slices[0].ImagePositionPatient)
    affine = affine_from_dicom(
        position_lps=slices[0].ImagePositionPatient,
        orientation=slices[0].ImageOrientationPatient,
        pixel_spacing_mm=(float(slices[0].PixelSpacing[0]), float(slices[0].PixelSpacing[1])),
        step_lps=step,
    )
    hu = np.stack([ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept) for ds in slices])
    label_map, note = on_grid(label_map_of(read_nifti(mask_path)), Grid((20, 512, 512), affine))
    assert note is None

    other = sitk.GetImageFromArray(hu.astype(np.float32))
    other.SetOrigin([float(value) for value in affine[:3, 3]])
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    other.SetSpacing([float(value) for value in spacing])
    other.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    resampled = sitk.Resample(sitk.ReadImage(str(mask_path)), other, sitk.Transform(), sitk.sitkNearestNeighbor)
    assert np.array_equal(sitk.GetArrayFromImage(resampled), label_map.labels)

    mean_hu = {known.name: float(hu[label_map.labels == known.value].mean()) for known in label_map.classes}
    assert 30 < mean_hu["liver"] < 150
    assert 20 < mean_hu["spleen"] < 160
    assert 80 < mean_hu["vertebrae_T12"] < 500
    assert -20 < mean_hu["autochthon_left"] < 90
    shifted = {
        name: float(hu[np.roll(label_map.labels, 60, 2) == value].mean()) for name, value in (("vertebrae_T12", 32),)
    }
    assert shifted["vertebrae_T12"] < 80


def test_masks_in_lps_and_ras_order_of_one_place_are_one() -> None:
    mr, mask = (read_nifti(shared_data(f"ct_abdomen/{name}.nii.gz")) for name in ("example_mr_sm", "example_seg_mr"))
    canonical = nibabel.as_closest_canonical(nibabel.load(shared_data("ct_abdomen/example_seg_mr.nii.gz")))
    header = nibabel.Nifti1Image(np.asarray(canonical.dataobj), canonical.affine).to_bytes()
    in_ras = label_map_of(read_nifti(io.BytesIO(header)), classes=built_in_classes("total_mr"))
    moved, note = on_grid(in_ras, mr.grid)
    assert note is None
    assert np.array_equal(moved.labels, mask.voxels)
