"""Figures of scores in many resamples at once: cases are sorted once, and each resample weighs them.

A resample of clusters (patients) counts each case as often as its cluster was drawn. Its figures are those of
`metrics.scores` of vectors in which each case stands that many times. Matrices that are multiplied hold numbers whose
sums are exact, so that the number of cores changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.metrics.resampling import draw_weights
from labeling.core.metrics.scores import auroc, average_precision, between, bin_of, brier, equal_error, reliability

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Weights = NDArray[np.int32]

FIGURES: Final = ("auroc", "average_precision", "eer", "threshold", "brier", "ece")
_OF_RANKS: Final = 4

# Numbers of one block (cases x resamples): few enough for the cache of a core, enough to outweigh the steps of Python.
_BLOCK: Final = 1_000_000
# Multiples of this, and the sums of eight million of them, are exact in float64.
_UNIT: Final = 2.0**-30


@dataclass(frozen=True, slots=True)
class Scores:
    """Truth, score and probability of the cases of one condition, and the cluster of each: vectors of one length."""

    truth: Bools
    scores: Floats
    probability: Floats
    of_case: Ints

    def figures(self) -> Floats:
        """`FIGURES` of the cases as they are. Raises ValueError when a score or a probability cannot be."""
        equal = equal_error(self.truth, self.scores)
        by_rank = [each(self.truth, self.scores) for each in (auroc, average_precision)]
        error = reliability(self.truth, self.probability).expected_calibration_error
        return np.array([*by_rank, equal.rate, equal.threshold, brier(self.truth, self.probability), error])


@dataclass(frozen=True, slots=True)
class Ranking:
    """The cases of one condition for many resamples.

    `positive` and `negative` are the clusters of the cases of either truth, highest score first; `n_positive[k]` of
    them are among the `k` highest of the distinct scores `levels`. `errors` holds the sums over the cases of each
    cluster, `(clusters, 2 + bins)`: cases, squared errors, and probability - truth by bin of probabilities.
    """

    positive: Ints
    negative: Ints
    levels: Floats
    n_positive: Ints
    n_negative: Ints
    errors: Floats

    @classmethod
    def of(cls, cases: Scores, *, n_clusters: int) -> "Ranking":
        """Sorted once; scores are finite and probabilities 0 to 1."""
        levels = np.unique(cases.scores)[::-1]
        clusters, counts = [], []
        for is_kept in (cases.truth, ~cases.truth):
            order = np.argsort(-cases.scores[is_kept], kind="stable")
            clusters.append(cases.of_case[is_kept][order])
            at_least = np.searchsorted(-cases.scores[is_kept][order], -levels, "right")
            counts.append(np.concatenate([[0], at_least]).astype(np.int64))
        return cls(clusters[0], clusters[1], levels, counts[0], counts[1], _errors(cases, n_clusters))

    def by_rank(self, weights: Weights) -> Floats:
        """AUROC, average precision, equal error rate and its threshold, `(4, resamples)`.

        `weights` is `(clusters, resamples)`: how often each was drawn.
        """
        found = np.empty((_OF_RANKS, weights.shape[1]))
        step = max(1, _BLOCK // max(1, self.positive.size + self.negative.size))
        for start in range(0, weights.shape[1], step):
            part = np.ascontiguousarray(weights[:, start : start + step])
            curves = _Curves(self, _cumulated(part, self.positive), _cumulated(part, self.negative))
            found[:, start : start + step] = [*curves.areas(), *curves.equal_error()]
        return found

    def by_probability(self, weights: Floats) -> Floats:
        """Brier score and expected calibration error, `(2, resamples)`; `weights` is `(resamples, clusters)`."""
        n, squared, *of_bins = (weights @ self.errors).T
        return np.stack([_ratio(squared, n), _ratio(np.abs(of_bins).sum(axis=0), n)])


@dataclass(frozen=True, slots=True)
class _Curves:
    """How much weight the highest cases of either truth have in each resample, `(1 + cases, resamples)`."""

    ranking: Ranking
    positive: Weights
    negative: Weights

    @property
    def totals(self) -> tuple[Floats, Floats]:
        return self.positive[-1].astype(np.float64), self.negative[-1].astype(np.float64)

    def called(self, k: Ints) -> tuple[Floats, Floats]:
        """Positives and negatives of resample i that score at least the `k[i]`-th level."""
        resamples = np.arange(k.size)
        true = self.positive[self.ranking.n_positive[k], resamples]
        return true.astype(np.float64), self.negative[self.ranking.n_negative[k], resamples].astype(np.float64)

    def areas(self) -> tuple[Floats, Floats]:
        """AUROC and average precision: sums over the levels at which there are positives."""
        p, n = self.totals
        levels = np.flatnonzero(np.diff(self.ranking.n_positive))
        true = self.positive[self.ranking.n_positive[levels + 1]]
        false, above = (self.negative[self.ranking.n_negative[each]] for each in (levels + 1, levels))
        gained = np.diff(true, axis=0, prepend=0).astype(np.float64)
        beaten = np.einsum("kb,kb->b", gained, (above + false).astype(np.float64)) / 2
        precision = np.divide(true, true + false, out=np.zeros(true.shape), where=gained > 0)
        return _ratio(p * n - beaten, p * n), _ratio(np.einsum("kb,kb->b", gained, precision), p)

    def equal_error(self) -> tuple[Floats, Floats]:
        """Rate and threshold. Errors of the two kinds cross once, so that the place is found by halving."""
        p, n = self.totals
        if not self.ranking.levels.size:
            return np.full(p.shape, np.nan), np.full(p.shape, np.nan)

        def errors(k: Ints) -> Floats:
            """Missed and taken when the `k` highest levels are called positive, both times p * n."""
            true, false = self.called(k)
            return np.stack([(p - true) * n, false * p])

        def has_crossed(k: Ints) -> Bools:
            missed, taken = errors(k)
            return np.asarray(missed < taken)

        after = self._first(has_crossed)
        sides = np.stack([errors(after - 1), errors(after)])
        apart, total = np.abs(sides[:, 0] - sides[:, 1]), sides.sum(axis=1)
        is_after = (apart[1] < apart[0]) | ((apart[1] == apart[0]) & (total[1] < total[0]))
        best = np.where(is_after, after, after - 1)
        n_called = np.sum(self.called(best), axis=0)
        # The neighbours that the resample holds: other levels have no weight in it.
        upper = self._first(lambda k: np.asarray(np.sum(self.called(k), axis=0) >= n_called))
        lower = self._first(lambda k: np.asarray(np.sum(self.called(k), axis=0) > n_called))
        is_defined = (p > 0) & (n > 0) & (n_called > 0) & (n_called < p + n)
        cuts = between(self.ranking.levels[lower - 1], self.ranking.levels[upper - 1])
        rate = _ratio(np.where(is_after, sides[1, 1], sides[0, 1]), p * n)
        return np.where(is_defined, rate, np.nan), np.where(is_defined, cuts, np.nan)

    def _first(self, is_reached: Callable[[Ints], Bools]) -> Ints:
        """The least k from 1 for which it is true in each resample; the number of levels where it never is."""
        low = np.zeros(self.positive.shape[1], np.int64)
        high = np.full(low.shape, self.ranking.levels.size)
        while (high - low > 1).any():
            middle = (low + high) // 2
            reached = is_reached(middle)
            low, high = np.where(reached, low, middle), np.where(reached, middle, high)
        return high


def resampled(rankings: Sequence[Ranking], *, n_clusters: int, n_resamples: int, rng: np.random.Generator) -> Floats:
    """`FIGURES` of all rankings in the same resamples of clusters: `(rankings, figures, resamples)`."""
    drawn = np.full((len(rankings), len(FIGURES), n_resamples), np.nan)
    for rows, weights in draw_weights(n_clusters, n_resamples=n_resamples, rng=rng):
        of_cluster, as_floats = np.ascontiguousarray(weights.T.astype(np.int32)), weights.astype(np.float64)
        for index, ranking in enumerate(rankings):
            drawn[index, :_OF_RANKS, rows] = ranking.by_rank(of_cluster)
            drawn[index, _OF_RANKS:, rows] = ranking.by_probability(as_floats)
    return drawn


def _cumulated(weights: Weights, clusters: Ints) -> Weights:
    sums = np.zeros((clusters.size + 1, weights.shape[1]), np.int32)
    np.cumsum(weights[clusters], axis=0, dtype=np.int32, out=sums[1:])
    return sums


def _errors(cases: Scores, n_clusters: int) -> Floats:
    place = 2 + bin_of(cases.probability)
    apart = cases.probability - cases.truth
    n_columns = int(place.max(initial=2)) + 1
    flat = np.concatenate([cases.of_case * n_columns + column for column in (0, 1, place)])
    values = np.concatenate([np.ones(apart.shape), *(_UNIT * np.round(each / _UNIT) for each in (apart**2, apart))])
    sums: Floats = np.bincount(flat, weights=values, minlength=n_clusters * n_columns).astype(np.float64)
    return sums.reshape(n_clusters, n_columns)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole != 0))
