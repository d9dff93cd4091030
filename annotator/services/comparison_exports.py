"""The cells on which two runs differ, as a table that is made while it is sent."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.utils import timezone

from annotator.models import Case, Event, Project, Report, User
from annotator.selectors.compared_reports import entry_of
from annotator.selectors.run_comparisons import Asked, chosen_pair, selection_of
from annotator.selectors.schemas import parsed_schema
from labeling.core.comparison import KINDS, Kind, Selection, Tally
from labeling.core.schema import Schema
from labeling.core.tables.cells import csv_line, number_cell, text_cell
from labeling.core.values import STATE_OF_CODE, urgency_of_code
from labeling.models import MachineLabel, Run
from labeling.selectors.comparisons import label_pairs, labels_of_reports

COLUMNS: Final = (
    *("report_id", "case", "target", "finding", "difference", "value_a", "value_b", "urgency_a", "urgency_b"),
    *("probability_a", "probability_b", "logit_difference_a", "logit_difference_b", "run_a", "run_b"),
)
# Bodies of labels are long, so few are in memory.
_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class ComparisonExport:
    """A file that is made while it is sent."""

    file_name: str
    chunks: Iterator[str]


def export_comparison(*, project: Project, actor: User | None, asked: Asked) -> ComparisonExport:
    """The pairs that the page lists for what was asked, and an event that they were exported; raises `UserError`."""
    a, b = chosen_pair(project, asked)
    schema = parsed_schema(a.schema)
    selection = selection_of(asked, schema)
    payload = {"what": "comparison", "run_a": str(a.run_id), "run_b": str(b.run_id)}
    payload |= {"cell": asked.cell, "kind": asked.kind, "format": "csv"}
    Event.objects.create(
        project=project, actor=actor, verb=Event.Verb.LABELS_EXPORTED, payload=payload, at=timezone.now()
    )
    name = f"{project.slug}-compare-{str(a.run_id)[:8]}-{str(b.run_id)[:8]}.csv"
    return ComparisonExport(name, _lines(a, b, schema=schema, selection=selection))


def _lines(a: Run, b: Run, *, schema: Schema, selection: Selection) -> Iterator[str]:
    yield csv_line(COLUMNS)
    tally = Tally(len(schema.cells))
    for batch in label_pairs(a, b, n_cells=tally.n_cells):
        kinds = tally.add([pair for _, pair in batch])
        wanted = selection.mask(kinds)
        differing = [
            (batch[row][0], [(int(place), KINDS[kinds[row, place]]) for place in np.flatnonzero(wanted[row])])
            for row in np.flatnonzero(wanted.any(axis=1))
        ]
        for start in range(0, len(differing), _BATCH):
            yield _table(differing[start : start + _BATCH], a, b, schema=schema)


def _table(differing: list[tuple[int, list[tuple[int, Kind]]]], a: Run, b: Run, *, schema: Schema) -> str:
    pks = [pk for pk, _ in differing]
    ids = dict(Report.objects.filter(pk__in=pks).order_by().values_list("pk", "report_id"))
    keys = dict(Case.objects.filter(report__in=pks).order_by().values_list("report_id", "key"))
    of_a, of_b = labels_of_reports(a, pks), labels_of_reports(b, pks)
    runs = [str(a.run_id), str(b.run_id)]
    return "".join(
        csv_line(
            [
                *(text_cell(text) for text in (ids[pk], keys.get(pk, ""))),
                *_cells(of_a[pk], of_b[pk], place=place, kind=kind, schema=schema),
                *runs,
            ]
        )
        for pk, places in differing
        for place, kind in places
    )


def _cells(a: MachineLabel, b: MachineLabel, *, place: int, kind: Kind, schema: Schema) -> Iterator[str]:
    cell = schema.cells[place]
    entries: list[dict[str, Any]] = [entry_of(label, cell) for label in (a, b)]
    yield text_cell(cell.target)
    yield text_cell(cell.finding)
    yield str(kind)
    for label in (a, b):
        yield str(STATE_OF_CODE[label.values[place]])
    for label in (a, b):
        yield number_cell(urgency_of_code(label.urgencies[place]), what="urgency")
    for name in ("probability", "logit_difference"):
        for entry in entries:
            yield number_cell(entry.get(name), what=name)
