"""How well the scores of a labeler tell present from absent: figures, curves and operating points of each condition.

A condition is one cell. Its cases are those whose truth is known and that have a score; NaN is no score. Undefined:
everything of no cases (no points either); AUROC, equal error rate, its threshold and the ROC curve where all cases are
of one class; the equal error rate and its threshold where all scores are one. AUROC of such scores is 0.5, chance.
Brier score and calibration error need no second class. Intervals draw patients.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from labeling.core.evaluation.plain import plain
from labeling.core.evaluation.rows import Row
from labeling.core.evaluation.sound import Clusters, Truth
from labeling.core.metrics import presence
from labeling.core.metrics.curves import Points, corners, points, thinned
from labeling.core.metrics.means import are_enough, mean_over
from labeling.core.metrics.resampling import percentile_interval
from labeling.core.metrics.score_resamples import FIGURES, Ranking, Scores, resampled
from labeling.core.metrics.scores import probability_of, reliability, wilson_interval

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Scores are differences of the logits of "yes" and "no", or, where a labeler gave nothing better, probabilities.
Scale = Literal["logit_difference", "probability"]
MOST_ROC_POINTS: Final = 200
MOST_THRESHOLDS: Final = 101
AT_THRESHOLD: Final = ("recall", "specificity", "precision", "f1", "balanced_accuracy")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval; NaN where undefined."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, samples: Floats) -> "Estimate":
        """The interval is that of the samples; an undefined figure has none."""
        low, high = percentile_interval(samples) if not np.isnan(value) else (np.nan, np.nan)
        return cls(float(value), float(low), float(high))


@dataclass(frozen=True, slots=True)
class RocPoint:
    """Share of the negatives and of the positives whose score is above the threshold."""

    false_positive_rate: float
    true_positive_rate: float
    threshold: float


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Cases whose probability is from `start` to `end`, and how many of them are positive.

    `low` and `high` are the Wilson interval of the share, which takes cases as independent.
    """

    start: float
    end: float
    n: int
    mean_probability: float
    share_positive: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What calling positive all cases above a threshold gives; `is_equal_error` where the two errors are nearest."""

    threshold: float
    n_called_positive: int
    recall: float
    specificity: float
    precision: float
    f1: float
    balanced_accuracy: float
    is_equal_error: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """All about the scores of one cell; `figures` are those of `FIGURES` by name.

    `n_saturated` counts probabilities that are 0 or 1 to the last bit and have lost their order; None for logit
    differences, which lose none.
    """

    name: str
    scale: Scale
    n: int
    n_positive: int
    n_saturated: int | None
    figures: dict[str, Estimate]
    roc: tuple[RocPoint, ...]
    reliability: tuple[ReliabilityBin, ...]
    threshold_table: tuple[OperatingPoint, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is undefined is None."""
        made: dict[str, Any] = plain(self)
        return made

    def as_rows(self) -> list[Row]:
        """A row for each figure."""
        return [
            Row(self.name, metric, each.value, each.low, each.high, self.n, self.n_positive)
            for metric, each in self.figures.items()
        ]


@dataclass(frozen=True, slots=True)
class Macro:
    """Means over the conditions in which a figure is defined, and how many those are; thresholds have no mean."""

    figures: dict[str, Estimate]
    n_defined: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is undefined is None."""
        made: dict[str, Any] = plain(self)
        return made

    def as_rows(self) -> list[Row]:
        """A row for each figure, called "macro"."""
        return [Row("macro", metric, each.value, each.low, each.high) for metric, each in self.figures.items()]


@dataclass(frozen=True, slots=True)
class ScoredConditions:
    """Each condition; `micro`: the pairs of all of them ranked together; `macro`: their means."""

    conditions: tuple[Condition, ...]
    micro: Condition
    macro: Macro

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is undefined is None."""
        made: dict[str, Any] = plain(self)
        return made


def scored_conditions(
    names: Sequence[str], truth: Truth, scores: Floats, *, clusters: Clusters, scale: Scale = "logit_difference"
) -> ScoredConditions:
    """Of arrays `(cases, cells)`; `names` are those of the cells. All figures are of the same resamples of patients.

    Raises ValueError when shapes differ, a score is infinite or a probability is beyond 0 to 1.
    """
    if not truth.positive.shape == scores.shape == (clusters.of_case.size, len(names)):
        raise ValueError(
            f"scores {scores.shape} and truth {truth.positive.shape} are of {clusters.of_case.size} cases and "
            f"{len(names)} cells"
        )
    known = truth.known & ~np.isnan(scores)
    parts = [
        cases_of(truth.positive[kept, cell], scores[kept, cell], of_case=clusters.of_case[kept], scale=scale)
        for cell, kept in enumerate(known.T)
    ]
    of_pair = np.broadcast_to(clusters.of_case[:, np.newaxis], known.shape)[known]
    pooled = cases_of(truth.positive[known], scores[known], of_case=of_pair, scale=scale)
    values = np.stack([each.figures() for each in (*parts, pooled)])
    samples = samples_of([*parts, pooled], clusters)
    conditions = tuple(
        _condition(name, cases, scale=scale, values=its_values, samples=drawn)
        for name, cases, its_values, drawn in zip((*names, "micro"), (*parts, pooled), values, samples, strict=True)
    )
    return ScoredConditions(conditions[:-1], conditions[-1], _macro(values[:-1], samples[:-1]))


