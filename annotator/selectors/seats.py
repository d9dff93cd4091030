"""In which round and arm a reader reads a case, or that it is not theirs to read; and which seats they have."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from annotator.models import Arm, Case, Draft, DraftState, Project, Reads, Seat, SeatState, StudyRules, User
from annotator.selectors.exclusions import is_excluded

LIVE = [SeatState.OPEN, SeatState.HELD, SeatState.SUBMITTED]
WAITING = [SeatState.OPEN, SeatState.HELD]


@dataclass(frozen=True, slots=True)
class Sitting:
    """How a reader reads a case. `seat` is None in an open project, where `arm` follows from the pre-fill.

    Lapsed: the seat that the reader took from the queue went back, the draft stays theirs. It can be submitted while
    the case has a free seat of the same arm.
    """

    round: int
    arm: str | None
    seat: Seat | None
    is_lapsed: bool = False

    @property
    def is_from_queue(self) -> bool:
        """Whether the case was taken from the queue and may go back to it."""
        return self.is_lapsed or (self.seat is not None and self.seat.is_pulled and self.seat.state == SeatState.HELD)

    @property
    def planted(self) -> dict[str, Any]:
        """The errors that the seat plants into the pre-fill, by cell."""
        return self.seat.planted if self.seat else {}


OPEN_SITTING = Sitting(round=1, arm=None, seat=None)


def reads_of(project: Project) -> str:
    """Who reads which case; asked once of one instance."""
    try:
        return project.rules.reads
    except StudyRules.DoesNotExist:
        return Reads.OPEN


def sitting_for(case: Case, *, reader: User, now: datetime | None = None) -> Sitting | None:
    """How `reader` reads `case` now; None when it is not theirs.

    Their seat says so, the latest round that has begun or may begin. Without a seat a case is theirs in an open
    project, and where they took it from the queue, began it and lost the seat. `case.project` is looked at.
    """
    seats = Seat.objects.filter(case=case, reader=reader).select_related("repeats").order_by("-round")
    mine = list(seats)
    for seat in mine:
        if seat.state != SeatState.WITHDRAWN and (seat.round == 1 or is_due(seat, now=now or timezone.now())):
            return Sitting(seat.round, seat.arm, seat)
    reads = reads_of(case.project)
    if reads == Reads.OPEN:
        return OPEN_SITTING
    if reads == Reads.QUEUE and not mine:
        return _lapsed_sitting(case, reader)
    return None


def _lapsed_sitting(case: Case, reader: User) -> Sitting | None:
    begun = Draft.objects.filter(case=case, reader=reader, round=1).exclude(state=DraftState.SUBMITTED).first()
    if begun is None:
        return None
    arm = Arm.PREFILLED if begun.prefill_run else Arm.BLANK
    return Sitting(round=1, arm=arm, seat=None, is_lapsed=True)


def is_due(seat: Seat, *, now: datetime) -> bool:
    """Whether a repeat has begun, or may: so long after its first reading, and after so many other cases."""
    if seat.state == SeatState.SUBMITTED:
        return True
    first = seat.repeats
    if first is None or first.submitted_at is None:
        return False
    if now < first.submitted_at + timedelta(days=seat.washout_days or 0):
        return False
    since = Seat.objects.filter(project=seat.project_id, reader=seat.reader_id, submitted_at__gt=first.submitted_at)
    return not seat.after_others or since.count() >= seat.after_others


def seats_in_play(*, project: Project, reader: User, now: datetime) -> QuerySet[Seat]:
    """The reader's seats, one of a case: the latest round that has begun or may begin."""
    mine = Seat.objects.filter(~is_excluded("case"), project=project, reader=reader, state__in=LIVE)
    repeats = mine.filter(round__gte=2)
    due = _due(repeats, reader=reader, now=now)
    if due is None:
        return mine.filter(round=1)
    played = repeats.filter(Q(state=SeatState.SUBMITTED) | due).order_by()
    return mine.filter(Q(round=1) | Q(pk__in=played.values("pk"))).exclude(pk__in=played.values("repeats"))


def _due(repeats: QuerySet[Seat], *, reader: User, now: datetime) -> Q | None:
    """`is_due` for all of them at once; None when there are none."""
    kinds = list(repeats.order_by().values_list("project", "washout_days", "after_others").distinct())
    if not kinds:
        return None
    due = Q(pk__in=[])
    for project, washout_days, after_others in kinds:
        kind = Q(washout_days=washout_days, after_others=after_others)
        first = Q(repeats__submitted_at__lte=now - timedelta(days=washout_days or 0))
        if after_others:
            # So many were submitted after the first reading if that one is older than the last but so many.
            done = Seat.objects.filter(project=project, reader=reader, submitted_at__isnull=False)
            last = done.order_by("-submitted_at").values_list("submitted_at", flat=True)
            cutoff = last[after_others - 1 : after_others].first()
            first &= Q(pk__in=[]) if cutoff is None else Q(repeats__submitted_at__lt=cutoff)
        due |= kind & first
    return due
