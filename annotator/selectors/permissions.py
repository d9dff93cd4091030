"""Who may see a project. Every view starts here: what it returns is already permitted."""

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from annotator.models import Membership, Project, Role, User


def projects_of(user: User | AnonymousUser) -> QuerySet[Project]:
    """Projects that the user belongs to."""
    if not user.is_authenticated or not user.is_active:
        return Project.objects.none()
    return Project.objects.filter(memberships__user=user).select_related("schema")


def project_for(user: User | AnonymousUser, slug: str, *, role: Role | None = None) -> Project:
    """The project called `slug`: 404 for whoever does not belong to it, 403 for a member who lacks `role`.

    An outsider cannot tell a project that exists from one that does not. A superuser is an outsider too until a
    manager adds them.
    """
    return membership_for(user, slug, role=role).project


def membership_for(user: User | AnonymousUser, slug: str, *, role: Role | None = None) -> Membership:
    """The user's membership of the project called `slug`, under the rules of `project_for`."""
    membership = None
    if user.pk is not None and user.is_active:
        membership = (
            Membership.objects.select_related("project__schema")
            .filter(project__slug=slug, user_id=user.pk)
            .order_by()
            .first()
        )
    if membership is None:
        raise Http404("no such project for this user")
    if role is not None and membership.role != role:
        raise PermissionDenied(f"needs role {role}")
    return membership
