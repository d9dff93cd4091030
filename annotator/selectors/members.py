"""Who belongs to a project, how far each is, and which invitations wait."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from annotator.models import Draft, DraftState, Invitation, Membership, Project, Reads, Role, Seat, SeatState, User
from annotator.selectors.cases import n_cases
from annotator.selectors.exclusions import is_excluded, n_excluded
from annotator.selectors.seats import reads_of


@dataclass(frozen=True, slots=True)
class MemberProgress:
    """One member: roles in their usual order, cases submitted, and how many wait to be read by them.

    `n_waiting` is None for who does not read and has no seat.
    """

    user: User
    roles: tuple[str, ...]
    n_submitted: int
    n_waiting: int | None


def members_with_progress(project: Project) -> list[MemberProgress]:
    """The members by name. What waits are seats; in an open project, all that somebody has not submitted."""
    held: dict[int, set[str]] = defaultdict(set)
    users: dict[int, User] = {}
    for membership in Membership.objects.filter(project=project).select_related("user").order_by("user__username"):
        held[membership.user_id].add(membership.role)
        users[membership.user_id] = membership.user
    counts = ~is_excluded("case")
    submitted = Draft.objects.filter(counts, project=project, state=DraftState.SUBMITTED, reader__in=users).order_by()
    n_submitted = dict(submitted.values_list("reader").annotate(n=Count("case", distinct=True)))
    waiting = Q(state__in=[SeatState.OPEN, SeatState.HELD])
    seats = Seat.objects.filter(counts & waiting, project=project, reader__in=users).order_by()
    n_waiting = dict(seats.values_list("reader").annotate(n=Count("pk")))
    if reads_of(project) == Reads.OPEN:
        n_all = n_cases(project) - n_excluded(project)
        n_waiting |= {pk: n_all - n_submitted.get(pk, 0) for pk in users if Role.READER in held[pk]}
    return [
        MemberProgress(
            user=user,
            roles=tuple(role for role in Role.values if role in held[pk]),
            n_submitted=n_submitted.get(pk, 0),
            n_waiting=n_waiting.get(pk, 0 if Role.READER in held[pk] else None),
        )
        for pk, user in users.items()
    ]


def waiting_invitations(project: Project, *, now: datetime) -> QuerySet[Invitation]:
    """Invitations that may still be used, latest first."""
    waiting = Invitation.objects.filter(project=project, used_at__isnull=True, withdrawn_at__isnull=True)
    return waiting.filter(expires_at__gt=now).select_related("made_by")
