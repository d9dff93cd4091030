"""Counts of disputed cells and of the reasons why, on the dashboard."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from annotator.models import Reason, Role, User
from annotator.selectors.dispute_pages import dispute_figures, dispute_lines
from annotator.selectors.permissions import project_for


@require_GET
def disputes(request: HttpRequest, slug: str) -> HttpResponse:
    """Counts by finding, kind and reason."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    context = {"project": project, "disputes": dispute_figures(project), "reason_labels": Reason.labels}
    return render(request, "annotator/dashboard_disputes.html", context)


@require_GET
def disputes_csv(request: HttpRequest, slug: str) -> HttpResponse:
    """The same counts as a file."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    headers = {
        "Content-Disposition": f'attachment; filename="{project.slug}-disputes.csv"',
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse("".join(dispute_lines(project)), content_type="text/csv; charset=utf-8", headers=headers)
