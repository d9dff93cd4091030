"""Figures of both arms and their difference, with intervals by patient.

Readings of a patient, by whichever reader, are left out together, so that intervals say what other patients would have
shown to these same readers; of other readers they say nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from annotator.core.arms.counts import Counting
from annotator.core.arms.readings import BLANK, PREFILLED, ArmReadings, Columns, Floats, Whole, standardized
from labeling.core.evaluation.rows import plain
from labeling.core.metrics.jackknife import jackknifed

# With fewer patients in an arm there is no interval.
LEAST_PATIENTS: Final = 10
OVERALL: Final = "overall"

Figures = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Rows:
    """What figures are about: some of the cells, or what one reader read."""

    name: str
    scope: str
    columns: Columns
    reader: int | None = None


@dataclass(frozen=True, slots=True)
class Contrast:
    """A figure of both arms over the same mix of readers and strata, their difference and its 95 % interval.

    `n_` are answers, `n_scarce` those of both arms that the figure needs and that may be few: positive ones of a rate.
    Undefined is NaN.
    """

    row: str
    scope: str
    metric: str
    prefilled: float
    blank: float
    difference: float
    low: float
    high: float
    n_prefilled: float
    n_blank: float
    n_scarce: float
    n_patients: int

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is undefined is None."""
        return plain(self)


def rows_of(readings: ArmReadings, groups: Mapping[str, Columns], *, scope: str) -> list[Rows]:
    """All cells, each of `groups` of them, and each reader."""
    everything = np.arange(readings.positive.shape[1])
    return [
        Rows(OVERALL, OVERALL, everything),
        *(Rows(name, scope, columns) for name, columns in groups.items()),
        *(Rows(name, "reader", everything, index) for index, name in enumerate(readings.readers)),
    ]


@dataclass(frozen=True, slots=True)
class Question:
    """What is counted, in what unit, and the figures that are made of it, by name.

    `scarce` are the places of the counts that may be few.
    """

    counting: Counting
    figures: Figures
    metrics: Sequence[str]
    scarce: Sequence[int]
    unit: int = 1


def contrasts(readings: ArmReadings, rows: Sequence[Rows], question: Question) -> list[Contrast]:
    """The figures of `question` in each row."""
    return [each for row in rows for each in _row(readings, row, question)]


def _row(readings: ArmReadings, row: Rows, question: Question) -> list[Contrast]:
    own = readings if row.reader is None else readings.only(readings.reader == row.reader)
    sums = own.sums(question.counting(own, row.columns))
    found = jackknifed(sums, lambda summed: _sides(summed, question.figures))
    low, high = found.interval()
    by_arm = sums.sum(axis=1)
    has_answers = by_arm[..., -1] > 0
    is_thin = bool(has_answers.sum(axis=0).min() < LEAST_PATIENTS)
    thin = np.nan if is_thin else 0.0
    low, high = np.clip(low[:, -1], -1, 1) + thin, np.clip(high[:, -1], -1, 1) + thin
    return [
        Contrast(
            row.name,
            row.scope,
            metric,
            prefilled=float(found.values[index, 0]),
            blank=float(found.values[index, 1]),
            difference=float(found.values[index, 2]),
            low=float(low[index]),
            high=float(high[index]),
            n_prefilled=float(by_arm[:, PREFILLED, -1].sum() / question.unit),
            n_blank=float(by_arm[:, BLANK, -1].sum() / question.unit),
            n_scarce=float(by_arm[..., list(question.scarce)].sum() / question.unit),
            n_patients=int(has_answers.any(axis=1).sum()),
        )
        for index, metric in enumerate(question.metrics)
    ]


def _sides(summed: Whole, figures: Figures) -> Floats:
    """Each figure pre-filled, blank, and the difference: `(..., figures, 3)` of sums `(..., blocks, 2, k)`."""
    both = figures(standardized(summed))
    prefilled, blank = both[..., PREFILLED, :], both[..., BLANK, :]
    return np.stack([prefilled, blank, prefilled - blank], axis=-1)
