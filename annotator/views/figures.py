"""The dashboard: figures about labelers and readers."""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from annotator.core.figure_requests import Kind
from annotator.core.gold_results import need_lines
from annotator.models import Evaluation, Project, Role, User
from annotator.selectors.agreement_pages import agreement_page
from annotator.selectors.arm_pages import arms_page
from annotator.selectors.figure_pages import carried_query, choices_of, evaluation_of, query_of, request_of
from annotator.selectors.gold_pages import gold_page, needs_of
from annotator.selectors.labeler_pages import comparison_page, labeler_page, metric_choices
from annotator.selectors.permissions import project_for
from annotator.selectors.score_pages import score_page
from annotator.selectors.urgency_pages import urgency_page
from annotator.services.figure_exports import FileFormat, export_figures
from annotator.services.figures import Figures, ask, ask_again
from annotator.tasks import send_figures


@require_GET
def labelers(request: HttpRequest, slug: str) -> HttpResponse:
    """One run beside the readers."""
    return _page(request, slug, kind=Kind.LABELER, template="annotator/dashboard_labelers.html", more=_labeler)


def _labeler(project: Project, figures: Figures, query: Mapping[str, str]) -> dict[str, Any]:
    del project, query
    return labeler_page(figures.done) if figures.done else {}


@require_GET
def scores(request: HttpRequest, slug: str) -> HttpResponse:
    """How well the scores of a run tell present from absent, and which threshold to take."""
    return _page(request, slug, kind=Kind.SCORES, template="annotator/dashboard_scores.html", more=score_page)


@require_GET
def compare(request: HttpRequest, slug: str) -> HttpResponse:
    """Two runs against the same truth."""
    return _page(request, slug, kind=Kind.COMPARISON, template="annotator/dashboard_compare.html", more=_compared)


def _compared(project: Project, figures: Figures, query: Mapping[str, str]) -> dict[str, Any]:
    del project
    return comparison_page(figures.done, query) if figures.done else {}


@require_GET
def readers(request: HttpRequest, slug: str) -> HttpResponse:
    """How much readers agree."""
    template = "annotator/dashboard_readers.html"
    return _page(request, slug, kind=Kind.READERS, template=template, more=agreement_page)


@require_GET
def arms(request: HttpRequest, slug: str) -> HttpResponse:
    """What pre-filling does to readers."""
    return _page(request, slug, kind=Kind.ARMS, template="annotator/dashboard_arms.html", more=arms_page)


@require_GET
def urgency(request: HttpRequest, slug: str) -> HttpResponse:
    """Which urgencies each rater gives, and how well a labeler orders them."""
    template = "annotator/dashboard_urgency.html"
    return _page(request, slug, kind=Kind.LABELER, template=template, more=urgency_page)


@require_GET
def gold(request: HttpRequest, slug: str) -> HttpResponse:
    """How wide the intervals are, and how many more positives would narrow them."""
    return _page(request, slug, kind=Kind.LABELER, template="annotator/dashboard_gold.html", more=gold_page)


# The page on which figures of a kind are looked at first, and why there is no file of them.
PAGES: Final[Mapping[Kind, str]] = {
    Kind.LABELER: "dashboard",
    Kind.COMPARISON: "dashboard_compare",
    Kind.READERS: "dashboard_readers",
    Kind.SCORES: "dashboard_scores",
    Kind.ARMS: "dashboard_arms",
}
STATE_WORDS: Final[Mapping[str, str]] = {
    Evaluation.State.QUEUED: "the figures are not computed yet",
    Evaluation.State.RUNNING: "the figures are being computed",
    Evaluation.State.FAILED: "the figures could not be computed",
}


NO_LONGER_KEPT: Final = (
    "This project does not keep these figures (any more). Load the page of the dashboard for the latest."
)
CONTENT_TYPES: Final[Mapping[FileFormat, str]] = {FileFormat.CSV: "text/csv", FileFormat.JSON: "application/json"}

