"""End accounts without touching what their owners did."""

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction

from annotator.models import Membership, Project, Role, User


@transaction.atomic
def deactivate_user(user: User) -> int:
    """Let `user` sign in no more and end the open sessions; returns how many there were."""
    user.is_active = False
    user.save(update_fields=["is_active"])
    theirs = [session.pk for session in Session.objects.all() if session.get_decoded().get(SESSION_KEY) == str(user.pk)]
    Session.objects.filter(pk__in=theirs).delete()
    return len(theirs)


def projects_without_manager(user: User) -> list[str]:
    """Addresses of the projects that `user` managed and that no active user manages now."""
    managed = Project.objects.filter(memberships__user=user, memberships__role=Role.MANAGER)
    active = Membership.objects.filter(role=Role.MANAGER, user__is_active=True)
    return list(managed.exclude(pk__in=active.values("project")).order_by("slug").values_list("slug", flat=True))
