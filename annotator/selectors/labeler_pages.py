"""What the pages about one labeler and about two of them show of stored figures."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from annotator.core.compared_tables import METRICS, compared_tables
from annotator.core.labeler_tables import COLUMN_WORDS, human_tables, labeler_tables
from annotator.core.shown_figures import METRIC_WORDS
from annotator.models import Evaluation
from annotator.selectors.figure_pages import Choice

# What plots are drawn of, and what their data hold.
_PLACE: Final = ("row", "scope", "target", "finding")
_DRAWN: Final = ("row", "metric", "value", "low", "high", "n", "n_positive", "p")


def labeler_page(done: Evaluation) -> dict[str, Any]:
    """The tables of one labeler, what is drawn of it, and the address of the cases behind them."""
    result = done.result or {}
    tables = labeler_tables(result)
    return {
        "tables": tables,
        "macro": tuple(zip(tables.macro, tables.defined, strict=True)),
        "humans": human_tables(result, n_resamples=done.request["n_resamples"]),
        "judge": done.request["truth"],
        "columns": COLUMN_WORDS,
        "cases_query": cases_query(done, run=done.request["run"]),
        "drawn": {
            "rows": [_only(row, _DRAWN) for row in result["rows"]],
            "counts": [_only(place, _PLACE) for place in result["counts"]],
            "about": _only(result["about"], ["n_by_reader"]),
        },
    }


def _only(record: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: record[name] for name in names}


def cases_query(done: Evaluation, *, run: str) -> str:
    """The part of an address that names the figures whose cases are listed."""
    asked = {name: done.request[name] for name in ("truth", "origin", "level")}
    return urlencode({"run": run} | asked | {"figures": done.pk})


def comparison_page(done: Evaluation, query: Mapping[str, str]) -> dict[str, Any]:
    """The tables of two labelers in the metric that `query` names, and what is drawn of it."""
    asked, result = done.request, done.result or {}
    wanted = query.get("metric", "")
    metric = wanted if wanted in METRICS else METRICS[0]
    tables = compared_tables(result, metric=metric, n_resamples=asked["n_resamples"])
    return {
        "compared": tables,
        "pooled": [line for line in (tables.micro, tables.macro) if line is not None],
        "drawn": {
            "compared": [row for row in result["compared"] if row["metric"] == metric],
            "counts": [_only(place, _PLACE) for place in result["counts"]],
        },
        "cases_query": cases_query(done, run=asked["run"]) + "&" + urlencode({"other": asked["other"]}),
    }


def metric_choices(query: Mapping[str, str]) -> list[Choice]:
    """The metrics in which two labelers are compared."""
    chosen = query.get("metric", "")
    return [Choice(name, METRIC_WORDS[name], name == chosen) for name in METRICS]
