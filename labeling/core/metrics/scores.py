"""How well a score tells present from absent: AUROC, average precision, the equal error rate and its threshold.

Scores are logit differences (METHODS D.2) or anything that is higher for "present"; a case is called positive when its
score is above the threshold. All are vectors over the cases of one cell. A figure of one class only is undefined: NaN.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class EqualError:
    """Where about as many positives are missed as negatives are taken: the share of those taken, and the threshold.

    NaN of one class, and of scores that are all the same: no threshold tells anything apart.
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

    Where several thresholds are as near, the one with the fewest errors counts, and of these the highest.
    """
    positive, negative = _classes(truth, scores)
    cuts = thresholds(scores)[1:-1]
    if not positive.size or not negative.size or not cuts.size:
        return EqualError(float("nan"), float("nan"))
    missed = np.searchsorted(positive, cuts, "right") / positive.size
    taken = 1 - np.searchsorted(negative, cuts, "right") / negative.size
    apart = np.round(np.abs(missed - taken), 12)
    best = np.lexsort((-cuts, np.round(missed + taken, 12), apart))[0]
    return EqualError(float(taken[best]), float(cuts[best]))


def thresholds(scores: Floats) -> Floats:
    """Every threshold that calls something else positive, highest first: from nothing to everything, empty of nothing.

    All but the ends lie half way between neighbouring scores, so that no score of these cases is equal to one.
    """
    levels = np.unique(scores)[::-1]
    if not levels.size:
        return levels
    return np.concatenate([levels[:1], between(levels[1:], levels[:-1]), [np.nextafter(levels[-1], -np.inf)]])


def between(lower: Floats, upper: Floats) -> Floats:
    """The thresholds half way that keep each two apart; the lower score where no number lies between them.

    So it is with probabilities next to 1: the score above it is positive, the score that equals it is not.
    """
    middle = lower / 2 + upper / 2
    return np.where(middle < upper, middle, lower)


def probability_of(logit_difference: Floats) -> Floats:
    """The model's probability of "yes" against "no": the logistic function of the difference."""
    return np.asarray(0.5 * (1 + np.tanh(np.asarray(logit_difference, np.float64) / 2)))


def brier(truth: Bools, probability: Floats) -> float:
    """Mean squared distance of probability and truth (Brier 1950); NaN of nothing."""
    return float(((probability - truth) ** 2).mean()) if truth.size else float("nan")


@dataclass(frozen=True, slots=True)
class Reliability:
    """For each bin of probabilities: cases, their mean probability and the share of positives; NaN where empty."""

    n: Ints
    mean_probability: Floats
    share_positive: Floats

    @property
    def expected_calibration_error(self) -> float:
        """Distance of the two, weighted by cases (Naeini et al. 2015); NaN of nothing."""
        if not self.n.sum():
            return float("nan")
        distance = np.abs(self.mean_probability - self.share_positive)
        return float((np.where(self.n > 0, distance, 0.0) * self.n).sum() / self.n.sum())


def wilson_interval(n_positive: Ints, n: Ints, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Lower and upper end of the share `n_positive / n` of independent cases (Wilson 1927); NaN of no cases."""
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    n_some = np.where(n > 0, n, np.nan)
    share = n_positive / n_some
    half = np.sqrt(z2 * (share * (1 - share) / n_some + z2 / (4 * n_some**2)))
    low, high = ((share + z2 / (2 * n_some) + sign * half) / (1 + z2 / n_some) for sign in (-1, 1))
    return np.maximum(low, 0.0), np.minimum(high, 1.0)


def bin_of(probability: Floats, *, n_bins: int = 10) -> Ints:
    """Which of the bins of equal width, from 0; the last holds 1."""
    return np.minimum((probability * n_bins).astype(np.int64), n_bins - 1)


def reliability(truth: Bools, probability: Floats, *, n_bins: int = 10) -> Reliability:
    """The reliability curve over `n_bins` bins of equal width. Raises ValueError for a probability beyond 0 to 1."""
    if probability.size and not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("probabilities are 0 to 1")
    place = bin_of(probability, n_bins=n_bins)
    n = np.bincount(place, minlength=n_bins)
    sums = [np.bincount(place, weights=each, minlength=n_bins) for each in (probability, truth.astype(np.float64))]
    means = [np.divide(each, n, out=np.full(n_bins, np.nan), where=n > 0) for each in sums]
    return Reliability(n, means[0], means[1])
