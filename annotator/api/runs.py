"""What the pages of runs ask while they are watched."""

from typing import cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from annotator.models import Role, User
from annotator.selectors.permissions import project_for
from annotator.selectors.run_pages import progress_payload
from labeling.selectors import run_of


@require_GET
def run_progress(request: HttpRequest, slug: str, run_id: UUID) -> HttpResponse:
    """How far a run is."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    return JsonResponse(progress_payload(run_of(project, run_id), now=timezone.now()))
