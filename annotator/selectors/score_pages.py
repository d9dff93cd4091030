"""The page of scores: a line for each cell, and one cell at large."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from annotator.core.score_results import records_of
from annotator.core.shown_figures import FEW, UNDEFINED, Shown, interval_of, number
from annotator.core.sorting import Order
from annotator.models import PickedThreshold, Project
from annotator.selectors.thresholds import picked_of_run
from annotator.services.figures import Figures
from labeling.core.evaluation.scored import AT_THRESHOLD
from labeling.core.metrics.scores import probability_of

# Figures of the table over all cases, and of the one over the held-out half, with what they are called.
TITLES: Final[Mapping[str, str]] = {
    "auroc": "AUROC",
    "average_precision": "Avg. precision",
    "eer": "EER",
    "brier": "Brier",
    "ece": "ECE",
}
HELD_OUT_TITLES: Final[Mapping[str, str]] = {
    "balanced_accuracy": "Balanced accuracy",
    "eer": "EER",
    "auroc": "AUROC",
    "f1": "F1",
}
THRESHOLD: Final = "threshold"
SORTED: Final = ("name", "n", "n_positive", *TITLES, THRESHOLD)
HELD_OUT_SORTED: Final = ("name", "n", "n_calibration", *HELD_OUT_TITLES, THRESHOLD)
_ONE_CLASS: Final = "all cases are of one class, or have one score"
_NO_CASE: Final = "no case has a score and a known truth"
_NO_FIT: Final = "one half has cases of one class only"


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One cell: its figures in the order of `TITLES`, the threshold at the equal error rate, and what was picked."""

    cell: str
    name: str
    n: int | None
    n_positive: int | None
    figures: list[Shown]
    threshold: Shown
    probability: str
    picked: PickedThreshold | None
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class HeldOutLine:
    """One cell: the threshold of the calibration half, and figures of the other in the order of `HELD_OUT_TITLES`."""

    cell: str
    name: str
    n_calibration: int
    n_calibration_positive: int
    n: int
    n_positive: int
    threshold: Shown
    figures: list[Shown]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The cell at large: the threshold to start from, figures there in words, what was picked, the latest first."""

    line: ScoreLine
    start_words: str
    start_figures: list[str]
    n_saturated: int | None
    history: list[PickedThreshold]


def score_page(project: Project, figures: Figures, query: Mapping[str, str]) -> dict[str, Any]:
    """What the page shows beyond the stored result; nothing when the run gave no scores."""
    scores = figures.done.result["scores"] if figures.done and figures.done.result else None
    if scores is None:
        return {"scores": None}
    picked = picked_of_run(project, figures.request.run)
    order = Order.of(query.get("sort", ""), SORTED)
    conditions = order.sorted(scores["conditions"], _sorted_by)
    chosen = _chosen_of(conditions, query.get("cell", ""))
    held_out = Order.of(query.get("held", ""), HELD_OUT_SORTED)
    return {
        "scores": scores["scale"],
        "heads": order.heads({"name": "Cell", "n": "n", "n_positive": "Positive", **TITLES, THRESHOLD: "Threshold"}),
        "summary": [_macro_line(scores["macro"]), score_line(scores["micro"], name="all cells ranked together")],
        "n_defined": scores["macro"]["n_defined"]["auroc"],
        "lines": [score_line(each, picked=picked, chosen=chosen) for each in conditions],
        "held_heads": held_out.heads(
            {"name": "Cell", "n_calibration": "Fitted on", "n": "Tested on", THRESHOLD: "Threshold", **HELD_OUT_TITLES}
        ),
        "held_lines": [held_out_line(each) for each in held_out.sorted(scores["conditions"], _held_out_sorted_by)],
        "few": FEW,
        "chosen": _at_large(chosen, picked) if chosen else None,
        "embedded": _embedded(chosen, picked) if chosen else None,
    }


def shown(figure: Mapping[str, Any], *, why: str) -> Shown:
    """A figure with its interval; `why` is said of one that is undefined."""
    if figure["value"] is None:
        return Shown(UNDEFINED, why=why)
    return Shown(number(figure["value"]), interval_of(figure), repr(figure["value"]))


def _sorted_by(condition: Mapping[str, Any], column: str) -> Any:
    return condition[column] if column in condition else condition["figures"][column]["value"]


def _held_out_sorted_by(condition: Mapping[str, Any], column: str) -> Any:
    half = condition["held_out"]
    if column == THRESHOLD:
        return half[THRESHOLD]["value"]
    return half[column] if column in half else half["figures"][column]["value"]


def _chosen_of(conditions: Sequence[dict[str, Any]], cell: str) -> dict[str, Any] | None:
    """The cell that was asked for, else the first that has a curve, else the first."""
    asked = (each for each in conditions if each["cell"] == cell)
    curved = (each for each in conditions if each["roc"])
    return next(asked, None) or next(curved, None) or next(iter(conditions), None)


def score_line(
    condition: Mapping[str, Any],
    *,
    name: str = "",
    picked: Mapping[str, list[PickedThreshold]] | None = None,
    chosen: Mapping[str, Any] | None = None,
) -> ScoreLine:
    """A line of the table; `name` stands in place of that of the condition."""
    why = _ONE_CLASS if condition["n"] else _NO_CASE
    cell = condition.get("cell", "")
    threshold = condition["figures"][THRESHOLD]
    return ScoreLine(
        cell=cell,
        name=name or condition["name"],
        n=condition["n"],
        n_positive=condition["n_positive"],
        figures=[shown(condition["figures"][figure], why=why) for figure in TITLES],
        threshold=shown(threshold, why=why),
        probability=_probability(threshold["value"], condition["scale"]),
        picked=next(iter((picked or {}).get(cell, ())), None),
        is_chosen=chosen is not None and cell == chosen["cell"],
    )


def _macro_line(macro: Mapping[str, Any]) -> ScoreLine:
    figures = [shown(macro["figures"][figure], why="it is so in every cell") for figure in TITLES]
    none = shown({"value": None}, why="thresholds have no mean")
    return ScoreLine("", "mean over cells", None, None, figures, none, "", None)


def _probability(threshold: float | None, scale: str) -> str:
    if threshold is None or scale != PickedThreshold.Scale.LOGIT_DIFFERENCE:
        return ""
    return f"p {number(float(probability_of(np.array(threshold))))}"


def held_out_line(condition: Mapping[str, Any]) -> HeldOutLine:
    """A line of the table of thresholds that were fitted on other patients."""
    half = condition["held_out"]
    return HeldOutLine(
        cell=condition["cell"],
        name=condition["name"],
        n_calibration=half["n_calibration"],
        n_calibration_positive=half["n_calibration_positive"],
        n=half["n"],
        n_positive=half["n_positive"],
        threshold=shown(half[THRESHOLD], why=_NO_FIT),
        figures=[shown(half["figures"][figure], why=_NO_FIT) for figure in HELD_OUT_TITLES],
    )


def _at_large(condition: dict[str, Any], picked: Mapping[str, list[PickedThreshold]]) -> Chosen:
    history = picked.get(condition["cell"], [])
    start = history[0].threshold if history else condition["figures"][THRESHOLD]["value"]
    return Chosen(
        line=score_line(condition, picked=picked),
        start_words="" if start is None else repr(start),
        start_figures=_figures_at(condition, start),
        n_saturated=condition["n_saturated"],
        history=history,
    )


def _figures_at(condition: Mapping[str, Any], threshold: float | None) -> list[str]:
    """Figures of the highest stored operating point that is not above the threshold."""
    points = records_of(condition["threshold_table"])
    below = [point for point in points if threshold is not None and point[THRESHOLD] <= threshold]
    if not below:
        return [UNDEFINED] * (len(AT_THRESHOLD) + 1)
    point = max(below, key=lambda each: float(each[THRESHOLD]))
    figures = [UNDEFINED if point[name] is None else number(point[name]) for name in AT_THRESHOLD]
    return [*figures, f"{point['n_called_positive']} of {condition['n']}"]


def _embedded(condition: dict[str, Any], picked: Mapping[str, list[PickedThreshold]]) -> dict[str, Any]:
    """What the plots of the page are drawn from."""
    names = ("cell", "name", "scale", "n", "n_positive", "figures", "roc", "reliability", "threshold_table")
    history = picked.get(condition["cell"], [])
    return {name: condition[name] for name in names} | {"picked": history[0].threshold if history else None}
