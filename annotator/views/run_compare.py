"""Compare two runs cell by cell."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from annotator.exceptions import UserError
from annotator.models import Role, User
from annotator.selectors.permissions import project_for
from annotator.selectors.run_comparisons import Asked, compare_page
from annotator.services.comparison_exports import export_comparison


@require_GET
def run_compare(request: HttpRequest, slug: str) -> HttpResponse:
    """Two runs to choose, where they differ, and the reports behind it."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    page = compare_page(project, Asked.of(request.GET.dict()))
    context = {"project": project, "is_manager": True, "page": page, "compared": page.compared, "asked": page.asked}
    return render(request, "annotator/run_compare.html", context, status=422 if page.problem else 200)


@require_GET
def run_compare_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The cells that the page lists, as a table."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.MANAGER)
    try:
        file = export_comparison(project=project, actor=user, asked=Asked.of(request.GET.dict()))
    except UserError as error:
        messages.error(request, f"No file: {error}.")
        return redirect("run_compare", slug=slug)
    headers = {"Content-Disposition": f'attachment; filename="{file.file_name}"', "X-Content-Type-Options": "nosniff"}
    return StreamingHttpResponse(file.chunks, content_type="text/csv; charset=utf-8", headers=headers)
