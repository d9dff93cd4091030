"""The cases of a reader who has seats: the next one, how far they are, and where a case stands."""

from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from annotator.models import Case, Draft, DraftState, Exclusion, Project, Reads, Seat, SeatState, User
from annotator.selectors.cases import Progress, n_cases, progress_of
from annotator.selectors.exclusions import is_excluded
from annotator.selectors.seats import LIVE, Sitting, decided_by, reads_of, seats_in_play
from annotator.selectors.worklists import NEW, STATES, Spot

_UNFINISHED = [DraftState.OPEN, DraftState.RETURNED, DraftState.SKIPPED]


class Play:
    """The seats that a reader has in play, how many there are, and what became of them."""

    def __init__(self, project: Project, reader: User, *, now: datetime) -> None:
        self.seats = seats_in_play(project=project, reader=reader, now=now)
        self._project, self._reader = project, reader
        mine = Seat.objects.filter(project=project, reader=reader).order_by()
        self._first = mine.filter(round=1, state__in=LIVE)
        self._comes_again = mine.filter(round__gte=2).exists()

    def counts(self, **wheres: Q) -> dict[str, int]:
        """How many there are of each kind; the few that do not count are taken off all of a long list."""
        kinds = {name: Count("pk", filter=where) if where else Count("pk") for name, where in wheres.items()}
        if self._comes_again:
            return self.seats.order_by().aggregate(**kinds)
        found = self._first.aggregate(**kinds)
        excluded = Exclusion.objects.filter(project=self._project, ended_at__isnull=True).order_by()
        decided = self._first.filter(~is_excluded("case") & decided_by(self._reader, self._project))
        for left_out in (self._first.filter(case__in=excluded.values("case")), decided):
            for name, n in left_out.aggregate(**kinds).items():
                found[name] -= n
        return found

    def unfinished(self) -> QuerySet[Draft]:
        """Drafts that hold what no reading holds, put off ones included."""
        drafts = Draft.objects.filter(project=self._project, reader=self._reader, state__in=_UNFINISHED).order_by()
        return drafts.filter(self.has_seat())

    def has_seat(self) -> Exists:
        """For a query of drafts: whether their seat is in play."""
        return Exists(self.seats.filter(case=OuterRef("case"), round=OuterRef("round")))

    def open_again(self) -> QuerySet[Seat]:
        """Seats that were submitted and whose reading is open again; by way of the drafts, which are few."""
        begun = Draft.objects.filter(project=self._project, reader=self._reader, state__in=_UNFINISHED).order_by()
        again = self.seats.filter(state=SeatState.SUBMITTED, case__in=begun.values("case"))
        return again.filter(Exists(drafts_of_seat(self._reader).filter(state__in=_UNFINISHED)))

    def n_by_state(self) -> dict[str, int]:
        """Seats by the state of their reading: of its draft while that is unfinished, else submitted or new."""
        begun = dict(self.unfinished().values_list("state").annotate(n=Count("pk")))
        n = self.counts(all=Q(), submitted=Q(state=SeatState.SUBMITTED))
        counted = begun | {DraftState.SUBMITTED.value: n["submitted"] - self.open_again().count()}
        new = {NEW: n["all"] - sum(counted.values())}
        return new | {state: counted.get(state, 0) for state in STATES if state != NEW}


def next_own_seat(
    *,
    project: Project,
    reader: User,
    after: Spot | None,
    now: datetime,
    put_off: bool = False,
    besides: int | None = None,
) -> Seat | None:
    """The reader's next seat to submit behind `after`, then from the start; with `put_off` of those skipped.

    `besides` is a case that is not meant.
    """
    play = Play(project, reader, now=now)
    seats = play.seats.select_related("case__report")
    of_seat = drafts_of_seat(reader)
    # One query for each state, since the index leads from state to place.
    sources = [seats.filter(state=SeatState.OPEN), seats.filter(state=SeatState.HELD)]
    sources.append(play.open_again().select_related("case__report"))
    skipped = Exists(of_seat.filter(state=DraftState.SKIPPED))
    wanted = [source.filter(skipped if put_off else ~skipped).exclude(case=besides) for source in sources]
    if after is None:
        return _first(wanted, Q())
    return _first(wanted, is_behind(after)) or _first(wanted, is_before(after))


def drafts_of_seat(reader: User) -> QuerySet[Draft]:
    """For a query of seats: the reader's draft of a seat."""
    return Draft.objects.filter(case=OuterRef("case"), round=OuterRef("round"), reader=reader)


def is_behind(spot: Spot) -> Q:
    """For a query of seats: those behind a spot."""
    if spot.seat is None:
        return Q(place__gt=spot.place)
    # The first condition says nothing new; it is what an index understands.
    return Q(place__gte=spot.place) & (Q(place__gt=spot.place) | Q(pk__gt=spot.seat))


def is_before(spot: Spot) -> Q:
    """Those before a spot."""
    if spot.seat is None:
        return Q(place__lt=spot.place)
    return Q(place__lte=spot.place) & (Q(place__lt=spot.place) | Q(pk__lt=spot.seat))


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
    play = Play(project, reader, now=now)
    seat = sitting.seat if sitting else None
    before = is_before(Spot(seat.place, seat.pk)) if seat else Q()
    n = play.counts(all=Q(), submitted=Q(state=SeatState.SUBMITTED), before=before)
    n_lapsed = 1 if sitting is not None and sitting.is_lapsed else 0
    return Progress(
        n_cases=n["all"] + n_lapsed,
        n_submitted=n["submitted"] - play.open_again().count(),
        place=n["before"] + (1 if seat else n_lapsed),
    )
