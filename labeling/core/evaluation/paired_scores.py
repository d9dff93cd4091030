"""Two labelers' scores of the same cases: which tells present from absent better.

Compared is over the cases that both scored, in the same resamples of patients; p is two-sided, of "no difference".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.evaluation.plain import plain
from labeling.core.evaluation.scored import Estimate, Scale, cases_of, samples_of
from labeling.core.evaluation.sound import Clusters, Truth
from labeling.core.metrics.means import are_enough, mean_over, where_both
from labeling.core.metrics.resampling import bootstrap_p, holm
from labeling.core.metrics.score_resamples import FIGURES, Scores

Floats = NDArray[np.float64]

# A threshold of one labeler is no better or worse than that of another.
COMPARED: Final = tuple(figure for figure in FIGURES if figure != "threshold")


@dataclass(frozen=True, slots=True)
class ComparedScores:
    """A figure of two labelers and first - second; `p_holm` is p corrected for the number of conditions.

    Cases are those of the condition; None for the mean over conditions, "macro", whose p needs no correction.
    """

    name: str
    metric: str
    first: Estimate
    second: Estimate
    difference: Estimate
    n: int | None
    n_positive: int | None
    p: float
    p_holm: float | None

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is undefined is None."""
        made: dict[str, Any] = plain(self)
        return made


@dataclass(frozen=True, slots=True)
class LabelerScores:
    """Scores of one labeler, `(cases, cells)`, NaN where it gave none."""

    scores: Floats
    scale: Scale = "logit_difference"


def compared_scores(
    names: Sequence[str], truth: Truth, labelers: tuple[LabelerScores, LabelerScores], *, clusters: Clusters
) -> list[ComparedScores]:
    """For each condition and figure, then for the means over the conditions in which both are defined.

    Raises ValueError when a score is infinite or a probability beyond 0 to 1.
    """
    known = truth.known & ~np.isnan(labelers[0].scores) & ~np.isnan(labelers[1].scores)
    sides = [_cases(labeler, truth.positive, known=known, clusters=clusters) for labeler in labelers]
    listed = [index for index, figure in enumerate(FIGURES) if figure in COMPARED]
    found = [each.figures()[listed] for side in sides for each in side]
    values = np.array(found).reshape(2, len(names), len(listed))
    both = samples_of([*sides[0], *sides[1]], clusters)[:, listed]
    samples = both.reshape(2, len(names), len(listed), clusters.n_resamples)
    made: list[ComparedScores] = []
    for place, metric in enumerate(COMPARED):
        of_metric = samples[:, :, place]
        p_values = [float(bootstrap_p(drawn[0] - drawn[1])) for drawn in np.moveaxis(of_metric, 1, 0)]
        for index, (name, p, p_holm) in enumerate(zip(names, p_values, holm(p_values), strict=True)):
            n = (int(known[:, index].sum()), int((truth.positive & known)[:, index].sum()))
            three = _estimates(values[:, index, place], of_metric[:, index])
            made.append(ComparedScores(name, metric, *three, *n, p, p_holm))
        made.append(_macro(metric, values[:, :, place], of_metric))
    return made


def _cases(
    labeler: LabelerScores, positive: NDArray[np.bool_], *, known: NDArray[np.bool_], clusters: Clusters
) -> list[Scores]:
    return [
        cases_of(positive[kept, cell], labeler.scores[kept, cell], of_case=clusters.of_case[kept], scale=labeler.scale)
        for cell, kept in enumerate(known.T)
    ]


def _estimates(values: Floats, samples: Floats) -> tuple[Estimate, Estimate, Estimate]:
    first, second = (Estimate.of(value, drawn) for value, drawn in zip(values, samples, strict=True))
    return first, second, Estimate.of(values[0] - values[1], samples[0] - samples[1])


def _macro(metric: str, values: Floats, samples: Floats) -> ComparedScores:
    """`values` are `(2, conditions)`, `samples` `(2, conditions, resamples)`; both or neither of a condition count."""
    both = where_both(values)
    counted = ~np.isnan(both)
    drawn = mean_over(where_both(np.moveaxis(samples, -1, 0)), counted)
    drawn = np.where(are_enough(drawn), drawn, np.nan).T
    p = float(bootstrap_p(drawn[0] - drawn[1]))
    return ComparedScores("macro", metric, *_estimates(mean_over(both, counted), drawn), None, None, p, None)
