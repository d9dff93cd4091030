"""What readers in training made of planted errors, for managers."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from annotator.models import Role, User
from annotator.selectors.permissions import project_for
from annotator.selectors.training import training_page
from annotator.services.training_exports import export_training


@require_GET
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Planted errors by reader and finding, and those that were not caught."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    context = {"project": project, "training": training_page(project)}
    return render(request, "annotator/dashboard_training.html", context)


@require_GET
def as_csv(request: HttpRequest, slug: str) -> HttpResponse:
    """Every planted error and what became of it."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.MANAGER)
    text = export_training(project=project, actor=user, now=timezone.now())
    headers = {
        "Content-Disposition": f'attachment; filename="{project.slug}-planted-errors.csv"',
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)
