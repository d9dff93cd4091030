"""Withdraw seats that nobody has read, and give them to somebody else. What was typed or submitted stays."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Max, QuerySet

from annotator.exceptions import UserError
from annotator.models import Event, Membership, Project, Reading, Role, Seat, SeatState, User
from annotator.selectors.seats import barred_pairs
from annotator.services.seat_rows import Slots
from annotator.services.settling import settle_cases

_UNREAD: Final = (SeatState.OPEN, SeatState.HELD)
_AT_ONCE: Final = 5000
MAX_REASON_CHARACTERS: Final = 300


def withdraw_seats(*, project: Project, reader: User | None, actor: User | None, reason: str, now: datetime) -> int:
    """Withdraw what `reader` has still to submit, or with None what waits in the queue; how many seats.

    A later plan gives these readings to others. Raises `UserError` without a reason, and where there is nothing.
    """
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        seats = list(_unread(project, reader))
        _check(seats, reader=reader, reason=reason)
        withdraw_rows([seat.pk for seat in seats], because=reason.strip())
        payload: dict[str, Any] = {
            "seats": len(seats),
            "reader": reader.pk if reader else None,
            "reason": reason.strip(),
        }
        Event.objects.create(project=project, actor=actor, verb=Event.Verb.SEATS_WITHDRAWN, payload=payload, at=now)
        settle_read_cases(project, {seat.case_id for seat in seats}, now=now)
    return len(seats)


def give_seats(
    *, project: Project, source: User, to: User, actor: User | None, reason: str, now: datetime
) -> tuple[int, int]:
    """Give what `source` has still to submit to `to`, in the same arms; how many seats, and how many nobody got.

    Nobody gets the cases that `to` has already or decided about, nor repeats of what `source` has read: these seats are
    withdrawn, and a later plan gives the cases to others.
    """
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        if source == to:
            raise UserError(f"{to.get_username()} has these seats already; choose another reader")
        if not Membership.objects.filter(project=project, user=to, role=Role.READER, user__is_active=True).exists():
            raise UserError(f"{to.get_username()} is no reader of this project; make them one under Members first")
        seats = list(_unread(project, source))
        _check(seats, reader=source, reason=reason)
        withdraw_rows(
            [seat.pk for seat in seats],
            because=f"given to {to.get_username()}: {reason.strip()}"[:MAX_REASON_CHARACTERS],
        )
        n_given = _give(project, seats, to)
        payload = {
            "seats": n_given,
            "left": len(seats) - n_given,
            "from": source.pk,
            "to": to.pk,
            "reason": reason.strip(),
        }
        Event.objects.create(project=project, actor=actor, verb=Event.Verb.SEAT_MOVED, payload=payload, at=now)
        settle_read_cases(project, {seat.case_id for seat in seats}, now=now)
    return n_given, len(seats) - n_given


def withdraw_rows(pks: Iterable[int], *, because: str) -> int:
    """Withdraw those of these seats that are not submitted; how many were."""
    ordered, n = sorted(pks), 0
    for start in range(0, len(ordered), _AT_ONCE):
        unread = Seat.objects.filter(pk__in=ordered[start : start + _AT_ONCE], state__in=_UNREAD)
        n += unread.update(state=SeatState.WITHDRAWN, reserved_until=None, withdrawn_because=because)
    return n


def settle_read_cases(project: Project, case_pks: Collection[int], *, now: datetime) -> None:
    """Make the gold of those cases again that somebody has read: with their seats it changes whether they are done."""
    ordered = sorted(case_pks)
    for start in range(0, len(ordered), _AT_ONCE):
        read = Reading.objects.filter(case__in=ordered[start : start + _AT_ONCE]).order_by("case")
        settle_cases(project, set(read.values_list("case", flat=True).distinct()), now=now)


def _unread(project: Project, reader: User | None) -> QuerySet[Seat]:
    """In the order of their list, in which what comes again is behind its first; kept from changing meanwhile."""
    seats = Seat.objects.filter(project=project, state__in=_UNREAD, reader=reader)
    return seats.select_for_update(of=("self",)).order_by("place", "pk")


def _check(seats: list[Seat], *, reader: User | None, reason: str) -> None:
    if not reason.strip() or len(reason) > MAX_REASON_CHARACTERS:
        raise UserError(f"give a reason of 1 to {MAX_REASON_CHARACTERS} characters; it stays in the history")
    if not seats:
        who = f"{reader.get_username()} has no seat" if reader is not None else "the queue has no seat"
        raise UserError(f"{who} that is still to be read")


def _give(project: Project, seats: list[Seat], to: User) -> int:
    """Seats of the same cases for `to`, after those that they have; of repeats only those whose first is given too."""
    theirs = Seat.objects.filter(project=project, reader=to).exclude(state=SeatState.WITHDRAWN)
    taken = set(theirs.filter(round=1).values_list("case", flat=True))
    taken |= {case for case, user in barred_pairs(project) if user == to.pk}
    place = theirs.aggregate(last=Max("place"))["last"] or 0
    slots = Slots(project)
    first: dict[int, Seat] = {}
    n_given = 0
    for seat in seats:
        if seat.round == 1 and seat.case_id in taken:
            continue
        if seat.round > 1 and seat.case_id not in first:
            continue
        place += 1
        given = Seat.objects.create(
            project=project,
            plan_id=seat.plan_id,
            case_id=seat.case_id,
            slot=slots.following(seat.case_id),
            reader=to,
            arm=seat.arm,
            round=seat.round,
            repeats=first.get(seat.case_id) if seat.round > 1 else None,
            washout_days=seat.washout_days,
            after_others=seat.after_others,
            place=place,
            stratum=seat.stratum,
            inclusion_probability=seat.inclusion_probability,
        )
        if seat.round == 1:
            first[seat.case_id] = given
        n_given += 1
    return n_given
