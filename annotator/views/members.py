"""Who belongs to a project; managers change it."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from annotator.exceptions import UserError
from annotator.forms import MemberForm
from annotator.models import Project, Role, User
from annotator.selectors.permissions import project_for
from annotator.selectors.projects import manages, members_with_progress
from annotator.services.projects import find_user, remove_member, set_member


@require_http_methods(["GET", "POST"])
def members(request: HttpRequest, slug: str) -> HttpResponse:
    """The members with their progress; a post sets a role or ends a membership."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.MANAGER)
    if request.method == "POST":
        return _change(request, project, user)
    context = {
        "project": project,
        "is_manager": True,
        "form": MemberForm(),
        "members": members_with_progress(project),
        "roles": Role.choices,
    }
    return render(request, "annotator/members.html", context)


def _change(request: HttpRequest, project: Project, actor: User) -> HttpResponse:
    form = MemberForm(request.POST)
    name = request.POST.get("username", "")
    try:
        if request.POST.get("action") == "remove":
            remove_member(project=project, user=find_user(name), actor=actor)
            messages.success(request, f"{name} no longer belongs to this project.")
        elif form.is_valid():
            role = form.cleaned_data["role"]
            set_member(project=project, user=find_user(name, active=True), role=role, actor=actor)
            messages.success(request, f"{name} is now a {role} of this project.")
        else:
            messages.error(request, "Give a user name and a role.")
    except UserError as error:
        messages.error(request, str(error))
    if not manages(actor, project):
        return redirect("projects")
    return redirect("members", slug=project.slug)
