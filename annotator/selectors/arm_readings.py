"""Readings of both arms with what their readers were shown, what judges them and how long they took.

Of a reader and case that revision counts which counts elsewhere: the last, but of a reading that began blank the last
before they saw machine labels. Its seconds and key presses are those up to the first submission. Repeats, readings with
planted errors and excluded cases count nowhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.db.models import BigIntegerField, Count, F, When
from django.db.models import Case as Choose
from numpy.typing import NDArray

from annotator.core.arms.readings import ArmReadings, Bools, Columns, Floats, Ints
from annotator.core.arms.references import independent_reference
from annotator.core.reading_origins import Revisions
from annotator.core.voices import Rows, Voices
from annotator.models import Arm, Case, Project, Seat, SeatState, User
from annotator.selectors.arm_decisions import decided_values
from annotator.selectors.case_axes import found_places
from annotator.selectors.gold_matrices import excluded_by
from annotator.selectors.matrices import labels_of_run
from annotator.selectors.stretches import Stretch
from annotator.selectors.vector_rows import VectorRows, vector_rows
from annotator.selectors.voices import counting
from labeling.core.schema import Schema
from labeling.core.values import CODE_OF_STATE, POSITIVE_VALUES, Value

_IS_POSITIVE: Final = np.zeros(128, bool)
_IS_ANSWER: Final = np.zeros(128, bool)
for _state, _code in CODE_OF_STATE.items():
    _IS_POSITIVE[ord(_code)] = _state in POSITIVE_VALUES
    _IS_ANSWER[ord(_code)] = isinstance(_state, Value)


@dataclass(frozen=True, slots=True)
class LoadedArms:
    """Readings of both arms, those that started from another run than was asked for, and seats by arm and state."""

    readings: ArmReadings
    n_other_run: int
    seats: dict[str, dict[str, int]]


def arm_readings(project: Project, *, schema: Schema, run: str, inputs: Mapping[str, Any]) -> LoadedArms:
    """The readings up to `inputs` that were blank or started from `run`."""
    stretch = Stretch.of(schema, None)
    rows = _counting(project, inputs=inputs, run=run, stretch=stretch)
    kept, first = _chosen(rows)
    is_of_run = (rows.numbers[_IS_BLANK] == 1) | (rows.numbers[_IS_OF_RUN] == 1)
    used, times = rows.only(kept & is_of_run), rows.numbers[:, first[kept & is_of_run]]
    cases, case = np.unique(used.numbers[_CASE], return_inverse=True)
    readers, reader = np.unique(used.numbers[_READER], return_inverse=True)
    patients, reports = _about_cases(project, cases)
    is_blank = used.numbers[_IS_BLANK] == 1
    positive, known = _IS_POSITIVE[used.values], _IS_ANSWER[used.values]
    voices = _voices(rows.only(kept), cases)
    decided = decided_values(project, schema=schema, cases=cases, voices=voices, last=inputs["decisions"]["last"])
    labels = _labels(project, run=run, reports=reports, last=inputs["labels"][run]["last"], stretch=stretch)
    strata, is_planned = _seating(project, used)
    return LoadedArms(
        ArmReadings(
            readers=_names(readers),
            reader=reader.astype(np.int64),
            patient=patients[case],
            stratum=strata,
            is_prefilled=~is_blank,
            is_planned=is_planned,
            positive=positive,
            known=known,
            machine_positive=_IS_POSITIVE[labels][case],
            machine_known=_IS_ANSWER[labels][case],
            reference=independent_reference(
                case=case.astype(np.int64), is_blind=is_blank, positive=positive, known=known, decided=decided
            ),
            seconds=_measured(times[_SECONDS]),
            key_presses=_measured(times[_KEYS]),
        ),
        n_other_run=int((kept & ~is_of_run).sum()),
        seats=_seats(project),
    )


def cell_groups(schema: Schema) -> tuple[str, dict[str, Columns]]:
    """Which cells are looked at together, findings or, of one finding, targets: what they are, and their places."""
    scope = "finding" if len(schema.findings) > 1 else "target"
    names = [cell.finding if scope == "finding" else cell.target for cell in schema.cells]
    return scope, {name: np.flatnonzero(np.array(names) == name) for name in dict.fromkeys(names)}


_PK, _CASE, _READER, _IS_BLANK, _IS_OF_RUN, _SECONDS, _KEYS = range(7)


def _numbers(run: str) -> list[Any]:
    """Numbers of a reading; seconds and key presses plus 1, so that 0 is what was not measured."""
    blank = Choose(When(arm=Arm.BLANK, then=1), default=0, output_field=BigIntegerField())
    of_run = Choose(When(prefill_run=run, then=1), default=0, output_field=BigIntegerField())
    # No reading takes 0 seconds: those whose time nobody measured say so.
    seconds = Choose(
        When(active_seconds__gt=0, then=F("active_seconds") + 1), default=0, output_field=BigIntegerField()
    )
    return ["pk", "case_id", "reader_id", blank, of_run, seconds, F("key_presses") + 1]


def _measured(numbers: Ints) -> Floats:
    return np.where(numbers > 0, numbers - 1.0, np.nan)


def _counting(project: Project, *, inputs: Mapping[str, Any], run: str, stretch: Stretch) -> VectorRows:
    """All revisions up to `inputs` that can count, by reader, case and revision."""
    # Who read without labels and could have looked at them reads in neither arm.
    found = counting(project).filter(pk__lte=inputs["readings"]["last"]).exclude(arm=Arm.BLANK, is_informed=True)
    rows = vector_rows(found, _numbers(run), stretch)
    rows = rows.only(~np.isin(rows.numbers[_CASE], excluded_by(project, inputs)))
    order = np.lexsort(rows.numbers[[_PK, _CASE, _READER]])
    return VectorRows(rows.numbers[:, order], rows.values[order], rows.urgencies[order])


def _voices(rows: VectorRows, cases: Ints) -> Voices:
    """What is said of `cases`, given by their keys in order, whichever run it started from."""
    place, known = found_places(cases, rows.numbers[_CASE])
    case, reader, is_blank = place[known], rows.numbers[_READER, known], rows.numbers[_IS_BLANK, known] == 1
    said = Rows(case, reader, is_blank, rows.values[known], rows.urgencies[known])
    return Voices.of_rows(said, n_cases=len(cases))


def _chosen(rows: VectorRows) -> tuple[Bools, NDArray[np.intp]]:
    """Which revisions count, and for each revision the place of the first of its reader and case."""
    pk, case, reader, is_blank = (rows.numbers[index] for index in (_PK, _CASE, _READER, _IS_BLANK))
    kept = Revisions(pk, case, reader, is_blank == 1).speaking()
    pair = np.unique(case * (int(reader.max(initial=0)) + 1) + reader, return_inverse=True)[1]
    order = np.argsort(pk, kind="stable")
    first = np.zeros(int(pair.max(initial=-1)) + 1, np.intp)
    first[pair[order[::-1]]] = order[::-1]
    return kept, first[pair]


def _about_cases(project: Project, cases: Ints) -> tuple[Ints, Ints]:
    """Numbers of the patients of cases, and the keys of their reports, 0 of none."""
    found = Case.objects.filter(project=project).order_by("pk").values_list("pk", "patient_key", "report_id")
    place = {int(pk): index for index, pk in enumerate(cases)}
    numbers: dict[str, int] = {}
    patients, reports = np.zeros(len(cases), np.int64), np.zeros(len(cases), np.int64)
    for pk, patient, report in found.iterator(chunk_size=20_000):
        if pk in place:
            patients[place[pk]] = numbers.setdefault(patient, len(numbers))
            reports[place[pk]] = report or 0
    return patients, reports


def _labels(project: Project, *, run: str, reports: Ints, last: int, stretch: Stretch) -> NDArray[np.uint8]:
    """Codes of the values that the run gave each of `reports`, 0 of none: `(reports, cells)`."""
    rows = vector_rows(labels_of_run(project, run).filter(pk__lte=last), ("report_id",), stretch)
    order = np.argsort(reports, kind="stable")
    place = order[np.minimum(np.searchsorted(reports[order], rows.numbers[0]), len(reports) - 1)]
    is_read = reports[place] == rows.numbers[0]
    found = np.zeros((len(reports), len(stretch.places)), np.uint8)
    found[place[is_read]] = rows.values[is_read]
    return found


def _seating(project: Project, rows: VectorRows) -> tuple[Ints, Bools]:
    """Numbers of plan and stratum of each reading, and whether a plan drew its arm."""
    seats = Seat.objects.filter(project=project, round=1, reader__isnull=False).exclude(state=SeatState.WITHDRAWN)
    found = {
        (case, reader): (plan, stratum, arm)
        for case, reader, plan, stratum, arm in seats.order_by()
        .values_list("case_id", "reader_id", "plan_id", "stratum", "arm")
        .iterator(chunk_size=20_000)
    }
    numbers: dict[tuple[int | None, str], int] = {}
    strata, is_planned = np.zeros(rows.numbers.shape[1], np.int64), np.zeros(rows.numbers.shape[1], bool)
    for index, (case, reader, is_blank) in enumerate(rows.numbers[[_CASE, _READER, _IS_BLANK]].T.tolist()):
        plan, stratum, arm = found.get((case, reader), (None, "", ""))
        strata[index] = numbers.setdefault((plan, stratum), len(numbers))
        is_planned[index] = plan is not None and arm == (Arm.BLANK if is_blank else Arm.PREFILLED)
    return strata, is_planned


def _names(readers: Ints) -> tuple[str, ...]:
    name_of = dict(User.objects.filter(pk__in=readers.tolist()).values_list("pk", "username"))
    return tuple(name_of[int(reader)] for reader in readers)


def _seats(project: Project) -> dict[str, dict[str, int]]:
    """How many seats of a plan each arm has, and how many of them were read."""
    arms = (Arm.PREFILLED, Arm.BLANK)
    seats = Seat.objects.filter(project=project, round=1, plan__isnull=False, arm__in=arms).order_by()
    found = {arm.value: {"n": 0, "n_read": 0} for arm in arms}
    for arm, state, n in seats.values_list("arm", "state").annotate(n=Count("pk")):
        if state != SeatState.WITHDRAWN:
            found[arm]["n"] += n
            found[arm]["n_read"] += n if state == SeatState.SUBMITTED else 0
    return found
