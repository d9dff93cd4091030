"""The reading page and the way to the next case."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from annotator.api.views import addressed_payload
from annotator.models import User
from annotator.selectors.cases import case_for, next_case, progress_of, schema_payload
from annotator.selectors.permissions import project_for
from annotator.selectors.schemas import parsed_schema


@require_GET
def read(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """The reading page of one case."""
    reader = cast(User, request.user)
    project = project_for(reader, slug)
    case = case_for(project, case_id)
    progress = progress_of(project=project, reader=reader)
    context = {
        "project": project,
        "case": case,
        "case_data": addressed_payload(case, reader=reader, progress=progress),
        "schema_data": schema_payload(parsed_schema(project.schema)),
    }
    return render(request, "annotator/read.html", context)


@require_GET
def read_next(request: HttpRequest, slug: str) -> HttpResponse:
    """To the reader's next case, or to the worklist when all are read."""
    reader = cast(User, request.user)
    project = project_for(reader, slug)
    case = next_case(project=project, reader=reader)
    return redirect("read", slug=slug, case_id=case.pk) if case else redirect("worklist", slug=slug)
