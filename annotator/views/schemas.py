"""What the project's schema asks, and its YAML."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from annotator.core.grids import schema_grid
from annotator.models import User
from annotator.selectors.permissions import member_for, project_for
from annotator.selectors.schemas import parsed_schema


@require_GET
def schema(request: HttpRequest, slug: str) -> HttpResponse:
    """Targets, findings, definitions and rules of the schema."""
    member = member_for(cast(User, request.user), slug)
    project = member.project
    parsed = parsed_schema(project.schema)
    context = {
        "project": project,
        "is_manager": member.is_manager,
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
