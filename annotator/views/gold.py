"""Gold: how far it is, how it came about, and the story of one case."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from annotator.core.gold_truths import ORIGIN_WORDS
from annotator.models import Gold, Role, User
from annotator.selectors.cases import case_for
from annotator.selectors.gold_overview import counts_lines, gold_cases, gold_overview
from annotator.selectors.gold_stories import case_story
from annotator.selectors.permissions import project_for
from annotator.tasks import send_settling


@require_GET
def gold(request: HttpRequest, slug: str) -> HttpResponse:
    """Counts by origin, and the cases behind them."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    context = {
        "project": project,
        "study_page": "gold",
        "overview": gold_overview(project),
        "found": gold_cases(project, request.GET.dict()),
        "origins": list(ORIGIN_WORDS.values()),
        "states": Gold.State.choices,
    }
    return render(request, "annotator/gold.html", context)


@require_GET
def gold_counts(request: HttpRequest, slug: str) -> HttpResponse:
    """The counts as a table."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    headers = {
        "Content-Disposition": f'attachment; filename="{project.slug}-gold-counts.csv"',
        "X-Content-Type-Options": "nosniff",
    }
    text = "".join(counts_lines(gold_overview(project)))
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


@require_GET
def gold_case(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """Who said what of each cell, and what was decided."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    case = case_for(project, case_id)
    context = {"project": project, "study_page": "gold", "case": case, "story": case_story(case)}
    return render(request, "annotator/gold_case.html", context)


@require_POST
def gold_settle(request: HttpRequest, slug: str) -> HttpResponse:
    """Have the gold of all cases made again."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    if send_settling(project.pk):
        messages.success(request, "A worker settles the cases now. Load this page again to see how far it is.")
    else:
        messages.error(request, "No worker can be reached: try again later, or run manage.py settle.")
    return redirect("gold", slug=slug)
