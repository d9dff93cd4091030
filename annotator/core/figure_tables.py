"""Figures as tables for people: lines with words, and CSV."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from annotator.core.agreement_tables import agreement_csv
from annotator.core.arms.tables import arms_csv
from annotator.core.score_tables import score_lines
from annotator.core.shown_figures import plain_cell
from labeling.core.tables.cells import csv_line
from labeling.core.values import URGENCY_LEVELS

COLUMNS: Final = ("row", "metric", "value", "low", "high", "n", "n_positive", "p")
_TESTS: Final = ("bootstrap", "permutation", "mcnemar")
COMPARED_COLUMNS: Final = (
    *("row", "metric", "first", "first_low", "first_high", "second", "second_low", "second_high"),
    *("difference", "low", "high", "n", "n_positive"),
    *(f"p_{test}" for test in _TESTS),
    *(f"holm_{test}" for test in _TESTS),
)


def csv_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """The rows of a result as CSV, those of a comparison with columns of their own; what is undefined is empty."""
    if "scores" in result:
        yield from score_lines(result["scores"]) if result["scores"] is not None else ()
        return
    if "agreed" in result:
        yield from agreement_csv(result)
        return
    if "contrasts" in result:
        yield from arms_csv(result)
        return
    columns: tuple[str, ...] = COLUMNS
    rows = (*result.get("rows", ()), *result.get("urgency", ()), *_share_rows(result), *_apart_rows(result))
    if "compared" in result:
        columns, rows = COMPARED_COLUMNS, tuple(result["compared"])
    yield csv_line(columns)
    for row in rows:
        yield csv_line([plain_cell(row.get(name)) for name in columns])


def _apart_rows(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Figures against assisted gold, in rows that say so."""
    found = result.get("apart") or {"rows": (), "urgency": ()}
    for row in (*found["rows"], *found["urgency"]):
        yield dict(row) | {"row": f"assisted gold: {row['row']}"}


def _share_rows(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The percentages of each level of urgency, in the rows that the shell gives them too."""
    for shares in result.get("shares", ()):
        row = "labeler" if shares["is_run"] else f"human {shares['rater']}"
        for level, percent in enumerate(shares["percent"] or [None] * len(URGENCY_LEVELS)):
            yield {"row": row, "metric": f"urgency {level} %", "value": percent, "n": shares["n"]}
