"""The JSON routes of the reading screen; docs/api.md describes them."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotator.api.errors import writes_labels
from annotator.api.requests import draft_content, json_body, submission
from annotator.models import Arm, Case, User
from annotator.selectors.case_access import case_to_read, case_to_see
from annotator.selectors.case_extras import case_extras
from annotator.selectors.cases import Progress, case_payload
from annotator.selectors.permissions import member_for, project_for
from annotator.selectors.seat_lists import progress_in, reader_progress
from annotator.selectors.seats import Sitting
from annotator.selectors.worklists import Spot
from annotator.services.drafts import save_draft
from annotator.services.next_case import Upcoming, upcoming_case
from annotator.services.planting import plant
from annotator.services.readings import submit_reading
from annotator.views.errors import json_error


def addressed_payload(case: Case, *, reader: User, progress: Progress, sitting: Sitting | None) -> dict[str, Any]:
    """The case payload with the addresses that belong to it."""
    plant(case, sitting)
    extras = case_extras(case, reader=reader, round=sitting.round if sitting else 1)
    payload = case_payload(case, reader=reader, progress=progress, sitting=sitting)
    return payload | extras | {"urls": _addresses(case, sitting)}


def _addresses(case: Case, sitting: Sitting | None) -> dict[str, str]:
    where = {"slug": case.project.slug, "case_id": case.pk}
    return {
        "page": reverse("read", kwargs=where),
        "draft": reverse("api_draft", kwargs=where),
        "submit": reverse("api_submit", kwargs=where),
        "skip": reverse("api_skip", kwargs=where),
        "reopen": reverse("api_reopen", kwargs=where),
        "notes": reverse("api_notes", kwargs=where),
        "guidelines": reverse("api_guidelines", kwargs={"slug": case.project.slug}),
        "viewer": reverse("viewer", kwargs=where),
        "jump": reverse("api_jump", kwargs={"slug": case.project.slug}),
        "summary": reverse("api_summary", kwargs={"slug": case.project.slug}),
        "images": reverse("api_images", kwargs=where),
        "labels": reverse("api_case_labels", kwargs=where),
        "next": f"{reverse('api_next', kwargs={'slug': case.project.slug})}?after={spot_of(case, sitting)}",
        "heartbeat": reverse("api_heartbeat", kwargs=where),
        "give_back": reverse("api_give_back", kwargs=where),
    }


def spot_of(case: Case, sitting: Sitting | None) -> Spot:
    """Where the case stands in the order in which its reader goes on."""
    return Spot(sitting.seat.place, sitting.seat.pk) if sitting and sitting.seat else Spot(case.position)


@require_GET
def case_detail(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """What the reading screen shows of one case."""
    reader = cast(User, request.user)
    case, sitting = case_to_see(member_for(reader, slug), case_id, reader=reader)
    progress = progress_in(case, reader=reader, sitting=sitting, now=timezone.now())
    return JsonResponse(addressed_payload(case, reader=reader, progress=progress, sitting=sitting))


@require_GET
def case_after(request: HttpRequest, slug: str) -> HttpResponse:
    """The reader's next case behind a position, loaded ahead by the screen."""
    reader = cast(User, request.user)
    project = project_for(reader, slug)
    after = Spot.of(request.GET.get("after", "0"))
    if after is None:
        return json_error(400, code="invalid", message="after: expected a place of 0 or more, such as 12 or 12.345")
    now = timezone.now()
    found = upcoming_case(project=project, reader=reader, after=after, now=now)
    sitting = found.sitting if found else None
    progress = reader_progress(project=project, reader=reader, sitting=sitting, now=now)
    payload = None
    if found:
        payload = addressed_payload(found.case, reader=reader, progress=progress, sitting=sitting)
    return JsonResponse({"case": payload, "remaining": progress.n_cases - progress.n_submitted})


@require_http_methods(["PUT"])
@writes_labels
def draft(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """Save the reader's draft."""
    reader = cast(User, request.user)
    case, sitting = case_to_read(project_for(reader, slug), case_id, reader=reader)
    content = draft_content(json_body(request))
    saved = save_draft(case=case, reader=reader, content=content, sitting=sitting, now=timezone.now())
    return JsonResponse({"version": saved.version, "saved_at": saved.saved_at.isoformat()})


@require_POST
@writes_labels
def submit(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """Store a reading and name the next case."""
    reader = cast(User, request.user)
    project = project_for(reader, slug)
    case, sitting = case_to_read(project, case_id, reader=reader)
    sent, now = submission(json_body(request)), timezone.now()
    reading = submit_reading(case=case, reader=reader, submission=sent, sitting=sitting, now=now)
    upcoming = next_after(case, sitting, reader=reader)
    answer: dict[str, Any] = {"revision": reading.revision, "next": upcoming.case.pk if upcoming else None}
    if reading.arm == Arm.SEEDED:
        answer["debrief"] = reverse("debrief", kwargs={"slug": slug, "case_id": case_id})
    return JsonResponse(answer, status=201)


def next_after(case: Case, sitting: Sitting, *, reader: User) -> Upcoming | None:
    """The reader's next case once this one is submitted or put off."""
    spot = spot_of(case, sitting)
    return upcoming_case(project=case.project, reader=reader, after=spot, besides=case.pk, now=timezone.now())
