"""Plan who reads what: look at a plan, and apply it."""

from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Max

from annotator.core.assignment import METHOD_VERSION, AskedPlan, Plan, PlanError, PlanSummary, make_plan, summarize
from annotator.exceptions import UserError
from annotator.models import (
    Arm,
    AssignmentPlan,
    Event,
    Membership,
    Project,
    Reads,
    Role,
    Seat,
    SeatState,
    User,
)
from annotator.selectors.assignments import PlanBasis, plan_basis, seats_token
from annotator.selectors.rules import rules_of
from annotator.services.rules import set_rules
from annotator.services.seat_changes import settle_read_cases, withdraw_rows
from annotator.services.seat_rows import store_probabilities, store_seats

_MOVED: Final = "moved to another reader by plan {number}"
_CHANGED: Final = (
    "somebody else changed the seats of this project since this preview was made; look at the new preview and apply it"
)
# How PostgreSQL and SQLite name the constraints that a plan breaks when another came first.
_TAKEN: Final = (
    *("plan_number_once", "seat_slot_once_per_case", "seat_one_per_reader_and_round"),
    *("UNIQUE constraint failed: annotator_assignmentplan.", "UNIQUE constraint failed: annotator_seat."),
)


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan that is not applied. `token` says which seats it was made beside."""

    asked: AskedPlan
    plan: Plan
    summary: PlanSummary
    token: str


def preview_plan(*, project: Project, asked: AskedPlan) -> Preview:
    """What applying `asked` now would come to; stores nothing. Raises `UserError` for what cannot be met."""
    basis, plan = _planned(project, asked)
    return Preview(asked, plan, summarize(basis.request, plan), basis.token)


def apply_plan(
    *, project: Project, asked: AskedPlan, actor: User | None, now: datetime, token: str | None = None
) -> AssignmentPlan:
    """Make the seats of `asked`, beside those that exist.

    With `token`, that of a preview, only if no seat was made, withdrawn or given away since: of two managers who apply
    at once one wins and the other gets `UserError`.
    """
    try:
        with transaction.atomic():
            return _apply(project, asked, actor=actor, now=now, token=token)
    except IntegrityError as error:
        # Two plans of one number, or two seats of one reader and case: the database lets one through.
        if not any(sign in str(error) for sign in _TAKEN):
            raise
        raise UserError(_CHANGED) from error


def _apply(
    project: Project, asked: AskedPlan, *, actor: User | None, now: datetime, token: str | None
) -> AssignmentPlan:
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if token is not None and token != seats_token(project):
        raise UserError(_CHANGED)
    basis, plan = _planned(project, asked)
    if not plan.seats and not plan.moved:
        raise UserError("this plan adds nothing: every case has the seats that it asks for")
    number = (AssignmentPlan.objects.filter(project=project).aggregate(last=Max("number"))["last"] or 0) + 1
    stored = AssignmentPlan.objects.create(
        project=project,
        number=number,
        seed=asked.seed,
        request=asked.as_json() | _more_of_request(basis, asked, plan),
        summary=asdict(summarize(basis.request, plan)),
        method_version=METHOD_VERSION,
        applied_by=actor,
        applied_at=now,
    )
    moved = [basis.seats[seat].pk for seat in plan.moved]
    if withdraw_rows(moved, because=_MOVED.format(number=number)) < len(moved):
        # Somebody submitted one of them meanwhile.
        raise UserError(_CHANGED)
    store_seats(stored, basis, plan)
    store_probabilities(basis, plan)
    set_rules(
        project=project, actor=actor, changes={"reads": Reads.QUEUE if asked.is_queue else Reads.ASSIGNED}, now=now
    )
    payload = {"plan": number, "seats": len(plan.seats), "moved": len(moved), "seed": asked.seed}
    Event.objects.create(project=project, actor=actor, verb=Event.Verb.SEATS_PLANNED, payload=payload, at=now)
    touched = {seat.case for seat in plan.seats} | {seat.case for seat in plan.moved}
    settle_read_cases(project, {basis.case_pks[key] for key in touched}, now=now)
    return stored


def _planned(project: Project, asked: AskedPlan) -> tuple[PlanBasis, Plan]:
    _check_asked(project, asked)
    try:
        basis = plan_basis(project, asked)
        return basis, make_plan(basis.request)
    except PlanError as error:
        raise UserError(str(error)) from error


def _check_asked(project: Project, asked: AskedPlan) -> None:
    members = Membership.objects.filter(project=project, role=Role.READER, user__is_active=True)
    names = set(members.values_list("user__username", flat=True))
    for reader in asked.readers:
        if reader.name not in names:
            raise UserError(f"{reader.name} is no reader of this project; make them one under Members first")
    if unknown := set(asked.arms) - set(Arm.values):
        raise UserError(f"{min(unknown)!r} is no arm; there are {', '.join(Arm.values)}")
    if asked.arms.get(Arm.SEEDED) and not rules_of(project).is_training:
        raise UserError("planted errors are for training projects; say under Rules that this is one")
    n_waiting = Seat.objects.filter(project=project, is_pulled=True, state=SeatState.OPEN).count()
    if n_waiting and not asked.is_queue:
        raise UserError(
            f"{n_waiting} seats wait in the queue, and anybody may take them: withdraw these before you name readers"
        )


def _more_of_request(basis: PlanBasis, asked: AskedPlan, plan: Plan) -> dict[str, Any]:
    """What else it was made of: the run behind the strata, and readers by case where these differ."""
    more: dict[str, Any] = {"run": basis.run, "n_cases": len(basis.request.cases), "n_held": len(basis.seats)}
    if len(asked.overlap) > 1:
        keys: dict[int, list[str]] = defaultdict(list)
        for key, n in plan.n_readers.items():
            keys[n].append(key)
        more["readers_by_case"] = {str(n): sorted(found) for n, found in sorted(keys.items())}
    return more
