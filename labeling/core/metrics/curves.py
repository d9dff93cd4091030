"""What each threshold would do: the operating points of a score, of which an ROC curve is drawn.

A case is called positive when its score is above the threshold.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.core.metrics.presence import Counts
from labeling.core.metrics.scores import thresholds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Points:
    """Thresholds, highest first, and the counts at each: vectors of one length."""

    thresholds: Floats
    counts: Counts

    @property
    def false_positive_rate(self) -> Floats:
        """Share of the negatives that are called positive; NaN without negatives."""
        return _share(self.counts.fp, self.counts.fp + self.counts.tn)

    @property
    def true_positive_rate(self) -> Floats:
        """Share of the positives that are called so; NaN without positives."""
        return _share(self.counts.tp, self.counts.n_positive)

    def __getitem__(self, index: Ints | Bools) -> "Points":
        """Some of the points."""
        counts = self.counts
        return Points(
            self.thresholds[index],
            Counts(counts.tp[index], counts.fp[index], counts.fn[index], counts.tn[index]),
        )


def points_at(truth: Bools, scores: Floats, cuts: Floats) -> Points:
    """The counts at the thresholds `cuts`."""
    above = [each.size - np.searchsorted(np.sort(each), cuts, "right") for each in (scores[truth], scores[~truth])]
    n_positive, n_negative = int(truth.sum()), int((~truth).sum())
    return Points(cuts, Counts(above[0], above[1], n_positive - above[0], n_negative - above[1]))


def points(truth: Bools, scores: Floats) -> Points:
    """Every operating point, from nothing called positive to everything; none of no cases."""
    return points_at(truth, scores, thresholds(scores))


def corners(all_points: Points) -> Bools:
    """Where the ROC curve bends: the points between lie on a straight line, and the curve is the same without."""
    steps = [np.diff(each) for each in (all_points.counts.tp, all_points.counts.fp)]
    bends = steps[0][1:] * steps[1][:-1] != steps[0][:-1] * steps[1][1:]
    is_corner = np.ones(all_points.thresholds.size, bool)
    is_corner[1:-1] = bends
    return is_corner


def thinned(all_points: Points, *, n_most: int, keep: Floats) -> Points:
    """At most `n_most` points: both ends, those at the thresholds `keep`, and others evenly along the ROC curve.

    Even steps along the curve are even in both rates together, so that a rare class has its share of points.
    """
    n = all_points.thresholds.size
    if n <= n_most:
        return all_points
    rates = (all_points.false_positive_rate, all_points.true_positive_rate)
    path = np.sum([np.nan_to_num(each) for each in rates], axis=0)
    kept = np.flatnonzero(np.isin(all_points.thresholds, keep))
    even = np.searchsorted(path, np.linspace(0, path[-1], n_most - kept.size))
    return all_points[np.unique(np.concatenate([[0, n - 1], even, kept]))]


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole != 0))
