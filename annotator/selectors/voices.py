"""The readings that speak for cases, and what else gold is made of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Count, Q, QuerySet
from numpy.typing import NDArray

from annotator.core.reading_origins import Revisions
from annotator.core.settled import Decided
from annotator.core.voices import Rows
from annotator.models import Arm, Case, Decision, Exclusion, Project, Reading, Reads, Seat, SeatState, StudyRules
from labeling.core.schema import Schema
from labeling.models import MachineLabel

Ints = NDArray[np.int64]
# How a decision records a machine label that it was shown as a voice.
_LABEL: str = "label "


def counting(project: Project) -> QuerySet[Reading]:
    """Readings that can be voices: of the schema of the project, neither repeats nor made to train readers."""
    return Reading.objects.filter(project=project, schema=project.schema_id, round=1).exclude(arm=Arm.SEEDED)


def speaking(project: Project, cases: Iterable[int]) -> list[Reading]:
    """The reading of each reader that is a voice of a case, in their order: the last blind one, else the last."""
    found = list(counting(project).filter(case__in=list(cases)).order_by("pk"))
    return [reading for reading, speaks in zip(found, revisions_of(found).speaking(), strict=True) if speaks]


def held_bodies(readings: Iterable[Reading], cases: Iterable[Case]) -> dict[tuple[int, UUID | None], Mapping[str, Any]]:
    """Bodies of the machine labels that readers started from, by case and run."""
    runs = {reading.prefill_run for reading in readings if reading.prefill_run}
    if not runs:
        return {}
    case_of = {case.report_id: case.pk for case in cases if case.report_id is not None}
    found = MachineLabel.objects.filter(run__run_id__in=runs, report__in=list(case_of)).order_by()
    rows = found.values_list("report_id", "run__run_id", "body")
    return {(case_of[report], run): body for report, run, body in rows}


def machine_labels(project: Project, reports: Iterable[int]) -> QuerySet[MachineLabel]:
    """What the pre-filling run says of reports: where the rules make the machine a voice, this is it."""
    return MachineLabel.objects.filter(
        run__project=project, run__schema=project.schema_id, run__is_prefill=True, report__in=list(reports)
    ).order_by()


def revisions_of(readings: Sequence[Reading]) -> Revisions:
    """Their keys, in order, and whether their readers began blank and could look at nothing."""
    numbers = [
        (each.pk, each.case_id, each.reader_id, each.arm == Arm.BLANK and not each.is_informed) for each in readings
    ]
    pk, case, reader, is_blank = np.array(numbers, np.int64).reshape(-1, 4).T
    return Revisions(pk, case, reader, is_blank == 1)


@dataclass(frozen=True, slots=True)
class Spoken:
    """Voices of cases as rows, and the readings they are, in the same order."""

    rows: Rows
    readings: tuple[Reading, ...]


def spoken_in(project: Project, cases: Sequence[int], *, n_cells: int) -> Spoken:
    """The voices of cases, given by their keys; places are those in `cases`."""
    place = {pk: index for index, pk in enumerate(cases)}
    found = list(counting(project).filter(case__in=cases).order_by("pk"))
    revisions = revisions_of(found)
    speaks, is_blind = revisions.speaking(), revisions.blind()
    kept = [reading for reading, is_voice in zip(found, speaks, strict=True) if is_voice]
    return Spoken(
        Rows(
            case=np.array([place[each.case_id] for each in kept], np.int64),
            reader=revisions.reader[speaks],
            is_blind=is_blind[speaks],
            values=codes_of((each.values for each in kept), n_cells),
            urgencies=codes_of((each.urgencies for each in kept), n_cells),
        ),
        tuple(kept),
    )


def codes_of(vectors: Iterable[str], n_cells: int) -> NDArray[np.uint8]:
    """Stored vectors as ASCII codes, `(vectors, cells)`."""
    return np.frombuffer("".join(vectors).encode("ascii"), np.uint8).reshape(-1, n_cells)


def decided_in(decisions: QuerySet[Decision], place_of: Mapping[int, int], schema: Schema) -> list[Decided]:
    """The last of `decisions` on each cell that was not taken back, of cases that have a place."""
    cell_of = {str(cell): index for cell, index in schema.index_of_cell.items()}
    fields = ("pk", "case_id", "cell", "is_undo", "value", "urgency", "basis", "voices", "evidence")
    last = {(row[1], row[2]): row for row in decisions.order_by("case", "cell", "revision").values_list(*fields)}
    return [
        Decided(pk, place_of[case], cell_of[cell], value, urgency, basis, not _holds_label(voices), evidence)
        for pk, case, cell, is_undo, value, urgency, basis, voices, evidence in last.values()
        if not is_undo and case in place_of and cell in cell_of
    ]


def _holds_label(stored: Any) -> bool:
    if isinstance(stored, Mapping):
        return any(_holds_label(each) for pair in stored.items() for each in pair)
    if isinstance(stored, list):
        return any(_holds_label(each) for each in stored)
    return isinstance(stored, str) and stored.startswith(_LABEL)


def wanted_of(project: Project, rules: StudyRules, cases: Sequence[int], *, within: Q) -> Ints:
    """How many voices each case takes to be read; `within` narrows the seats that are looked at to those of `cases`."""
    wanted = np.full(len(cases), rules.readers_per_case, np.int64)
    if rules.reads == Reads.OPEN:
        return wanted
    n_seats = dict(wanted_seats(project).filter(within).order_by().values_list("case").annotate(n=Count("pk")))
    for index, pk in enumerate(cases):
        wanted[index] = n_seats.get(pk, rules.readers_per_case)
    return wanted


def wanted_seats(project: Project) -> QuerySet[Seat]:
    """Seats whose readings are to be voices."""
    return Seat.objects.filter(project=project, round=1).exclude(arm=Arm.SEEDED).exclude(state=SeatState.WITHDRAWN)


def excluded_at(project: Project, at: datetime | None, *, within: Q) -> set[int]:
    """Keys of cases that were excluded at a time, or are now."""
    found = Exclusion.objects.filter(within, project=project)
    if at is None:
        found = found.filter(ended_at__isnull=True)
    else:
        found = found.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=at), excluded_at__lte=at)
    return set(found.order_by().values_list("case_id", flat=True))
