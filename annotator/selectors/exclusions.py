"""Which cases are excluded from the study now."""

from django.db.models import Exists, OuterRef

from annotator.models import Case, Exclusion, Project


def is_excluded(case: str = "pk") -> Exists:
    """For a query: whether the case that the column `case` names is excluded."""
    return Exists(Exclusion.objects.filter(case=OuterRef(case), ended_at__isnull=True))


def open_exclusion(case: Case) -> Exclusion | None:
    """The exclusion under which the case is now, with who excluded it."""
    return Exclusion.objects.filter(case=case, ended_at__isnull=True).select_related("excluded_by").first()


def n_excluded(project: Project) -> int:
    """How many cases of the project are excluded."""
    return Exclusion.objects.filter(project=project, ended_at__isnull=True).count()
