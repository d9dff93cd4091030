"""What a user sees of projects: the list with progress."""

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Subquery

from annotator.models import Case, Draft, DraftState, Membership, Project, Reading, Role, User


@dataclass(frozen=True, slots=True)
class ProjectProgress:
    """One line of the project list, as one member sees it."""

    project: Project
    is_manager: bool
    n_cases: int
    n_submitted: int
    n_drafts: int


def projects_with_progress(user: User) -> list[ProjectProgress]:
    """The user's projects, each with how far the user is in it."""
    last = Case.objects.filter(project=OuterRef("pk")).order_by("-position").values("position")[:1]
    mine = Membership.objects.filter(user=user, project=OuterRef("pk"))
    projects = list(
        Project.objects.filter(Exists(mine))
        .select_related("schema")
        .annotate(n_cases=Subquery(last), manages=Exists(mine.filter(role=Role.MANAGER)))
        .order_by("name", "pk")
    )
    rows = Draft.objects.filter(reader=user, project__in=projects)
    counted = rows.order_by().values_list("project_id", "state").annotate(n=Count("*"))
    n_by_state = {(project_id, state): n for project_id, state, n in counted}
    return [
        ProjectProgress(
            project=project,
            is_manager=project.manages,
            n_cases=project.n_cases or 0,
            n_submitted=n_by_state.get((project.pk, DraftState.SUBMITTED), 0),
            n_drafts=n_by_state.get((project.pk, DraftState.OPEN), 0),
        )
        for project in projects
    ]


def manages(user: User, project: Project) -> bool:
    """Whether the user is a manager of the project."""
    return Membership.objects.filter(project=project, user=user, role=Role.MANAGER).exists()


def readers_of(project: Project) -> list[User]:
    """Whoever reads in the project or has read in it, by name."""
    is_reader = Membership.objects.filter(project=project, user=OuterRef("pk"), role=Role.READER)
    has_read = Reading.objects.filter(project=project, reader=OuterRef("pk"))
    return list(User.objects.filter(Exists(is_reader) | Exists(has_read)).order_by("username"))
