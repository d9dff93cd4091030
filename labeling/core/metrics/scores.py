"""How well a score tells present from absent: AUROC, average precision, the equal error rate and its threshold.

Scores are logit differences (METHODS D.2) or anything that is higher for "present"; a case is called positive when its
score is above the threshold. All are vectors over the cases of one cell. A figure of one class only is undefined: NaN.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class EqualError:
    """Where about as many positives are missed as negatives are taken: the share of those taken, and the threshold.

    NaN of one class.
    """

    rate: float
    threshold: float


def _classes(truth: Bools, scores: Floats) -> tuple[Floats, Floats]:
    if truth.shape != scores.shape or truth.ndim != 1:
        raise ValueError(f"truth {truth.shape} and scores {scores.shape} are vectors of one length")
    if not np.isfinite(scores).all():
        raise ValueError(f"{int((~np.isfinite(scores)).sum())} scores are no finite numbers")
    return np.sort(scores[truth]), np.sort(scores[~truth])


def auroc(truth: Bools, scores: Floats) -> float:
    """Chance that a positive scores higher than a negative, ties counting half (Mann and Whitney 1947).

    Raises ValueError when shapes differ or a score is not finite.
    """
    positive, negative = _classes(truth, scores)
    if not positive.size or not negative.size:
        return float("nan")
    below = np.searchsorted(negative, positive, "left").sum() + np.searchsorted(negative, positive, "right").sum()
    return float(below / 2 / positive.size / negative.size)


def average_precision(truth: Bools, scores: Floats) -> float:
    """Mean of the precision at each positive, cases of one score taken together, as in scikit-learn."""
    positive, negative = _classes(truth, scores)
    if not positive.size:
        return float("nan")
    at = np.unique(positive)
    n_true = positive.size - np.searchsorted(positive, at, "left")
    n_false = negative.size - np.searchsorted(negative, at, "left")
    gained = n_true - np.append(n_true[1:], 0)
    return float((gained * n_true / (n_true + n_false)).sum() / positive.size)


def equal_error(truth: Bools, scores: Floats) -> EqualError:
    """The equal error rate: the false positive rate where it is nearest to the false negative rate (METHODS D.2).

    Thresholds lie half way between neighbouring scores, so that no score of these cases is equal to one. Where several
    are as near, the one with the fewest errors counts, and of these the highest.
    """
    positive, negative = _classes(truth, scores)
    if not positive.size or not negative.size:
        return EqualError(float("nan"), float("nan"))
    levels = np.unique(scores)
    below = np.nextafter(levels[0], -np.inf)
    thresholds = np.concatenate([[below], (levels[:-1] + levels[1:]) / 2, levels[-1:]])
    missed = np.searchsorted(positive, thresholds, "right") / positive.size
    taken = 1 - np.searchsorted(negative, thresholds, "right") / negative.size
    apart = np.round(np.abs(missed - taken), 12)
    best = np.lexsort((-thresholds, np.round(missed + taken, 12), apart))[0]
    return EqualError(float(taken[best]), float(thresholds[best]))


def probability_of(logit_difference: Floats) -> Floats:
    """The model's probability of "yes" against "no": the logistic function of the difference."""
    return np.asarray(0.5 * (1 + np.tanh(np.asarray(logit_difference, np.float64) / 2)))


def brier(truth: Bools, probability: Floats) -> float:
    """Mean squared distance of probability and truth (Brier 1950); NaN of nothing."""
    return float(((probability - truth) ** 2).mean()) if truth.size else float("nan")


@dataclass(frozen=True, slots=True)
class Reliability:
    """For each bin of probabilities: cases, their mean probability and the share of positives; NaN where empty."""

    n: NDArray[np.int64]
    mean_probability: Floats
    share_positive: Floats

    @property
    def expected_calibration_error(self) -> float:
        """Distance of the two, weighted by cases (Naeini et al. 2015); NaN of nothing."""
        if not self.n.sum():
            return float("nan")
        distance = np.abs(self.mean_probability - self.share_positive)
        return float((np.where(self.n > 0, distance, 0.0) * self.n).sum() / self.n.sum())


def reliability(truth: Bools, probability: Floats, *, n_bins: int = 10) -> Reliability:
    """The reliability curve over `n_bins` bins of equal width. Raises ValueError for a probability beyond 0 to 1."""
    if probability.size and not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("probabilities are 0 to 1")
    place = np.minimum((probability * n_bins).astype(np.int64), n_bins - 1)
    n = np.bincount(place, minlength=n_bins)
    sums = [np.bincount(place, weights=each, minlength=n_bins) for each in (probability, truth.astype(np.float64))]
    means = [np.divide(each, n, out=np.full(n_bins, np.nan), where=n > 0) for each in sums]
    return Reliability(n, means[0], means[1])
