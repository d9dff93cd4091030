"""The reading page and the way to the next case."""

from typing import Any, cast

from csp.constants import SELF, UNSAFE_INLINE, WASM_UNSAFE_EVAL
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from annotator.api.flow import skip_reasons
from annotator.api.views import addressed_payload
from annotator.models import User
from annotator.selectors.cases import case_for, next_case, progress_of, schema_payload
from annotator.selectors.permissions import project_for
from annotator.selectors.preferences import preferences_of
from annotator.selectors.schemas import parsed_schema

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
    project = project_for(reader, slug)
    case = case_for(project, case_id)
    progress = progress_of(project=project, reader=reader)
    context = {
        "project": project,
        "case": case,
        "case_data": addressed_payload(case, reader=reader, progress=progress),
        "schema_data": schema_payload(parsed_schema(project.schema)),
        "preferences": preferences_of(reader),
        "skip_reasons": skip_reasons(),
    }
    return render(request, "annotator/read.html", context)


@require_GET
@allow_images
def viewer(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """The images of a case in a window of their own, led by the reading page that opened it."""
    reader = cast(User, request.user)
    project = project_for(reader, slug)
    case = case_for(project, case_id)
    context = {"project": project, "case": case, "preferences": preferences_of(reader)}
    return render(request, "annotator/viewer.html", context)


@require_GET
def read_next(request: HttpRequest, slug: str) -> HttpResponse:
    """To the reader's next case, or to the worklist when all are read."""
    reader = cast(User, request.user)
    project = project_for(reader, slug)
    case = next_case(project=project, reader=reader)
    return redirect("read", slug=slug, case_id=case.pk) if case else redirect("worklist", slug=slug)
