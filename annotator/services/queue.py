"""Take cases from the queue, hold them while they are read, and give them back.

A seat that is taken is reserved for a while; heartbeats and saves extend that. Whoever takes a seat frees those whose
time is up first. On PostgreSQL nobody waits: rows that another transaction holds are passed over. On SQLite writers
queue at the start of a transaction, and every change states what it expects to find.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import QuerySet

from annotator.exceptions import SeatTakenError
from annotator.models import Arm, Case, Event, Project, Seat, SeatState, User
from annotator.selectors.exclusions import is_excluded
from annotator.selectors.queues import (
    MAX_HELD,
    Puller,
    free_seats,
    has_room,
    in_turn,
    lapsed_seats,
    puller_of,
    seats_for,
)
from annotator.selectors.rules import rules_of
from annotator.selectors.seats import Sitting
from annotator.services.claim_lanes import enter_lane, is_lock_wait

_TRIES: Final = 20
_SWEPT: Final = 20
# How PostgreSQL and SQLite name the constraint that a reader has one seat of a case.
_SECOND_SEAT: Final = ("seat_one_per_reader_and_round", "annotator_seat.case_id")


def take_next(*, project: Project, reader: User, now: datetime) -> Seat | None:
    """Reserve the next free seat of the queue for `reader`; None when there is none for them.

    Cases that they began and lost come first, those that they put off last. Nobody gets two seats of a case, nor
    holds more than `MAX_HELD`. Members who may open pages that show machine labels get no seat in the blank arm.
    """
    puller = puller_of(project, reader)
    if puller is None:
        return None
    claim = _Claim(puller, now)
    for _ in range(_TRIES):
        if claim.lane == MAX_HELD:  # so many of their claims hang, and each may still give them a seat
            return None
        try:
            return claim.take()
        except _PassedOverError:
            continue
    return None


class _PassedOverError(Exception):
    """Something was taken meanwhile, or is held by a transaction that says nothing; another try leaves it out."""


@dataclass(slots=True)
class _Claim:
    """The tries of one claim. `left_out` are cases of which another claim of the reader takes a seat right now."""

    puller: Puller
    now: datetime
    lane: int = 0
    left_out: set[int] = field(default_factory=set)

    @transaction.atomic
    def take(self) -> Seat | None:
        """One try; raises `_PassedOverError` where the next may do better."""
        n_unseen = self._enter()
        _free_lapsed(lapsed_seats(self.puller.project, now=self.now), now=self.now)
        if not has_room(self.puller, now=self.now, n_unseen=n_unseen):
            return None
        seat = self._lock_next()
        if seat is None:
            return None
        self._reserve(seat)
        _log(seat, self.puller.reader, Event.Verb.SEAT_CLAIMED, now=self.now)
        return seat

    def _enter(self) -> int:
        try:
            return enter_lane(project=self.puller.project, reader=self.puller.reader, lane=self.lane)
        except OperationalError as error:
            if not is_lock_wait(error):
                raise
            self.lane += 1
            raise _PassedOverError from error

    def _lock_next(self) -> Seat | None:
        """The next seat for the reader, locked where the database can."""
        free = seats_for(self.puller, free_seats(self.puller.project).exclude(case__in=self.left_out))
        locked = free.select_for_update(skip_locked=True, of=("self",)).order_by("place", "pk")
        return next((seat for turn in in_turn(self.puller) for seat in locked.filter(turn)[:1]), None)

    def _reserve(self, seat: Seat) -> None:
        until = self.now + timedelta(seconds=self.puller.reservation_s)
        held = {"state": SeatState.HELD, "reserved_until": until, "claimed_at": self.now}
        try:
            is_taken = _take(seat, reader=self.puller.reader, **held)
        except (IntegrityError, OperationalError) as error:
            if not is_lock_wait(error) and not any(sign in str(error) for sign in _SECOND_SEAT):
                raise
            self.left_out.add(seat.case_id)
            raise _PassedOverError from error
        if not is_taken:
            raise _PassedOverError


def extend(*, case: Case, reader: User, sitting: Sitting, now: datetime) -> Seat | None:
    """Hold on to what the reader reads; a case that went back is taken again while it is free. None when it is gone."""
    rules = rules_of(case.project)
    until = now + timedelta(seconds=rules.reservation_s)
    held = Seat.objects.filter(project=case.project_id, reader=reader, state=SeatState.HELD)
    held.filter(~is_excluded("case")).update(reserved_until=until)
    mine = held.filter(case=case).first()
    if mine is None and sitting.is_lapsed:
        mine = _retake(case, reader, sitting, state=SeatState.HELD, reserved_until=until, claimed_at=now, now=now)
    return mine


def give_back(*, case: Case, reader: User, now: datetime, because: str = "given back") -> bool:
    """Let others have the reader's seat of the case; what they typed stays their draft. False when they held none."""
    held = Seat.objects.filter(case=case, reader=reader, state=SeatState.HELD)
    with transaction.atomic():
        seat = held.select_for_update().first()
        if seat is None:
            return False
        _free(held)
        _log(seat, reader, Event.Verb.SEAT_GIVEN_BACK, now=now, because=because)
    return True


