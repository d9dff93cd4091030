"""Standard errors of figures by leaving out one cluster at a time, and intervals made of them.

With few clusters an interval of resamples is too narrow. The jackknife error is a little too large rather than too
small, and the quantile of Student's t with as many degrees as clusters that speak, less one, does the rest (Efron and
Tibshirani 1993, ch. 11; MacKinnon, Nielsen and Webb 2023).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Whole = NDArray[np.integer]

# Numbers in one block of a jackknife: some 32 MiB.
_BLOCK: Final = 4_000_000
_SERIES_TO: Final = 200
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class Jackknifed:
    """Figures of the data, their standard errors, and how many clusters change each.

    An error is NaN where a figure rests on one cluster, without which it is undefined.
    """

    values: Floats
    errors: Floats
    n_speaking: Ints

    def interval(self, *, level: float = 0.95) -> tuple[Floats, Floats]:
        """Lower and upper end by Student's t; NaN where no cluster, or one alone, changes the figure."""
        wide = self.errors * t_quantiles(self.n_speaking - 1, level=level)
        return self.values - wide, self.values + wide


def jackknifed(sums: Whole, figures: Callable[[Whole], Floats]) -> Jackknifed:
    """`figures` makes figures `(..., *out)` of sums `(..., *shape)`; `sums` by cluster are `(clusters, *shape)`."""
    whole = np.asarray(sums.sum(axis=0))
    values = figures(whole)
    total, squares = np.zeros(np.shape(values)), np.zeros(np.shape(values))
    n_speaking = np.zeros(np.shape(values), np.int64)
    is_held = np.zeros(np.shape(values), bool)
    speaks = np.flatnonzero(sums.any(axis=tuple(range(1, sums.ndim))))
    step = max(1, _BLOCK // max(1, whole.size))
    for start in range(0, len(speaks), step):
        change = values - figures(whole - sums[speaks[start : start + step]])
        is_held |= (np.isnan(change) & ~np.isnan(values)).any(axis=0)
        n_speaking += (np.abs(change) > 1e-15).sum(axis=0)
        total, squares = total + change.sum(axis=0), squares + (change * change).sum(axis=0)
    n = max(1, len(speaks))
    errors = np.sqrt(np.maximum(squares - total * total / n, 0.0) * (n - 1) / n)
    is_defined = ~is_held & ~np.isnan(values) & (n_speaking > 1)
    return Jackknifed(values, np.where(is_defined, errors, np.nan), n_speaking)


def wilson_interval(share: Floats, *, error: Floats, n_clusters: Ints) -> tuple[Floats, Floats]:
    """Ends of shares whose standard errors are known: Wilson's, of as many independent answers as give that error.

    Where all or none are counted the error is 0: then every cluster is one answer (Korn and Graubard 1998 use the
    same two rules for another interval).
    """
    varies = (share > 0) & (share < 1) & (error > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        n = np.where(varies, share * (1 - share) / error**2, n_clusters.astype(np.float64))
        t = t_quantiles(n_clusters - 1)
        centre, wide = share + t * t / (2 * n), t * np.sqrt(share * (1 - share) / n + t * t / (4 * n * n))
        low, high = (centre - wide) / (1 + t * t / n), (centre + wide) / (1 + t * t / n)
    is_undefined = np.isnan(share) | np.isnan(error) | (n_clusters < 2)
    return np.where(is_undefined, np.nan, np.maximum(low, 0.0)), np.where(is_undefined, np.nan, np.minimum(high, 1.0))


def t_quantiles(degrees: Ints, *, level: float = 0.95) -> Floats:
    """Two-sided quantile of Student's t for each number of degrees; NaN for fewer than one."""
    found = [_t_quantile(int(each), level) for each in np.ravel(degrees)]
    return np.array(found, np.float64).reshape(np.shape(degrees))


@lru_cache(maxsize=1024)
def _t_quantile(degrees: int, level: float) -> float:
    """By bisection of the exact series (Abramowitz and Stegun 26.7.3), and with many degrees by 26.7.5."""
    if degrees < 1:
        return math.nan
    z = _NORMAL.inv_cdf((1 + level) / 2)
    if degrees > _SERIES_TO:
        return z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < level else (low, middle)
    return math.tan(low) * math.sqrt(degrees)


def _within(theta: float, degrees: int) -> float:
    """How likely |t| is below tan(theta) times the root of its degrees."""
    sine, cosine = math.sin(theta), math.cos(theta)
    term, total = (cosine if degrees % 2 else 1.0), 0.0
    for k in range(degrees % 2, degrees - 1, 2):
        total += term
        term *= cosine * cosine * (k + 1) / (k + 2)
    if degrees % 2:
        return 2 / math.pi * (theta + (sine * total if degrees > 1 else 0.0))
    return sine * total
