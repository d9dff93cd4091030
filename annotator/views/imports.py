"""Upload a file of reports, look at it, import it, see what became of its rows."""

from dataclasses import asdict
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods

from annotator.exceptions import ImportRefused, UserError
from annotator.forms import MappingForm, UploadForm
from annotator.models import Project, Role, User
from annotator.selectors.imports import import_of_project, problems_csv, recent_imports
from annotator.selectors.permissions import project_for
from annotator.selectors.previews import Preview, mapping_warnings, preview_file
from annotator.services.labels import reason_to_keep, rules_state, start_labeling
from annotator.services.reports import ImportOutcome, import_reports
from annotator.services.uploads import Upload, UploadGone, find_upload, keep_upload, remove_upload

# Of a form beside its file.
_FORM_BYTES = 100_000


@csrf_exempt  # `_imports` checks the token: before it, the whole body would be read, however long it is
@require_http_methods(["GET", "POST"])
def imports(request: HttpRequest, slug: str) -> HttpResponse:
    """Earlier imports and the form for another file."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    declared = request.headers.get("Content-Length", "")
    if not declared.isdecimal() or int(declared) <= settings.MAX_UPLOAD_BYTES + _FORM_BYTES:
        return _imports(request, project)
    messages.error(request, f"A file may have {settings.MAX_UPLOAD_BYTES:,} bytes at most; divide it.")
    return _imports_page(request, project, UploadForm(), status=413)


@csrf_protect
def _imports(request: HttpRequest, project: Project) -> HttpResponse:
    if request.POST.get("action") == "label":
        _label(request, project)
        return redirect("imports", slug=project.slug)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        user = cast(User, request.user)
        try:
            upload = keep_upload(project=project, user=user, uploaded=form.cleaned_data["file"])
            return redirect("import_preview", slug=project.slug, token=upload.token)
        except UserError as error:
            form.add_error("file", str(error))
    return _imports_page(request, project, form, status=422 if form.errors else 200)


def _imports_page(request: HttpRequest, project: Project, form: UploadForm, *, status: int) -> HttpResponse:
    state = rules_state(project)
    context = {
        "project": project,
        "is_manager": True,
        "form": form,
        "imports": recent_imports(project),
        "labeling": state,
        "reason_to_keep": reason_to_keep(state),
    }
    return render(request, "annotator/imports.html", context, status=status)


@require_http_methods(["GET", "POST"])
def import_preview(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """The first rows of an upload and what its columns mean; a post checks or imports all rows."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.MANAGER, reveals=False)
    try:
        upload = find_upload(project=project, user=user, token=token)
        preview = preview_file(upload.path, file_name=upload.file_name)
        if request.method == "POST":
            return _act(request, project, upload, preview)
    except UploadGone as error:
        raise Http404(str(error)) from error
    except ImportRefused as error:
        remove_upload(find_upload(project=project, user=user, token=token))
        messages.error(request, f"This file cannot be imported: {error}.")
        return redirect("imports", slug=slug)
    mapping = preview.inspection.mapping
    initial = {**(asdict(mapping) if mapping else {}), "label": True}
    form = MappingForm(initial=initial, columns=preview.inspection.columns)
    return _preview_page(request, project, upload, preview, form)


def _act(request: HttpRequest, project: Project, upload: Upload, preview: Preview) -> HttpResponse:
    """Check or import all rows under the mapping that was posted."""
    form = MappingForm(request.POST, columns=preview.inspection.columns)
    if not form.is_valid():
        return _preview_page(request, project, upload, preview, form)
    only_check = request.POST.get("action") == "check"
    outcome = import_reports(
        project=project,
        source=upload.path,
        file_name=upload.file_name,
        actor=cast(User, request.user),
        mapping=form.mapping(),
        keep_columns=form.kept(),
        dry_run=only_check,
    )
    if only_check:
        return _preview_page(request, project, upload, preview, form, outcome)
    remove_upload(upload)
    return _imported(request, project, outcome, label=form.cleaned_data["label"])


def _imported(request: HttpRequest, project: Project, outcome: ImportOutcome, *, label: bool) -> HttpResponse:
    if not outcome.created:
        words = f"{outcome.unchanged:,} reports are here already, {outcome.refused:,} rows were refused"
        messages.info(request, f"Nothing new: {words}. Nothing was changed.")
    if label:
        _label(request, project)
    if outcome.record is None:
        return redirect("imports", slug=project.slug)
    return redirect("import_result", slug=project.slug, import_id=outcome.record.pk)


def _label(request: HttpRequest, project: Project) -> None:
    """Label what has no labels yet, and tell the user."""
    try:
        told = start_labeling(project=project, actor=cast(User, request.user))
    except UserError as error:
        messages.error(request, f"Not labeled: {error}.")
    else:
        if told:
            messages.info(request, told)


def _preview_page(
    request: HttpRequest,
    project: Project,
    upload: Upload,
    preview: Preview,
    form: MappingForm,
    outcome: ImportOutcome | None = None,
) -> HttpResponse:
    chosen = form.mapping() if form.is_bound and form.is_valid() else preview.inspection.mapping
    context = {
        "project": project,
        "is_manager": True,
        "upload": upload,
        "preview": preview,
        "warnings": mapping_warnings(preview.inspection.columns, chosen),
        "form": form,
        "outcome": outcome,
    }
    status = 422 if form.is_bound and not form.is_valid() else 200
    return render(request, "annotator/import_preview.html", context, status=status)


@require_GET
def import_result(request: HttpRequest, slug: str, import_id: int) -> HttpResponse:
    """What became of the rows of one file."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER, reveals=False)
    context = {"project": project, "is_manager": True, "record": import_of_project(project, import_id)}
    return render(request, "annotator/import_result.html", context)


@require_GET
def import_problems(request: HttpRequest, slug: str, import_id: int) -> HttpResponse:
    """The refused rows as CSV."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER, reveals=False)
    record = import_of_project(project, import_id)
    response = HttpResponse(problems_csv(record), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-import-{record.pk}-problems.csv"'
    return response
