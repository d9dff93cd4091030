"""Urgencies as a page shows them: which levels each rater gives, and how a run orders them beside the readers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from annotator.core.agreement_tables import By, shown_or_why
from annotator.core.figure_requests import RequestError
from annotator.core.shown_figures import Shown

METRICS: Final[Mapping[str, str]] = {
    "tau_b": "Kendall τ-b",
    "kappa_quadratic": "Cohen κ, quadratic",
    "kappa_linear": "Cohen κ, linear",
}
LABELER_WORDS: Final = "the labeler"
MICRO, MACRO = "micro", "macro"
_NOBODY: Final = "nowhere did most readers and the labeler both give an urgency"
_MEAN_OF_NONE: Final = "undefined in every cell"
_ONE_LEVEL: Final = "the readers or the labeler gave one level only"


def view_of(query: Mapping[str, str]) -> tuple[By, str]:
    """Lines and the figure that is drawn, as an address asks. Raises `RequestError` for words that it cannot hold."""
    metric = query.get("metric", "tau_b")
    if metric not in METRICS:
        raise RequestError("no such figure of urgency")
    try:
        return By(query.get("by", By.TARGET)), metric
    except ValueError as error:
        raise RequestError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Share:
    """How often a rater gave a level: `percent` of the urgencies that it gave."""

    level: int
    words: str
    count: int
    percent: float


@dataclass(frozen=True, slots=True)
class RaterShares:
    """The levels of one rater; empty when it gave none."""

    rater: str
    is_run: bool
    n: int
    shares: tuple[Share, ...]


def rater_shares(result: Mapping[str, Any], levels: Sequence[str]) -> list[RaterShares]:
    """Each reader and then the labeler. `levels` are the words of the schema, lowest first."""
    found = []
    for record in result["shares"]:
        name, n = LABELER_WORDS if record["is_run"] else record["rater"], record["n"]
        shares = (
            Share(level, words, count=count, percent=percent)
            for level, (words, count, percent) in enumerate(
                zip(levels, record["counts"], record["percent"] or (), strict=False)
            )
        )
        found.append(RaterShares(name, record["is_run"], n, tuple(shares)))
    return found


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One row of figures; `figures` are those of `METRICS`, `records` what was stored of them."""

    row: str
    name: str
    n: int | None
    figures: tuple[Shown, ...]
    records: tuple[Mapping[str, Any], ...]


def order_lines(result: Mapping[str, Any], by: By) -> list[OrderLine]:
    """The lines of cells, findings or targets, in the order of the schema; none where there is only one of them."""
    found = []
    for row in dict.fromkeys(record["row"] for record in result["urgency"]):
        scope, name = _scope_of(row)
        if scope == by:
            found.append(_line(result, row, name=name))
    return found


def pooled_lines(result: Mapping[str, Any]) -> list[OrderLine]:
    """All cells: pooled, and as mean over cells; none when there are no cells."""
    names = {MICRO: "all cells together", MACRO: "mean of cells"}
    return [_line(result, row, name=name) for row, name in names.items()] if result["urgency"] else []


def _scope_of(row: str) -> tuple[By | None, str]:
    """What a row stands for, and its name without the word for that."""
    if row in (MICRO, MACRO):
        return None, row
    for scope in (By.FINDING, By.TARGET):
        if row.startswith(f"{scope} "):
            return scope, row.removeprefix(f"{scope} ")
    return By.CELL, row


def _line(result: Mapping[str, Any], row: str, *, name: str) -> OrderLine:
    by_metric = {record["metric"]: record for record in result["urgency"] if record["row"] == row}
    records = tuple(by_metric[metric] for metric in METRICS)
    n = records[0]["n"]
    nobody = _MEAN_OF_NONE if n is None else _ONE_LEVEL if n else _NOBODY
    figures = (shown_or_why(record, ("value", "low", "high"), nobody=nobody) for record in records)
    return OrderLine(row, name, n, tuple(figures), records)
