"""Adjudication: the queue of disputed cells, one case at a time, and many cells alike."""

from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from annotator.adjudication_forms import AlikeForm, chosen_cells
from annotator.api.adjudication import addressed, case_to_decide
from annotator.core.disputes import answers_of
from annotator.core.vectors import VectorError
from annotator.exceptions import UserError
from annotator.models import DisputeKind, Project, Role, User
from annotator.selectors.cases import schema_payload
from annotator.selectors.dispute_pages import alike_page, batch_page
from annotator.selectors.disputed_cells import REASONS, common_urgency, guessed_reason
from annotator.selectors.disputes import Wanted, next_disputed, queue_of
from annotator.selectors.permissions import member_for, project_for
from annotator.selectors.preferences import preferences_of
from annotator.selectors.schemas import parsed_schema
from annotator.services.adjudication import Bulk, decide_alike, undo_batch
from annotator.views.read import allow_images


@require_GET
def queue(request: HttpRequest, slug: str) -> HttpResponse:
    """Disputed cells by finding, kind and pattern; managers see the counts without deciding."""
    user = cast(User, request.user)
    member = member_for(user, slug, reveals=True)
    if not (member.is_adjudicator or member.is_manager):
        raise PermissionDenied("needs role adjudicator or manager")
    wanted, after = Wanted.of(request.GET.dict()), _position(request.GET.get("after", ""))
    shown = queue_of(member.project, user, wanted, sees_all=not member.is_adjudicator, after=after)
    context = {
        "project": member.project,
        "queue": shown,
        "wanted": wanted,
        "wanted_query": urlencode(wanted.query),
        "kinds": [(value, label, shown.n_by_kind[value]) for value, label in DisputeKind.choices],
        "reasons": [(each["says"], shown.n_by_reason[each["reason"]]) for each in REASONS],
        "n_all": shown.n_open + shown.n_decided,
        "study_page": "adjudicate",
    }
    return render(request, "annotator/adjudicate.html", context)


def _position(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


@require_GET
def to_next(request: HttpRequest, slug: str) -> HttpResponse:
    """To the first case with open cells of those that the address names, or back to the queue."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.ADJUDICATOR)
    wanted = Wanted.of(request.GET.dict())
    found = next_disputed(project, user, wanted)
    query = f"?{urlencode(wanted.query)}" if wanted.query else ""
    if found is None:
        return redirect("adjudicate", slug=slug)
    return redirect(reverse("adjudicate_case", kwargs={"slug": slug, "case_id": found.pk}) + query)


@require_GET
@allow_images
def case(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """The disputed cells of one case, one after the other."""
    user = cast(User, request.user)
    found = case_to_decide(user, slug, case_id)
    data = addressed(found, request.GET.dict())
    if not data["cells"]:
        messages.info(request, f"Case {found.key} has no disputed cells (any more).")
        return redirect("adjudicate", slug=slug)
    context = {
        "project": found.project,
        "case": found,
        "case_data": data,
        "schema_data": schema_payload(parsed_schema(found.project.schema)),
        "preferences": preferences_of(user),
        "reasons": REASONS,
    }
    return render(request, "annotator/adjudicate_case.html", context)


@require_http_methods(["GET", "POST"])
def alike(request: HttpRequest, slug: str) -> HttpResponse:
    """The open cells of one pattern, and one decision for those that are chosen."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.ADJUDICATOR)
    wanted = Wanted.of(request.GET.dict())
    if not (wanted.finding and wanted.kind and wanted.pattern):
        return redirect("adjudicate", slug=slug)
    page = alike_page(project, user, wanted)
    sent = request.POST if request.method == "POST" else None
    form = AlikeForm(sent, schema=parsed_schema(project.schema), finding=wanted.finding, initial=_likely(wanted))
    if sent is not None and form.is_valid():
        answer = _decide_alike(request, project, form)
        if answer is not None:
            return answer
    context = {"project": project, "page": page, "wanted": wanted, "form": form, "kind": DisputeKind(wanted.kind).label}
    return render(request, "annotator/adjudicate_alike.html", context | {"study_page": "adjudicate"})


def _likely(wanted: Wanted) -> dict[str, str]:
    """What is chosen at first: the commonest answer's reason and the urgency that all give; no value."""
    answers = answers_of(wanted.pattern)
    value = answers[0][0] if answers else "+"
    reason = guessed_reason(value, kind=wanted.kind, answers=answers)
    return {"urgency": common_urgency(answers) or "_", "reason": reason}


def _decide_alike(request: HttpRequest, project: Project, form: AlikeForm) -> HttpResponse | None:
    """To the page of the batch; None when nothing was stored, and the form says why."""
    user = cast(User, request.user)
    try:
        chosen = chosen_cells(request.POST.getlist("cell"))
        done = decide_alike(
            project=project, chosen=chosen, adjudicator=user, verdict=form.verdict(), now=timezone.now()
        )
    except (UserError, VectorError, ValidationError) as error:
        form.add_error(None, error if isinstance(error, ValidationError) else str(error))
        return None
    _warn_of(request, done)
    if not done.decided:
        return redirect("adjudicate", slug=project.slug)
    return redirect("adjudicate_batch", slug=project.slug, batch=done.batch)


def _warn_of(request: HttpRequest, done: Bulk) -> None:
    """Say how many cells were left out."""
    if done.left_out:
        why = "they changed while you looked at them, or their cases are yours to read"
        n = len(done.left_out)
        messages.warning(request, f"{n:,} cell{'' if n == 1 else 's'} left out: {why}.")


@require_http_methods(["GET", "POST"])
def batch(request: HttpRequest, slug: str, batch: UUID) -> HttpResponse:
    """Decisions that were made together; a post takes them back."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.ADJUDICATOR)
    page = batch_page(project, user, batch)
    if page is None:
        raise Http404("no such batch in this project")
    if request.method == "POST":
        done = undo_batch(project=project, batch=batch, adjudicator=user, now=timezone.now())
        messages.success(request, f"{len(done.decided):,} decisions were taken back; their cells are open again.")
        _warn_of(request, done)
        return redirect("adjudicate_batch", slug=slug, batch=batch)
    context: dict[str, Any] = {"project": project, "page": page, "batch": batch, "study_page": "adjudicate"}
    return render(request, "annotator/adjudicate_batch.html", context)
