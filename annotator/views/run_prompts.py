"""What a labeler asks about one cell of one report, before or after it costs anything."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from annotator.models import Role, User
from annotator.selectors.permissions import project_for
from annotator.selectors.prompt_pages import prompt_page, wanted_of


@require_GET
def run_prompts(request: HttpRequest, slug: str) -> HttpResponse:
    """The conversations about one cell. Nothing is asked of an engine."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    # One switch a line, or one a parameter.
    options = tuple(line for text in request.GET.getlist("config") for line in text.splitlines() if line.strip())
    page = prompt_page(project, wanted_of(request.GET.dict(), options), run_id=request.GET.get("run", ""))
    context = {"project": project, "is_manager": True, "page": page}
    return render(request, "annotator/run_prompts.html", context)
