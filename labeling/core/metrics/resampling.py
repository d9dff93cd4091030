"""Resamples of counts, and intervals and p values made of them. Seeded; the number of cores changes nothing.

Drawing n pairs with replacement and counting them is the same as drawing the counts: a multinomial draw with the
observed shares (Efron and Tibshirani 1993, ch. 6). That is what `draw_pairs` does, a thousand times faster. When the
pairs come in clusters (patients), whole clusters are drawn: `draw_clusters`.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Entries of one block of weights (resamples x clusters): some 32 MiB.
_BLOCK = 4_000_000
_EXACT_IN_FLOAT32 = 2**24


def stream(seed: int, name: str) -> np.random.Generator:
    """Random numbers for what is called `name`: the same whatever else is drawn, in whatever order."""
    return np.random.default_rng([crc32(name.encode()), seed])


def draw_pairs(counts: Ints, *, n_resamples: int, rng: np.random.Generator) -> Ints:
    """Counts `(n_resamples, *counts.shape)` of resamples of the pairs that `counts` counts.

    No pairs give no pairs. Raises ValueError when a count is negative.
    """
    if counts.size and counts.min() < 0:
        raise ValueError(f"counts of pairs are 0 or more, got {counts.min()}")
    n = int(counts.sum())
    if n == 0:
        return np.zeros((n_resamples, *counts.shape), np.int64)
    drawn = rng.multinomial(n, counts.ravel() / n, size=n_resamples)
    return drawn.reshape(n_resamples, *counts.shape)


def draw_clusters(counts: NDArray[np.integer], *, n_resamples: int, rng: np.random.Generator) -> Ints:
    """Counts `(n_resamples, *shape)` when clusters are drawn with replacement; `counts` is `(clusters, *shape)`.

    One state of `rng` draws the same clusters whatever is counted.
    """
    weights = draw_weights(counts.shape[0], n_resamples=n_resamples, rng=rng)
    return weighted_sums(counts, weights, n_resamples=n_resamples)


def draw_weights(n_clusters: int, *, n_resamples: int, rng: np.random.Generator) -> Iterator[tuple[slice, Ints]]:
    """How often each cluster is drawn, `(resamples, clusters)`, in blocks of resamples and where these belong.

    No clusters give no blocks.
    """
    for rows in blocks_of(n_clusters, n_resamples=n_resamples):
        n_rows = rows.stop - rows.start
        picked = rng.integers(n_clusters, size=(n_rows, n_clusters), dtype=np.int64)
        picked += np.arange(n_rows)[:, np.newaxis] * n_clusters
        yield rows, np.bincount(picked.ravel(), minlength=n_rows * n_clusters).reshape(n_rows, n_clusters)


def blocks_of(n_clusters: int, *, n_resamples: int) -> Iterator[slice]:
    """Resamples whose weights fit into memory together. The size of blocks changes nothing that is drawn."""
    step = max(1, _BLOCK // max(1, n_clusters))
    for start in range(0, n_resamples if n_clusters else 0, step):
        yield slice(start, min(start + step, n_resamples))


def weighted_sums(
    counts: NDArray[np.integer], blocks: Iterable[tuple[slice, NDArray[np.integer]]], *, n_resamples: int
) -> Ints:
    """Sums `(n_resamples, *shape)` over the clusters of `counts`, weighted; `blocks` are as `draw_weights` gives them.

    The weights of a resample sum up to no more than there are clusters. Sums are of whole numbers that the type holds
    exactly, so that they are the same in any order and on any number of cores.
    """
    n_clusters, shape = counts.shape[0], counts.shape[1:]
    largest = max(abs(int(counts.max(initial=0))), abs(int(counts.min(initial=0))))
    dtype: type[np.floating] = np.float32 if n_clusters * largest < _EXACT_IN_FLOAT32 else np.float64
    flat: NDArray[Any] = counts.reshape(n_clusters, math.prod(shape)).astype(dtype)
    summed = np.zeros((n_resamples, flat.shape[1]), np.int64)
    for rows, weights in blocks:
        summed[rows] = weights.astype(dtype) @ flat
    return summed.reshape(n_resamples, *shape)


def percentile_interval(samples: Floats, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Lower and upper end over axis 0; samples in which the figure is undefined are left out. NaN when none is left."""
    tail = 100 * (1 - level) / 2
    if samples.shape[0] == 0 or np.isnan(samples).all():
        nothing = np.full(samples.shape[1:], np.nan)
        return nothing, nothing
    if not np.isnan(samples).any():
        low, high = np.percentile(samples, [tail, 100 - tail], axis=0)
        return low, high
    columns = samples.reshape(samples.shape[0], -1).T
    ends = np.full((2, columns.shape[0]), np.nan)
    for position, column in enumerate(columns):
        defined = column[~np.isnan(column)]
        if defined.size:
            ends[:, position] = np.percentile(defined, [tail, 100 - tail])
    low, high = ends.reshape(2, *samples.shape[1:])
    return low, high


def bootstrap_p(differences: Floats) -> Floats:
    """Two-sided p of "no difference" over axis 0: twice the smaller share of samples on one side of 0, zeros halved.

    Samples in which the difference is undefined are left out; NaN when none is left. Source: PROTOCOL 7.
    """
    is_defined = ~np.isnan(differences)
    n = is_defined.sum(axis=0)
    above = ((differences > 0) & is_defined).sum(axis=0) + ((differences == 0) & is_defined).sum(axis=0) / 2
    share = np.divide(above, n, out=np.full(np.shape(n), np.nan), where=n > 0)
    return np.asarray(2 * np.minimum(share, 1 - share))


def holm(p_values: Sequence[float]) -> list[float]:
    """p values corrected for their number (Holm 1979), in the order given. NaN stays, and does not count.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted((p, index) for index, p in enumerate(p_values) if not np.isnan(p))
    corrected = list(p_values)
    least = 0.0
    for rank, (p, index) in enumerate(order):
        least = max(least, min(1.0, (len(order) - rank) * p))
        corrected[index] = least
    return corrected
