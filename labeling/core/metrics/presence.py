"""How well "present or not" is told: counts of agreement with the truth, and the figures made of them.

Every figure is a function of `Counts`, whose four arrays have one shape: `(cells,)` for a table, `(resamples, cells)`
for its resamples, `()` for one cell. A figure that is undefined (a recall without positives) is NaN, unless `undefined`
says what to put there: published programs put 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Figure = Callable[..., Floats]


@dataclass(frozen=True, slots=True)
class Counts:
    """Pairs of truth and prediction: both positive, prediction only, truth only, neither. Arrays of one shape."""

    tp: NDArray[Any]
    fp: NDArray[Any]
    fn: NDArray[Any]
    tn: NDArray[Any]

    @property
    def n(self) -> NDArray[Any]:
        """Pairs in all."""
        return np.asarray(self.tp + self.fp + self.fn + self.tn)

    @property
    def n_positive(self) -> NDArray[Any]:
        """Pairs whose truth is positive: the support."""
        return np.asarray(self.tp + self.fn)

    def pooled(self) -> "Counts":
        """The cells of the last axis taken together: what "micro" figures are made of."""
        return Counts(*(part.sum(axis=-1) for part in (self.tp, self.fp, self.fn, self.tn)))


def count(truth: NDArray[np.bool_], predicted: NDArray[np.bool_], *, known: NDArray[np.bool_] | None = None) -> Counts:
    """Counts over the cases of arrays `(cases, cells)` or `(cases,)`; pairs that are not `known` count nowhere.

    Raises ValueError when the shapes differ.
    """
    known = np.ones(truth.shape, bool) if known is None else known
    if not truth.shape == predicted.shape == known.shape:
        raise ValueError(f"truth {truth.shape}, predicted {predicted.shape} and known {known.shape} have one shape")
    parts = (truth & predicted, ~truth & predicted, truth & ~predicted, ~truth & ~predicted)
    return Counts(*((part & known).sum(axis=0) for part in parts))


def precision(counts: Counts, *, undefined: float = np.nan) -> Floats:
    """TP / (TP + FP); undefined when nothing is called positive."""
    return _ratio(counts.tp, counts.tp + counts.fp, undefined)


def recall(counts: Counts, *, undefined: float = np.nan) -> Floats:
    """TP / (TP + FN), the sensitivity; undefined when nothing is positive."""
    return _ratio(counts.tp, counts.tp + counts.fn, undefined)


def specificity(counts: Counts, *, undefined: float = np.nan) -> Floats:
    """TN / (TN + FP); undefined when nothing is negative."""
    return _ratio(counts.tn, counts.tn + counts.fp, undefined)


def f1(counts: Counts, *, undefined: float = np.nan) -> Floats:
    """2 TP / (2 TP + FP + FN); undefined when nothing is positive and nothing is called so."""
    return _ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn, undefined)


def mcc(counts: Counts, *, undefined: float = np.nan) -> Floats:
    """Matthews' correlation coefficient, -1 to 1; undefined when truth or prediction has one class only."""
    tp, fp, fn, tn = (np.asarray(part, np.float64) for part in (counts.tp, counts.fp, counts.fn, counts.tn))
    # The root of each factor by itself: their product of a large table does not fit into an integer.
    scale = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    return np.round(_ratio(tp * tn - fp * fn, scale, undefined), 12)  # four roots give a perfect 1 a last digit


def balanced_accuracy(counts: Counts, *, undefined: float = np.nan) -> Floats:
    """Mean of recall and specificity; undefined when either is."""
    both = (recall(counts) + specificity(counts)) / 2
    return np.where(np.isnan(both), undefined, both)


def accuracy(counts: Counts, *, undefined: float = np.nan) -> Floats:
    """(TP + TN) / all; undefined without pairs. Not among `FIGURES`: where positives are few, all "no" has it high."""
    return _ratio(counts.tp + counts.tn, counts.n, undefined)


FIGURES: Final[Mapping[str, Figure]] = {
    "f1": f1,
    "precision": precision,
    "recall": recall,
    "specificity": specificity,
    "mcc": mcc,
    "balanced_accuracy": balanced_accuracy,
}


def macro(figures: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Mean over the last axis of the figures that are defined, and how many those are. NaN when none is."""
    is_defined = ~np.isnan(figures)
    n_defined = is_defined.sum(axis=-1)
    return _ratio(np.where(is_defined, figures, 0.0).sum(axis=-1), n_defined, np.nan), n_defined


def _ratio(part: NDArray[Any], whole: NDArray[Any], undefined: float) -> Floats:
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(whole), undefined), where=whole != 0))
