"""The debrief of a training case: which errors were planted, and which were caught."""

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from annotator.models import User
from annotator.selectors.case_access import case_to_read
from annotator.selectors.debriefs import debrief_of
from annotator.selectors.permissions import project_for


@require_GET
def debrief(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """What the reader made of the planted errors of a case that they have submitted."""
    reader = cast(User, request.user)
    project = project_for(reader, slug)
    case, sitting = case_to_read(project, case_id, reader=reader)
    told = debrief_of(case, sitting)
    if told is None:
        raise Http404("no submitted training case of this reader")
    return render(request, "annotator/debrief.html", {"project": project, "case": case, "debrief": told})
