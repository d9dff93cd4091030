"""What the pages about one labeler and about two of them show of stored figures."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from annotator.core.compared_tables import METRICS, compared_tables
from annotator.core.figure_requests import GOLD_ASSISTED, FigureRequest
from annotator.core.labeler_tables import COLUMN_WORDS, human_tables, labeler_tables
from annotator.core.shown_figures import METRIC_WORDS
from annotator.models import Evaluation
from annotator.selectors.figure_pages import Choice

# What plots are drawn of, and what their data hold.
_PLACE: Final = ("row", "scope", "target", "finding")
_DRAWN: Final = ("row", "metric", "value", "low", "high", "n", "n_positive", "p")


def labeler_page(done: Evaluation) -> dict[str, Any]:
    """The tables of one labeler, what is drawn of it, and the address of the cases behind them."""
    result, asked = done.result or {}, FigureRequest.of_json(done.request)
    tables = labeler_tables(result)
    return {
        "tables": tables,
        "macro": tuple(zip(tables.macro, tables.defined, strict=True)),
        "humans": human_tables(result, n_resamples=done.request["n_resamples"]),
        "judge": asked.reader,
        "is_of_gold": asked.is_of_gold,
        "apart": apart_tables(done),
        "columns": COLUMN_WORDS,
        "cases_query": cases_query(done, run=done.request["run"]),
        "drawn": {
            "rows": [_only(row, _DRAWN) for row in result["rows"]],
            "counts": [_only(place, _PLACE) for place in result["counts"]],
            "about": _only(result["about"], ["n_by_reader"]),
        },
    }


def apart_tables(done: Evaluation) -> dict[str, Any] | None:
    """The labeler against gold that stands apart, the address of its figures; None where there is no such gold."""
    found = (done.result or {}).get("apart")
    if found is None:
        return None
    tables = labeler_tables(found)
    return {
        "tables": tables,
        "macro": tuple(zip(tables.macro, tables.defined, strict=True)),
        "n_cells": (done.result or {})["about"]["gold"]["n_apart"],
        "query": urlencode(_asked(done, done.request["run"]) | {"truth": GOLD_ASSISTED}),
    }


def _only(record: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: record[name] for name in names}


def cases_query(done: Evaluation, *, run: str) -> str:
    """The part of an address that names the figures whose cases are listed."""
    return urlencode(_asked(done, run) | {"figures": done.pk})


def _asked(done: Evaluation, run: str) -> dict[str, str]:
    return {"run": run} | {name: done.request[name] for name in ("truth", "origin", "level")}


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