def condition(
    name: str, truth: Bools, scores: Floats, *, clusters: Clusters, scale: Scale = "logit_difference"
) -> Condition:
    """Of vectors `(cases,)`; cases whose score is NaN are left out. Raises ValueError as `scored_conditions` does."""
    kept = ~np.isnan(scores)
    cases = cases_of(truth[kept], scores[kept], of_case=clusters.of_case[kept], scale=scale)
    values = cases.figures()
    [samples] = samples_of([cases], clusters)
    return _condition(name, cases, scale=scale, values=values, samples=samples)


def cases_of(truth: Bools, scores: Floats, *, of_case: NDArray[np.int64], scale: Scale) -> Scores:
    """Vectors of one condition. The probability of a logit difference is the model's own."""
    return Scores(truth, scores, scores if scale == "probability" else probability_of(scores), of_case)


def samples_of(conditions: Sequence[Scores], clusters: Clusters) -> Floats:
    """`FIGURES` in resamples, `(conditions, figures, resamples)`, whatever other conditions there are."""
    n_clusters = int(clusters.of_case.max(initial=-1)) + 1
    rankings = [Ranking.of(each, n_clusters=n_clusters) for each in conditions]
    return resampled(rankings, n_clusters=n_clusters, n_resamples=clusters.n_resamples, rng=clusters.rng("scores"))


def _condition(name: str, cases: Scores, *, scale: Scale, values: Floats, samples: Floats) -> Condition:
    figures = {figure: Estimate.of(value, drawn) for figure, value, drawn in zip(FIGURES, values, samples, strict=True)}
    is_saturated = (cases.scores == 0) | (cases.scores == 1)
    every = points(cases.truth, cases.scores)
    equal = np.array([figures["threshold"].value])
    return Condition(
        name=name,
        scale=scale,
        n=cases.truth.size,
        n_positive=int(cases.truth.sum()),
        n_saturated=int(is_saturated.sum()) if scale == "probability" else None,
        figures=figures,
        roc=_roc(every, equal) if cases.truth.any() and not cases.truth.all() else (),
        reliability=_reliability(cases),
        threshold_table=_threshold_table(every, equal),
    )


def _roc(every: Points, equal: Floats) -> tuple[RocPoint, ...]:
    is_kept = corners(every) | np.isin(every.thresholds, equal)
    shown = thinned(every[is_kept], n_most=MOST_ROC_POINTS, keep=equal)
    columns = (shown.false_positive_rate, shown.true_positive_rate, shown.thresholds)
    return tuple(RocPoint(*row) for row in zip(*(each.tolist() for each in columns), strict=True))


def _reliability(cases: Scores) -> tuple[ReliabilityBin, ...]:
    if not cases.truth.size:
        return ()
    curve = reliability(cases.truth, cases.probability)
    edges = np.arange(curve.n.size + 1) / curve.n.size
    n_positive = np.nan_to_num(curve.share_positive) * curve.n
    low, high = wilson_interval(np.round(n_positive).astype(np.int64), curve.n)
    columns = (edges[:-1], edges[1:], curve.n, curve.mean_probability, curve.share_positive, low, high)
    return tuple(ReliabilityBin(*row) for row in zip(*(each.tolist() for each in columns), strict=True))


def _threshold_table(every: Points, equal: Floats) -> tuple[OperatingPoint, ...]:
    shown = thinned(every, n_most=MOST_THRESHOLDS, keep=equal)
    called = shown.counts.tp + shown.counts.fp
    figures = [presence.FIGURES[name](shown.counts) for name in AT_THRESHOLD]
    columns = (shown.thresholds, called, *figures, np.isin(shown.thresholds, equal))
    return tuple(OperatingPoint(*row) for row in zip(*(each.tolist() for each in columns), strict=True))


def _macro(values: Floats, samples: Floats) -> Macro:
    named = [index for index, figure in enumerate(FIGURES) if figure != "threshold"]
    counted = ~np.isnan(values[:, named].T)
    means, n_defined = mean_over(values[:, named].T, counted), counted.sum(axis=-1)
    drawn = mean_over(samples[:, named].transpose(2, 1, 0), counted)
    drawn = np.where(are_enough(drawn), drawn, np.nan).T
    names = [FIGURES[index] for index in named]
    return Macro(
        {name: Estimate.of(*each) for name, *each in zip(names, means, drawn, strict=True)},
        dict(zip(names, n_defined.tolist(), strict=True)),
    )
