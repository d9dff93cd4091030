"""The JSON routes of cases that were taken from the queue; docs/api.md describes them."""

from typing import cast

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from annotator.api.errors import writes_labels
from annotator.models import User
from annotator.selectors.case_access import case_to_read
from annotator.selectors.permissions import project_for
from annotator.services.queue import extend, give_back


@require_POST
@writes_labels
def heartbeat(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """Hold on to a case that is being read, and to the one loaded ahead."""
    reader = cast(User, request.user)
    case, sitting = case_to_read(project_for(reader, slug), case_id, reader=reader)
    seat = extend(case=case, reader=reader, sitting=sitting, now=timezone.now()) if sitting.is_from_queue else None
    until = seat.reserved_until if seat else None
    is_lapsed = sitting.is_from_queue and seat is None
    return JsonResponse({"until": until.isoformat() if until else None, "is_lapsed": is_lapsed})


@require_POST
@writes_labels
def give_case_back(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """Let others have a case; what was typed stays this reader's draft."""
    reader = cast(User, request.user)
    case, _ = case_to_read(project_for(reader, slug), case_id, reader=reader)
    return JsonResponse({"given_back": give_back(case=case, reader=reader, now=timezone.now())})
