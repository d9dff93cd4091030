"""What plans of assignment start from: cases with their strata, and the seats that exist."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from django.db.models import Exists, OuterRef

from annotator.core.assignment import (
    AskedPlan,
    HeldSeat,
    PlanCase,
    PlanError,
    PlanRequest,
    is_rare,
    stratum_name,
    wanted_at,
)
from annotator.core.assignment.requests import Order
from annotator.models import AssignmentPlan, Case, Draft, Project, Seat, SeatState, User
from annotator.selectors.exclusions import is_excluded
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.seats import barred_pairs
from annotator.selectors.stretches import Stretch
from annotator.selectors.vector_rows import vector_rows
from labeling.core.values import CODE_OF_STATE, POSITIVE_VALUES
from labeling.models import MachineLabel
from labeling.selectors import prefill_run

_POSITIVE: Final = [ord(CODE_OF_STATE[value]) for value in POSITIVE_VALUES]
_NEVER_PLANNED: Final = "new"


@dataclass(frozen=True, slots=True)
class PlanBasis:
    """What a plan is made of: the request, seats that exist by what they are called in it, keys of cases, the run.

    `token` changes with every plan, withdrawal and gift, not with readings.
    """

    request: PlanRequest
    seats: Mapping[HeldSeat, Seat]
    case_pks: Mapping[str, int]
    run: str
    token: str


@dataclass(frozen=True, slots=True)
class _CaseRow:
    pk: int
    key: str
    patient: str
    modality: str
    report_id: int | None
    created_at: datetime


def plan_basis(project: Project, asked: AskedPlan) -> PlanBasis:
    """The request of `asked` for the project as it is now. Raises `PlanError` for cases that are not there."""
    rows = _case_rows(project)
    plans = list(AssignmentPlan.objects.filter(project=project).order_by("number"))
    seats, barred = _live_seats(project, {row.pk for row in rows}), _barred(project, rows)
    of_case: dict[int, list[Seat]] = defaultdict(list)
    for seat in seats:
        of_case[seat.case_id].append(seat)
    rows = _asked_rows(rows, asked, has_seats=set(of_case))
    strata, run = _strata(project, rows, asked, of_case=of_case)
    n_readers, frames = _readers_by_case(plans), [_Frame(plan) for plan in plans]
    cases = tuple(
        PlanCase(
            key=row.key,
            patient=row.patient,
            stratum=strata[row.pk],
            batch=_batch(row, frames),
            n_readers=n_readers.get(row.key) or sum(seat.round == 1 for seat in of_case.get(row.pk, ())) or None,
        )
        for row in rows
    )
    keys = {row.pk: row.key for row in rows}
    held = {as_held(seat, keys[seat.case_id]): seat for seat in seats}
    request = PlanRequest(
        cases=cases,
        readers=asked.plan_readers,
        overlap=asked.plan_overlap,
        wanted=_wanted(cases, asked),
        arms=dict(asked.arms),
        mixes_arms=asked.mixes_arms,
        repeats=asked.plan_repeats,
        order=Order(asked.order),
        keeps_patients_together=asked.keeps_patients_together,
        moves_unread=asked.moves_unread,
        held=tuple(held),
        barred=barred,
        seed=asked.seed,
    )
    return PlanBasis(request, held, {row.key: row.pk for row in rows}, run, seats_token(project))


def _barred(project: Project, rows: Sequence[_CaseRow]) -> frozenset[tuple[str, str]]:
    """Cases and names of those who decided about them."""
    keys = {row.pk: row.key for row in rows}
    pairs = barred_pairs(project)
    names = dict(User.objects.filter(pk__in={user for _, user in pairs}).values_list("pk", "username"))
    return frozenset((keys[case], names[user]) for case, user in pairs if case in keys)


def seats_token(project: Project) -> str:
    """Changes whenever seats are made, withdrawn or given to somebody else."""
    seats = Seat.objects.filter(project=project)
    n_withdrawn = seats.filter(state=SeatState.WITHDRAWN).count()
    return f"{AssignmentPlan.objects.filter(project=project).count()}-{seats.count()}-{n_withdrawn}"


def strata_sizes(project: Project, asked: AskedPlan) -> dict[str, int]:
    """Cases by stratum, as `asked` tells them apart."""
    sizes: dict[str, int] = defaultdict(int)
    for case in plan_basis(project, asked).request.cases:
        sizes[case.stratum] += 1
    return dict(sorted(sizes.items()))


def _case_rows(project: Project) -> list[_CaseRow]:
    found = Case.objects.filter(~is_excluded(), project=project).order_by("position")
    columns = ("pk", "key", "patient_key", "study__modality", "report_id", "created_at")
    return [
        _CaseRow(pk, key, patient, modality or "", report, created)
        for pk, key, patient, modality, report, created in found.values_list(*columns)
    ]


def _live_seats(project: Project, case_pks: set[int]) -> list[Seat]:
    """Seats of these cases that are not withdrawn, with `is_begun` where something was typed."""
    begun = Draft.objects.filter(case=OuterRef("case"), reader=OuterRef("reader"), round=OuterRef("round"))
    seats = Seat.objects.filter(project=project).exclude(state=SeatState.WITHDRAWN)
    found = seats.select_related("reader").annotate(is_begun=Exists(begun)).order_by("pk")
    return [seat for seat in found if seat.case_id in case_pks]


def as_held(seat: Seat, key: str) -> HeldSeat:
    can_move = seat.state == SeatState.OPEN and not seat.is_pulled and not seat.is_begun  # type: ignore[attr-defined]
    return HeldSeat(
        case=key,
        reader=seat.reader.get_username() if seat.reader is not None else None,
        arm=seat.arm,
        round=seat.round,
        place=seat.place,
        stratum=seat.stratum,
        can_move=can_move,
    )


def _asked_rows(rows: list[_CaseRow], asked: AskedPlan, *, has_seats: set[int]) -> list[_CaseRow]:
    if asked.keys is None:
        return rows
    listed = set(asked.keys)
    if missing := listed - {row.key for row in rows}:
        raise PlanError(f"No case {min(missing)} can be read here: expected keys of cases that are not excluded.")
    return [row for row in rows if row.key in listed or row.pk in has_seats]


def _strata(
    project: Project, rows: Sequence[_CaseRow], asked: AskedPlan, *, of_case: Mapping[int, Sequence[Seat]]
) -> tuple[dict[int, str], str]:
    """Stratum by case, and the run that it goes by. A case that has seats stays in the stratum that it was drawn in."""
    rare: dict[int, bool] = {}
    run = ""
    if asked.rare_below is not None:
        rare, run = _predicted_rare(project, below=asked.rare_below)
    strata = {}
    for row in rows:
        modality = row.modality if asked.by_modality else ""
        predicted = rare.get(row.report_id) if row.report_id is not None else None
        name = stratum_name(modality, predicted) if asked.rare_below is not None else modality
        strata[row.pk] = of_case[row.pk][0].stratum if of_case.get(row.pk) else name
    return strata, run


def _predicted_rare(project: Project, *, below: float) -> tuple[dict[int, bool], str]:
    """By report whether the pre-fill calls it positive in a rare cell, and the id of the run."""
    run = prefill_run(project)
    if run is None:
        raise PlanError("Rare findings are those of the pre-fill: choose a run that pre-fills cases under Runs first.")
    schema = parsed_schema(project.schema)
    labels = vector_rows(MachineLabel.objects.filter(run=run), ["report_id"], Stretch.of(schema, None))
    is_positive = np.isin(labels.values, _POSITIVE)
    return dict(zip(labels.numbers[0].tolist(), is_rare(is_positive, below=below).tolist(), strict=True)), str(
        run.run_id
    )


def _wanted(cases: Sequence[PlanCase], asked: AskedPlan) -> dict[str, int]:
    sizes: dict[str, int] = defaultdict(int)
    for case in cases:
        sizes[case.stratum] += 1
    return wanted_at(asked.rates, sizes)


def _batch(row: _CaseRow, frames: Sequence["_Frame"]) -> str:
    """The number of the first plan that could have drawn the case."""
    return next((frame.name for frame in frames if frame.holds(row)), _NEVER_PLANNED)


class _Frame:
    """The cases that an earlier plan could have drawn."""

    def __init__(self, plan: AssignmentPlan) -> None:
        keys = plan.request.get("keys")
        self.name = str(plan.number)
        self._until = plan.applied_at
        self._keys = None if keys is None else frozenset(keys)

    def holds(self, row: _CaseRow) -> bool:
        """Whether the case is one of them."""
        return row.created_at <= self._until and (self._keys is None or row.key in self._keys)


def _readers_by_case(plans: Sequence[AssignmentPlan]) -> dict[str, int]:
    """Readers that each case was to get, by the latest plan that says so for single cases."""
    by_case: dict[str, int] = {}
    for plan in plans:
        for n, keys in plan.request.get("readers_by_case", {}).items():
            by_case.update(dict.fromkeys(keys, int(n)))
    return by_case
