"""Readings and machine labels as arrays, read as they were when figures were asked for.

Only what counts is read: neither excluded cases nor readings made to train; what came back to a reader stands apart.
Both tables only grow, so that "all rows up to a key" is the same set for good, but for rows whose transaction ended
later than that of a higher key: how many of the last keys have rows is kept beside the key, and tells. What else is
needed, cases and their patients, never changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.db.models import BigIntegerField, Count, Exists, OuterRef, QuerySet, When
from django.db.models import Case as Choose
from numpy.typing import NDArray

from annotator.core.figure_requests import METHOD_VERSION, FigureRequest, Kind, fingerprint
from annotator.core.gold_truths import GoldTruth
from annotator.core.reading_origins import Revisions, counted, repeated
from annotator.core.voices import LEVEL_OF_CODE
from annotator.models import Arm, Decision, Project, Reading, Seat, User
from annotator.selectors.case_axes import CaseAxis, axis_of, extent, found_places, places_of
from annotator.selectors.gold_matrices import GoldSource, excluded_by, gold_inputs, gold_of, last_exclusion
from annotator.selectors.stretches import Stretch
from annotator.selectors.vector_rows import VectorRows, vector_rows
from annotator.selectors.voices import counting
from labeling.core.evaluation.ratings import NO_URGENCY, RANK_OF_CODE, Ratings
from labeling.core.schema import Cell, Schema
from labeling.exceptions import UserError
from labeling.models import MachineLabel, Run


def inputs_of(project: Project, request: FigureRequest) -> dict[str, Any]:
    """What figures of `request` are computed from, as it is now: last keys and counts of rows, names, the method."""
    readings = Reading.objects.filter(project=project, schema=project.schema)
    labels = {run: extent(labels_of_run(project, run)) for run in request.runs}
    return (
        _study_inputs(project, request)
        | {
            "project": project.pk,
            "schema": project.schema.hash,
            "method": METHOD_VERSION,
            "readings": extent(readings),
            "labels": labels,
            "readers": _names_hash(project),
            "excluded": last_exclusion(project),
        }
        | ({"gold": gold_inputs(project)} if request.is_of_gold else {})
    )


def _study_inputs(project: Project, request: FigureRequest) -> dict[str, Any]:
    """What arms are judged by besides: decisions, and which readings a plan drew."""
    if request.kind != Kind.ARMS:
        return {}
    seats = Seat.objects.filter(project=project).order_by()
    return {
        "decisions": extent(Decision.objects.filter(project=project, schema=project.schema)),
        "seats": {row["state"]: row["n"] for row in seats.values("state").annotate(n=Count("pk"))},
    }


def _names_hash(project: Project) -> str:
    """Of the names of those who read: figures hold them, and a user can be called otherwise."""
    theirs = Reading.objects.filter(reader=OuterRef("pk"), project=project, schema=project.schema)
    named = User.objects.filter(Exists(theirs)).order_by("pk").values_list("pk", "username")
    return fingerprint({str(pk): name for pk, name in named})


def labels_of_run(project: Project, run: str) -> QuerySet[MachineLabel]:
    found = Run.objects.filter(run_id=run, project=project, schema=project.schema).values_list("pk", flat=True)
    return MachineLabel.objects.filter(run__in=list(found))


@dataclass(frozen=True, slots=True)
class ReadMatrix:
    """What readers say, `n_left_out` of other origin, and cases of which only assisted readings count.

    `gold` where it is the truth.
    """

    axis: CaseAxis
    ratings: Ratings
    n_left_out: int
    n_assisted: int
    gold: GoldTruth | None = None

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
    rows = _revisions(project, inputs=inputs, stretch=stretch)
    revisions = _revisions_in(rows)
    found = counted(revisions, request.origin)
    if not found.kept.any():
        raise UserError("no reading counts: nobody has submitted a case" if not revisions.pk.size else _NO_BLIND)
    chosen = rows.only(found.kept)
    axis = axis_of(project, set(chosen.numbers[_CASE].tolist()))
    ratings = _ratings(chosen, axis, schema, stretch)
    gold = None
    if request.is_of_gold:
        source = GoldSource(project, schema, axis, stretch, inputs["gold"])
        gold = gold_of(source, rows, revisions, names=_names(revisions.reader), truth=request.truth)
    return ReadMatrix(axis, ratings, found.n_left_out, found.n_assisted, gold)


_NO_BLIND: Final = "no reading was made without machine labels; ask for all to see readers who started from them"


# Numbers of a reading, in the order in which they are read.
_NUMBERS: Final = (
    "pk",
    "case_id",
    "reader_id",
    Choose(When(arm=Arm.BLANK, is_informed=False, then=1), default=0, output_field=BigIntegerField()),
)
_PK, _CASE, _READER, _IS_BLANK = range(len(_NUMBERS))


def _revisions(project: Project, *, inputs: Mapping[str, Any], stretch: Stretch) -> VectorRows:
    """All revisions up to `inputs` that can count."""
    found = counting(project).filter(pk__lte=inputs["readings"]["last"])
    rows = vector_rows(found, _NUMBERS, stretch)
    return rows.only(~np.isin(rows.numbers[_CASE], excluded_by(project, inputs)))


def _ratings(rows: VectorRows, axis: CaseAxis, schema: Schema, stretch: Stretch) -> Ratings:
    readers = np.unique(rows.numbers[_READER])
    name_of = _names(readers)
    order = sorted(range(len(readers)), key=lambda index: name_of[int(readers[index])])
    raters = tuple(name_of[int(readers[index])] for index in order)
    rater = np.argsort(order)[np.searchsorted(readers, rows.numbers[_READER])]
    case = places_of(axis.pks, rows.numbers[_CASE])
    ranks, urgencies, rated = _empty(len(raters), len(axis.pks), len(stretch.places))
    ranks[rater, case] = RANK_OF_CODE[rows.values]
    urgencies[rater, case] = LEVEL_OF_CODE[rows.urgencies]
    rated[rater, case] = True
    return Ratings(raters, axis.keys, stretch.cells(schema), ranks, urgencies, rated)


def _names(readers: NDArray[np.int64]) -> dict[int, str]:
    return dict(User.objects.filter(pk__in=np.unique(readers).tolist()).values_list("pk", "username"))


def repeat_matrix(
    project: Project, *, schema: Schema, axis: CaseAxis, inputs: Mapping[str, Any]
) -> tuple[Ratings, Ratings] | None:
    """What readers said of cases that came back to them: the first time, and the last, of the cases of `axis`.

    Both readings began in the same arm. None where nothing came back.
    """
    stretch = Stretch.of(schema, None)
    found = Reading.objects.filter(project=project, schema=project.schema, pk__lte=inputs["readings"]["last"])
    later = vector_rows(found.filter(round__gt=1).exclude(arm=Arm.SEEDED), _NUMBERS, stretch)
    first = _revisions(project, inputs=inputs, stretch=stretch)
    kept_first, kept_later = repeated(_revisions_in(first), _revisions_in(later), cases=axis.pks)
    if not kept_first.any():
        return None
    pairs = first.only(kept_first), later.only(kept_later)
    own = axis.only(np.isin(axis.pks, pairs[0].numbers[_CASE]))
    one, other = (_ratings(rows, own, schema, stretch) for rows in pairs)
    return one, other


def _revisions_in(rows: VectorRows) -> Revisions:
    pks, cases, readers, is_blank = rows.numbers
    return Revisions(pks, cases, readers, is_blank == 1)


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
    case, known = found_places(axis.report_pks, rows.numbers[0])
    ranks, urgencies, rated = _empty(1, len(axis.pks), len(stretch.places))
    ranks[0, case[known]] = RANK_OF_CODE[rows.values[known]]
    urgencies[0, case[known]] = LEVEL_OF_CODE[rows.urgencies[known]]
    rated[0, case[known]] = True
    return Ratings((run,), axis.keys, stretch.cells(schema), ranks, urgencies, rated)


def _empty(n_raters: int, n_cases: int, n_cells: int) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.bool_]]:
    shape = (n_raters, n_cases, n_cells)
    return np.full(shape, -1, np.int8), np.full(shape, NO_URGENCY, np.int8), np.zeros(shape[:2], bool)
