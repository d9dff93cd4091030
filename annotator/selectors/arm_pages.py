"""What the page about arms shows of stored figures."""

from collections.abc import Mapping
from typing import Any, Final

from django.http import Http404

from annotator.core.arms.contrasts import OVERALL
from annotator.core.arms.sentences import design_sentences, sentences
from annotator.core.arms.tables import ASKED, Line, lines
from annotator.core.arms.times import KEY_PRESSES, MEASURES, OPEN_TIMES, SECONDS
from annotator.core.shown_figures import FEW, UNDEFINED, Shown, number
from annotator.models import Project
from annotator.selectors.view_links import Address
from annotator.services.figures import Figures

MEASURE_WORDS: Final[Mapping[str, str]] = {SECONDS: "Seconds", KEY_PRESSES: "Key presses"}
_READER: Final = "reader"
_NOTHING_SHOWN: Final = "no value of this kind was shown that a blind reading of somebody else can judge"
_NOT_MEASURED: Final = "there are no measured readings of one stratum in both arms"


def arms_page(project: Project, figures: Figures, query: Mapping[str, str]) -> dict[str, Any]:
    """Sentences, tables and what is drawn. 404 for a metric or a measure that there is not."""
    del project
    if figures.done is None or figures.done.result is None:
        raise ValueError("there are no figures to show")
    result = figures.done.result
    metric, measure = query.get("metric", "positive_rate"), query.get("measure", SECONDS)
    if metric not in ASKED or measure not in MEASURES:
        raise Http404("no such part of the figures")
    detail, times = Address(query, "detail"), Address(query, "times")
    scope = next((row["scope"] for row in result["errors"] if row["scope"] not in {OVERALL, _READER}), "finding")
    scopes = (OVERALL, scope, _READER)
    return {
        "design": result["design"],
        "design_words": list(design_sentences(result)),
        "can_compare": bool(result["design"]["n_blocks_with_both"]),
        "sentences": sentences(result),
        "overall": [line for name in ASKED for line in lines(result, name, scopes=(OVERALL,))],
        "scope": scope,
        "asked": ASKED[metric],
        "detail": lines(result, metric, scopes=scopes),
        "errors": _error_lines(result),
        "measure": MEASURE_WORDS[measure],
        "saved": [_saved(row) for row in result["saved"] if row["measure"] == measure],
        "kept": {name: query[name] for name in ("metric", "measure") if name in query},
        "few": FEW,
        "open_times": OPEN_TIMES,
        "links": {
            "metric": detail.links("metric", {name: each.name for name, each in ASKED.items()}, chosen=metric),
            "measure": times.links("measure", MEASURE_WORDS, chosen=measure),
        },
        "plots": {
            "effects": [_drawn(line) for line in lines(result, metric, scopes=scopes)],
            "times": [row for row in result["spreads"] if row["measure"] == measure],
        },
    }


def _error_lines(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Errors shown and what became of them, a line for each row."""
    found: dict[str, dict[str, Any]] = {}
    for row in result["errors"]:
        line = found.setdefault(row["row"], {"row": row["row"], "scope": row["scope"]})
        line[row["metric"]] = {"figure": _share(row), "n": row["n"]}
    return list(found.values())


def _share(row: Mapping[str, Any]) -> Shown:
    if row["value"] is None:
        return Shown(UNDEFINED, why=_NOTHING_SHOWN)
    ends = "" if row["low"] is None else f"{number(row['low'])} to {number(row['high'])}"
    return Shown(number(row["value"]), ends, repr(row["value"]))


def _saved(row: Mapping[str, Any]) -> dict[str, Any]:
    """A line about time: means of both arms, their difference, and the ratio of the medians."""
    return {
        "row": row["row"],
        "n_prefilled": row["n_prefilled"],
        "n_blank": row["n_blank"],
        "figures": [
            _amount(row["prefilled_mean"]),
            _amount(row["blank_mean"]),
            _amount(row["difference"], row["difference_low"], row["difference_high"], is_signed=True),
            _amount(row["prefilled_median"]),
            _amount(row["blank_median"]),
        ],
        "ratio": _ratio(row),
    }


def _amount(
    value: float | None, low: float | None = None, high: float | None = None, *, is_signed: bool = False
) -> Shown:
    if value is None:
        return Shown(UNDEFINED, why=_NOT_MEASURED)
    form = "+,.1f" if is_signed else ",.1f"
    ends = "" if low is None or high is None else f"{_minus(low, form)} to {_minus(high, form)}"
    return Shown(_minus(value, form), ends, repr(value))


def _minus(value: float, form: str) -> str:
    return format(value, form).replace("-", "\N{MINUS SIGN}")


def _ratio(row: Mapping[str, Any]) -> Shown:
    if row["ratio"] is None:
        return Shown(UNDEFINED, why=_NOT_MEASURED)
    ends = "" if row["ratio_low"] is None else f"{row['ratio_low']:.2f} to {row['ratio_high']:.2f}"
    return Shown(f"{row['ratio']:.2f}", ends, repr(row["ratio"]))


def _drawn(line: Line) -> dict[str, Any]:
    """A line of the plot, with what a pointer reads there."""
    record = line.record
    said = f"{line.row}: pre-filled {line.prefilled.text}, blank {line.blank.text}, difference {line.difference.text}"
    interval = f" ({line.difference.interval})" if line.difference.interval else ""
    return {
        **{name: record[name] for name in ("row", "scope", "prefilled", "blank", "difference", "low", "high")},
        "said": said + interval,
        "why": line.difference.why,
        "is_few": bool(line.few),
    }
