"""Guidelines: what is in force, how they came about, and the past cells that a change may affect."""

from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from annotator.case_forms import GuidelineForm
from annotator.core.guidelines import WHOLE_PROJECT, line_changes
from annotator.exceptions import UserError
from annotator.models import Project, Role, User
from annotator.selectors.guidelines import affected_by, guidelines_in_force, latest_guideline, versions_of
from annotator.selectors.permissions import project_for
from annotator.selectors.schemas import parsed_schema
from annotator.services.guidelines import Wording, write_guideline
from labeling.core.tables.cells import csv_line, text_cell
from labeling.core.values import STATE_OF_CODE

MAX_LISTED = 500


@require_GET
def guidelines(request: HttpRequest, slug: str) -> HttpResponse:
    """The guideline of the project and of each finding."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER, reveals=False)
    in_force = guidelines_in_force(project)
    names = [WHOLE_PROJECT, *(finding.name for finding in parsed_schema(project.schema).findings)]
    rows = [(name, in_force.get(name)) for name in names]
    return render(request, "annotator/guidelines.html", {"project": project, "study_page": "guidelines", "rows": rows})


@require_http_methods(["GET", "POST"])
def guideline(request: HttpRequest, slug: str) -> HttpResponse:
    """One guideline with its versions; a post writes the next. The query names the finding."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.MANAGER, reveals=False)
    finding = _finding(request, project)
    versions = versions_of(project, finding)
    latest = versions[0] if versions else None
    initial = {"text": latest.text if latest else "", "based_on": latest.version if latest else 0}
    form = GuidelineForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and _write(request, project, finding, form):
        return redirect(f"{request.path}?{request.GET.urlencode()}")
    earlier = [*(each.text for each in versions[1:]), ""]
    changes = [(each, line_changes(before, each.text)) for each, before in zip(versions, earlier, strict=False)]
    context = {"project": project, "study_page": "guidelines", "finding": finding, "form": form, "changes": changes}
    return render(request, "annotator/guideline.html", context, status=400 if form.errors else 200)


@require_GET
def guideline_affected(request: HttpRequest, slug: str) -> HttpResponse:
    """Past cells that the latest version of a guideline may affect, with links to them."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    finding = _finding(request, project)
    latest = latest_guideline(project, finding)
    found = affected_by(latest) if latest else []
    context = {
        "project": project,
        "study_page": "guidelines",
        "finding": finding,
        "guideline": latest,
        "n_found": len(found),
        "n_cases": len({each.case_id for each in found}),
        "found": [(each, _said(each.said)) for each in found[:MAX_LISTED]],
    }
    return render(request, "annotator/guideline_affected.html", context)


@require_GET
def guideline_affected_csv(request: HttpRequest, slug: str) -> HttpResponse:
    """All of them as CSV."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    finding = _finding(request, project)
    latest = latest_guideline(project, finding)
    version = latest.version if latest else 0
    lines = [csv_line(["case", "cell", "said", "readers_differ", "guideline", "version"])]
    for each in affected_by(latest) if latest else []:
        said, differs = ";".join(_said(each.said)), "yes" if each.differs else "no"
        texts = [each.case_key, each.cell, said, differs, finding, str(version)]
        lines.append(csv_line([text_cell(text) for text in texts]))
    name = f"{project.slug}-guideline-{version}-affected.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse("".join(lines), content_type="text/csv; charset=utf-8", headers=headers)


def _finding(request: HttpRequest, project: Project) -> str:
    finding = request.GET.get("finding", WHOLE_PROJECT)
    known = {each.name for each in parsed_schema(project.schema).findings}
    if finding != WHOLE_PROJECT and finding not in known:
        raise Http404("the schema has no such finding")
    return finding


def _said(codes: str) -> list[str]:
    return [str(STATE_OF_CODE[code]).replace("_", " ") for code in codes]


def _write(request: HttpRequest, project: Project, finding: str, form: GuidelineForm) -> bool:
    wording = Wording(finding=finding, **form.cleaned_data)
    try:
        made = write_guideline(project=project, wording=wording, actor=cast(User, request.user), now=timezone.now())
    except UserError as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, f"Version {made.version} is in force. Readers see it marked as new.")
    return True
