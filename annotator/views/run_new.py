"""Start a run: choose labeler, engine and cases, try three reports, start."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from annotator.exceptions import UserError
from annotator.models import Project, Role, User
from annotator.run_forms import RunForms
from annotator.run_words import labelers_in_words
from annotator.selectors.permissions import project_for
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.trials import TrialView, trial_view
from annotator.services.labels import start_rules
from annotator.services.run_starts import TRY_S, start_asked_run, try_first
from labeling.engines import allowed_urls, models_at
from labeling.selectors import readable_reports, run_name
from labeling.services import RunExists
from labeling.services.model_runs import require_allowed
from labeling.tasks import wake


@require_http_methods(["GET", "POST"])
def run_new(request: HttpRequest, slug: str) -> HttpResponse:
    """The form; a post tries it, starts the run, or fills the page in further."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    if request.method != "POST":
        return _page(request, project, RunForms.fresh(project, labeler=request.GET.get("labeler", "")))
    action = request.POST.get("action")
    if action in ("try", "start"):
        forms = RunForms.sent(project, request.POST)
        if not forms.is_valid():
            return _page(request, project, forms, status=422)
        return _try(request, project, forms) if action == "try" else _start(request, project, forms)
    forms = RunForms.kept(project, request.POST)
    if action == "models":
        return _with_models(request, project, forms)
    return _page(request, project, forms)


def _with_models(request: HttpRequest, project: Project, forms: RunForms) -> HttpResponse:
    """The page with the models that the chosen engine has, or why it does not say."""
    url = str(request.POST.get("url", ""))
    try:
        require_allowed(url)
        models = models_at(url)
    except UserError as error:
        return _page(request, project, forms, models_error=str(error))
    if len(models) == 1 and not str(request.POST.get("model", "")).strip():
        forms.run.initial["model"] = models[0]
    return _page(request, project, forms, models=models)


def _try(request: HttpRequest, project: Project, forms: RunForms) -> HttpResponse:
    if not forms.asks_model:
        forms.run.add_error("labeler", "The rules cost nothing and need no trial: start them.")
        return _page(request, project, forms, status=422)
    try:
        trial = try_first(project=project, plan=forms.plan())
    except UserError as error:
        forms.refuse(error)
        return _page(request, project, forms, status=422)
    return _page(request, project, forms, trial=trial_view(project, trial))


def _start(request: HttpRequest, project: Project, forms: RunForms) -> HttpResponse:
    actor = cast(User, request.user)
    try:
        if not forms.asks_model:
            return _start_rules(request, project, is_prefill=forms.run.cleaned_data["is_prefill"])
        run = start_asked_run(project=project, plan=forms.plan(), actor=actor)
    except RunExists as error:
        messages.info(request, f"Nothing new was started: {error}.")
        return redirect("run", slug=project.slug, run_id=error.run.run_id)
    except UserError as error:
        forms.refuse(error)
        return _page(request, project, forms, status=422)
    messages.success(request, f"Queued for the workers: {run.n_reports:,} reports.")
    if not wake(run):
        messages.warning(request, "The message broker does not answer; the run begins when a worker finds it.")
    return redirect("run", slug=project.slug, run_id=run.run_id)


def _start_rules(request: HttpRequest, project: Project, *, is_prefill: bool) -> HttpResponse:
    run, told = start_rules(project=project, actor=cast(User, request.user), is_prefill=is_prefill)
    messages.success(request, told)
    if run is None:
        return redirect("runs", slug=project.slug)
    return redirect("run", slug=project.slug, run_id=run.run_id)


def _page(
    request: HttpRequest,
    project: Project,
    forms: RunForms,
    *,
    trial: TrialView | None = None,
    models: tuple[str, ...] | None = None,
    models_error: str = "",
    status: int = 200,
) -> HttpResponse:
    prefill = forms.run.prefill
    context: dict[str, Any] = {
        "project": project,
        "is_manager": True,
        "forms": forms,
        "form": forms.run,
        "labelers": labelers_in_words(parsed_schema(project.schema)),
        "has_engine": bool(allowed_urls()),
        "n_reports": readable_reports(project).count(),
        "prefill": prefill,
        "prefill_name": run_name(prefill) if prefill else "",
        "trial": trial,
        "try_s": int(TRY_S),
        "models": models,
        "models_error": models_error,
    }
    return render(request, "annotator/run_new.html", context, status=status)
