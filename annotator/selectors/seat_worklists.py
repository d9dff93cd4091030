"""The worklist and the jump list of a reader who has seats, in the order of their places."""

from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from annotator.models import Arm, Case, Draft, Project, Reads, Seat, User
from annotator.selectors.seats import reads_of, seats_in_play
from annotator.selectors.worklists import (
    JUMP_SIZE,
    MAX_PLACE_DIGITS,
    NEW,
    PAGE_SIZE,
    STATES,
    UNSEEN,
    JumpRow,
    Jumps,
    Worklist,
    WorklistFilter,
    jump_page,
    notes_of,
    returned_to,
    worklist_page,
    worklist_rows,
)
from annotator.services.queue import has_next


def worklist_of(
    *, project: Project, reader: User, wanted: WorklistFilter, now: datetime, size: int = PAGE_SIZE
) -> Worklist:
    """The reader's cases that fit `wanted`: all of an open project, else those they have seats of."""
    reads = reads_of(project)
    if reads == Reads.OPEN:
        return worklist_page(project=project, reader=reader, wanted=wanted, size=size)
    play = seats_in_play(project=project, reader=reader, now=now)
    page = _Page(_fitting(play, reader, wanted), wanted, size)
    order = list(play.order_by("place", "pk").values_list("pk", flat=True))
    cases = _cases(page.seats, order)
    counted = _n_by_state(play, reader)
    return Worklist(
        rows=worklist_rows(project, cases, saved=_saved(reader, page.seats), blind=_blind(page.seats)),
        n_cases=len(order),
        n_by_state=counted,
        n_flagged=play.filter(Exists(_drafts(reader).filter(flagged=True))).count(),
        after=page.after,
        before=page.before,
        returned=returned_to(_returned_drafts(project, reader, play)) if not (wanted.after or wanted.before) else [],
        can_take=reads == Reads.QUEUE and has_next(project=project, reader=reader, now=now),
    )


def _returned_drafts(project: Project, reader: User, play: QuerySet[Seat]) -> QuerySet[Draft]:
    """Drafts of the reader in the rounds that they read now."""
    seat = play.filter(case=OuterRef("case"), round=OuterRef("round"))
    return Draft.objects.filter(Exists(seat), project=project, reader=reader)


def jumps_of(*, project: Project, reader: User, wanted: WorklistFilter, now: datetime, size: int = JUMP_SIZE) -> Jumps:
    """The same, without what the machine says."""
    if reads_of(project) == Reads.OPEN:
        return jump_page(project=project, reader=reader, wanted=wanted, size=size)
    play = seats_in_play(project=project, reader=reader, now=now)
    page = _Page(_fitting(play, reader, wanted), wanted, size)
    saved = _saved(reader, page.seats)
    cases = _cases(page.seats, list(play.order_by("place", "pk").values_list("pk", flat=True)))
    rows = [
        JumpRow(case.pk, case.key, case.position, draft["state"], draft["flagged"])
        for case in cases
        for draft in [saved.get(case.pk, UNSEEN)]
    ]
    return Jumps(rows, after=page.after)


class _Page:
    """Seats of one page, and the places that lead to those around it."""

    def __init__(self, seats: QuerySet[Seat], wanted: WorklistFilter, size: int) -> None:
        backwards = wanted.before is not None
        listed = seats.select_related("case")
        if backwards:
            found = list(listed.filter(place__lt=wanted.before).order_by("-place", "-pk")[: size + 1])
        else:
            behind = Q(place__gt=wanted.after) if wanted.after else Q()
            found = list(listed.filter(behind).order_by("place", "pk")[: size + 1])
        goes_on = len(found) > size
        self.seats = found[:size][::-1] if backwards else found[:size]
        self.after = self.seats[-1].place if self.seats and (backwards or goes_on) else None
        self.before = self.seats[0].place if self.seats and (goes_on if backwards else wanted.after) else None


def _drafts(reader: User) -> QuerySet[Draft]:
    """The reader's draft of a seat."""
    return Draft.objects.filter(case=OuterRef("case"), round=OuterRef("round"), reader=reader)


def _fitting(play: QuerySet[Seat], reader: User, wanted: WorklistFilter) -> QuerySet[Seat]:
    of_seat = _drafts(reader)
    if wanted.query:
        found, digits = Q(case__key__icontains=wanted.query), wanted.query.strip()
        is_place = wanted.by_place and digits.isascii() and digits.isdecimal() and len(digits) <= MAX_PLACE_DIGITS
        play = play.filter(found | Q(place=int(digits)) if is_place else found)
    if wanted.flagged:
        play = play.filter(Exists(of_seat.filter(flagged=True)))
    if wanted.state == NEW:
        return play.filter(~Exists(of_seat))
    return play.filter(Exists(of_seat.filter(state=wanted.state))) if wanted.state else play


def _cases(seats: list[Seat], order: list[int]) -> list[Case]:
    """The cases of the seats; `position` is where each stands in the reader's list."""
    rank = {pk: index for index, pk in enumerate(order, start=1)}
    for seat in seats:
        seat.case.position = rank[seat.pk]
    return [seat.case for seat in seats]


def _saved(reader: User, seats: list[Seat]) -> dict[int, dict[str, Any]]:
    rounds = {(seat.case_id, seat.round) for seat in seats}
    drafts = Draft.objects.filter(reader=reader, case__in=[seat.case_id for seat in seats])
    return {draft["case"]: draft for draft in notes_of(drafts) if (draft["case"], draft["round"]) in rounds}


def _blind(seats: list[Seat]) -> set[int]:
    return {seat.case_id for seat in seats if seat.arm in (Arm.BLANK, Arm.SEEDED)}


def _n_by_state(play: QuerySet[Seat], reader: User) -> dict[str, int]:
    state = Subquery(_drafts(reader).order_by().values("state")[:1])
    counted = dict(play.order_by().annotate(seen=state).values_list("seen").annotate(n=Count("pk")))
    return {name: counted.get(None if name == NEW else name, 0) for name in STATES}
