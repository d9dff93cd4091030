"""The worklist of a reader."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from annotator.forms import WorklistForm
from annotator.models import Reads, User
from annotator.selectors.permissions import member_for
from annotator.selectors.seat_worklists import worklist_of
from annotator.selectors.seats import reads_of


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
        "is_reader": member.is_reader,
        "has_seats": reads_of(member.project) != Reads.OPEN,
        "form": form,
        "wanted": wanted,
        "page": worklist_of(project=member.project, reader=user, wanted=wanted, now=timezone.now()),
    }
    return render(request, "annotator/worklist.html", context)
