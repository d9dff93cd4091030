"""Scores as CSV: a line for each figure of each cell."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from labeling.core.tables.cells import csv_line, number_cell, text_cell

COLUMNS: Final = ("row", "cases", "metric", "value", "low", "high", "n", "n_positive")
ALL_CASES: Final = "all"
HELD_OUT: Final = "held out"


def score_lines(scores: Mapping[str, Any]) -> Iterator[str]:
    """Figures over all cases, and of the thresholds of one half of the patients on the other; undefined is empty.

    `n` of a fitted threshold are the cases that it was fitted on.
    """
    yield csv_line(COLUMNS)
    yield from _lines("macro", ALL_CASES, scores["macro"]["figures"], n=None, n_positive=None)
    for condition in (scores["micro"], *scores["conditions"]):
        yield from _lines(
            condition["name"], ALL_CASES, condition["figures"], n=condition["n"], n_positive=condition["n_positive"]
        )
    for condition in scores["conditions"]:
        half, name = condition["held_out"], condition["name"]
        fitted = {"threshold": half["threshold"]}
        yield from _lines(name, HELD_OUT, fitted, n=half["n_calibration"], n_positive=half["n_calibration_positive"])
        yield from _lines(name, HELD_OUT, half["figures"], n=half["n"], n_positive=half["n_positive"])


def _lines(
    row: str, cases: str, figures: Mapping[str, Mapping[str, float | None]], *, n: int | None, n_positive: int | None
) -> Iterator[str]:
    for metric, figure in figures.items():
        numbers = (figure["value"], figure["low"], figure["high"], n, n_positive)
        cells = (number_cell(each, what=f"{row}: {metric}") for each in numbers)
        yield csv_line([text_cell(row), text_cell(cases), metric, *cells])