def submit_seat(*, case: Case, reader: User, sitting: Sitting, now: datetime) -> None:
    """Mark the seat of a submission as read; call it in the transaction of the submission.

    A seat that lapsed is taken back, else another free one of the case in the same arm; raises `SeatTakenError` when
    there is none.
    """
    if sitting.seat is not None:
        mine = Seat.objects.filter(pk=sitting.seat.pk, reader=reader)
        waiting = mine.filter(state__in=[SeatState.OPEN, SeatState.HELD])
        if waiting.update(state=SeatState.SUBMITTED, submitted_at=now, reserved_until=None):
            return
        if mine.filter(state=SeatState.SUBMITTED).exists():
            return
    elif not sitting.is_lapsed:
        return
    done = {"state": SeatState.SUBMITTED, "submitted_at": now, "claimed_at": now}
    if _retake(case, reader, sitting, now=now, **done) is None:
        raise SeatTakenError(case.key)


def _retake(case: Case, reader: User, sitting: Sitting, *, now: datetime, **changes: object) -> Seat | None:
    """Take a free seat of the case in the arm in which the reader began; a seeded one is their own or none."""
    puller = puller_of(case.project, reader)
    if puller is None or (sitting.arm == Arm.BLANK and puller.reveals):
        return None
    with transaction.atomic():
        _free_lapsed(lapsed_seats(case.project, now=now).filter(case=case), now=now)
        taken = Seat.objects.filter(case=case, reader=reader).exists()
        free = free_seats(case.project).filter(case=case, arm=sitting.arm)
        if sitting.arm == Arm.SEEDED:
            free = free.filter(pk__in=[sitting.source.pk] if sitting.source else [])
        seat = None if taken else free.select_for_update(skip_locked=True).order_by("place", "pk").first()
        if seat is None or not _take(seat, reader=reader, **changes):
            return None
        _log(seat, reader, Event.Verb.SEAT_CLAIMED, now=now, again=True)
    return seat


def _take(seat: Seat, *, reader: User, **changes: object) -> bool:
    """Give a free seat to the reader, unless somebody else was quicker."""
    free = Seat.objects.filter(pk=seat.pk, state=SeatState.OPEN, reader__isnull=True)
    if not free.update(reader=reader, **changes):
        return False
    seat.reader = reader
    for name, value in changes.items():
        setattr(seat, name, value)
    return True


def _free(seats: QuerySet[Seat]) -> int:
    return seats.update(state=SeatState.OPEN, reader=None, reserved_until=None, claimed_at=None)


def _free_lapsed(over: QuerySet[Seat], *, now: datetime) -> None:
    """Let others have seats whose time is up; those that another transaction works on are passed over."""
    lapsed = list(over.select_for_update(skip_locked=True, of=("self",)).order_by("reserved_until")[:_SWEPT])
    if not lapsed:
        return
    _free(over.filter(pk__in=[seat.pk for seat in lapsed]))
    because = {"because": "lapsed"}
    verb = Event.Verb.SEAT_GIVEN_BACK
    Event.objects.bulk_create(_event(seat, None, verb, now=now, reader=seat.reader_id, **because) for seat in lapsed)


def _log(seat: Seat, actor: User | None, verb: str, *, now: datetime, **more: object) -> None:
    _event(seat, actor, verb, now=now, **more).save(force_insert=True)


def _event(seat: Seat, actor: User | None, verb: str, *, now: datetime, **more: object) -> Event:
    payload = {"seat": seat.pk, "slot": seat.slot, "arm": seat.arm, **more}
    return Event(project_id=seat.project_id, case_id=seat.case_id, actor=actor, verb=verb, payload=payload, at=now)
