"""Notes of readers, for those who act on them."""

from typing import cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from annotator.case_forms import AnswerForm, NoteListForm
from annotator.core.refusals import VectorError
from annotator.core.threads import NoteKind
from annotator.models import User
from annotator.selectors.notes import notes_page, thread_for
from annotator.selectors.permissions import Member, member_for
from annotator.services.notes import answer_note, settle_note


@require_http_methods(["GET", "POST"])
def notes(request: HttpRequest, slug: str) -> HttpResponse:
    """Threads, open flags first; a post answers one, settles it, or opens it again."""
    user = cast(User, request.user)
    member = member_for(user, slug, reveals=True)
    if not (member.is_manager or member.is_adjudicator):
        raise PermissionDenied("notes are for managers and adjudicators")
    if request.method == "POST":
        return _act(request, member, user)
    wanted = NoteListForm(request.GET).wanted()
    page = notes_page(member, viewer=user, wanted=wanted)
    kinds = [(kind, page.n_open[kind]) for kind in NoteKind]
    context = {"project": member.project, "study_page": "notes", "wanted": wanted, "page": page, "kinds": kinds}
    return render(request, "annotator/notes.html", context)


def _act(request: HttpRequest, member: Member, actor: User) -> HttpResponse:
    form = AnswerForm(request.POST)
    if form.is_valid():
        sent, now = form.cleaned_data, timezone.now()
        thread = thread_for(member, sent["note"])
        try:
            if sent["text"]:
                answer_note(thread=thread, author=actor, text=sent["text"], now=now)
            if sent["action"] != "answer":
                settle_note(thread=thread, actor=actor, is_settled=sent["action"] == "settle", now=now)
            elif not sent["text"]:
                messages.error(request, "Write an answer first.")
        except VectorError as error:
            messages.error(request, str(error))
    else:
        messages.error(request, "This answer could not be read: it is too long, or names no note.")
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return redirect(back) if back and is_ours else redirect("notes", slug=member.project.slug)
