"""Bias-corrected and accelerated intervals (Efron 1987; Efron and Tibshirani 1993, ch. 14.3).

The percentile interval takes the 2.5th and the 97.5th of 100 resamples. This one moves both ranks: by the bias (the
share of resamples below the figure of the data) and by the acceleration (how the standard error changes with the
figure, of a jackknife). Where resamples come in clusters, the jackknife leaves out one cluster at a time.

The bias is undefined when all resamples lie on one side of the figure, the ranks when the acceleration is so large that
they turn round: then both ends are NaN, never those of another method. Equal resamples give a point.
"""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.integer]

# Numbers in one block of a jackknife: some 32 MiB.
_BLOCK = 4_000_000
_NORMAL = NormalDist()


def acceleration(sums: Counts, figures: Callable[[Counts], Floats]) -> Floats:
    """Acceleration of each figure, from sums by cluster `(clusters, *shape)`.

    `figures` makes figures `(..., *out)` of sums `(..., *shape)`. Clusters without which a figure is undefined are left
    out of its jackknife. 0 where no cluster changes the figure, NaN where there is none.
    """
    whole = sums.sum(axis=0)
    value = figures(whole)
    n, first, second, third = (np.zeros(np.shape(value)) for _ in range(4))
    step = max(1, _BLOCK // max(1, whole.size, value.size))
    for start in range(0, sums.shape[0], step):
        change = value - figures(whole - sums[start : start + step])
        is_defined = ~np.isnan(change)
        change = np.where(is_defined, change, 0.0)
        n += is_defined.sum(axis=0)
        squared = change * change
        first, second = first + change.sum(axis=0), second + squared.sum(axis=0)
        third = third + (squared * change).sum(axis=0)
    mean = np.divide(first, n, out=np.full(np.shape(n), np.nan), where=n > 0)
    variation = second - mean * first
    skew = third - 3 * mean * second + 2 * mean**2 * first
    varies = variation > 1e-12 * second  # but for rounding
    found = np.divide(skew, 6 * np.abs(variation) ** 1.5, out=np.zeros(np.shape(n)), where=varies)
    return np.asarray(np.where(n > 0, found, np.nan))


def bca_interval(
    samples: Floats, *, values: Floats, accelerations: Floats, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Lower and upper end over axis 0 of `samples`, of figures whose `values` in the data and accelerations are given.

    Samples in which the figure is undefined are left out; ties with the value count half on either side.
    """
    columns = samples.reshape(samples.shape[0], math.prod(samples.shape[1:])).T
    ends = [
        _ends(column[~np.isnan(column)], value=float(value), accelerated=float(accelerated), level=level)
        for column, value, accelerated in zip(columns, np.ravel(values), np.ravel(accelerations), strict=True)
    ]
    low, high = np.array(ends).reshape(-1, 2).T.reshape(2, *samples.shape[1:])
    return low, high


def _ends(samples: Floats, *, value: float, accelerated: float, level: float) -> tuple[float, float]:
    n = samples.size
    n_below = int((samples < value).sum()) + int((samples == value).sum()) / 2
    if np.isnan(value) or np.isnan(accelerated) or not 0 < n_below < n:
        return np.nan, np.nan
    bias = _NORMAL.inv_cdf(n_below / n)
    ranks = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        moved = bias + _NORMAL.inv_cdf(tail)
        scale = 1 - accelerated * moved
        if scale <= 0:
            return np.nan, np.nan
        ranks.append(100 * _NORMAL.cdf(bias + moved / scale))
    low, high = np.percentile(samples, ranks)
    return float(low), float(high)
