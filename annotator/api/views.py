"""The JSON routes of the reading screen; docs/api.md describes them."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotator.api.requests import acknowledged, draft_content, identifier, json_body
from annotator.core.vectors import VectorError
from annotator.exceptions import ContradictionError, StaleDraftError, UndecidedError
from annotator.models import Case, Project, User
from annotator.selectors.cases import Progress, case_for, case_payload, draft_payload, next_case, progress_of
from annotator.selectors.permissions import project_for
from annotator.selectors.runs import run_of_project
from annotator.services.drafts import save_draft
from annotator.services.readings import Submission, submit_reading
from annotator.views.errors import json_error

MAX_POSITION_DIGITS = 9


def addressed_payload(case: Case, *, reader: User, progress: Progress) -> dict[str, Any]:
    """The case payload with the addresses that belong to it."""
    where = {"slug": case.project.slug, "case_id": case.pk}
    urls = {
        "page": reverse("read", kwargs=where),
        "draft": reverse("api_draft", kwargs=where),
        "submit": reverse("api_submit", kwargs=where),
        "next": f"{reverse('api_next', kwargs={'slug': case.project.slug})}?after={case.position}",
    }
    return case_payload(case, reader=reader, progress=progress) | {"urls": urls}


@require_GET
def case_detail(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """What the reading screen shows of one case."""
    reader = cast(User, request.user)
    project = project_for(reader, slug)
    progress = progress_of(project=project, reader=reader)
    return JsonResponse(addressed_payload(case_for(project, case_id), reader=reader, progress=progress))


@require_GET
def case_after(request: HttpRequest, slug: str) -> HttpResponse:
    """The reader's next case behind a position, loaded ahead by the screen."""
    reader = cast(User, request.user)
    project = project_for(reader, slug)
    after = request.GET.get("after", "0")
    if not after.isascii() or not after.isdigit() or len(after) > MAX_POSITION_DIGITS:
        return json_error(400, code="invalid", message="after: expected a position of 0 or more")
    case = next_case(project=project, reader=reader, after=int(after))
    progress = progress_of(project=project, reader=reader)
    payload = addressed_payload(case, reader=reader, progress=progress) if case else None
    return JsonResponse({"case": payload, "remaining": progress.n_cases - progress.n_submitted})


@require_http_methods(["PUT"])
def draft(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """Save the reader's draft."""
    reader = cast(User, request.user)
    case = case_for(project_for(reader, slug), case_id)
    body: dict[str, Any] = {}
    try:
        body = json_body(request)
        saved = save_draft(case=case, reader=reader, content=draft_content(body), now=timezone.now())
    except VectorError as error:
        return json_error(400, code="invalid", message=str(error))
    except StaleDraftError as stale:
        return _stale(stale, body)
    return JsonResponse({"version": saved.version, "saved_at": saved.saved_at.isoformat()})


@require_POST
def submit(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """Store a reading and name the next case."""
    reader = cast(User, request.user)
    project = project_for(reader, slug)
    case = case_for(project, case_id)
    body: dict[str, Any] = {}
    try:
        body = json_body(request)
        reading = submit_reading(case=case, reader=reader, submission=_submission(body, project), now=timezone.now())
    except VectorError as error:
        return json_error(400, code="invalid", message=str(error))
    except StaleDraftError as stale:
        return _stale(stale, body)
    except UndecidedError as error:
        return json_error(
            422, code="undecided", message="Some cells have no value yet.", details={"cells": error.cells}
        )
    except ContradictionError as error:
        details = [
            {
                "key": found.key,
                "target": found.target,
                "finding": found.finding,
                "forbidden": found.forbidden,
                "because": found.because,
            }
            for found in error.contradictions
        ]
        message = "Some cells contradict each other."
        return json_error(422, code="contradictions", message=message, details={"contradictions": details})
    upcoming = next_case(project=project, reader=reader, after=case.position)
    return JsonResponse({"revision": reading.revision, "next": upcoming.pk if upcoming else None}, status=201)


def _submission(body: dict[str, Any], project: Project) -> Submission:
    if "prefill_run" not in body:
        raise VectorError("prefill_run: expected a run of this project, or null for a blank reading")
    run_id = identifier(body, "prefill_run") if body["prefill_run"] is not None else None
    if run_id is not None and run_of_project(project, run_id) is None:
        raise VectorError(f"prefill_run: this project has no run {run_id}")
    return Submission(
        content=draft_content(body),
        submission_id=identifier(body, "submission_id"),
        acknowledged=acknowledged(body),
        prefill_run=run_id,
    )


def _stale(stale: StaleDraftError, yours: dict[str, Any]) -> JsonResponse:
    theirs = draft_payload(stale.theirs) if stale.theirs else None
    message = "This case was changed in another window. Both versions are kept; choose."
    return json_error(409, code="stale", message=message, details={"theirs": theirs, "yours": yours})
