"""The worklist of a reader."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from annotator.forms import WorklistForm
from annotator.models import User
from annotator.selectors.permissions import member_for
from annotator.selectors.worklists import worklist_page


@require_GET
def worklist(request: HttpRequest, slug: str) -> HttpResponse:
    """The reader's cases, a page at a time."""
    user = cast(User, request.user)
    member = member_for(user, slug)
    form = WorklistForm(request.GET)
    wanted = form.wanted()
    context = {
        "project": member.project,
        "is_manager": member.is_manager,
        "form": form,
        "wanted": wanted,
        "page": worklist_page(project=member.project, reader=user, wanted=wanted),
    }
    return render(request, "annotator/worklist.html", context)
