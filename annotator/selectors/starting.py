"""Cases that a run may be started over."""

from django.db.models import Exists, OuterRef, QuerySet

from annotator.models import Case, Project
from labeling.models import MachineLabel, Run


def first_cases(project: Project, n: int) -> tuple[str, ...]:
    """Keys of the first `n` cases with a report."""
    return tuple(_with_report(project).values_list("key", flat=True)[:n])


def cases_without_labels(project: Project, run: Run) -> tuple[str, ...]:
    """Keys of the cases with a report that `run` did not label."""
    labeled = MachineLabel.objects.filter(run=run, report=OuterRef("report"))
    return tuple(_with_report(project).filter(~Exists(labeled)).values_list("key", flat=True))


def _with_report(project: Project) -> QuerySet[Case]:
    return Case.objects.filter(project=project, report__has_text=True).order_by("position")
