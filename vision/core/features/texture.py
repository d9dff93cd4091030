"""Texture: how often grey levels lie side by side in three dimensions (Haralick 1973; IBSI 3.6).

One symmetric matrix holds the pairs at distance one in all 13 directions. No maintained package that installs
everywhere computes it in three dimensions inside a mask; a test compares it with PyRadiomics.
"""

import itertools
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Levels = NDArray[np.int32]

NAMES: Final = (
    "contrast",
    "dissimilarity",
    "homogeneity",
    "joint_energy",
    "joint_entropy",
    "correlation",
    "cluster_shade",
    "cluster_prominence",
)
_MOST_LEVELS: Final = 256
# Half of the 26 neighbours: the other half are the same pairs.
_DIRECTIONS: Final = [step for step in itertools.product((-1, 0, 1), repeat=3) if step > (0, 0, 0)]


def by_width(voxels: NDArray[Any], inside: NDArray[np.bool_], *, width: float, lowest: float) -> Levels:
    """Grey levels from 1 in steps of `width` from `lowest`; 0 is outside. Beyond 256 levels is the last."""
    level = np.floor((voxels - lowest) / width).astype(np.int32) + 1
    return np.where(inside, np.clip(level, 1, _MOST_LEVELS), 0).astype(np.int32)


def by_number(voxels: NDArray[Any], inside: NDArray[np.bool_], *, n_levels: int) -> Levels:
    """Grey levels 1 to `n_levels` between the least and the greatest value inside; 0 is outside."""
    low, high = float(voxels[inside].min()), float(voxels[inside].max())
    if high <= low:
        return inside.astype(np.int32)
    level = np.floor((voxels - low) / (high - low) * n_levels).astype(np.int32) + 1
    return np.where(inside, np.clip(level, 1, n_levels), 0).astype(np.int32)


def co_occurrence(levels: Levels) -> Floats:
    """Shares `(levels, levels)` of the neighbouring pairs, symmetric; zeros where there is no pair. 0 is outside."""
    side = int(levels.max(initial=0)) + 1
    counts = np.zeros(side * side, np.int64)
    for step in _DIRECTIONS:
        here, there = (levels[box] for box in _shifted(step))
        counts += np.bincount((here * side + there).ravel(), minlength=side * side)
    matrix = counts.reshape(side, side)[1:, 1:].astype(np.float64)
    matrix = matrix + matrix.T
    total = matrix.sum()
    return matrix / total if total else matrix


def texture(levels: Levels) -> Floats:
    """The figures `NAMES`. Without a pair all are 0; correlation of one grey level is 1, as IBSI has it."""
    shares = co_occurrence(levels)
    if not shares.any():
        return np.zeros(len(NAMES))
    i, j = np.indices(shares.shape) + 1.0
    mean = float((i * shares).sum())
    variance = float(((i - mean) ** 2 * shares).sum())
    apart = np.abs(i - j)
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    together = i + j - 2 * mean
    covariance = float(((i - mean) * (j - mean) * shares).sum())
    return np.array(
        [
            (apart**2 * shares).sum(),
            (apart * shares).sum(),
            (shares / (1 + apart**2)).sum(),
            (shares**2).sum(),
            -(shares * logs).sum(),
            covariance / variance if variance > 0 else 1.0,
            (together**3 * shares).sum(),
            (together**4 * shares).sum(),
        ]
    )


def _shifted(step: tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The box of voxels that have a neighbour at `step`, and the box of those neighbours."""
    here = tuple(slice(None, -1) if part > 0 else slice(1, None) if part < 0 else slice(None) for part in step)
    there = tuple(slice(1, None) if part > 0 else slice(None, -1) if part < 0 else slice(None) for part in step)
    return here, there
