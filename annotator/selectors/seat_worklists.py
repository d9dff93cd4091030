"""The worklist and the jump list of a reader who has seats, in the order of their places."""

from datetime import datetime
from typing import Any

from django.db.models import Exists, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from annotator.models import Arm, Draft, DraftState, Project, Reads, Seat, SeatState, User
from annotator.selectors.queues import has_next
from annotator.selectors.seat_lists import Play, drafts_of_seat, is_before, is_behind
from annotator.selectors.seats import reads_of
from annotator.selectors.worklists import (
    JUMP_SIZE,
    MAX_PLACE_DIGITS,
    NEW,
    PAGE_SIZE,
    UNSEEN,
    JumpRow,
    Jumps,
    Spot,
    Worklist,
    WorklistFilter,
    jump_page,
    notes_of,
    returned_to,
    worklist_page,
    worklist_rows,
)


def worklist_of(
    *, project: Project, reader: User, wanted: WorklistFilter, now: datetime, size: int = PAGE_SIZE
) -> Worklist:
    """The reader's cases that fit `wanted`: all of an open project, else those they have seats of."""
    reads = reads_of(project)
    if reads == Reads.OPEN:
        return worklist_page(project=project, reader=reader, wanted=wanted, size=size)
    play = Play(project, reader, now=now)
    page = _Page(play, reader, wanted, size=size)
    counted = play.n_by_state()
    is_first = wanted.after is None and wanted.before is None
    return Worklist(
        rows=worklist_rows(project, page.cases, saved=_saved(reader, page.seats), blind=_blind(page.seats)),
        n_cases=sum(counted.values()),
        n_by_state=counted,
        n_flagged=Draft.objects.filter(play.has_seat(), project=project, reader=reader, flagged=True).count(),
        after=page.after,
        before=page.before,
        returned=returned_to(play.unfinished()) if counted[DraftState.RETURNED] and is_first else [],
        can_take=reads == Reads.QUEUE and has_next(project=project, reader=reader, now=now),
    )


def jumps_of(*, project: Project, reader: User, wanted: WorklistFilter, now: datetime, size: int = JUMP_SIZE) -> Jumps:
    """The same, without what the machine says."""
    if reads_of(project) == Reads.OPEN:
        return jump_page(project=project, reader=reader, wanted=wanted, size=size)
    page = _Page(Play(project, reader, now=now), reader, wanted, size=size)
    saved = _saved(reader, page.seats)
    rows = [
        JumpRow(case.pk, case.key, case.position, draft["state"], draft["flagged"])
        for case in page.cases
        for draft in [saved.get(case.pk, UNSEEN)]
    ]
    return Jumps(rows, after=page.after)


class _Page:
    """Seats of one page, their cases, and the spots that lead to the pages around.

    The `position` of a case is where it stands among all cases of the reader, those that were not asked for included.
    """

    def __init__(self, play: Play, reader: User, wanted: WorklistFilter, *, size: int) -> None:
        fitting = _fitting(play.seats, reader, wanted)
        listed = fitting.select_related("case")
        backwards = wanted.before is not None
        if wanted.before is not None:
            found = list(listed.filter(is_before(wanted.before)).order_by("-place", "-pk")[: size + 1])
        else:
            behind = is_behind(wanted.after) if wanted.after else Q()
            found = list(listed.filter(behind).order_by("place", "pk")[: size + 1])
        goes_on = len(found) > size
        self.seats = found[:size][::-1] if backwards else found[:size]
        self.after = _spot(self.seats[-1]) if self.seats and (backwards or goes_on) else None
        self.before = _spot(self.seats[0]) if self.seats and (goes_on if backwards else wanted.after) else None
        ranks = _ranks(play, self.seats, is_whole=fitting is play.seats)
        for seat in self.seats:
            seat.case.position = ranks[seat.pk]
        self.cases = [seat.case for seat in self.seats]


def _spot(seat: Seat) -> Spot:
    return Spot(seat.place, seat.pk)


def _ranks(play: Play, page: list[Seat], *, is_whole: bool) -> dict[int, int]:
    """Where the seats of a page stand in play, from 1; `is_whole`: the page leaves out none between its ends."""
    if not page:
        return {}
    first, last = _spot(page[0]), _spot(page[-1])
    n_before = play.counts(before=is_before(first))["before"]
    if is_whole or len(page) == 1:
        return {seat.pk: n_before + nth for nth, seat in enumerate(page, start=1)}
    between = play.seats.filter(~is_before(first), ~is_behind(last))
    numbered = between.annotate(nth=Window(RowNumber(), order_by=[F("place").asc(), F("pk").asc()])).order_by()
    # The impossible half makes the database number all seats between, and not only those of the page.
    kept = numbered.filter(Q(nth=0) | Q(pk__in=[seat.pk for seat in page]))
    return {pk: n_before + nth for pk, nth in kept.values_list("pk", "nth")}


def _fitting(play: QuerySet[Seat], reader: User, wanted: WorklistFilter) -> QuerySet[Seat]:
    of_seat = drafts_of_seat(reader)
    if wanted.query:
        found, digits = Q(case__key__icontains=wanted.query), wanted.query.strip()
        is_place = wanted.by_place and digits.isascii() and digits.isdecimal() and len(digits) <= MAX_PLACE_DIGITS
        nth = play.order_by("place", "pk").values("pk")[max(int(digits), 1) - 1 :][:1] if is_place else None
        play = play.filter(found if nth is None else found | Q(pk__in=nth))
    if wanted.flagged:
        play = play.filter(Exists(of_seat.filter(flagged=True)))
    if wanted.state == NEW:
        return play.filter(~Exists(of_seat)).exclude(state=SeatState.SUBMITTED)
    if wanted.state == DraftState.SUBMITTED:
        return play.filter(~Exists(of_seat.exclude(state=DraftState.SUBMITTED)), state=SeatState.SUBMITTED)
    return play.filter(Exists(of_seat.filter(state=wanted.state))) if wanted.state else play


def _saved(reader: User, seats: list[Seat]) -> dict[int, dict[str, Any]]:
    """What the reader's drafts say of the cases, by case; a reading that was imported has none."""
    found = {
        seat.case_id: UNSEEN | {"state": DraftState.SUBMITTED.value}
        for seat in seats
        if seat.state == SeatState.SUBMITTED
    }
    rounds = {(seat.case_id, seat.round) for seat in seats}
    drafts = Draft.objects.filter(reader=reader, case__in=[seat.case_id for seat in seats])
    return found | {draft["case"]: draft for draft in notes_of(drafts) if (draft["case"], draft["round"]) in rounds}


def _blind(seats: list[Seat]) -> set[int]:
    return {seat.case_id for seat in seats if seat.arm in (Arm.BLANK, Arm.SEEDED)}
