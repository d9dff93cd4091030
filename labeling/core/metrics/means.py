"""Means of figures over a set of cells (or humans) that the data fix, in the data and in resamples of them.

A resample in which one of the set is undefined has no mean: one over the others would be of another quantity, often far
from it, since what drops out is rare and rare cells are hard. Resamples that have a mean are taken for all of them only
where they are nearly all, since what is left out is not left out by chance.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST_DEFINED: Final = 0.9


def mean_over(figures: Floats, counted: Bools) -> Floats:
    """Mean over the last axis of those that are `counted`: NaN where one of them is, and where none is counted."""
    n = counted.sum(axis=-1)
    total = np.where(counted, figures, 0.0).sum(axis=-1)
    return np.asarray(np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0))


def where_both(figures: Floats) -> Floats:
    """Figures `(..., 2, cells)` of two sides, undefined where either is: only such a cell is in the mean of either."""
    return np.where(np.isnan(figures).any(axis=-2, keepdims=True), np.nan, figures)


def are_enough(samples: Floats) -> Bools:
    """Whether, over axis 0, so many samples are defined that they can stand for all."""
    return np.asarray((~np.isnan(samples)).sum(axis=0) >= LEAST_DEFINED * samples.shape[0])