# What a page shows beyond the stored result: of the project, its figures and the address.
More = Callable[[Project, Figures, Mapping[str, str]], dict[str, Any]]


def _page(request: HttpRequest, slug: str, *, kind: Kind, template: str, more: More | None = None) -> HttpResponse:
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.MANAGER)
    asked = request_of(project, kind, request.GET.dict())
    figures = ask(project=project, actor=user, request=asked, send=send_figures) if asked.can_be_computed else None
    context: dict[str, Any] = {"project": project, "is_manager": True, "asked": asked, "figures": figures}
    context |= {"choices": choices_of(project, asked), "carried": carried_query(request.GET.dict())}
    context |= {"metrics": metric_choices(request.GET.dict())} if kind == Kind.COMPARISON else {}
    if more is not None and figures is not None and figures.done is not None:
        context |= more(project, figures, request.GET.dict())
    return render(request, template, context)


@require_GET
def figures_csv(request: HttpRequest, slug: str, evaluation_id: int) -> HttpResponse:
    """The rows of one set of figures; without them the page that says how far they are."""
    return _download(request, slug, evaluation_id, file_format=FileFormat.CSV)


@require_GET
def figures_json(request: HttpRequest, slug: str, evaluation_id: int) -> HttpResponse:
    """All that is stored of one set of figures, with what they are of."""
    return _download(request, slug, evaluation_id, file_format=FileFormat.JSON)


def _download(request: HttpRequest, slug: str, evaluation_id: int, *, file_format: FileFormat) -> HttpResponse:
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.MANAGER)
    try:
        evaluation = evaluation_of(project, evaluation_id)
    except Http404:
        context = {"status": 404, "message": NO_LONGER_KEPT}
        return render(request, "annotator/error.html", context, status=404)
    if evaluation.result is None:
        return _no_file(request, evaluation, slug)
    file = export_figures(evaluation, project=project, actor=user, file_format=file_format)
    return _file(file.text, content_type=CONTENT_TYPES[file_format], name=file.name)


@require_GET
def gold_csv(request: HttpRequest, slug: str, evaluation_id: int) -> HttpResponse:
    """What each cell needs, as a table."""
    evaluation = _evaluation(request, slug, evaluation_id)
    if evaluation.result is None:
        return _no_file(request, evaluation, slug)
    needs, _, _ = needs_of(evaluation, request.GET.dict())
    return _file("".join(need_lines(needs)), content_type="text/csv", name=f"gold-set-{evaluation.pk}.csv")


def _no_file(request: HttpRequest, evaluation: Evaluation, slug: str) -> HttpResponse:
    messages.error(request, f"No file: {STATE_WORDS[evaluation.state]}.")
    return redirect(_address(evaluation, slug))


@require_POST
def again(request: HttpRequest, slug: str, evaluation_id: int) -> HttpResponse:
    """Have figures that could not be computed tried once more."""
    evaluation = _evaluation(request, slug, evaluation_id)
    ask_again(evaluation, send=send_figures)
    return redirect(_address(evaluation, slug))


def _address(evaluation: Evaluation, slug: str) -> str:
    return f"{reverse(PAGES[Kind(evaluation.kind)], args=[slug])}?{query_of(evaluation)}"


def _evaluation(request: HttpRequest, slug: str, evaluation_id: int) -> Evaluation:
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    return evaluation_of(project, evaluation_id)


def _file(text: str, *, content_type: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(text, content_type=f"{content_type}; charset=utf-8", headers=headers)


@require_GET
def api_figures(request: HttpRequest, slug: str, evaluation_id: int) -> JsonResponse:
    """How far one set of figures is."""
    evaluation = _evaluation(request, slug, evaluation_id)
    return JsonResponse({"state": evaluation.state, "reason": evaluation.reason, "seconds": evaluation.seconds})
