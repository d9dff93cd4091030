"""The page about agreement of readers: its tables, what can be chosen on it, and what its plots draw."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.http import Http404
from django.urls import reverse

from annotator.core.agreement_tables import (
    AMONG,
    ASKED,
    COEFFICIENTS,
    NAMES,
    POSITIVE,
    By,
    Line,
    PairFigure,
    PairLine,
    View,
    cells_of,
    findings_of,
    lines,
    pair_ends,
    pair_lines,
    sentence,
)
from annotator.core.figure_requests import FigureRequest, RequestError
from annotator.core.shown_figures import UNDEFINED, Shown
from annotator.models import Evaluation, Project
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.view_links import Address, Link
from annotator.services.figures import Figures
from labeling.core.evaluation.agreement import CERTAINTY, PRESENCE, STAGES, URGENCY

OVERALL: Final = "overall"
BY_WORDS: Final[Mapping[By, str]] = {By.FINDING: "by finding", By.TARGET: "by target", By.CELL: "by cell"}
FIGURE_WORDS: Final[Mapping[PairFigure, str]] = {PairFigure.KAPPA: "Cohen κ", PairFigure.PERCENT: "same answer"}
ALL_FINDINGS: Final = "all findings"
# What the form carries on: not the finding, which another level may not have.
_KEPT: Final = ("stage", "by", "coefficient", "figure")
_KINDS: Final[Mapping[str, str]] = {
    PRESENCE: "readers-differ",
    CERTAINTY: "certainty-differ",
    URGENCY: "urgency-differ",
}
# Without Fleiss' kappa, which hardly differs from alpha.
_DRAWN_COEFFICIENTS: Final[Mapping[str, tuple[str, ...]]] = {
    stage: tuple(name for name in names if name != "fleiss_kappa") for stage, names in COEFFICIENTS.items()
}


@dataclass(frozen=True, slots=True)
class Cases:
    """Addresses of the cases behind figures."""

    page: str
    figures: int
    request: FigureRequest

    def behind(self, stage: str, **place: str) -> str:
        """Where readers differ in a stage, at a place: a row, a finding, two readers."""
        asked = {"kind": _KINDS[stage], "origin": self.request.origin, "level": self.request.level}
        return f"{self.page}?{urlencode(asked | place | {'figures': self.figures})}"


def stages_of(project: Project) -> tuple[str, ...]:
    """The stages that the schema of the project asks for."""
    return STAGES if parsed_schema(project.schema).urgency else tuple(stage for stage in STAGES if stage != URGENCY)


def agreement_page(project: Project, figures: Figures, query: Mapping[str, str]) -> dict[str, Any]:
    """What the page shows of stored figures. 404 for an address that asks for what they do not hold."""
    done: Evaluation | None = figures.done
    if done is None or done.result is None:
        raise ValueError("there are no figures to show")
    result = done.result
    findings, stages = findings_of(result), stages_of(project)
    try:
        view = View.of(query, stages=stages, findings=findings)
    except RequestError as error:
        raise Http404("no such part of the figures") from error
    cases = Cases(reverse("dashboard_cases", args=[project.slug]), done.pk, figures.request)
    n_by_reader = dict(sorted(result["about"]["n_by_reader"].items()))
    shown = lines(result, scope=view.by, stage=view.stage)
    pairs = pair_lines(result, stage=view.stage)
    return {
        "readers": list(n_by_reader),
        "view": view,
        "words": _words(view),
        "links": _links(query, view, stages=stages, findings=findings),
        "kept": {name: query[name] for name in _KEPT if name in query},
        "overall": [_overall(result, stage, cases) for stage in stages],
        "table": _with_addresses(shown, cases),
        "heads": [NAMES[name] for name in COEFFICIENTS[view.stage]],
        "repeats": [line for line in pair_lines(result, stage=view.stage, kind="repeats") if line.scope == OVERALL],
        "pairs": [_pair(pair, view, cases) for pair in _of_finding(pairs, view.finding)],
        "plots": {
            "dots": _dots(shown, view, cases) if view.by != By.CELL else None,
            "cells": _cell_squares(shown, view, cases, cells_of(result)) if view.by == By.CELL else None,
            "matrix": _matrix(_of_finding(pairs, view.finding), view, cases, n_by_reader),
            "pairs": _pair_squares(pairs, view, cases),
        },
    }


def _words(view: View) -> dict[str, str]:
    kappa = "Cohen κ, quadratic" if view.stage == URGENCY else "Cohen κ"
    return {
        "asked": ASKED[view.stage],
        "among": AMONG[view.stage],
        "positive": POSITIVE[view.stage],
        "coefficient": NAMES[view.coefficient],
        "kappa": kappa,
        "figure": FIGURE_WORDS[view.figure] if view.figure == PairFigure.PERCENT else kappa,
        "finding": view.finding or ALL_FINDINGS,
    }


def _links(
    query: Mapping[str, str], view: View, *, stages: Iterable[str], findings: Iterable[str]
) -> dict[str, list[Link]]:
    """What can be chosen, by the name it has in the address."""
    detail, pairs = Address(query, "detail"), Address(query, "pairs")
    asked = {stage: f"{stage}: {ASKED[stage]}" for stage in stages}
    coefficients = {name: NAMES[name] for name in COEFFICIENTS[view.stage]}
    return {
        "stage": detail.links("stage", asked, chosen=view.stage, without=("coefficient",)),
        "by": detail.links("by", {by.value: words for by, words in BY_WORDS.items()}, chosen=view.by),
        "coefficient": detail.links("coefficient", coefficients, chosen=view.coefficient),
        "figure": pairs.links(
            "figure", {figure.value: words for figure, words in FIGURE_WORDS.items()}, chosen=view.figure
        ),
        "finding": pairs.links("finding", {"": ALL_FINDINGS} | {name: name for name in findings}, chosen=view.finding),
    }


def _overall(result: Mapping[str, Any], stage: str, cases: Cases) -> dict[str, Any]:
    """A stage over all cells; its figures stand under the heads of the first stage, None where it has no such one."""
    line = lines(result, scope=OVERALL, stage=stage)[0]
    figures: list[tuple[str, Shown | None]] = list(
        zip((NAMES[name] for name in COEFFICIENTS[stage]), line.figures, strict=True)
    )
    if stage == URGENCY:
        figures.insert(1, ("", None))
    return {
        "line": line,
        "asked": ASKED[stage],
        "among": AMONG[stage],
        "positive": POSITIVE[stage],
        "figures": figures,
        "href": cases.behind(stage, row=OVERALL),
    }


def _with_addresses(shown: Iterable[Line], cases: Cases) -> list[dict[str, Any]]:
    return [{"line": line, "href": cases.behind(line.stage, row=line.row)} for line in shown]


def _of_finding(pairs: Iterable[PairLine], finding: str) -> list[PairLine]:
    return [pair for pair in pairs if pair.name == finding] if finding else [p for p in pairs if p.scope == OVERALL]


def _place_of(pair: PairLine) -> dict[str, str]:
    both = {"reader": pair.first, "other_reader": pair.second}
    return both if pair.scope == OVERALL else both | {"finding": pair.name}


def _pair(pair: PairLine, view: View, cases: Cases) -> dict[str, Any]:
    return {"line": pair, "href": cases.behind(view.stage, **_place_of(pair))}


# Plots


def _dots(shown: Iterable[Line], view: View, cases: Cases) -> list[dict[str, Any]]:
    """A point for each line and coefficient."""
    drawn = _DRAWN_COEFFICIENTS[view.stage]
    return [
        {
            "row": line.name,
            "metric": NAMES[record["coefficient"]],
            **{end: record[end] for end in ("value", "low", "high", "n_cases", "n_units", "n_positive")},
            "said": f"{line.name}, {NAMES[record['coefficient']]}: {sentence(figure)}, n = {line.n_units:,}",
            "href": cases.behind(view.stage, row=line.row),
        }
        for line in shown
        for record, figure in zip(line.records, line.figures, strict=True)
        if record["coefficient"] in drawn
    ]


def _cell_squares(
    shown: Iterable[Line], view: View, cases: Cases, place_of: Mapping[str, tuple[str, str]]
) -> list[dict[str, Any]]:
    """A square for each cell: targets down, findings across."""
    index = COEFFICIENTS[view.stage].index(view.coefficient)
    squares = []
    for line in shown:
        record, figure, (target, finding) = line.records[index], line.figures[index], place_of[line.name]
        squares.append(
            {
                "column": finding,
                "row": target,
                **{end: record[end] for end in ("value", "low", "high", "n_cases", "n_units")},
                "text": _short(record["value"], nobody="" if line.n_units else "none"),
                "said": f"{line.name}: {sentence(figure)}, n = {line.n_units:,}",
                "href": cases.behind(view.stage, row=line.row),
            }
        )
    return squares


def _matrix(
    pairs: Iterable[PairLine], view: View, cases: Cases, n_by_reader: Mapping[str, int]
) -> list[dict[str, Any]]:
    """A square for each reader beside each other one, both ways, and for each alone the cases it read."""
    squares = [
        {
            "column": name,
            "row": name,
            **dict.fromkeys(("value", "low", "high")),
            "n_cases": n,
            "n_units": None,
            "text": f"{n:,} read",
            "said": f"{name} read {n:,} cases",
            "href": None,
            "is_alone": True,
        }
        for name, n in n_by_reader.items()
    ]
    for pair in pairs:
        square = _square_of(pair, view, cases)
        squares.append({"column": pair.second, "row": pair.first, **square})
        squares.append({"column": pair.first, "row": pair.second, **square})
    return squares


def _pair_squares(pairs: Iterable[PairLine], view: View, cases: Cases) -> list[dict[str, Any]]:
    """A square for each two readers and finding."""
    return [
        {
            "column": "all" if pair.scope == OVERALL else pair.name,
            "row": f"{pair.first} / {pair.second}",
            **_square_of(pair, view, cases),
        }
        for pair in pairs
    ]


def _square_of(pair: PairLine, view: View, cases: Cases) -> dict[str, Any]:
    figure, record = pair.figure(view.figure), pair.record
    behind = f"{pair.n_cases:,} shared cases, n = {pair.n_units:,}"
    about = f"{pair.first} and {pair.second}" + ("" if pair.scope == OVERALL else f", {pair.name}")
    value, low, high = (record[key] for key in pair_ends(view.figure))
    nobody = "" if pair.n_units else "none shared" if view.stage == PRESENCE else "none"
    return {
        "value": value,
        "low": low,
        "high": high,
        "n_cases": pair.n_cases,
        "n_units": pair.n_units,
        "text": _short(value, nobody=nobody),
        "said": f"{about}: {sentence(figure)}, {behind}",
        "href": cases.behind(view.stage, **_place_of(pair)) if pair.n_units else None,
    }


def _short(value: float | None, *, nobody: str) -> str:
    """A figure in the little room of a square."""
    if value is None:
        return nobody or UNDEFINED
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "\N{MINUS SIGN}")
