"""Download labels and reports."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from annotator.exceptions import UserError
from annotator.models import Project, Role, User
from annotator.selectors.exports import export_cards
from annotator.selectors.permissions import project_for
from annotator.services.exports import Export, Wanted, export
from annotator.services.measurement_exports import MEASUREMENTS, MeasurementExport, export_measurements


@require_GET
def exports(request: HttpRequest, slug: str) -> HttpResponse:
    """What can be downloaded."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    context = {"project": project, "is_manager": True, "cards": export_cards(project)}
    return render(request, "annotator/exports.html", context)


@require_GET
def export_download(request: HttpRequest, slug: str) -> HttpResponseBase:
    """A file, made while it is sent."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.MANAGER)
    asked = request.GET
    wanted = Wanted(
        what=asked.get("what", ""),
        format_name=asked.get("format", ""),
        reader=asked.get("reader", ""),
        all_revisions="all_revisions" in asked,
        run=asked.get("run", ""),
    )
    try:
        file = _file(project, user, wanted)
    except UserError as error:
        messages.error(request, f"No file: {error}.")
        return redirect("exports", slug=slug)
    headers = {"Content-Disposition": f'attachment; filename="{file.file_name}"', "X-Content-Type-Options": "nosniff"}
    return StreamingHttpResponse(file.chunks, content_type=file.content_type, headers=headers)


def _file(project: Project, user: User, wanted: Wanted) -> Export | MeasurementExport:
    if wanted.what != MEASUREMENTS:
        return export(project=project, actor=user, wanted=wanted)
    return export_measurements(
        project=project,
        actor=user,
        format_name=wanted.format_name,
        reader=wanted.reader,
        all_revisions=wanted.all_revisions,
    )
