"""Where a viewer moves to: inside an organ, between the bodies of two vertebrae."""

import numpy as np
import pytest

from tests.shared_data import shared_data
from vision.core.geometry import Grid, index_to_world
from vision.core.mask_classes import named_classes
from vision.core.masks import LabelMap, centre_between, centre_of, class_statistics, label_map_of
from vision.core.nifti import read_nifti

AFFINE = np.array([[2.0, 0, 0, -10], [0, 2.0, 0, 5], [0, 0, 4.0, 100], [0, 0, 0, 1.0]])


def label_map(labels: np.ndarray) -> LabelMap:
    shape = (labels.shape[0], labels.shape[1], labels.shape[2])
    return LabelMap(labels, Grid(shape, AFFINE), named_classes(np.unique(labels).tolist()))


def test_statistics_count_and_bound_each_class() -> None:
    labels = np.zeros((5, 8, 9), np.uint8)
    labels[1:4, 2:5, 3:8] = 7
    labels[2, 3, 5] = 2
    two, seven = class_statistics(label_map(labels))
    assert (two.value, two.n_voxels, two.bounds_ijk) == (2, 1, ((5, 3, 2), (5, 3, 2)))
    assert two.centre_lps_mm == (0.0, 11.0, 108.0)
    assert (seven.value, seven.n_voxels, seven.bounds_ijk) == (7, 44, ((3, 2, 1), (7, 4, 3)))
    assert seven.volume_ml == pytest.approx(44 * 2 * 2 * 4 / 1000)


def test_the_centre_of_a_bent_organ_lies_inside_it() -> None:
    labels = np.zeros((3, 40, 40), np.uint8)
    labels[1, 5:35, 5:35] = 4
    labels[1, 10:35, 10:30] = 0  # a horseshoe: its centroid is outside
    index, point = centre_of(label_map(labels), [4]) or pytest.fail("no centre")
    assert labels[index[::-1]] == 4
    assert point == tuple(index_to_world(index, AFFINE))


def test_the_centre_of_a_pair_lies_inside_one_of_both() -> None:
    labels = np.zeros((3, 30, 60), np.uint8)
    labels[1, 10:20, 5:15], labels[1, 10:20, 45:55] = 2, 3
    index, _ = centre_of(label_map(labels), [2, 3]) or pytest.fail("no centre")
    i, j, k = index
    assert labels[k, j, i] in (2, 3)
    assert labels[k, j - 3 : j + 4, i - 3 : i + 4].min() > 0


def test_nothing_marked_has_no_centre() -> None:
    labels = np.zeros((2, 3, 4), np.uint8)
    assert centre_of(label_map(labels), [1]) is None
    assert centre_between(label_map(labels), 1, 2) is None
    assert class_statistics(label_map(labels)) == []


def test_every_class_of_the_real_mask_has_its_centre_inside() -> None:
    mask = label_map_of(read_nifti(shared_data("ct_abdomen/mask_of_dicom.nii.gz")))
    statistics = class_statistics(mask)
    assert len(statistics) == len(mask.classes) == 31
    for found in statistics:
        i, j, k = found.centre_index
        assert mask.labels[k, j, i] == found.value
        assert found.n_voxels == int((mask.labels == found.value).sum())


@pytest.mark.parametrize("level", [(32, 31), (31, 30), (30, 29), (29, 28), (28, 27), (27, 26)])
def test_the_point_between_two_vertebrae_lies_in_the_disc(level: tuple[int, int]) -> None:
    """The discs (class 2) are a second mask of the same CT by another model of TotalSegmentator: T12-L1 to L5-S1."""
    folder = "ct_abdomen/spine_report/example_ct_report"
    vertebrae = label_map_of(read_nifti(shared_data(f"{folder}/totalseg.nii.gz")))
    discs = read_nifti(shared_data(f"{folder}/totalseg_vertebrae_body.nii.gz")).voxels
    index, point = centre_of(vertebrae, level) or pytest.fail("no centre")
    i, j, k = index
    assert discs[k, j, i] == 2
    assert np.abs(index_to_world(index, vertebrae.grid.affine_lps) - point).max() <= 1.5 + 1e-6  # half a voxel of 3 mm
    assert centre_between(vertebrae, *level) == (index, point)
    turned_round = centre_between(vertebrae, *level[::-1]) or pytest.fail("no centre")
    assert turned_round[1] == pytest.approx(point)
