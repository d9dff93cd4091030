"""The page of the gold set: what each cell still needs, and how figures have settled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from annotator.core.figure_requests import FigureRequest
from annotator.core.figure_results import cells_at
from annotator.core.gold_results import Need, by_need, need_of
from annotator.core.shown_figures import METRIC_WORDS, UNDEFINED, interval_of, number
from annotator.core.sorting import Order
from annotator.models import Evaluation, Project
from annotator.selectors.schemas import parsed_schema
from annotator.services.figures import Figures
from labeling.core.evaluation.learning import HALF_WIDTH

METRICS: Final = ("f1", "recall", "precision")
WIDTHS: Final = (0.03, HALF_WIDTH, 0.1)
# Figures of the learning curve.
_LEARNED: Final = ("f1", "recall")
SORTED: Final = ("row", "n", "n_positive", "value", "half_width", "more", "more_cases")
TITLES: Final[Mapping[str, str]] = {
    "row": "Cell",
    "n": "Cases",
    "n_positive": "Positive",
    "value": "",
    "half_width": "Interval ±",
    "more": "More positives",
    "more_cases": "Cases at random",
}


@dataclass(frozen=True, slots=True)
class Option:
    """A figure or a width to choose."""

    value: str
    words: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class NeedLine:
    """A cell in words; `why` says why its need cannot be told, `percent` how far it is.

    `n_unread` are the unread cases that the run calls positive, `unread` the first of them.
    """

    need: Need
    value: str
    interval: str
    half_width: str
    why: str
    percent: int | None
    n_unread: int = 0
    unread: Sequence[tuple[int, str]] = ()


def gold_page(project: Project, figures: Figures, query: Mapping[str, str]) -> dict[str, Any]:
    """What the page shows beyond the stored result."""
    del project
    if figures.done is None:
        return {}
    needs, metric, wished = needs_of(figures.done, query)
    learned = metric if metric in _LEARNED else _LEARNED[0]
    stored = (figures.done.result or {}).get("unread", {})
    unread = {cell.replace("|", " "): each for cell, each in stored.items()}
    order = Order.of(query.get("sort", ""), SORTED)
    titles = dict(TITLES) | {"value": METRIC_WORDS[metric]}
    return {
        "lines": [need_line(need, unread) for need in (order.sorted(needs, getattr) if order.column else needs)],
        "heads": order.heads(titles),
        "metrics": [Option(each, METRIC_WORDS[each], each == metric) for each in METRICS],
        "widths": [Option(str(each), f"±{each:.2f}", each == wished) for each in WIDTHS],
        "wished": f"±{wished:.2f}",
        "metric_words": METRIC_WORDS[metric],
        "learned_words": METRIC_WORDS[learned],
        "n_narrow": sum(need.more == 0 for need in needs),
        "n_unseen": sum(not need.n_positive for need in needs),
        "embedded": {
            "metric": learned,
            "wished": wished,
            "points": (figures.done.result or {}).get("learning", []),
        },
    }


def needs_of(evaluation: Evaluation, query: Mapping[str, str]) -> tuple[list[Need], str, float]:
    """What each cell needs, the most needed first; and for which figure and half width, as the address asks."""
    metric = query.get("metric", METRICS[0])
    metric = metric if metric in METRICS else METRICS[0]
    wished = next((each for each in WIDTHS if str(each) == query.get("width")), HALF_WIDTH)
    names = _cell_names(evaluation)
    rows = {row["row"]: row for row in (evaluation.result or {}).get("rows", ()) if row["metric"] == metric}
    return by_need([need_of(rows[name], wished=wished) for name in names if name in rows]), metric, wished


def _cell_names(evaluation: Evaluation) -> list[str]:
    level = FigureRequest.of_json(evaluation.request).level
    cells = cells_at(parsed_schema(evaluation.schema), level)
    return [f"{cell.target} {cell.finding}" for cell in cells]


def need_line(need: Need, unread: Mapping[str, Mapping[str, Any]]) -> NeedLine:
    """A cell in words; `unread` by the name of the row."""
    here = unread.get(need.row, {"n": 0, "cases": ()})
    return NeedLine(
        need=need,
        value=UNDEFINED if need.value is None else number(need.value),
        interval=interval_of({"low": need.low, "high": need.high}),
        half_width=UNDEFINED if need.half_width is None else number(need.half_width),
        why=_why(need),
        percent=None if need.share is None else int(100 * need.share),
        n_unread=here["n"],
        unread=here["cases"],
    )


def _why(need: Need) -> str:
    if need.more is not None:
        return ""
    if not need.n:
        return "no case has both a truth and an answer"
    if not need.n_positive:
        return "no positive so far"
    if need.value is None:
        return "the figure is undefined"
    return "too few positives to tell: every resample gives the same figure"
