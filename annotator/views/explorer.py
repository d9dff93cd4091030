"""The cases behind a figure."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from annotator.models import Role, User
from annotator.selectors.explorer_pages import explorer_page
from annotator.selectors.figure_pages import carried_query
from annotator.selectors.permissions import project_for
from annotator.services.explorer_exports import export_cases
from labeling.exceptions import UserError


@require_GET
def cases(request: HttpRequest, slug: str) -> HttpResponse:
    """Cases of one kind, with what everybody says of their cells."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    page = explorer_page(project, request.GET.dict())
    context = {"project": project, "is_manager": True, "page": page, "carried": carried_query(request.GET.dict())}
    return render(request, "annotator/dashboard_cases.html", context)


@require_GET
def cases_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The same cases, all of them, as a table."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.MANAGER)
    try:
        file = export_cases(project=project, actor=user, query=request.GET.dict())
    except UserError as error:
        messages.error(request, f"No file: {error}.")
        return redirect("dashboard_cases", slug=slug)
    headers = {"Content-Disposition": f'attachment; filename="{file.file_name}"', "X-Content-Type-Options": "nosniff"}
    return StreamingHttpResponse(file.chunks, content_type="text/csv; charset=utf-8", headers=headers)
