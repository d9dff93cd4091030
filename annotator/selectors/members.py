"""Who belongs to a project, how far each is, and which invitations wait."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from annotator.models import Draft, DraftState, Invitation, Membership, Project, Role, Seat, SeatState, User


@dataclass(frozen=True, slots=True)
class MemberProgress:
    """One member: roles in their usual order, cases submitted, and seats that wait to be read."""

    user: User
    roles: tuple[str, ...]
    n_submitted: int
    n_waiting: int


def members_with_progress(project: Project) -> list[MemberProgress]:
    """The members by name."""
    held: dict[int, set[str]] = defaultdict(set)
    users: dict[int, User] = {}
    for membership in Membership.objects.filter(project=project).select_related("user").order_by("user__username"):
        held[membership.user_id].add(membership.role)
        users[membership.user_id] = membership.user
    submitted = Draft.objects.filter(project=project, state=DraftState.SUBMITTED, reader__in=users).order_by()
    n_submitted = dict(submitted.values_list("reader").annotate(n=Count("case", distinct=True)))
    waiting = Q(state__in=[SeatState.OPEN, SeatState.HELD])
    seats = Seat.objects.filter(waiting, project=project, reader__in=users).order_by()
    n_waiting = dict(seats.values_list("reader").annotate(n=Count("pk")))
    return [
        MemberProgress(
            user=user,
            roles=tuple(role for role in Role.values if role in held[pk]),
            n_submitted=n_submitted.get(pk, 0),
            n_waiting=n_waiting.get(pk, 0),
        )
        for pk, user in users.items()
    ]


def waiting_invitations(project: Project, *, now: datetime) -> QuerySet[Invitation]:
    """Invitations that may still be used, latest first."""
    waiting = Invitation.objects.filter(project=project, used_at__isnull=True, withdrawn_at__isnull=True)
    return waiting.filter(expires_at__gt=now).select_related("made_by")
