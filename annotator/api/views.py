"""The JSON routes of the reading screen; docs/api.md describes them."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotator.api.errors import writes_labels
from annotator.api.requests import draft_content, json_body, submission
from annotator.models import Case, User
from annotator.selectors.cases import Progress, case_for, case_payload, next_case, progress_of
from annotator.selectors.permissions import project_for
from annotator.services.drafts import save_draft
from annotator.services.readings import submit_reading
from annotator.views.errors import json_error

MAX_POSITION_DIGITS = 9


def addressed_payload(case: Case, *, reader: User, progress: Progress) -> dict[str, Any]:
    """The case payload with the addresses that belong to it."""
    where = {"slug": case.project.slug, "case_id": case.pk}
    urls = {
        "page": reverse("read", kwargs=where),
        "draft": reverse("api_draft", kwargs=where),
        "submit": reverse("api_submit", kwargs=where),
        "skip": reverse("api_skip", kwargs=where),
        "viewer": reverse("viewer", kwargs=where),
        "jump": reverse("api_jump", kwargs={"slug": case.project.slug}),
        "summary": reverse("api_summary", kwargs={"slug": case.project.slug}),
        "images": reverse("api_images", kwargs=where),
        "labels": reverse("api_case_labels", kwargs=where),
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
@writes_labels
def draft(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """Save the reader's draft."""
    reader = cast(User, request.user)
    case = case_for(project_for(reader, slug), case_id)
    saved = save_draft(case=case, reader=reader, content=draft_content(json_body(request)), now=timezone.now())
    return JsonResponse({"version": saved.version, "saved_at": saved.saved_at.isoformat()})


@require_POST
@writes_labels
def submit(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """Store a reading and name the next case."""
    reader = cast(User, request.user)
    project = project_for(reader, slug)
    case = case_for(project, case_id)
    sent = submission(json_body(request))
    reading = submit_reading(case=case, reader=reader, submission=sent, now=timezone.now())
    upcoming = next_case(project=project, reader=reader, after=case.position)
    return JsonResponse({"revision": reading.revision, "next": upcoming.pk if upcoming else None}, status=201)
