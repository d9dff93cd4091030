"""What the gold set has taught so far, and what more of it would."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from annotator.core.figure_requests import FigureRequest
from annotator.core.figure_results import Read, at_level, truth_in
from labeling.core.evaluation.learning import learning_curve, more_needed
from labeling.core.evaluation.ratings import Ratings
from labeling.core.evaluation.truths import Truth
from labeling.core.schema import Schema
from labeling.core.tables.cells import csv_line, number_cell, text_cell

COLUMNS: Final = (
    *("row", "metric", "n", "n_positive", "value", "low", "high", "half_width", "wished_half_width"),
    *("more_positives", "more_cases"),
)


@dataclass(frozen=True, slots=True)
class Need:
    """One row of figures: how wide its interval is, and about how many more positives make it as narrow as wished.

    `more` is None where this cannot be told. `more_cases` are the cases that hold so many positives when they are taken
    at random.
    """

    row: str
    metric: str
    n: int
    n_positive: int
    value: float | None
    low: float | None
    high: float | None
    wished: float
    more: int | None

    @property
    def half_width(self) -> float | None:
        """Half of the interval; None where there is none."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    @property
    def more_cases(self) -> int | None:
        """About how many cases at random; None where `more` is."""
        return None if self.more is None or not self.n_positive else round(self.more * self.n / self.n_positive)

    @property
    def share(self) -> float | None:
        """How many of the positives that it takes are there, 0 to 1; None where `more` is."""
        return None if self.more is None else self.n_positive / (self.n_positive + self.more)


def need_of(row: Mapping[str, Any], *, wished: float) -> Need:
    """What a stored row of one cell needs."""
    has_interval = row["low"] is not None and row["high"] is not None
    half_width = (row["high"] - row["low"]) / 2 if has_interval else float("nan")
    names = ("row", "metric", "n", "n_positive", "value", "low", "high")
    more = more_needed(half_width, row["n_positive"], wished=wished)
    return Need(**{name: row[name] for name in names}, wished=wished, more=more)


def by_need(needs: Sequence[Need]) -> list[Need]:
    """The most needed first: cells without a positive, then those of which it cannot be told, then by number."""
    return sorted(needs, key=lambda need: (need.n_positive > 0, need.more is not None, -(need.more or 0)))


def learning_points(
    read: Read, labels: Ratings, *, schema: Schema, request: FigureRequest, order: NDArray[np.intp]
) -> list[dict[str, Any]]:
    """Pooled figures over the first cases in `order`, for more and more of them."""
    readers, machine = (at_level(each, schema, request.level) for each in (read.ratings, labels))
    said = Truth(machine.positive[0], machine.known[0])
    truth = truth_in(read, readers, schema=schema, request=request)
    points = learning_curve(truth, said, read.clusters(request), order)
    return [point.as_json() for point in points]


def need_lines(needs: Sequence[Need]) -> list[str]:
    """`needs` as lines of CSV, heads first; what is undefined is empty."""
    lines = [csv_line(COLUMNS)]
    for need in needs:
        numbers = (
            *(need.n, need.n_positive, need.value, need.low, need.high, need.half_width, need.wished),
            *(need.more, need.more_cases),
        )
        cells = (number_cell(each, what=need.row) for each in numbers)
        lines.append(csv_line([text_cell(need.row), need.metric, *cells]))
    return lines
