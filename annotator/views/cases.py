"""The list of cases, and one case, for managers: what is going on, sending back, excluding."""

from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from annotator.case_forms import CaseListForm, ReasonForm, ReturnForm
from annotator.core.case_states import CaseState
from annotator.core.refusals import VectorError
from annotator.exceptions import ExcludedError, UserError
from annotator.models import Case, Role, User
from annotator.selectors.case_about import case_about
from annotator.selectors.case_lists import case_list
from annotator.selectors.cases import case_for
from annotator.selectors.permissions import project_for
from annotator.services.exclusions import exclude_case, include_case
from annotator.services.reopening import return_reading


@require_GET
def cases(request: HttpRequest, slug: str) -> HttpResponse:
    """All cases with how far they are; no machine label and no value of any reader."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER, reveals=False)
    wanted = CaseListForm(request.GET).wanted()
    page = case_list(project=project, wanted=wanted)
    states = [(state, page.n_by_state[state]) for state in CaseState]
    context = {"project": project, "study_page": "cases", "wanted": wanted, "page": page, "states": states}
    return render(request, "annotator/cases.html", context)


@require_http_methods(["GET", "POST"])
def case(request: HttpRequest, slug: str, case_id: int) -> HttpResponse:
    """One case; a post sends a reading back, excludes the case, or takes it back in."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.MANAGER)
    found = case_for(project, case_id)
    if request.method == "POST":
        return _act(request, found, user)
    context = {"project": project, "study_page": "cases", "case": found, "about": case_about(found, viewer=user)}
    return render(request, "annotator/case.html", context)


def _act(request: HttpRequest, case: Case, actor: User) -> HttpResponse:
    acts = {"return": _return, "exclude": _exclude, "include": _include}
    act = acts.get(request.POST.get("action", ""))
    if act is None:
        raise Http404("no such action")
    try:
        messages.success(request, act(request, case, actor))
    except (UserError, VectorError) as error:
        messages.error(request, str(error))
    except ExcludedError:
        messages.error(request, "The case is excluded: take it back in first.")
    return redirect("case", slug=case.project.slug, case_id=case.pk)


def _return(request: HttpRequest, case: Case, actor: User) -> str:
    form = ReturnForm(request.POST)
    if not form.is_valid():
        raise UserError("Say in a note what the reader should look at.")
    reader = User.objects.filter(pk=form.cleaned_data["reader"], drafts__case=case).first()
    if reader is None:
        raise UserError("Nobody with this key has read the case.")
    sent, now = form.cleaned_data, timezone.now()
    return_reading(case=case, reader=reader, round=sent["round"], actor=actor, text=sent["text"], now=now)
    return f"Case {case.key} is back with {reader.get_username()}; what they submitted stands until they submit again."


def _exclude(request: HttpRequest, case: Case, actor: User) -> str:
    exclude_case(case=case, actor=actor, reason=_reason(request), now=timezone.now())
    return f"Case {case.key} is excluded. What was read of it is kept."


def _include(request: HttpRequest, case: Case, actor: User) -> str:
    include_case(case=case, actor=actor, reason=_reason(request), now=timezone.now())
    return f"Case {case.key} counts again."


def _reason(request: HttpRequest) -> str:
    form = ReasonForm(request.POST)
    return form.cleaned_data["reason"] if form.is_valid() else ""
