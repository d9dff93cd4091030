"""Who may see a project. Every view starts here: what it returns is already permitted."""

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404
from django.utils import timezone

from annotator.exceptions import BlindedError
from annotator.models import Arm, Membership, Project, Role, Seat, User
from annotator.selectors.exclusions import is_excluded
from annotator.selectors.roles import REVEALING
from annotator.selectors.seats import WAITING, not_decided_by, seats_in_play


@dataclass(frozen=True, slots=True)
class Member:
    """One user in one project, with all roles that they hold there."""

    project: Project
    user_id: int
    roles: frozenset[str]

    @property
    def is_manager(self) -> bool:
        """Whether they set up, import and export."""
        return Role.MANAGER in self.roles

    @property
    def is_reader(self) -> bool:
        """Whether they read cases."""
        return Role.READER in self.roles

    @property
    def is_adjudicator(self) -> bool:
        """Whether they decide disputed cells."""
        return Role.ADJUDICATOR in self.roles


def projects_of(user: User | AnonymousUser) -> QuerySet[Project]:
    """Projects that the user belongs to."""
    if not user.is_authenticated or not user.is_active:
        return Project.objects.none()
    theirs = Membership.objects.filter(project=OuterRef("pk"), user=user)
    return Project.objects.filter(Exists(theirs)).select_related("schema")


def project_for(
    user: User | AnonymousUser, slug: str, *, role: Role | None = None, reveals: bool | None = None
) -> Project:
    """The project called `slug`: 404 for whoever does not belong to it, 403 for a member who lacks `role`.

    An outsider cannot tell a project that exists from one that does not. A superuser is an outsider too until a
    manager adds them. A page `reveals` when it shows machine labels or what readers say: those of managers and
    adjudicators do unless they say otherwise. It is refused (`BlindedError`, 403) to whoever has still to read cases
    without seeing these.
    """
    return member_for(user, slug, role=role, reveals=reveals).project


def member_for(
    user: User | AnonymousUser, slug: str, *, role: Role | None = None, reveals: bool | None = None
) -> Member:
    """The user as a member of the project called `slug`, under the rules of `project_for`."""
    found: list[Membership] = []
    if user.pk is not None and user.is_active:
        mine = Membership.objects.select_related("project__schema").filter(project__slug=slug, user_id=user.pk)
        found = list(mine.order_by())
    if not found:
        raise Http404("no such project for this user")
    member = Member(found[0].project, found[0].user_id, frozenset(each.role for each in found))
    if role is not None and role not in member.roles:
        raise PermissionDenied(f"needs role {role}")
    if role in REVEALING if reveals is None else reveals:
        refuse_while_blind(member)
    return member


def refuse_while_blind(member: Member) -> None:
    """Raise `BlindedError` when the member has still to read cases without seeing machine labels."""
    blind = blind_seats(member.project, member.user_id)
    if n_blind := blind.count():
        play = seats_in_play(project=member.project, reader=member.user_id, now=timezone.now())
        later = blind.filter(round__gte=2).exclude(pk__in=play.order_by().values("pk"))
        raise BlindedError(n_blind, n_later=later.count())


def blind_seats(project: Project, user_id: int) -> QuerySet[Seat]:
    """Seats in the blank arm that the user has still to submit, of cases that count and that are theirs to read.

    Not those that were reopened: who may look could do so after submitting, and a revision after that counts as
    informed (`Reading.is_informed`), so that nothing is left to guard.
    """
    theirs = Seat.objects.filter(project=project, reader_id=user_id, arm=Arm.BLANK, state__in=WAITING)
    return theirs.filter(~is_excluded("case"), not_decided_by(user_id, project))
