"""The page of gold: how far cases are, how gold of each cell came about, and the cases behind a number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import numpy as np
from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Substr
from django.http import Http404
from numpy.typing import NDArray

from annotator.core.gold_truths import ORIGIN_WORDS
from annotator.core.resolution import Origin
from annotator.core.voices import POSITIVE, PRESENCE_OF_CODE
from annotator.models import Case, Gold, Project
from annotator.selectors.rules import rules_of
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.voices import codes_of
from labeling.core.schema import Schema
from labeling.core.tables.cells import csv_line, text_cell

PAGE_SIZE: Final = 50
COLUMNS: Final = tuple(Origin)
_BATCH: Final = 5_000


@dataclass(frozen=True, slots=True)
class CellCounts:
    """A cell: in how many cases its gold is positive, and how it came about, in the order of `COLUMNS`."""

    cell: str
    target: str
    finding: str
    n_positive: int
    counts: tuple[int, ...]

    @property
    def by_origin(self) -> list[tuple[str, str, int]]:
        """Code and words of each origin, and how many cases."""
        return [(str(origin), ORIGIN_WORDS[origin], n) for origin, n in zip(COLUMNS, self.counts, strict=True)]


@dataclass(frozen=True, slots=True)
class Overview:
    """How far the gold of a project is. `n_old` cases were settled by other rules, or under another schema."""

    n_cases: int
    n_by_state: dict[str, int]
    n_old: int
    cells: tuple[CellCounts, ...]
    total: CellCounts

    @property
    def n_gold(self) -> int:
        """Cases that somebody read, or that are excluded."""
        return sum(self.n_by_state.values())

    @property
    def n_unread(self) -> int:
        """Cases without any reading that counts."""
        return self.n_cases - self.n_gold


def gold_overview(project: Project) -> Overview:
    """Counts of the project under its schema and rules."""
    gold = Gold.objects.filter(project=project)
    is_old = ~Q(rules_version=rules_of(project).version) | ~Q(schema=project.schema_id)
    states = dict(gold.order_by().values_list("state").annotate(n=Count("pk")))
    cells = _cell_counts(gold.filter(schema=project.schema_id), parsed_schema(project.schema))
    sums = [sum(each.counts[place] for each in cells) for place in range(len(COLUMNS))]
    return Overview(
        n_cases=Case.objects.filter(project=project).count(),
        n_by_state={str(state): states.get(state, 0) for state in Gold.State},
        n_old=gold.filter(is_old).count(),
        cells=cells,
        total=CellCounts("", "", "", sum(each.n_positive for each in cells), tuple(sums)),
    )


def _cell_counts(gold: QuerySet[Gold], schema: Schema) -> tuple[CellCounts, ...]:
    n_cells = len(schema.cells)
    counts, positive = np.zeros((len(COLUMNS), n_cells), np.int64), np.zeros(n_cells, np.int64)
    for values, origins in _vectors(gold, n_cells):
        positive += (PRESENCE_OF_CODE[values] == POSITIVE).sum(axis=0)
        for place, origin in enumerate(COLUMNS):
            counts[place] += (origins == ord(origin)).sum(axis=0)
    return tuple(
        CellCounts(str(cell), cell.target, cell.finding, int(positive[index]), tuple(counts[:, index].tolist()))
        for index, cell in enumerate(schema.cells)
    )


def _vectors(gold: QuerySet[Gold], n_cells: int) -> Any:
    """Codes of values and origins, `(cases, cells)`, some cases at a time."""
    rows = gold.order_by().values_list("values", "origins").iterator(chunk_size=_BATCH)
    waiting: list[tuple[str, str]] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) == _BATCH:
            yield _codes(waiting, n_cells)
            waiting = []
    yield _codes(waiting, n_cells)


def _codes(rows: list[tuple[str, str]], n_cells: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    return codes_of((row[0] for row in rows), n_cells), codes_of((row[1] for row in rows), n_cells)


def counts_lines(overview: Overview) -> list[str]:
    """The counts as lines of CSV, heads first."""
    lines = [csv_line(["target", "finding", "positive", *(origin.name.lower() for origin in COLUMNS)])]
    for each in overview.cells:
        numbers = [str(number) for number in (each.n_positive, *each.counts)]
        lines.append(csv_line([text_cell(each.target), text_cell(each.finding), *numbers]))
    return lines


# Cases


@dataclass(frozen=True, slots=True)
class CaseList:
    """One page of cases, and what narrows the list. `kept` is the address of the list without its page."""

    page: Page[Gold]
    state: str
    cell: str
    title: str
    origin_words: str
    kept: str


def gold_cases(project: Project, query: Mapping[str, str]) -> CaseList:
    """Cases that have gold, in the order of the project; 404 for a state, cell or origin that there is not."""
    state, cell, origin = (query.get(name, "") for name in ("state", "cell", "origin"))
    schema = parsed_schema(project.schema)
    place_of = {str(each): index for each, index in schema.index_of_cell.items()}
    if (state and state not in Gold.State.values) or (origin and origin not in tuple(Origin)):
        raise Http404("no such state or origin")
    if (cell and cell not in place_of) or (origin and not cell):
        raise Http404("the schema has no such cell")
    found = Gold.objects.filter(project=project).select_related("case").order_by("case__position")
    if state:
        found = found.filter(state=state)
    if cell:
        found = found.filter(schema=project.schema_id).annotate(value_here=Substr("values", place_of[cell] + 1, 1))
    if origin:
        found = found.annotate(origin_here=Substr("origins", place_of[cell] + 1, 1)).filter(origin_here=origin)
    return CaseList(
        page=Paginator(found, PAGE_SIZE).get_page(query.get("page")),
        state=state,
        cell=cell,
        title=cell_title(schema, cell) if cell else "",
        origin_words=ORIGIN_WORDS[Origin(origin)] if origin else "",
        kept=urlencode({name: query[name] for name in ("state", "cell", "origin") if query.get(name)}),
    )


def cell_title(schema: Schema, key: str) -> str:
    """What a cell is called on screen."""
    cell = schema.cell_of(key)
    target = schema.target_by_name.get(cell.target)
    return f"{target.title if target else cell.target}, {cell.finding}"
