"""The JSON routes around reading: put a case off, jump to another, what was read today, and a person's preferences."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import cast

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotator.api.errors import writes_labels
from annotator.api.requests import draft_content, json_body
from annotator.api.views import next_after
from annotator.core.case_notes import SKIP_REASONS, Skip
from annotator.forms import WorklistForm
from annotator.models import User
from annotator.selectors.case_access import case_to_read
from annotator.selectors.permissions import project_for
from annotator.selectors.preferences import preferences_of
from annotator.selectors.recent_work import recent_work
from annotator.selectors.seat_worklists import jumps_of
from annotator.services.preferences import set_preferences
from annotator.services.skips import skip_case
from annotator.views.errors import json_error

LONGEST_SUMMARY = timedelta(hours=48)


@require_POST
@writes_labels
def skip(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """Put a case off and name the next one."""
    reader = cast(User, request.user)
    case, sitting = case_to_read(project_for(reader, slug), case_id, reader=reader)
    body = json_body(request)
    wanted = Skip(reason=str(body.get("reason", "")), note=str(body.get("note", "")))
    content, now = draft_content(body), timezone.now()
    saved = skip_case(case=case, reader=reader, content=content, skip=wanted, sitting=sitting, now=now)
    upcoming = next_after(case, sitting, reader=reader)
    return JsonResponse({"version": saved.version, "next": upcoming.case.pk if upcoming else None}, status=201)


@require_GET
def jump(request: HttpRequest, slug: str) -> HttpResponse:
    """Cases to jump to, a page at a time."""
    reader = cast(User, request.user)
    project = project_for(reader, slug)
    wanted = WorklistForm(request.GET).wanted(by_place=True)
    page = jumps_of(project=project, reader=reader, wanted=wanted, now=timezone.now())
    cases = [asdict(row) | {"url": reverse("read", kwargs={"slug": slug, "case_id": row.case_id})} for row in page.rows]
    return JsonResponse({"cases": cases, "after": str(page.after) if page.after else None})


@require_GET
def summary(request: HttpRequest, slug: str) -> HttpResponse:
    """What the reader submitted since a moment, at most two days ago."""
    reader = cast(User, request.user)
    project = project_for(reader, slug)
    since = _moment(request.GET.get("since", ""))
    if since is None:
        return json_error(400, code="invalid", message="since: expected a time with a time zone")
    done = recent_work(project=project, reader=reader, since=max(since, timezone.now() - LONGEST_SUMMARY))
    return JsonResponse(asdict(done))


@require_http_methods(["GET", "PUT"])
@writes_labels
def preferences(request: HttpRequest) -> HttpResponse:
    """The preferences of whoever is signed in; PUT replaces those that it names."""
    user = cast(User, request.user)
    if request.method == "GET":
        return JsonResponse(preferences_of(user))
    return JsonResponse(set_preferences(user=user, sent=json_body(request), now=timezone.now()))


def skip_reasons() -> list[dict[str, str]]:
    """The reasons to choose from, as the reading page shows them."""
    return [{"reason": reason, "says": says} for reason, says in SKIP_REASONS.items()]


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
