"""What a user sees of projects: the list with progress."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from annotator.models import (
    Case,
    Draft,
    DraftState,
    Exclusion,
    Membership,
    Project,
    Reading,
    Reads,
    Role,
    Seat,
    SeatState,
    User,
)
from annotator.selectors.exclusions import is_excluded
from annotator.selectors.seats import LIVE, reads_of


@dataclass(frozen=True, slots=True)
class ProjectProgress:
    """One line of the project list, as one member sees it.

    `n_cases` are those that they have to read: all of an open project, else those they have seats of; for who does not
    read all of the project.
    """

    project: Project
    roles: tuple[str, ...]
    n_cases: int
    n_submitted: int
    n_drafts: int

    @property
    def is_manager(self) -> bool:
        """Whether they set it up."""
        return Role.MANAGER in self.roles

    @property
    def is_reader(self) -> bool:
        """Whether they read in it."""
        return Role.READER in self.roles


def projects_with_progress(user: User) -> list[ProjectProgress]:
    """The user's projects, each with how far the user is in it. A case that comes back to them counts once."""
    roles: dict[int, set[str]] = defaultdict(set)
    for project_id, role in Membership.objects.filter(user=user).order_by().values_list("project_id", "role"):
        roles[project_id].add(role)
    last = Case.objects.filter(project=OuterRef("pk")).order_by("-position").values("position")[:1]
    projects = Project.objects.filter(pk__in=roles).select_related("schema", "rules").annotate(last=Subquery(last))
    counts = _Counts(user, projects)
    return [
        ProjectProgress(
            project=project,
            roles=tuple(role for role in Role.values if role in roles[project.pk]),
            n_cases=counts.n_cases(project, is_reader=Role.READER in roles[project.pk]),
            n_submitted=counts.n_submitted(project),
            n_drafts=counts.drafts[project.pk, DraftState.OPEN] + counts.drafts[project.pk, DraftState.RETURNED],
        )
        for project in projects.order_by("name", "pk")
    ]


class _Counts:
    """What is counted of all projects at once: excluded cases, and a reader's drafts and seats by state."""

    def __init__(self, user: User, projects: QuerySet[Project]) -> None:
        theirs = Q(reader=user, project__in=projects.order_by().values("pk"), round=1) & ~is_excluded("case")
        drafts, seats = Draft.objects.filter(theirs).order_by(), Seat.objects.filter(theirs, state__in=LIVE).order_by()
        submitted = seats.filter(case=OuterRef("case"), state=SeatState.SUBMITTED)
        again = drafts.exclude(state=DraftState.SUBMITTED).filter(Exists(submitted))
        excluded = Exclusion.objects.filter(project__in=projects.order_by().values("pk"), ended_at__isnull=True)
        self.drafts = _counted(drafts.values_list("project_id", "state"))
        self.seats = _counted(seats.values_list("project_id", "state"))
        self.again = _counted(again.values_list("project_id"))
        self.excluded = _counted(excluded.order_by().values_list("project_id"))

    def n_cases(self, project: Project, *, is_reader: bool) -> int:
        """Cases that the user has to read."""
        if is_reader and reads_of(project) != Reads.OPEN:
            return sum(self.seats[project.pk, state] for state in LIVE)
        return (project.last or 0) - self.excluded[project.pk,]  # type: ignore[attr-defined]

    def n_submitted(self, project: Project) -> int:
        """Those of them that are submitted and not open again."""
        if reads_of(project) == Reads.OPEN:
            return self.drafts[project.pk, DraftState.SUBMITTED]
        return self.seats[project.pk, SeatState.SUBMITTED] - self.again[project.pk,]


def _counted(rows: QuerySet[Any, Any]) -> Counter[tuple[Any, ...]]:
    return Counter({tuple(row[:-1]): row[-1] for row in rows.annotate(n=Count("*"))})


def manages(user: User, project: Project) -> bool:
    """Whether the user is a manager of the project."""
    return Membership.objects.filter(project=project, user=user, role=Role.MANAGER).exists()


def readers_of(project: Project) -> list[User]:
    """Whoever reads in the project or has read in it, by name."""
    is_reader = Membership.objects.filter(project=project, user=OuterRef("pk"), role=Role.READER)
    has_read = Reading.objects.filter(project=project, reader=OuterRef("pk"))
    return list(User.objects.filter(Exists(is_reader) | Exists(has_read)).order_by("username"))
