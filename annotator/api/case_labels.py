"""The JSON route that tells a reader what the other labelers say of a case."""

from typing import cast

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from annotator.models import User
from annotator.selectors.case_access import case_to_see
from annotator.selectors.case_labels import case_labels_payload
from annotator.selectors.permissions import member_for


@require_GET
def case_labels(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """What complete runs beside the pre-fill say; nothing to a reader who started from a blank form."""
    reader = cast(User, request.user)
    case, sitting = case_to_see(member_for(reader, slug), case_id, reader=reader)
    return JsonResponse(case_labels_payload(case, reader=reader, sitting=sitting))
