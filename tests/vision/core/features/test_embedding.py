"""Maps of a network are pooled inside organs; the network itself may be any."""

import numpy as np
import pytest

from vision.core.features.embedding import OrganEmbedding, joined, nearest, pooled, prepared
from vision.core.features.extraction import Study
from vision.core.geometry import Grid
from vision.core.mask_classes import LabelMap, MaskClass
from vision.core.regions import Region
from vision.core.volumes import Volume


def test_pools_are_mean_maximum_and_minimum_and_a_missing_region_is_zeros() -> None:
    maps = np.array([[[[1, 2, 6, 9]]], [[[0, -4, 4, 9]]]], np.float32)  # 2 channels of 1 x 1 x 4
    values, found = pooled(maps, np.array([[[1, 1, 1, 0]]]), n_regions=2)
    assert values.tolist() == [[3, 0, 6, 4, 1, -4], [0] * 6]
    assert found.tolist() == [True, False]


def test_hu_become_0_to_255_less_50() -> None:
    voxels = np.array([[[-2000, -1024, 1023.5, 3071, 9000]]], np.float32)
    # METHODS F: clip to [-1024, 3071], scale to 0..255, subtract 50; 1023.5 is half way.
    assert prepared(Volume(voxels, Grid((1, 1, 5), np.eye(4)))).ravel().tolist() == [-50, -50, 77.5, 205, 205]


def test_a_coarse_map_is_enlarged_onto_the_fine_one() -> None:
    fine, coarse = np.zeros((1, 1, 1, 4), np.float32), np.array([[[[0, 4]]]], np.float32)
    # Centres of four fine voxels lie at -1/4, 1/4, 3/4 and 5/4 of the two coarse ones; beyond these it is level.
    assert joined([fine, coarse])[1].ravel().tolist() == [0, 1, 3, 4]


def test_labels_follow_the_centres_of_a_grid_of_another_shape() -> None:
    assert nearest(np.array([[[1, 2, 3, 4, 5]]]), (1, 1, 2)).ravel().tolist() == [2, 4]


def test_an_organ_is_measured_in_its_place_whatever_the_order_of_the_scan() -> None:
    """The network gives the coordinates of its voxels: pooled, they are the box of the organ."""
    for flip in (1, -1):
        affine = np.diag([flip * 4.0, 4.0, -4.0, 1])
        affine[:3, 3] = (0 if flip == 1 else 76, 0, 76)
        i, j, k = (slice(5, 8), slice(2, 4), slice(10, 14))
        labels = np.zeros((20, 20, 20), np.uint8)
        at = slice(20 - i.stop, 20 - i.start) if flip == -1 else i
        labels[k, j, at] = 5
        volume = np.where(labels, 200, 0).astype(np.float32)
        grid = Grid(labels.shape, affine)
        study = Study(Volume(volume, grid), LabelMap(labels, grid, (MaskClass(5, "liver", "#ffffff"),)))
        extractor = OrganEmbedding(lambda voxels: [voxels[None, ::2, ::2, ::2]], 1, "0")
        values, found = extractor.measure(study, [Region("liver", ("liver",)), Region("spleen", ("spleen",))])
        inside = (200 + 1024) / 4095 * 255 - 50
        assert found.tolist() == [True, False]
        assert values[0, 1] == pytest.approx(inside, abs=1e-3)  # the maximum is inside the organ, which is bright
        assert values[0, 0] > inside - 8
    with pytest.raises(ValueError, match="gives 1 channels, expected 2"):
        OrganEmbedding(lambda voxels: [voxels[None]], 2, "0").measure(study, [Region("liver", ("liver",))])
