"""What the page that compares two runs shows."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Self

from django.http import Http404

from annotator.core.comparison_tables import (
    KIND_WORDS,
    CountLine,
    CrossTable,
    HeatMap,
    heat_map,
    states_table,
    urgencies_table,
)
from annotator.models import Project
from annotator.selectors.compared_reports import ReportPage, cell_title, report_page
from annotator.selectors.schemas import parsed_schema
from labeling.core.comparison import DIFFERENCES, LISTED, Selection
from labeling.core.manifest_differences import ManifestDifference
from labeling.core.schema import Schema
from labeling.models import Run
from labeling.selectors import run_name, run_of
from labeling.selectors.comparisons import (
    MAX_COMPARED,
    CannotCompare,
    RunComparison,
    comparable_runs,
    compare_runs,
    require_comparable,
    run_differences,
)

MAX_PAGE_DIGITS: Final = 9
# Lines of differing manifests above the grid; more of them are folded.
MANIFEST_LINES: Final = 6


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: the two runs, a cell by its key or all, a kind of difference or all, and a page."""

    a: uuid.UUID | None = None
    b: uuid.UUID | None = None
    cell: str = ""
    kind: str = ""
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """What can be read of an address. 404 when a run is named by what is no id."""
        page = query.get("page", "")
        is_number = page.isascii() and page.isdecimal() and len(page) <= MAX_PAGE_DIGITS
        kind = query.get("kind", "")
        return cls(
            a=_run_id(query.get("a", "")),
            b=_run_id(query.get("b", "")),
            cell=query.get("cell", ""),
            kind=kind if kind in LISTED else "",
            page=int(page) if is_number else 1,
        )


def _run_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError as error:
        raise Http404("no such run in this project") from error


@dataclass(frozen=True, slots=True)
class RunChoice:
    """A run to choose from."""

    run: Run
    name: str


@dataclass(frozen=True, slots=True)
class RunGroup:
    """Runs under one schema."""

    schema: str
    choices: tuple[RunChoice, ...]


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """A run that was chosen."""

    letter: str
    run: Run
    name: str
    n_asked: str
    n_labeled: str
    n_alone: str


@dataclass(frozen=True, slots=True)
class KindChoice:
    """A kind of difference to list, and how often it was counted. `name` is empty for all differences together."""

    name: str
    words: str
    n: str


@dataclass(frozen=True, slots=True)
class Compared:
    """The comparison itself. `scope` is the chosen cell, else all cells; `more_manifest` goes on with `manifest`."""

    sides: tuple[ComparedRun, ComparedRun]
    manifest: list[ManifestDifference]
    more_manifest: list[ManifestDifference]
    n_both: str
    heat: HeatMap
    scope: CountLine
    states: CrossTable
    urgencies: CrossTable | None
    kinds: list[KindChoice]
    reports: ReportPage


@dataclass(frozen=True, slots=True)
class ComparePage:
    """The page: runs to choose from, those chosen, and the comparison or why there is none.

    `most_runs` is 0 unless there are so many runs that only the latest are offered.
    """

    groups: list[RunGroup]
    n_runs: int
    most_runs: int
    a: Run | None
    b: Run | None
    asked: Asked
    problem: str = ""
    compared: Compared | None = None


def compare_page(project: Project, asked: Asked) -> ComparePage:
    """The page for what was asked; 404 for a run that the project does not have, and for a cell of no schema."""
    a, b = (run_of(project, run_id) if run_id else None for run_id in (asked.a, asked.b))
    offered = comparable_runs(project)
    chosen = {run: run_name(run) for run in (a, b) if run}
    choices = [RunChoice(run, name) for run, name in (chosen | dict(offered)).items()]
    choices.sort(key=lambda choice: (str(choice.run.schema), -choice.run.started_at.timestamp(), -choice.run.pk))
    groups = [
        RunGroup(schema, tuple(group)) for schema, group in groupby(choices, key=lambda choice: str(choice.run.schema))
    ]
    problem, compared = "", None
    if a and b:
        try:
            compared = _compared(a, b, asked)
        except CannotCompare as error:
            problem = f"{error}."
    most_runs = MAX_COMPARED if len(offered) == MAX_COMPARED else 0
    return ComparePage(groups, len(offered), most_runs, a, b, asked, problem, compared)


def chosen_pair(project: Project, asked: Asked) -> tuple[Run, Run]:
    """The two runs that were asked for. Raises `CannotCompare` unless they are two under one schema."""
    if asked.a is None or asked.b is None:
        raise CannotCompare("choose two runs")
    a, b = run_of(project, asked.a), run_of(project, asked.b)
    require_comparable(a, b)
    return a, b


def selection_of(asked: Asked, schema: Schema) -> Selection:
    """The pairs that are to be listed; 404 for a cell that the schema does not have."""
    if not asked.cell:
        return Selection.named(asked.kind, cell=None)
    try:
        cell = schema.cell_of(asked.cell)
    except KeyError as error:
        raise Http404("the schema has no such cell") from error
    return Selection.named(asked.kind, cell=schema.index_of_cell[cell])


def _compared(a: Run, b: Run, asked: Asked) -> Compared:
    require_comparable(a, b)
    schema = parsed_schema(a.schema)
    selection = selection_of(asked, schema)
    comparison = compare_runs(a, b, schema=schema, selection=selection)
    heat = heat_map(comparison.tally, schema)
    scope = heat.together
    if selection.cell is not None:
        cell = schema.cells[selection.cell]
        scope = CountLine(cell_title(cell, schema), comparison.tally.counts([selection.cell]), str(cell))
    counts, differences = scope.counts, run_differences(a, b)
    return Compared(
        sides=_sides(a, b, comparison),
        manifest=differences[:MANIFEST_LINES],
        more_manifest=differences[MANIFEST_LINES:],
        n_both=f"{comparison.n_both:,}",
        heat=heat,
        scope=scope,
        states=states_table(counts),
        urgencies=urgencies_table(counts, schema),
        kinds=_kinds(scope),
        reports=report_page(comparison.found, a=a, b=b, schema=schema, selection=selection, number=asked.page),
    )


def _sides(a: Run, b: Run, comparison: RunComparison) -> tuple[ComparedRun, ComparedRun]:
    return (
        _side("A", a, comparison.n_a, comparison.n_only_a),
        _side("B", b, comparison.n_b, comparison.n_only_b),
    )


def _side(letter: str, run: Run, n_labeled: int, n_alone: int) -> ComparedRun:
    n_asked = f"{run.n_reports:,}" if run.n_reports else "an unknown number"
    return ComparedRun(letter, run, run_name(run), n_asked, f"{n_labeled:,}", f"{n_alone:,}")


def _kinds(scope: CountLine) -> list[KindChoice]:
    every = KindChoice("", "all differences", f"{scope.counts.of(*DIFFERENCES):,}")
    return [every, *(KindChoice(str(kind), KIND_WORDS[kind], scope.n_of[kind]) for kind in LISTED)]
