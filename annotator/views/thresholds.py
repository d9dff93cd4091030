"""Thresholds of scores: pick one, and take those that were picked along."""

from typing import cast
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from annotator.core.score_tables import score_lines
from annotator.forms import ThresholdForm
from annotator.models import Role, User
from annotator.selectors.figure_pages import evaluation_of
from annotator.selectors.permissions import project_for
from annotator.selectors.thresholds import picked_csv, picked_lines
from annotator.services.thresholds import pick_threshold
from labeling.exceptions import UserError


@require_POST
def pick(request: HttpRequest, slug: str, evaluation_id: int) -> HttpResponse:
    """Keep a threshold, and go back to the cell."""
    user = cast(User, request.user)
    evaluation = evaluation_of(project_for(user, slug, role=Role.MANAGER), evaluation_id)
    form, cell = ThresholdForm(request.POST), request.POST.get("cell", "")
    if form.is_valid():
        try:
            picked = pick_threshold(
                evaluation=evaluation,
                actor=user,
                cell=cell,
                threshold=form.cleaned_data["threshold"],
                now=timezone.now(),
            )
            messages.success(request, f"Threshold {picked.threshold:.4g} is kept for {cell.replace('|', ' ')}.")
        except UserError as error:
            messages.error(request, f"No threshold kept: {error}.")
    else:
        messages.error(request, "No threshold kept: it is a number, such as 0.25.")
    asked = {name: evaluation.request[name] for name in ("run", "truth", "origin") if name in evaluation.request}
    return redirect(f"{reverse('dashboard_scores', args=[slug])}?{urlencode(asked | {'cell': cell})}#cell")


@require_GET
def as_csv(request: HttpRequest, slug: str) -> HttpResponse:
    """All that was ever picked in the project, as a table."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    return _file("".join(picked_csv(project)), name=f"thresholds-{slug}.csv")


@require_GET
def as_json(request: HttpRequest, slug: str) -> JsonResponse:
    """The same for programs."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    headers = {"Content-Disposition": f'attachment; filename="thresholds-{slug}.json"'}
    return JsonResponse({"project": slug, "thresholds": picked_lines(project)}, headers=headers)


@require_GET
def scores_csv(request: HttpRequest, slug: str, evaluation_id: int) -> HttpResponse:
    """A row for each figure of each cell, over all cases and over the held-out half."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    evaluation = evaluation_of(project, evaluation_id)
    scores = (evaluation.result or {}).get("scores")
    if scores is None:
        messages.error(request, "No file: these figures are of no scores, or not computed yet.")
        return redirect("dashboard_scores", slug=slug)
    return _file("".join(score_lines(scores)), name=f"scores-{evaluation.pk}.csv")


def _file(text: str, *, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)
