"""What a model said in a run: behind the labels of a case, and where it went wrong."""

from typing import cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from annotator.models import Role, User
from annotator.selectors.case_traces import case_trace
from annotator.selectors.cases import case_for
from annotator.selectors.failure_pages import failure_page
from annotator.selectors.permissions import project_for
from labeling.selectors import run_name, run_of
from labeling.services.call_exports import export_calls


@require_GET
def run_failures(request: HttpRequest, slug: str, run_id: UUID) -> HttpResponseBase:
    """Reports without labels and answers that could not be read; with `format=jsonl` all raw answers as a file."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.MANAGER)
    run = run_of(project, run_id)
    if request.GET.get("format") == "jsonl":
        headers = {"Content-Disposition": f'attachment; filename="{slug}-{str(run_id)[:8]}.calls.jsonl"'}
        lines = export_calls(run=run, actor=user)
        return StreamingHttpResponse(lines, content_type="application/x-ndjson; charset=utf-8", headers=headers)
    page = failure_page(run, request.GET.dict())
    context = {"project": project, "is_manager": True, "run": run, "run_name": run_name(run), "page": page}
    return render(request, "annotator/run_failures.html", context)


@require_GET
def run_case(request: HttpRequest, slug: str, run_id: UUID, case_id: int) -> HttpResponse:
    """How the labels of a case came about."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    run, case = run_of(project, run_id), case_for(project, case_id)
    trace = case_trace(run, case, cell_key=request.GET.get("cell", ""), shows_all="all" in request.GET)
    context = {"project": project, "is_manager": True, "run_name": run_name(run), "trace": trace}
    return render(request, "annotator/run_case.html", context)
