"""The cases of a reader who has seats: the next one, how far they are, and where a case stands."""

from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from annotator.models import Case, Draft, DraftState, Project, Reads, Seat, SeatState, User
from annotator.selectors.cases import Progress, n_cases, progress_of
from annotator.selectors.seats import Sitting, reads_of, seats_in_play

_UNFINISHED = [DraftState.OPEN, DraftState.RETURNED]


def next_own_seat(
    *, project: Project, reader: User, after: int, now: datetime, put_off: bool = False, besides: int | None = None
) -> Seat | None:
    """The reader's next seat to submit behind place `after`, then from the start; with `put_off` of those skipped.

    `besides` is a case that is not meant.
    """
    play = seats_in_play(project=project, reader=reader, now=now).select_related("case__report")
    of_seat = Draft.objects.filter(case=OuterRef("case"), reader=reader, round=OuterRef("round"))
    begun = Draft.objects.filter(project=project, reader=reader, state__in=_UNFINISHED)
    again = play.filter(Exists(of_seat.filter(state__in=_UNFINISHED)), state=SeatState.SUBMITTED)
    # One query for each state, since the index leads from state to place.
    sources = [play.filter(state=SeatState.OPEN), play.filter(state=SeatState.HELD)]
    sources.append(again.filter(case__in=begun.order_by().values("case")))
    skipped = Exists(of_seat.filter(state=DraftState.SKIPPED))
    wanted = [source.filter(skipped if put_off else ~skipped).exclude(case=besides) for source in sources]
    behind = _first(wanted, Q(place__gt=after) if after else Q())
    before = Q(place__lt=after) if besides is None else Q(place__lte=after)
    return behind or (_first(wanted, before) if after else None)


def _first(sources: list[QuerySet[Seat]], where: Q) -> Seat | None:
    """The first of all sources by place."""
    found = [seat for source in sources for seat in source.filter(where).order_by("place", "pk")[:1]]
    return min(found, key=lambda seat: (seat.place, seat.pk), default=None)


def progress_in(case: Case, *, reader: User, sitting: Sitting | None, now: datetime) -> Progress:
    """How far the reader is, and where the case stands in their list."""
    if sitting is None:
        return Progress(n_cases=n_cases(case.project), n_submitted=0)
    return reader_progress(project=case.project, reader=reader, sitting=sitting, now=now)


def reader_progress(*, project: Project, reader: User, now: datetime, sitting: Sitting | None = None) -> Progress:
    """How far the reader is in their cases: all of an open project, else those they have seats of."""
    if reads_of(project) == Reads.OPEN:
        return progress_of(project=project, reader=reader)
    seat = sitting.seat if sitting else None
    before = Q(place__lt=seat.place) | Q(place=seat.place, pk__lte=seat.pk) if seat else Q()
    counted = (
        seats_in_play(project=project, reader=reader, now=now)
        .order_by()
        .aggregate(
            n=Count("pk"),
            n_submitted=Count("pk", filter=Q(state=SeatState.SUBMITTED)),
            place=Count("pk", filter=before),
        )
    )
    begun = Draft.objects.filter(project=project, reader=reader, state__in=_UNFINISHED)
    own = Seat.objects.filter(reader=reader, case=OuterRef("case"), round=OuterRef("round"), state=SeatState.SUBMITTED)
    n_again = begun.filter(Exists(own)).count()
    n_lapsed = 1 if sitting is not None and sitting.is_lapsed else 0
    return Progress(
        n_cases=counted["n"] + n_lapsed,
        n_submitted=counted["n_submitted"] - n_again,
        place=counted["place"] + n_lapsed,
    )
