"""Thresholds fitted on one set of scores and applied to another (METHODS D.2; Tables 3 and 4 of Park et al.).

The threshold is that of the equal error rate of the calibration scores, and a case is positive when its score is above
it. Balanced accuracy and F1 are of the test scores at that threshold; AUROC and EER need none. Scores are logit
differences: probabilities saturate at 1 and lose their order.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.core.evaluation.rows import Row
from labeling.core.metrics.presence import FIGURES, count
from labeling.core.metrics.resampling import percentile_interval, stream
from labeling.core.metrics.scores import auroc, average_precision, equal_error

Floats = NDArray[np.float64]
AT_THRESHOLD = ("balanced_accuracy", "f1", "recall", "specificity", "precision")


@dataclass(frozen=True, slots=True)
class Scored:
    """Truth and score of the cases of one condition, `(cases,)`."""

    truth: NDArray[np.bool_]
    scores: Floats

    @classmethod
    def of(cls, pairs: Iterable[tuple[bool, float]]) -> "Scored":
        """From pairs of truth and score."""
        listed = list(pairs)
        return cls(np.array([t for t, _ in listed], bool), np.array([s for _, s in listed], np.float64))


def figures(test: Scored, threshold: float) -> dict[str, float]:
    """The figures of the test scores; undefined ones are NaN. Raises ValueError when a score is not finite."""
    counts = count(test.truth, test.scores > threshold)
    at = {name: float(FIGURES[name](counts)) for name in AT_THRESHOLD}
    ranked = {"auroc": auroc(test.truth, test.scores), "average_precision": average_precision(test.truth, test.scores)}
    return at | {"eer": equal_error(test.truth, test.scores).rate} | ranked


def rows(condition: str, fitted: Scored, test: Scored, *, n_resamples: int, seed: int) -> list[Row]:
    """A row for each figure, and one for the threshold. Intervals draw test cases; the threshold stays as it is.

    Raises ValueError when the calibration scores are of one class only: they give no threshold.
    """
    threshold = equal_error(fitted.truth, fitted.scores).threshold
    if np.isnan(threshold):
        n = int(fitted.truth.sum())
        raise ValueError(
            f"{condition}: {n} of {fitted.truth.size} calibration cases are positive, which fits no threshold"
        )
    n, n_positive = int(test.truth.size), int(test.truth.sum())
    found = figures(test, threshold)
    rng = stream(seed, condition)
    picks = rng.integers(n, size=(n_resamples, n)) if n else np.zeros((0, 0), np.int64)
    drawn = [figures(Scored(test.truth[pick], test.scores[pick]), threshold) for pick in picks]
    made = [Row(condition, "threshold", threshold, n=int(fitted.truth.size), n_positive=int(fitted.truth.sum()))]
    for name, value in found.items():
        low, high = percentile_interval(np.array([each[name] for each in drawn], np.float64))
        made.append(Row(condition, name, value, float(low), float(high), n, n_positive))
    return made
