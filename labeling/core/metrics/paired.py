"""Tests of "no difference" between two systems that answered the same pairs."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.metrics.resampling import blocks_of, weighted_sums

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Above so many discordant pairs the chi-square distribution is as good, and faster.
_FEW: Final = 1000


def mcnemar_p(first_only: int, second_only: int) -> float:
    """Two-sided mid-p of McNemar's test, from the pairs that only one of two systems has right.

    The mid-p form keeps its level with few pairs, where the exact one is too careful (Fagerland, Lydersen and Laake
    2013). With more than 1,000 such pairs it is chi-square without correction. No such pairs: 1. The pairs are taken to
    be independent: one of each case, not several.
    """
    n, least = first_only + second_only, min(first_only, second_only)
    if n > _FEW:
        return math.erfc(abs(first_only - second_only) / math.sqrt(2 * n))
    ways, up_to = 1, 1
    for k in range(1, least + 1):
        ways = ways * (n - k + 1) // k
        up_to += ways
    return float((2 * up_to - ways) / 2**n)


def swap_clusters(joint: NDArray[np.integer], *, n_resamples: int, rng: np.random.Generator) -> Ints:
    """Tables `(n_resamples, *shape)` in which the two systems have changed places in half of the clusters, at random.

    `joint` counts `(clusters, *shape)`; the last two axes of `shape` are the answers of the two. A cluster is swapped
    as a whole, in all its cases and cells: "no difference" says that either answer could have come from either system.
    """
    n_clusters = joint.shape[0]
    change = joint.swapaxes(-1, -2) - joint

    swapped = (
        (rows, (rng.random((rows.stop - rows.start, n_clusters)) < 0.5).astype(np.int8))
        for rows in blocks_of(n_clusters, n_resamples=n_resamples)
    )
    return np.asarray(joint.sum(axis=0) + weighted_sums(change, swapped, n_resamples=n_resamples))


def permutation_p(differences: Floats, observed: Floats) -> Floats:
    """Two-sided p over axis 0: the share of differences as far from 0 as the observed one, which counts as one itself.

    Differences that are undefined are left out; NaN where the observed one is undefined. With the one added, p is never
    0 and the test keeps its level (Phipson and Smyth 2010).
    """
    is_defined = ~np.isnan(differences)
    # The same counts in another order may differ in the last digit.
    as_far = is_defined & (np.abs(differences) >= np.abs(observed) - 1e-12)
    p = (1 + as_far.sum(axis=0)) / (1 + is_defined.sum(axis=0))
    return np.asarray(np.where(np.isnan(observed), np.nan, p))
