"""The JSON routes of what is said around a reading: reopen it, notes with answers, and guidelines."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotator.api.errors import writes_labels
from annotator.api.requests import count, json_body
from annotator.api.views import addressed_payload
from annotator.core.refusals import VectorError
from annotator.core.reopening import REOPEN_REASONS, Reopening
from annotator.models import Case, Draft, User
from annotator.selectors.case_access import case_to_read
from annotator.selectors.guidelines import guidelines_payload
from annotator.selectors.notes import own_thread, own_threads, threads_payload
from annotator.selectors.permissions import project_for
from annotator.selectors.seat_lists import progress_in
from annotator.services.notes import SentNote, answer_note, write_note
from annotator.services.reopening import reopen_reading


@require_POST
@writes_labels
def reopen(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """Open the reader's submitted reading again, and answer with the case as it is then."""
    reader = cast(User, request.user)
    case, sitting = case_to_read(project_for(reader, slug), case_id, reader=reader)
    body = json_body(request)
    draft = Draft.objects.filter(case=case, reader=reader, round=sitting.round).first()
    if draft is None:
        raise VectorError("there is no reading of yours to reopen")
    why = _why(body)
    reopen_reading(case=case, draft=draft, version=count(body, "version"), why=why, now=timezone.now())
    progress = progress_in(case, reader=reader, sitting=sitting, now=timezone.now())
    payload = addressed_payload(case, reader=reader, progress=progress, sitting=sitting)
    return JsonResponse({"case": payload}, status=201)


@require_http_methods(["GET", "POST"])
@writes_labels
def notes(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """The reader's threads on a case; a post writes a note, or an answer in one of their threads."""
    reader = cast(User, request.user)
    case, sitting = case_to_read(project_for(reader, slug), case_id, reader=reader)
    if request.method == "POST":
        _write(json_body(request), case=case, reader=reader, round=sitting.round)
    threads = threads_payload(own_threads(case, reader=reader, round=sitting.round))
    return JsonResponse({"notes": threads}, status=201 if request.method == "POST" else 200)


@require_GET
def guidelines(request: HttpRequest, slug: str) -> HttpResponse:
    """The guidelines in force."""
    reader = cast(User, request.user)
    return JsonResponse({"guidelines": guidelines_payload(project_for(reader, slug), reader=reader)})


def reopen_reasons() -> list[dict[str, str]]:
    """The reasons to choose from, as the reading page shows them."""
    return [{"reason": reason, "says": says} for reason, says in REOPEN_REASONS.items()]


def _why(body: dict[str, Any]) -> Reopening:
    reason = str(body.get("reason", ""))
    if reason not in REOPEN_REASONS:
        raise VectorError(f"reason: expected one of {', '.join(REOPEN_REASONS)}")
    return Reopening(reason=reason, note=str(body.get("note", "")))


def _write(body: dict[str, Any], *, case: Case, reader: User, round: int) -> None:
    text, now = body.get("text"), timezone.now()
    if body.get("parent") is not None:
        thread = own_thread(case, count(body, "parent"), reader=reader, round=round)
        answer_note(thread=thread, author=reader, text=cast(str, text), now=now)
        return
    sent = SentNote(kind=str(body.get("kind", "")), cell=cast(str, body.get("cell", "")), text=cast(str, text))
    write_note(case=case, reader=reader, round=round, sent=sent, now=now)
