"""The JSON routes of adjudication; docs/adjudication.md describes them."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, cast
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from annotator.api.errors import writes_labels
from annotator.api.requests import count, json_body
from annotator.exceptions import BasisChangedError, DecidedError
from annotator.models import Case, Project, Role, User
from annotator.selectors.cases import case_for
from annotator.selectors.disputed_cells import decision_payload, disputed_payload
from annotator.selectors.disputes import Wanted, may_decide, next_disputed
from annotator.selectors.permissions import project_for
from annotator.services.adjudication import Seen, Verdict, decide, undo
from annotator.views.errors import json_error

MAX_POSITION_DIGITS = 9


def case_to_decide(user: User, slug: str, case_id: int) -> Case:
    """A case that the user may decide cells of; 404 for others, so that a queue never leads to what one has read."""
    project = project_for(user, slug, role=Role.ADJUDICATOR)
    case = case_for(project, case_id)
    if not may_decide(case, user):
        raise Http404("not a case for this adjudicator")
    return case


def addressed(case: Case, query: Mapping[str, str]) -> dict[str, Any]:
    """What an adjudicator is shown of a case, with the addresses that belong to it; `query` is that of the page."""
    where = {"slug": case.project.slug, "case_id": case.pk}
    wanted = Wanted.of(query).query
    urls = {
        "page": _with(reverse("adjudicate_case", kwargs=where), wanted),
        "decide": reverse("api_decide", kwargs=where),
        "undo": reverse("api_undo", kwargs=where),
        "again": _with(reverse("api_disputed_case", kwargs=where), wanted),
        "images": reverse("api_images", kwargs=where),
        "viewer": reverse("viewer", kwargs=where),
        "next": _with(
            reverse("api_next_disputed", kwargs={"slug": case.project.slug}), wanted | {"after": str(case.position)}
        ),
    }
    return disputed_payload(case) | {"urls": urls}


def _with(address: str, query: Mapping[str, str]) -> str:
    return f"{address}?{urlencode(query)}" if query else address


def tells_who_won(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer 409 to a decision on what is not as it was on the screen."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except DecidedError as error:
            theirs = decision_payload(error.latest) if error.latest else None
            message = "Somebody else decided this cell, or took a decision back, in the meantime."
            return json_error(409, code="decided", message=message, details={"theirs": theirs})
        except BasisChangedError:
            message = "What the readers say of this cell has changed in the meantime."
            return json_error(409, code="stale", message=message)

    return answer


@require_GET
def disputed_case(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """The disputed cells of one case."""
    case = case_to_decide(cast(User, request.user), slug, case_id)
    return JsonResponse(addressed(case, request.GET.dict()))


@require_GET
def next_case(request: HttpRequest, slug: str) -> HttpResponse:
    """The next case with open cells behind a position, loaded ahead by the screen."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.ADJUDICATOR)
    after = request.GET.get("after", "0")
    if not after.isascii() or not after.isdigit() or len(after) > MAX_POSITION_DIGITS:
        return json_error(400, code="invalid", message="after: expected a position of 0 or more")
    case = _next(project, user, request.GET.dict(), after=int(after))
    return JsonResponse({"case": addressed(case, request.GET.dict()) if case else None})


def _next(project: Project, user: User, query: Mapping[str, str], *, after: int) -> Case | None:
    return next_disputed(project, user, Wanted.of(query), after=after)


@require_POST
@writes_labels
@tells_who_won
def decide_cell(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """Decide one cell."""
    user = cast(User, request.user)
    case = case_to_decide(user, slug, case_id)
    sent = json_body(request)
    decision = decide(case=case, seen=_seen(sent), adjudicator=user, verdict=_verdict(sent), now=timezone.now())
    return JsonResponse({"decision": decision_payload(decision)}, status=201)


@require_POST
@writes_labels
@tells_who_won
def undo_decision(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """Take the standing decision about one cell back."""
    user = cast(User, request.user)
    case = case_to_decide(user, slug, case_id)
    decision = undo(case=case, seen=_seen(json_body(request)), adjudicator=user, now=timezone.now())
    return JsonResponse({"decision": decision_payload(decision)}, status=201)


def _seen(sent: Mapping[str, Any]) -> Seen:
    return Seen(cell=str(sent.get("cell", "")), basis=str(sent.get("basis", "")), revision=count(sent, "revision"))


def _verdict(sent: Mapping[str, Any]) -> Verdict:
    """What was decided, as it was sent; the service checks it."""
    value, urgency, reason, note = (str(sent.get(name, "")) for name in ("value", "urgency", "reason", "note"))
    return Verdict(value, urgency, reason, note=note, evidence=sent.get("evidence", []))
