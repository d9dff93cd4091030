"""Who reads what: look at a plan, apply it, and change who has which seats."""

import secrets
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotator.assignment_forms import PlanForm, SeatsForm
from annotator.exceptions import UserError
from annotator.models import Case, Project, Role, User
from annotator.selectors import assignment_pages as shown
from annotator.selectors.permissions import project_for
from annotator.selectors.rules import rules_of
from annotator.services.assignments import Preview, apply_plan, preview_plan
from annotator.services.seat_changes import give_seats, withdraw_seats

_SEEDS = 1_000_000


@require_http_methods(["GET", "POST"])
def assignment(request: HttpRequest, slug: str) -> HttpResponse:
    """The seats as they are, and a form for a plan; a post shows what the plan comes to, or applies it."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.MANAGER, reveals=False)
    form = _plan_form(request, project)
    is_sound = form.is_valid()
    if is_sound and _is_as_shown(request, form) and _apply(request, project, form):
        return redirect("assignment", slug=slug)
    preview = _preview(project, form) if is_sound else None
    context = _context(project) | {"form": form, "preview": preview}
    if preview is not None:
        context |= {
            "strata": shown.strata_rows(preview.summary, preview.asked.rates),
            "pairs": shown.range_words(preview.summary.pair_counts),
            "picture": shown.plan_picture(preview.summary),
            "fingerprint": preview.asked.fingerprint(),
        }
    return render(request, "annotator/assignment.html", context, status=400 if form.errors else 200)


@require_POST
def change_seats(request: HttpRequest, slug: str) -> HttpResponse:
    """Withdraw the seats of a reader or of the queue, or give them to somebody else."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.MANAGER, reveals=False)
    form = _seats_form(project, request.POST)
    if not form.is_valid():
        messages.error(request, "No seat was changed: choose whose seats, and give a reason.")
        return redirect("assignment", slug=slug)
    try:
        messages.success(request, _changed(project, form.cleaned_data, actor=user))
    except UserError as error:
        messages.error(request, f"No seat was changed: {error}.")
    return redirect("assignment", slug=slug)


@require_GET
def as_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """All seats. Their strata say what the machine predicts."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    headers = {"Content-Disposition": f'attachment; filename="seats-{slug}.csv"', "X-Content-Type-Options": "nosniff"}
    return StreamingHttpResponse(shown.seats_csv(project), content_type="text/csv; charset=utf-8", headers=headers)


def _plan_form(request: HttpRequest, project: Project) -> PlanForm:
    return PlanForm(
        request.POST if request.method == "POST" else None,
        readers=shown.plan_readers(project),
        asked=shown.last_asked(project),
        seed=secrets.randbelow(_SEEDS),
    )


def _is_as_shown(request: HttpRequest, form: PlanForm) -> bool:
    """Whether the plan that is sent to be applied is the one that was looked at."""
    if request.POST.get("action") != "apply":
        return False
    if request.POST.get("previewed") == form.asked().fingerprint():
        return True
    form.add_error(None, "The form was changed after the preview. This is the new one: look at it, and apply it.")
    return False


def _apply(request: HttpRequest, project: Project, form: PlanForm) -> bool:
    try:
        plan = apply_plan(
            project=project,
            asked=form.asked(),
            actor=cast(User, request.user),
            now=timezone.now(),
            token=request.POST.get("token", ""),
        )
    except UserError as error:
        form.add_error(None, _sentence(error))
        return False
    messages.success(request, f"Plan {plan.number} is applied: {plan.summary['n_new']:,} new seats.")
    return True


def _preview(project: Project, form: PlanForm) -> Preview | None:
    """None where the plan cannot be met; the form says why."""
    try:
        return preview_plan(project=project, asked=form.asked())
    except UserError as error:
        if _sentence(error) not in form.non_field_errors():
            form.add_error(None, _sentence(error))
        return None


def _context(project: Project) -> dict[str, Any]:
    counts = shown.seat_counts(project)
    return {
        "project": project,
        "study_page": "assignment",
        "n_cases": Case.objects.filter(project=project).count(),
        "rules": rules_of(project),
        "counts": counts,
        "plans": shown.plan_lines(project),
        "seats_form": _seats_form(project, None),
        "can_change": any(count.n_open for count in counts),
    }


def _seats_form(project: Project, sent: QueryDict | None) -> SeatsForm:
    sources = shown.sources_of(shown.seat_counts(project))
    return SeatsForm(sent, sources=sources, readers=shown.plan_readers(project))


def _changed(project: Project, sent: dict[str, Any], *, actor: User) -> str:
    """Do what was asked for; what was done."""
    source = None if sent["source"] == shown.QUEUE else get_object_or_404(User, pk=sent["source"])
    reason, now = sent["reason"], timezone.now()
    if not sent["to"]:
        n = withdraw_seats(project=project, reader=source, actor=actor, reason=reason, now=now)
        return f"{n:,} seats are withdrawn. The next plan gives these readings to others."
    if source is None:
        raise UserError("seats of the queue are taken by readers, and not given; withdraw them and make a plan")
    to = get_object_or_404(User, pk=sent["to"])
    n, n_left = give_seats(project=project, source=source, to=to, actor=actor, reason=reason, now=now)
    left = f" {n_left:,} were withdrawn: {to.get_username()} has these cases already." if n_left else ""
    return f"{n:,} seats are now {to.get_username()}'s.{left}"


def _sentence(error: UserError) -> str:
    """The message as a sentence."""
    text = str(error)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
