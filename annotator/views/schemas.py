"""What the project's schema asks, and its YAML."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from annotator.core.grids import schema_grid
from annotator.models import Role, User
from annotator.selectors.permissions import membership_for, project_for
from annotator.selectors.schemas import parsed_schema


@require_GET
def schema(request: HttpRequest, slug: str) -> HttpResponse:
    """Targets, findings, definitions and rules of the schema."""
    membership = membership_for(cast(User, request.user), slug)
    project = membership.project
    parsed = parsed_schema(project.schema)
    context = {
        "project": project,
        "is_manager": membership.role == Role.MANAGER,
        "schema": parsed,
        "grid": schema_grid(parsed),
    }
    return render(request, "annotator/schema.html", context)


@require_GET
def schema_yaml(request: HttpRequest, slug: str) -> HttpResponse:
    """The schema as it was written."""
    stored = project_for(cast(User, request.user), slug).schema
    response = HttpResponse(stored.source, content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-schema-v{stored.version}.yaml"'
    return response
