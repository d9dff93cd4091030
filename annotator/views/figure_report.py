"""The whole evaluation on one page."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from annotator.core.figure_requests import Kind
from annotator.models import Role, User
from annotator.selectors.figure_pages import choices_of, request_of
from annotator.selectors.figure_reports import parts_of_report, report_page
from annotator.selectors.permissions import project_for
from annotator.services.figures import ask
from annotator.tasks import send_figures


@require_GET
def report(request: HttpRequest, slug: str) -> HttpResponse:
    """A labeler beside the readers, its scores, and the readers beside each other and by arm, to print or to keep."""
    user, query = cast(User, request.user), request.GET.dict()
    project = project_for(user, slug, role=Role.MANAGER)
    asked = request_of(project, Kind.LABELER, query)
    context: dict[str, Any] = {"project": project, "is_manager": True, "asked": asked}
    context |= {"choices": choices_of(project, asked)}
    if asked.can_be_computed:
        figures = ask(project=project, actor=user, request=asked, send=send_figures)
        parts = {
            name: ask(project=project, actor=user, request=request, send=send_figures)
            for name, request in parts_of_report(project, query).items()
        }
        context |= {"figures": figures, **parts}
        context |= report_page(project, figures, parts) if figures.done else {}
    return render(request, "annotator/dashboard_report.html", context)
