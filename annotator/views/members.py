"""Who belongs to a project; managers change it."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from annotator.exceptions import UserError
from annotator.member_forms import InviteForm, MemberForm
from annotator.models import Project, Role, User
from annotator.selectors.members import members_with_progress, waiting_invitations
from annotator.selectors.permissions import project_for
from annotator.selectors.projects import manages
from annotator.services.invitations import invite, withdraw
from annotator.services.projects import find_user, remove_member, set_roles


def _managed(request: HttpRequest, slug: str) -> tuple[Project, User]:
    user = cast(User, request.user)
    return project_for(user, slug, role=Role.MANAGER, reveals=False), user


@require_http_methods(["GET", "POST"])
def members(request: HttpRequest, slug: str) -> HttpResponse:
    """The members with their progress; a post sets roles or ends a membership."""
    project, user = _managed(request, slug)
    if request.method == "POST":
        return _change(request, project, user)
    return _page(request, project, InviteForm())


def _page(request: HttpRequest, project: Project, invite_form: InviteForm, *, status: int = 200) -> HttpResponse:
    context = {
        "project": project,
        "is_manager": True,
        "form": MemberForm(),
        "invite_form": invite_form,
        "members": members_with_progress(project),
        "invitations": waiting_invitations(project, now=timezone.now()),
        "roles": Role.choices,
    }
    return render(request, "annotator/members.html", context, status=status)


def _change(request: HttpRequest, project: Project, actor: User) -> HttpResponse:
    form = MemberForm(request.POST)
    name = request.POST.get("username", "")
    try:
        if request.POST.get("action") == "remove":
            n_released = remove_member(project=project, user=find_user(name), actor=actor)
            released = f" {n_released:,} cases that waited for them are released." if n_released else ""
            messages.success(request, f"{name} no longer belongs to this project.{released}")
        elif form.is_valid():
            roles = form.cleaned_data["roles"]
            set_roles(project=project, user=find_user(name, active=True), roles=roles, actor=actor)
            messages.success(request, f"{name} is now {' and '.join(roles)} of this project.")
        else:
            messages.error(request, "Give a user name and at least one role. To end a membership, use Remove.")
    except UserError as error:
        messages.error(request, str(error))
    if not manages(actor, project):
        return redirect("projects")
    return redirect("members", slug=project.slug)


@require_POST
def invitation_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Make a link; this page alone shows it."""
    project, user = _managed(request, slug)
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _page(request, project, form, status=422)
    made, token = invite(project=project, actor=user, now=timezone.now(), **form.cleaned_data)
    link = request.build_absolute_uri(reverse("invitation", args=[token]))
    context = {"project": project, "is_manager": True, "invitation": made, "link": link}
    response = render(request, "annotator/invitation_made.html", context)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def invitation_withdraw(request: HttpRequest, slug: str, invitation_id: int) -> HttpResponse:
    """Let a link hold no more."""
    project, user = _managed(request, slug)
    try:
        withdraw(project=project, invitation_id=invitation_id, actor=user, now=timezone.now())
        messages.success(request, "The invitation is withdrawn; its link does nothing any more.")
    except UserError as error:
        messages.error(request, str(error))
    return redirect("members", slug=project.slug)
