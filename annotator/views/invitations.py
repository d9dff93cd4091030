"""Accept an invitation: the one page where an account can be made, and only with a link that holds."""

from axes.handlers.proxy import AxesProxyHandler
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from annotator.exceptions import UserError
from annotator.member_forms import AccountForm
from annotator.models import Invitation, Project
from annotator.services.invitations import InvitationGone, accept, accept_anew, find_invitation

# Wrong links count like wrong passwords of this name, which nobody can have.
_GUESSED = {"username": "(invitation)"}
_BACKEND = "django.contrib.auth.backends.ModelBackend"


@sensitive_post_parameters("password", "again")
@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Who is signed in accepts; others sign in first, or make an account."""
    if not AxesProxyHandler.is_allowed(request, _GUESSED):
        return _gone(request)
    try:
        found = find_invitation(token, now=timezone.now())
        if request.method == "POST":
            return _accept(request, found, token)
    except InvitationGone:
        user_login_failed.send(sender=__name__, credentials=_GUESSED, request=request)
        return _gone(request)
    return _page(request, found, AccountForm())


def _gone(request: HttpRequest) -> HttpResponse:
    """The same for a link that was used, withdrawn, is too old, or never was."""
    return render(request, "annotator/invitation_gone.html", status=404)


def _page(request: HttpRequest, found: Invitation, form: AccountForm, *, status: int = 200) -> HttpResponse:
    context = {"invitation": found, "project_name": found.project.name, "form": form}
    return render(request, "annotator/invitation.html", context, status=status)


def _accept(request: HttpRequest, found: Invitation, token: str) -> HttpResponse:
    now = timezone.now()
    if request.user.is_authenticated:
        return _welcome(request, accept(token=token, user=request.user, now=now))
    form = AccountForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form, status=422)
    name, password = form.cleaned_data["username"], form.cleaned_data["password"]
    try:
        project, user = accept_anew(token=token, username=name, password=password, now=now)
    except UserError as error:
        form.add_error(None, str(error))
        return _page(request, found, form, status=422)
    login(request, user, backend=_BACKEND)
    return _welcome(request, project)


def _welcome(request: HttpRequest, project: Project) -> HttpResponse:
    messages.success(request, f"You belong to {project.name} now.")
    return redirect("worklist", slug=project.slug)
