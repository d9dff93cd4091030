"""The list of projects, and making one."""

from typing import cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from annotator.exceptions import SchemaRejected, UserError
from annotator.forms import ProjectForm
from annotator.models import User
from annotator.selectors.projects import projects_with_progress
from annotator.services.projects import create_project


@require_GET
def projects(request: HttpRequest) -> HttpResponse:
    """The user's projects with how far the user is in each."""
    user = cast(User, request.user)
    context = {"rows": projects_with_progress(user), "may_create": user.is_staff}
    return render(request, "annotator/projects.html", context)


@require_http_methods(["GET", "POST"])
def project_new(request: HttpRequest) -> HttpResponse:
    """Make a project; only staff may."""
    user = cast(User, request.user)
    if not user.is_staff:
        raise PermissionDenied("only staff make projects")
    form = ProjectForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        sent = {name: form.cleaned_data[name] for name in ("name", "slug", "description", "schema_source")}
        try:
            return redirect("imports", slug=create_project(actor=user, **sent).slug)
        except SchemaRejected as error:
            form.add_error(None, [f"Schema, {problem}" for problem in error.problems])
        except UserError as error:
            form.add_error(None, str(error))
    status = 422 if form.errors else 200
    return render(request, "annotator/project_new.html", {"form": form}, status=status)
