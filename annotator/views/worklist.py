"""The worklist of a reader."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from annotator.forms import WorklistForm
from annotator.models import Role, User
from annotator.selectors.permissions import membership_for
from annotator.selectors.worklists import worklist_page


@require_GET
def worklist(request: HttpRequest, slug: str) -> HttpResponse:
    """The reader's cases, a page at a time."""
    user = cast(User, request.user)
    membership = membership_for(user, slug)
    form = WorklistForm(request.GET)
    wanted = form.wanted()
    context = {
        "project": membership.project,
        "is_manager": membership.role == Role.MANAGER,
        "form": form,
        "wanted": wanted,
        "page": worklist_page(project=membership.project, reader=user, wanted=wanted),
    }
    return render(request, "annotator/worklist.html", context)
