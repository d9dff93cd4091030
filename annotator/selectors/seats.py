"""In which round and arm a reader reads a case, or that it is not theirs to read; and which seats they have."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from annotator.exceptions import DecidedCaseError, NotReaderError, ReadingRefusedError
from annotator.models import (
    Arm,
    Case,
    Decision,
    Draft,
    DraftState,
    Project,
    Reads,
    Seat,
    SeatState,
    StudyRules,
    User,
)
from annotator.selectors.exclusions import is_excluded
from annotator.selectors.roles import is_reader

LIVE = [SeatState.OPEN, SeatState.HELD, SeatState.SUBMITTED]
WAITING = [SeatState.OPEN, SeatState.HELD]


@dataclass(frozen=True, slots=True)
class Sitting:
    """How a reader reads a case. `seat` is None in an open project, where `arm` follows from the pre-fill.

    Lapsed: the seat that the reader took from the queue went back, the draft stays theirs. It can be submitted while
    the case has a free seat of the same arm, a seeded one while that seat is free: `begun_on`, which the draft keeps.
    """

    round: int
    arm: str | None
    seat: Seat | None
    is_lapsed: bool = False
    begun_on: Seat | None = None

    @property
    def is_from_queue(self) -> bool:
        """Whether the case was taken from the queue and may go back to it."""
        return self.is_lapsed or (self.seat is not None and self.seat.is_pulled and self.seat.state == SeatState.HELD)

    @property
    def seat_id(self) -> int | None:
        """The key of the seat that is theirs now."""
        return self.seat.pk if self.seat else None

    @property
    def source(self) -> Seat | None:
        """The seat that says what the reader starts from, whether or not it is theirs now."""
        return self.seat or self.begun_on

    @property
    def planted(self) -> dict[str, Any]:
        """The errors that the seat plants into the pre-fill, by cell."""
        return self.source.planted if self.source else {}

    @property
    def prefill_run(self) -> uuid.UUID | None:
        """The run that the seat starts from, once a seeded one was opened; None leaves that to what pre-fills."""
        return self.source.prefill_run if self.source else None


OPEN_SITTING = Sitting(round=1, arm=None, seat=None)


def reads_of(project: Project) -> str:
    """Who reads which case; asked once of one instance."""
    try:
        return project.rules.reads
    except StudyRules.DoesNotExist:
        return Reads.OPEN


def sitting_for(case: Case, *, reader: User, now: datetime | None = None) -> Sitting | None:
    """How `reader` reads `case` now; None when it is not theirs, nor may be (`check_may_read`).

    Their seat says so, the latest round that has begun or may begin. Without a seat a case is theirs in an open
    project, and where they took it from the queue, began it and lost the seat. `case.project` is looked at.
    """
    try:
        check_may_read(case, reader)
    except ReadingRefusedError:
        return None
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


def check_may_read(case: Case, reader: User) -> None:
    """Raise `NotReaderError` without the role, and `DecidedCaseError` where they decided about the case.

    Whoever decides about a case does not read it, unless the rules of the project let readers adjudicate.
    """
    if not is_reader(case.project, reader):
        raise NotReaderError
    decided = Decision.objects.filter(case=case, decided_by=reader)
    if decided.exists() and not _readers_may_adjudicate(case.project):
        raise DecidedCaseError(case.key)


def not_decided_by(reader: User | int, project: Project, *, case: str = "case") -> Q:
    """For a query: that the reader may read the case that the column `case` names as far as decisions go."""
    if _readers_may_adjudicate(project):
        return Q()
    return Q(~Exists(Decision.objects.filter(case=OuterRef(case), decided_by=reader).order_by()))


def decided_by(reader: User, project: Project) -> Q:
    """The other cases; by way of the decisions, for who has few."""
    if _readers_may_adjudicate(project):
        return Q(pk__in=[])
    return Q(case__in=Decision.objects.filter(project=project, decided_by=reader).order_by().values("case"))


def n_decided_by(reader: User, project: Project) -> int:
    """How many cases that keeps the reader from, excluded ones left out."""
    if _readers_may_adjudicate(project):
        return 0
    decided = Decision.objects.filter(~is_excluded("case"), project=project, decided_by=reader)
    return decided.order_by().values("case").distinct().count()


def _readers_may_adjudicate(project: Project) -> bool:
    try:
        return project.rules.readers_may_adjudicate
    except StudyRules.DoesNotExist:
        return False


def barred_pairs(project: Project) -> set[tuple[int, int]]:
    """Cases and users, by their keys, where the user decided about the case and so does not read it."""
    if _readers_may_adjudicate(project):
        return set()
    return set(Decision.objects.filter(project=project).order_by().values_list("case_id", "decided_by_id").distinct())


def _lapsed_sitting(case: Case, reader: User) -> Sitting | None:
    own = Draft.objects.filter(case=case, reader=reader, round=1).exclude(state=DraftState.SUBMITTED)
    begun = own.select_related("seat").first()
    if begun is None:
        return None
    # A draft without a seat was begun while everyone read the project, from whatever it names.
    without_seat = Arm.PREFILLED if begun.prefill_run else Arm.BLANK
    arm = begun.seat.arm if begun.seat else without_seat
    return Sitting(round=1, arm=arm, seat=None, is_lapsed=True, begun_on=begun.seat)


def is_due(seat: Seat, *, now: datetime) -> bool:
    """Whether a repeat has begun, or may: so long after its first reading, and after so many other cases.

    Not while the first reading is open again.
    """
    if seat.state == SeatState.SUBMITTED:
        return True
    first = seat.repeats
    if first is None or first.submitted_at is None or _is_open_again(first):
        return False
    if now < first.submitted_at + timedelta(days=seat.washout_days or 0):
        return False
    since = Seat.objects.filter(project=seat.project_id, reader=seat.reader_id, submitted_at__gt=first.submitted_at)
    return not seat.after_others or since.count() >= seat.after_others


def _is_open_again(seat: Seat) -> bool:
    drafts = Draft.objects.filter(case=seat.case_id, reader=seat.reader_id, round=seat.round)
    return drafts.exclude(state=DraftState.SUBMITTED).exists()


def seats_in_play(*, project: Project, reader: User | int, now: datetime) -> QuerySet[Seat]:
    """The reader's seats, one of a case: the latest round that has begun or may begin.

    Without those of cases about which they decided, which nobody reads (`check_may_read`).
    """
    counts = ~is_excluded("case") & not_decided_by(reader, project)
    mine = Seat.objects.filter(counts, project=project, reader=reader, state__in=LIVE)
    repeats = mine.filter(round__gte=2)
    due = _due(repeats, reader=reader, now=now)
    if due is None:
        return mine.filter(round=1)
    open_again = Draft.objects.filter(case=OuterRef("case"), reader=reader, round=OuterRef("repeats__round"))
    due &= Q(~Exists(open_again.exclude(state=DraftState.SUBMITTED)))
    played = repeats.filter(Q(state=SeatState.SUBMITTED) | due).order_by()
    return mine.filter(Q(round=1) | Q(pk__in=played.values("pk"))).exclude(pk__in=played.values("repeats"))


def _due(repeats: QuerySet[Seat], *, reader: User | int, now: datetime) -> Q | None:
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
