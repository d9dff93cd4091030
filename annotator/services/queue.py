"""Take cases from the queue, hold them while they are read, and give them back.

A seat that is taken is reserved for a while; heartbeats and saves extend that. Whoever takes a seat frees those whose
time is up first. On PostgreSQL nobody waits: rows that another transaction holds are passed over. On SQLite writers
queue at the start of a transaction, and every change states what it expects to find.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from annotator.exceptions import SeatTakenError
from annotator.models import (
    Arm,
    AssignmentPlan,
    Case,
    Draft,
    DraftState,
    Event,
    Exclusion,
    Membership,
    Project,
    Reads,
    Role,
    Seat,
    SeatState,
    User,
)
from annotator.selectors.rules import rules_of
from annotator.selectors.seats import Sitting

# The case on the screen, and the one that is loaded ahead.
MAX_HELD: Final = 2
_TRIES: Final = 20
_SWEPT: Final = 200


def take_next(*, project: Project, reader: User, now: datetime) -> Seat | None:
    """Reserve the next free seat of the queue for `reader`; None when there is none for them.

    Cases that they began and lost come first, those that they put off last. Nobody gets two seats of a case, nor
    holds more than `MAX_HELD`. Members who may open pages that show machine labels get no seat in the blank arm.
    """
    rules = rules_of(project)
    if rules.reads != Reads.QUEUE or not may_take(project=project, reader=reader):
        return None
    until = now + timedelta(seconds=rules.reservation_s)
    for _ in range(_TRIES):
        try:
            with transaction.atomic():
                _free_lapsed(project, now=now)
                seat = _lock_next(project, reader)
                if seat is None:
                    return None
                if _take(seat, reader=reader, state=SeatState.HELD, reserved_until=until, claimed_at=now):
                    _log(seat, reader, Event.Verb.SEAT_CLAIMED, now=now)
                    return seat
        except IntegrityError as error:  # another tab of theirs took a seat of this case
            if not any(sign in str(error) for sign in _SECOND_SEAT):
                raise
    return None


def has_next(*, project: Project, reader: User, now: datetime) -> bool:
    """Whether the queue has a case for the reader now; nothing is reserved."""
    if not may_take(project=project, reader=reader):
        return False
    free = _for_reader(_free_seats(project) | _lapsed(project, now=now), project, reader)
    return any(free.filter(wanted).exists() for wanted in _in_turn(project, reader))


# How PostgreSQL and SQLite name the constraint that a reader has one seat of a case.
_SECOND_SEAT: Final = ("seat_one_per_reader_and_round", "annotator_seat.case_id")


def may_take(*, project: Project, reader: User) -> bool:
    """Whether the reader may hold one more case of the queue: they have the role, and room in number and quota."""
    roles = Membership.objects.filter(project=project, user=reader, role=Role.READER)
    held = Seat.objects.filter(project=project, reader=reader, state=SeatState.HELD)
    if not roles.exists() or held.count() >= MAX_HELD:
        return False
    quota = _quota(project, reader)
    if quota is None:
        return True
    pulled = Seat.objects.filter(project=project, reader=reader, is_pulled=True)
    return pulled.filter(state__in=[SeatState.HELD, SeatState.SUBMITTED]).count() < quota


def _quota(project: Project, reader: User) -> int | None:
    """The sum of what the plans of the queue allow the reader; None where a plan sets no limit."""
    pulled = Seat.objects.filter(plan=OuterRef("pk"), is_pulled=True)
    plans = AssignmentPlan.objects.filter(Exists(pulled), project=project).order_by()
    quotas = [request.get("quotas", {}).get(str(reader.pk)) for request in plans.values_list("request", flat=True)]
    return None if not quotas or None in quotas else sum(quotas)


def extend(*, case: Case, reader: User, sitting: Sitting, now: datetime) -> Seat | None:
    """Hold on to what the reader reads; a case that went back is taken again while it is free. None when it is gone."""
    rules = rules_of(case.project)
    until = now + timedelta(seconds=rules.reservation_s)
    held = Seat.objects.filter(project=case.project_id, reader=reader, state=SeatState.HELD)
    held.update(reserved_until=until)
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
    """Take a free seat of the case in the arm in which the reader began."""
    if sitting.arm == Arm.BLANK and _reveals(case.project, reader):
        return None
    with transaction.atomic():
        _free_lapsed(case.project, now=now)
        taken = Seat.objects.filter(case=case, reader=reader).exists()
        free = _free_seats(case.project).filter(case=case, arm=sitting.arm)
        seat = None if taken else free.select_for_update(skip_locked=True).order_by("place", "pk").first()
        if seat is None or not _take(seat, reader=reader, **changes):
            return None
        _log(seat, reader, Event.Verb.SEAT_CLAIMED, now=now, again=True)
    return seat


def _free_seats(project: Project) -> QuerySet[Seat]:
    return Seat.objects.filter(project=project, state=SeatState.OPEN, reader__isnull=True)


def _lock_next(project: Project, reader: User) -> Seat | None:
    """The next seat for the reader, locked where the database can."""
    free = _for_reader(_free_seats(project), project, reader)
    locked = free.select_for_update(skip_locked=True, of=("self",)).order_by("place", "pk")
    return next((seat for wanted in _in_turn(project, reader) for seat in locked.filter(wanted)[:1]), None)


def _for_reader(seats: QuerySet[Seat], project: Project, reader: User) -> QuerySet[Seat]:
    """Those of cases that count and that the reader has no seat of; blank ones only of cases that they were never
    shown in another arm, also where they gave them back before anything was saved.
    """
    of_case = Seat.objects.filter(case=OuterRef("case"), reader=reader)
    excluded = Exclusion.objects.filter(case=OuterRef("case"), ended_at__isnull=True)
    taken = Event.objects.filter(case=OuterRef("case"), actor=reader, verb=Event.Verb.SEAT_CLAIMED)
    shown = taken.filter(payload__arm__in=[Arm.PREFILLED, Arm.SEEDED])
    free = seats.filter(~Exists(of_case), ~Exists(excluded)).filter(~Q(arm=Arm.BLANK) | ~Exists(shown))
    return free.exclude(arm=Arm.BLANK) if _reveals(project, reader) else free


def _in_turn(project: Project, reader: User) -> Iterator[Q]:
    """Cases that the reader began and lost, those new to them, those they put off: in the arm in which they began."""
    own = Draft.objects.filter(project=project, reader=reader)
    for state in (DraftState.OPEN, None, DraftState.SKIPPED):
        if state is None:
            yield Q(~Exists(own.filter(case=OuterRef("case"))))
            continue
        begun = own.filter(state=state).order_by()
        if begun.exists():
            blank = Q(arm=Arm.BLANK, case__in=begun.filter(prefill_run__isnull=True).values("case"))
            yield blank | Q(arm=Arm.PREFILLED, case__in=begun.filter(prefill_run__isnull=False).values("case"))


def _reveals(project: Project, reader: User) -> bool:
    """Whether the reader may open pages that show machine labels and what others say."""
    roles = Membership.objects.filter(project=project, user=reader)
    return roles.filter(role__in=[Role.MANAGER, Role.ADJUDICATOR]).exists()


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


def _lapsed(project: Project, *, now: datetime) -> QuerySet[Seat]:
    return Seat.objects.filter(project=project, state=SeatState.HELD, reserved_until__lt=now)


def _free_lapsed(project: Project, *, now: datetime) -> None:
    """Let others have seats whose time is up; those that another transaction works on are passed over."""
    over = _lapsed(project, now=now)
    lapsed = list(over.select_for_update(skip_locked=True, of=("self",)).select_related("reader").order_by()[:_SWEPT])
    for seat in lapsed:
        if _free(over.filter(pk=seat.pk)):
            _log(seat, None, Event.Verb.SEAT_GIVEN_BACK, now=now, because="lapsed", reader=seat.reader_id)


def _log(seat: Seat, actor: User | None, verb: str, *, now: datetime, **more: object) -> None:
    payload = {"seat": seat.pk, "slot": seat.slot, "arm": seat.arm, **more}
    Event.objects.create(
        project_id=seat.project_id, case_id=seat.case_id, actor=actor, verb=verb, payload=payload, at=now
    )
