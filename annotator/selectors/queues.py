"""Which seats of a queue a reader may take, and in which turn."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import BigIntegerField, Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from annotator.models import (
    Arm,
    AssignmentPlan,
    Draft,
    DraftState,
    Event,
    Membership,
    Project,
    Reads,
    Role,
    Seat,
    SeatState,
    User,
)
from annotator.selectors.exclusions import is_excluded
from annotator.selectors.roles import REVEALING
from annotator.selectors.rules import rules_of
from annotator.selectors.seats import not_decided_by

# The case on the screen, and the one that is loaded ahead.
MAX_HELD: Final = 2


@dataclass(frozen=True, slots=True)
class Puller:
    """A reader before the queue of a project. Who `reveals` may open pages that show machine labels."""

    project: Project
    reader: User
    reservation_s: int
    is_training: bool
    reveals: bool


def puller_of(project: Project, reader: User) -> Puller | None:
    """None where the project has no queue, or they are no reader in it."""
    rules = rules_of(project)
    if rules.reads != Reads.QUEUE:
        return None
    theirs = Membership.objects.filter(project=project, user=reader).order_by()
    roles = set(theirs.values_list("role", flat=True))
    if Role.READER not in roles:
        return None
    return Puller(project, reader, rules.reservation_s, rules.is_training, reveals=not roles.isdisjoint(REVEALING))


def has_next(*, project: Project, reader: User, now: datetime) -> bool:
    """Whether the queue has a case for the reader now; nothing is reserved."""
    puller = puller_of(project, reader)
    if puller is None or not has_room(puller, now=now):
        return False
    free = seats_for(puller, free_seats(project) | lapsed_seats(project, now=now))
    return any(free.filter(turn).exists() for turn in in_turn(puller))


def has_room(puller: Puller, *, now: datetime, n_unseen: int = 0) -> bool:
    """Whether the reader may hold one more case, in number and by quota.

    `n_unseen` claims of theirs are under way, of which each may still give them a seat. What is excluded or lapsed
    holds nobody up.
    """
    theirs = Seat.objects.filter(project=puller.project, reader=puller.reader)
    held = theirs.filter(~is_excluded("case"), state=SeatState.HELD, reserved_until__gte=now)
    if held.count() + n_unseen >= MAX_HELD:
        return False
    quota = _quota(puller)
    if quota is None:
        return True
    pulled = theirs.filter(is_pulled=True, state__in=[SeatState.HELD, SeatState.SUBMITTED])
    return pulled.count() + n_unseen < quota


def _quota(puller: Puller) -> int | None:
    """The sum of what the plans of the queue allow the reader; None where a plan sets no limit."""
    plans = AssignmentPlan.objects.filter(project=puller.project).order_by()
    if not plans.filter(request__has_key="quotas").exists():
        return None
    pulled = Seat.objects.filter(plan=OuterRef("pk"), is_pulled=True)
    # Of the request no more than this: it may name every case of the project.
    said = plans.filter(Exists(pulled)).values_list("request__quotas", flat=True)
    quotas: list[int | None] = [(each or {}).get(str(puller.reader.pk)) for each in said]
    limits = [quota for quota in quotas if quota is not None]
    return sum(limits) if quotas and len(limits) == len(quotas) else None


def free_seats(project: Project) -> QuerySet[Seat]:
    """Seats that anybody may take."""
    return Seat.objects.filter(project=project, state=SeatState.OPEN, reader__isnull=True)


def lapsed_seats(project: Project, *, now: datetime) -> QuerySet[Seat]:
    """Seats that somebody holds whose time is up."""
    return Seat.objects.filter(project=project, state=SeatState.HELD, reserved_until__lt=now)


def seats_for(puller: Puller, seats: QuerySet[Seat]) -> QuerySet[Seat]:
    """Those of cases that count and are new to the reader, who has not decided about them, in arms that tell nothing.

    Blank ones are of cases that they were never shown in another arm, also where they gave them back before anything
    was saved. Who was shown planted errors gets the same seat again and no other: another would tell them.
    """
    theirs = Seat.objects.filter(reader=puller.reader, project=puller.project).values("case")
    found = seats.exclude(case__in=theirs).filter(~is_excluded("case"), _tells_nothing(puller))
    found = found.filter(not_decided_by(puller.reader, puller.project))
    return found.exclude(arm=Arm.BLANK) if puller.reveals else found


def _tells_nothing(puller: Puller) -> Q:
    taken = Event.objects.filter(case=OuterRef("case"), actor=puller.reader, verb=Event.Verb.SEAT_CLAIMED)
    shown = taken.filter(payload__arm__in=[Arm.PREFILLED, Arm.SEEDED])
    blank = Q(~Exists(shown), arm=Arm.BLANK)
    if not puller.is_training:
        return blank | ~Q(arm=Arm.BLANK)
    seat = Cast(KeyTextTransform("seat", "payload"), BigIntegerField())
    others = shown.alias(seat=seat).exclude(seat=OuterRef("pk"))
    prefilled = Q(~Exists(shown.filter(payload__arm=Arm.SEEDED)), arm=Arm.PREFILLED)
    return blank | prefilled | Q(~Exists(others), arm=Arm.SEEDED)


def in_turn(puller: Puller) -> Iterator[Q]:
    """Cases that the reader began and lost, those new to them, those they put off: in the arm in which they began."""
    own = Draft.objects.filter(project=puller.project, reader=puller.reader)
    for state in (DraftState.OPEN, None, DraftState.SKIPPED):
        if state is None:
            yield ~Q(case__in=own.values("case"))
            continue
        begun = own.filter(state=state).order_by()
        if begun.exists():
            yield _as_begun(begun)


def _as_begun(begun: QuerySet[Draft]) -> Q:
    """Seats of cases with these drafts in the arm that each was begun in; a seeded draft goes with its own seat."""
    blank = Q(seat__arm=Arm.BLANK) | Q(seat__isnull=True, prefill_run__isnull=True)
    prefilled = Q(seat__arm=Arm.PREFILLED) | Q(seat__isnull=True, prefill_run__isnull=False)
    return (
        Q(arm=Arm.BLANK, case__in=begun.filter(blank).values("case"))
        | Q(arm=Arm.PREFILLED, case__in=begun.filter(prefilled).values("case"))
        | Q(pk__in=begun.filter(seat__arm=Arm.SEEDED).values("seat"))
    )
