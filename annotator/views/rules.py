"""The rules of a study; managers change them."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from annotator.exceptions import UserError
from annotator.models import Role, User
from annotator.rules_forms import RulesForm
from annotator.selectors.permissions import project_for
from annotator.selectors.projects import readers_of
from annotator.selectors.rules import rules_of
from annotator.services.rules import RESOLVING, set_rules
from annotator.tasks import send_settling


@require_http_methods(["GET", "POST"])
def rules(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the rules; a post changes them, and the gold follows where they decide it."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.MANAGER, reveals=False)
    stored = rules_of(project)
    form = RulesForm(request.POST or None, rules=stored, readers=readers_of(project))
    if request.method == "POST" and form.is_valid():
        try:
            changed = set_rules(project=project, actor=user, changes=form.changes(), now=timezone.now())
        except UserError as error:
            form.add_error(None, str(error))
        else:
            if changed & RESOLVING:
                send_settling(project.pk)
            messages.success(request, _said(changed))
            return redirect("rules", slug=slug)
    context = {"project": project, "study_page": "rules", "form": form, "rules": stored}
    return render(request, "annotator/rules.html", context, status=400 if form.errors else 200)


def _said(changed: frozenset[str]) -> str:
    if not changed:
        return "Nothing was changed."
    follows = " The gold of all cases is made again." if changed & RESOLVING else ""
    return f"The rules are changed.{follows}"
