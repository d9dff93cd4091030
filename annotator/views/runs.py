"""The runs of a project, and one run: watch it, stop it, let readers start from it."""

from collections.abc import Callable
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from annotator.models import Project, Role, User
from annotator.run_page_forms import RunCasesForm
from annotator.selectors.permissions import project_for
from annotator.selectors.run_cases import run_cases
from annotator.selectors.run_pages import run_page
from labeling.exceptions import UserError
from labeling.models import Run
from labeling.selectors import run_of
from labeling.selectors.run_facts import manifest_json
from labeling.selectors.run_list import runs_page, runs_to_compare
from labeling.services import cancel_run, choose_prefill, end_stale_runs, pause_run, resume_run
from labeling.tasks import wake


@require_GET
def runs(request: HttpRequest, slug: str) -> HttpResponse:
    """Every run, newest first."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    end_stale_runs(project=project)
    shown = runs_page(project, number=request.GET.get("page", ""))
    context = {
        "project": project,
        "is_manager": True,
        "rows": shown.rows,
        "page": shown.page,
        "comparable": runs_to_compare(project),
    }
    return render(request, "annotator/runs.html", context)


@require_http_methods(["GET", "POST"])
def run(request: HttpRequest, slug: str, run_id: UUID) -> HttpResponse:
    """One run; a post pauses, resumes or cancels it, or lets readers start from it."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    end_stale_runs(project=project)
    found = run_of(project, run_id)
    if request.method == "POST":
        _act(request, found)
        return redirect("run", slug=project.slug, run_id=found.run_id)
    if request.GET.get("format") == "json":
        return _manifest(found)
    return _page(request, project, found)


def _pause(run: Run, actor: User) -> str:
    pause_run(run=run, actor=actor, reason=f"paused by {actor.get_username()}")
    return "Paused. Nothing more is asked; what was answered is kept."


def _resume(run: Run, actor: User) -> str:
    resume_run(run=run, actor=actor)
    if wake(run):
        return "It goes on where it stopped."
    return "It is queued again. The broker takes no messages now; a worker finds the run when it starts."


def _cancel(run: Run, actor: User) -> str:
    cancel_run(run=run, actor=actor)
    return "Cancelled. Its labels and answers stay."


def _prefill(run: Run, actor: User) -> str:
    choose_prefill(run=run, actor=actor)
    return "Readers start from these labels from now on. Drafts keep what they started from."


_ACTIONS: dict[str, Callable[[Run, User], str]] = {
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
    "prefill": _prefill,
}


def _act(request: HttpRequest, run: Run) -> None:
    """Do what the button says, and tell what became of it."""
    act = _ACTIONS.get(request.POST.get("action", ""))
    if act is None:
        messages.error(request, "Nothing was done: the page did not say what to do. Try again.")
        return
    try:
        messages.success(request, act(run, cast(User, request.user)))
    except UserError as error:
        messages.error(request, f"Not done: {error}.")


def _manifest(run: Run) -> HttpResponse:
    response = HttpResponse(manifest_json(run), content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="run-{run.run_id}.json"'
    return response


def _page(request: HttpRequest, project: Project, run: Run) -> HttpResponse:
    form = RunCasesForm(request.GET)
    context = {
        "project": project,
        "is_manager": True,
        "wanted": form.wanted(),
        "cases": run_cases(run, form.wanted()),
        **run_page(run, now=timezone.now(), add_up="stages" in request.GET),
    }
    return render(request, "annotator/run.html", context)
