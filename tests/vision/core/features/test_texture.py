"""Grey levels side by side, on the digital phantom of the Image Biomarker Standardisation Initiative (IBSI)."""

import itertools

import numpy as np
import pytest

from vision.core.features.texture import NAMES, by_number, by_width, co_occurrence, texture

# The phantom of IBSI's reference manual (version 11, section 5.1): 4 x 4 x 5 voxels, 74 of them inside (0 is outside).
PHANTOM = np.array(
    [
        [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [0, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [1, 1, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
    ],
    np.int32,
)
# By PyRadiomics (pyradiomics-bhklab 3.1.4) with binWidth 1, symmetric, all directions in one matrix.
BY_PYRADIOMICS = {
    "contrast": 5.11764705882353,
    "dissimilarity": 1.3795066413662238,
    "homogeneity": 0.6306378630856809,
    "joint_energy": 0.2909508909764555,
    "joint_entropy": 2.5738963770752648,
    "correlation": 0.1831267613647629,
    "cluster_shade": 17.419205415886605,
    "cluster_prominence": 147.46389960668301,
}


def test_figures_of_the_standard_phantom_are_those_of_pyradiomics() -> None:
    assert (PHANTOM > 0).sum() == 74
    assert dict(zip(NAMES, texture(PHANTOM), strict=True)) == pytest.approx(BY_PYRADIOMICS)


def test_pairs_are_those_that_a_plain_loop_finds() -> None:
    levels = np.random.default_rng(2).integers(0, 4, (4, 5, 6)).astype(np.int32)
    counts = np.zeros((3, 3))
    for at in itertools.product(*map(range, levels.shape)):
        for step in itertools.product((-1, 0, 1), repeat=3):
            there = tuple(np.add(at, step))
            if any(step) and all(0 <= part < side for part, side in zip(there, levels.shape, strict=True)):
                a, b = levels[at], levels[there]
                if a and b:
                    counts[a - 1, b - 1] += 1
    assert co_occurrence(levels) == pytest.approx(counts / counts.sum())


def test_levels_by_width_start_at_the_lowest_value_and_end_at_256() -> None:
    voxels, inside = np.array([-1000.0, -975, 25, 1e6, 40]), np.array([True, True, True, True, False])
    # (25 + 1000) / 25 = 41 whole steps, so level 42.
    assert by_width(voxels, inside, width=25, lowest=-1000).tolist() == [1, 2, 42, 256, 0]


def test_levels_by_number_span_what_is_inside() -> None:
    voxels, inside = np.array([10.0, 20, 15, 99]), np.array([True, True, True, False])
    assert by_number(voxels, inside, n_levels=4).tolist() == [1, 4, 3, 0]
    assert by_number(np.full(3, 7.0), np.array([True, True, False]), n_levels=4).tolist() == [1, 1, 0]


def test_one_voxel_has_no_pair_and_one_level_is_even() -> None:
    assert (texture(np.array([[[3]]], np.int32)) == 0).all()
    even = dict(zip(NAMES, texture(np.full((3, 3, 3), 2, np.int32)), strict=True))
    assert (even["contrast"], even["joint_energy"], even["joint_entropy"], even["correlation"]) == (0, 1, 0, 1)
