"""Readings and machine labels as arrays, read as they were when figures were asked for.

Both tables only grow, so that "all rows up to a key" is the same set for good, but for rows whose transaction ended
later than that of a higher key: how many of the last keys have rows is kept beside the key, and tells. What else is
needed, cases and their patients, never changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.db.models import BigIntegerField, Exists, OuterRef, QuerySet, When
from django.db.models import Case as Choose
from numpy.typing import NDArray

from annotator.core.figure_requests import METHOD_VERSION, FigureRequest, fingerprint
from annotator.core.reading_origins import Revisions, counted
from annotator.models import Arm, Case, Project, Reading, User
from annotator.selectors.stretches import Stretch
from annotator.selectors.vector_rows import VectorRows, vector_rows
from labeling.core.evaluation.ratings import NO_URGENCY, RANK_OF_STATE, Ratings
from labeling.core.schema import Cell, Schema
from labeling.core.values import CODE_OF_STATE, URGENCY_LEVELS
from labeling.exceptions import UserError
from labeling.models import MachineLabel, Run

_BATCH: Final = 20_000
# Keys below the last among which rows are counted: more than are given out while a transaction ends.
_RECENT: Final = 20_000
_RANKS: Final = np.full(128, -1, np.int8)
for _state, _code in CODE_OF_STATE.items():
    _RANKS[ord(_code)] = RANK_OF_STATE[_state]
_URGENCIES: Final = np.full(128, NO_URGENCY, np.int8)
for _level in URGENCY_LEVELS:
    _URGENCIES[ord(str(_level))] = _level


def inputs_of(project: Project, request: FigureRequest) -> dict[str, Any]:
    """What figures of `request` are computed from, as it is now: last keys and counts of rows, names, the method."""
    readings = Reading.objects.filter(project=project, schema=project.schema)
    labels = {run: _extent(labels_of_run(project, run)) for run in request.runs}
    return {
        "project": project.pk,
        "schema": project.schema.hash,
        "method": METHOD_VERSION,
        "readings": _extent(readings),
        "labels": labels,
        "readers": _names_hash(project),
    }


def _names_hash(project: Project) -> str:
    """Of the names of those who read: figures hold them, and a user can be called otherwise."""
    theirs = Reading.objects.filter(reader=OuterRef("pk"), project=project, schema=project.schema)
    named = User.objects.filter(Exists(theirs)).order_by("pk").values_list("pk", "username")
    return fingerprint({str(pk): name for pk, name in named})


def _extent(rows: QuerySet[Any]) -> dict[str, int]:
    last = rows.order_by("-pk").values_list("pk", flat=True).first() or 0
    return {"n": rows.filter(pk__gt=last - _RECENT).count(), "last": last}


def labels_of_run(project: Project, run: str) -> QuerySet[MachineLabel]:
    found = Run.objects.filter(run_id=run, project=project, schema=project.schema).values_list("pk", flat=True)
    return MachineLabel.objects.filter(run__in=list(found))


@dataclass(frozen=True, slots=True)
class CaseAxis:
    """The cases that somebody read, in the order of the project: primary keys, keys, patients and reports."""

    pks: NDArray[np.int64]
    keys: tuple[str, ...]
    patients: tuple[str, ...]
    report_pks: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ReadMatrix:
    """What readers say, `n_left_out` of other origin, and cases of which only assisted readings count."""

    axis: CaseAxis
    ratings: Ratings
    n_left_out: int
    n_assisted: int

    @property
    def is_blind(self) -> bool:
        """Whether all that counts was made without machine labels."""
        return not self.n_assisted


def read_matrix(
    project: Project,
    *,
    schema: Schema,
    request: FigureRequest,
    inputs: Mapping[str, Any],
    cells: Sequence[Cell] | None = None,
) -> ReadMatrix:
    """The readings up to `inputs` that count by the origin that was asked for, of `cells` or of all cells.

    `ratings.raters` are names of users. Raises `UserError` when nobody read anything of that origin.
    """
    stretch = Stretch.of(schema, cells)
    rows = _revisions(project, last=inputs["readings"]["last"], stretch=stretch)
    pks, cases, readers, is_blank = rows.numbers
    found = counted(Revisions(pks, cases, readers, is_blank == 1), request.origin)
    if not found.kept.any():
        raise UserError("no reading counts: nobody has submitted a case" if not pks.size else _NO_BLIND)
    chosen = rows.only(found.kept)
    axis = _axis(project, set(chosen.numbers[_CASE].tolist()))
    return ReadMatrix(axis, _ratings(chosen, axis, schema, stretch), found.n_left_out, found.n_assisted)


_NO_BLIND: Final = "no reading was made without machine labels; ask for all to see readers who started from them"


# Numbers of a reading, in the order in which they are read.
_NUMBERS: Final = (
    "pk",
    "case_id",
    "reader_id",
    Choose(When(arm=Arm.BLANK, then=1), default=0, output_field=BigIntegerField()),
)
_PK, _CASE, _READER, _IS_BLANK = range(len(_NUMBERS))


def _revisions(project: Project, *, last: int, stretch: Stretch) -> VectorRows:
    """All revisions up to the key `last`."""
    found = Reading.objects.filter(project=project, schema=project.schema, pk__lte=last)
    return vector_rows(found, _NUMBERS, stretch)


def _axis(project: Project, case_pks: set[int]) -> CaseAxis:
    found = Case.objects.filter(project=project).order_by("position")
    rows = [
        row
        for row in found.values_list("pk", "key", "patient_key", "report_id").iterator(chunk_size=_BATCH)
        if row[0] in case_pks
    ]
    return CaseAxis(
        pks=np.array([row[0] for row in rows], np.int64),
        keys=tuple(row[1] for row in rows),
        patients=tuple(row[2] for row in rows),
        report_pks=np.array([row[3] or 0 for row in rows], np.int64),
    )


def _ratings(rows: VectorRows, axis: CaseAxis, schema: Schema, stretch: Stretch) -> Ratings:
    readers = np.unique(rows.numbers[_READER])
    name_of = dict(User.objects.filter(pk__in=readers.tolist()).values_list("pk", "username"))
    order = sorted(range(len(readers)), key=lambda index: name_of[int(readers[index])])
    raters = tuple(name_of[int(readers[index])] for index in order)
    rater = np.argsort(order)[np.searchsorted(readers, rows.numbers[_READER])]
    case = _places(axis.pks, rows.numbers[_CASE])
    ranks, urgencies, rated = _empty(len(raters), len(axis.pks), len(stretch.places))
    ranks[rater, case] = _RANKS[rows.values]
    urgencies[rater, case] = _URGENCIES[rows.urgencies]
    rated[rater, case] = True
    return Ratings(raters, axis.keys, stretch.cells(schema), ranks, urgencies, rated)


def label_matrix(
    project: Project,
    *,
    schema: Schema,
    run: str,
    axis: CaseAxis,
    inputs: Mapping[str, Any],
    cells: Sequence[Cell] | None = None,
) -> Ratings:
    """What a run says of the cases of `axis`, as one rater called by its id. `rated` where it labeled them."""
    stretch = Stretch.of(schema, cells)
    found = labels_of_run(project, run).filter(pk__lte=inputs["labels"][run]["last"])
    rows = vector_rows(found, ("report_id",), stretch)
    case, known = _found(axis.report_pks, rows.numbers[0])
    ranks, urgencies, rated = _empty(1, len(axis.pks), len(stretch.places))
    ranks[0, case[known]] = _RANKS[rows.values[known]]
    urgencies[0, case[known]] = _URGENCIES[rows.urgencies[known]]
    rated[0, case[known]] = True
    return Ratings((run,), axis.keys, stretch.cells(schema), ranks, urgencies, rated)


def _empty(n_raters: int, n_cases: int, n_cells: int) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.bool_]]:
    shape = (n_raters, n_cases, n_cells)
    return np.full(shape, -1, np.int8), np.full(shape, NO_URGENCY, np.int8), np.zeros(shape[:2], bool)


def _places(pks: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where each of `wanted` stands among `pks`, which hold all of them."""
    place, known = _found(pks, wanted)
    if not known.all():
        raise ValueError(f"{int((~known).sum())} readings are of cases that are not there")
    return place


def _found(pks: NDArray[np.int64], wanted: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where each of `wanted` stands among `pks`, and whether it does."""
    order = np.argsort(pks, kind="stable")
    at = np.minimum(np.searchsorted(pks, wanted, sorter=order), max(0, len(pks) - 1))
    place = order[at] if len(pks) else np.zeros(len(wanted), np.intp)
    return place, (pks[place] == wanted) if len(pks) else np.zeros(len(wanted), bool)
