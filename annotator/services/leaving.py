"""What becomes of the seats of somebody who leaves: what they read stays, what they have still to read is released."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from annotator.models import Event, Project, Seat, SeatState, User
from annotator.services.seat_changes import withdraw_rows
from annotator.services.settling import settle_cases

LEFT = "the reader left the project"


@transaction.atomic
def release_seats(*, project: Project, user: User, actor: User | None, now: datetime) -> int:
    """End the seats that `user` has still to read: those of a queue are free again, the others withdrawn; how many.

    Call it while the project is locked.
    """
    theirs = Q(project=project, reader=user, state__in=[SeatState.OPEN, SeatState.HELD])
    cases = set(Seat.objects.filter(theirs).values_list("case_id", flat=True))
    # A repeat is wanted of the same reader, never of whoever comes next.
    freed = Seat.objects.filter(theirs, is_pulled=True, round=1).update(
        state=SeatState.OPEN, reader=None, reserved_until=None, claimed_at=None
    )
    withdrawn = withdraw_rows(Seat.objects.filter(theirs).values_list("pk", flat=True), because=LEFT)
    if freed or withdrawn:
        payload = {"user": user.get_username(), "because": LEFT, "withdrawn": withdrawn, "freed": freed}
        Event.objects.create(project=project, actor=actor, verb=Event.Verb.SEATS_WITHDRAWN, payload=payload, at=now)
        settle_cases(project, cases, now=now)
    return freed + withdrawn
