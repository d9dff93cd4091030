"""Who reads in a project, and who may see what machines and others say."""

from datetime import datetime

from django.db.models import Q

from annotator.models import Event, Membership, Project, Role, User

# Roles whose pages show machine labels and what other readers say.
REVEALING = frozenset({Role.MANAGER, Role.ADJUDICATOR})


def is_reader(project: Project, user: User) -> bool:
    """Whether the user reads in the project."""
    return Membership.objects.filter(project=project, user=user, role=Role.READER).exists()


def reveals(project: Project, user: User) -> bool:
    """Whether the user may open pages that show machine labels and what others say."""
    return Membership.objects.filter(project=project, user=user, role__in=REVEALING).exists()


def has_revealed(project: Project, user: User, *, since: datetime | None) -> bool:
    """Whether the user may open such pages, or could after a time; with None at any time."""
    if reveals(project, user):
        return True
    ended = Event.objects.filter(
        project=project,
        verb__in=[Event.Verb.MEMBER_SET, Event.Verb.MEMBER_REMOVED],
        payload__user=user.get_username(),
    )
    if since is not None:
        ended = ended.filter(at__gt=since)
    held = [Q(payload__before__icontains=role.value) for role in REVEALING]
    return ended.filter(held[0] | held[1]).exists()
