"""The reading page and the way to the next case."""

from typing import Any, cast

from csp.constants import SELF, UNSAFE_INLINE, WASM_UNSAFE_EVAL
from csp.decorators import csp_update
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from annotator.api.flow import skip_reasons
from annotator.api.notes import reopen_reasons
from annotator.api.views import addressed_payload
from annotator.exceptions import NotReaderError
from annotator.models import User
from annotator.selectors.case_access import case_to_see
from annotator.selectors.cases import schema_payload
from annotator.selectors.guidelines import guidelines_payload
from annotator.selectors.permissions import member_for
from annotator.selectors.preferences import preferences_of
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.seat_lists import progress_in
from annotator.services.next_case import upcoming_case

# What Cornerstone needs: codecs in WebAssembly, decoding workers, sizes set on elements, cursors and previews as blobs.
allow_images: Any = csp_update(
    {
        "script-src": [WASM_UNSAFE_EVAL],
        "style-src-attr": [UNSAFE_INLINE],
        "img-src": ["blob:", "data:"],
        "worker-src": [SELF],
    }
)


@require_GET
@allow_images
def read(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """The reading page of one case."""
    reader = cast(User, request.user)
    member = member_for(reader, slug)
    project = member.project
    case, sitting = case_to_see(member, case_id, reader=reader)
    progress = progress_in(case, reader=reader, sitting=sitting, now=timezone.now())
    context = {
        "project": project,
        "case": case,
        "case_data": addressed_payload(case, reader=reader, progress=progress, sitting=sitting),
        "schema_data": schema_payload(parsed_schema(project.schema)),
        "preferences": preferences_of(reader),
        "skip_reasons": skip_reasons(),
        "reopen_reasons": reopen_reasons(),
        "guidelines": guidelines_payload(project, reader=reader),
    }
    return render(request, "annotator/read.html", context)


@require_GET
@allow_images
def viewer(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """The images of a case in a window of their own, led by the reading page that opened it."""
    reader = cast(User, request.user)
    member = member_for(reader, slug)
    case, _ = case_to_see(member, case_id, reader=reader, reveals=False)
    context = {"project": member.project, "case": case, "preferences": preferences_of(reader)}
    return render(request, "annotator/viewer.html", context)


@require_GET
def read_next(request: HttpRequest, slug: str) -> HttpResponse:
    """To the reader's next case, or to the worklist when all are read."""
    reader = cast(User, request.user)
    member = member_for(reader, slug)
    found = upcoming_case(project=member.project, reader=reader, after=None, now=timezone.now())
    if found is not None:
        return redirect("read", slug=slug, case_id=found.case.pk)
    messages.info(request, "There is no further case for you now." if member.is_reader else str(NotReaderError()))
    return redirect("worklist", slug=slug)
