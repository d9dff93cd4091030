"""End accounts without touching what their owners did."""

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from annotator.models import Membership, Project, Role, Seat, SeatState, User
from annotator.services.leaving import release_seats


@transaction.atomic
def deactivate_user(user: User) -> int:
    """Let `user` sign in no more, end the open sessions and release what is still to be read; how many sessions."""
    user.is_active = False
    user.save(update_fields=["is_active"])
    waiting = Seat.objects.filter(reader=user, state__in=[SeatState.OPEN, SeatState.HELD])
    for project in Project.objects.filter(pk__in=waiting.values("project")).order_by("pk"):
        release_seats(project=project, user=user, actor=None, now=timezone.now())
    theirs = [session.pk for session in Session.objects.all() if session.get_decoded().get(SESSION_KEY) == str(user.pk)]
    Session.objects.filter(pk__in=theirs).delete()
    return len(theirs)


def projects_without_manager(user: User) -> list[str]:
    """Addresses of the projects that `user` managed and that no active user manages now."""
    managed = Project.objects.filter(memberships__user=user, memberships__role=Role.MANAGER)
    active = Membership.objects.filter(role=Role.MANAGER, user__is_active=True)
    return list(managed.exclude(pk__in=active.values("project")).order_by("slug").values_list("slug", flat=True))
