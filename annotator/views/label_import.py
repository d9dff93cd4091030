"""Upload a file of labels made elsewhere, look at it, import it as runs or readings, see what was refused."""

from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods

from annotator.exceptions import ImportRefused, UserError
from annotator.label_forms import LabelChoicesForm, LabelUploadForm
from annotator.models import Project, Role, User
from annotator.selectors.label_files import rater_before, reader_rows, start_of_readers
from annotator.selectors.permissions import project_for
from annotator.selectors.schemas import parsed_schema
from annotator.services.label_uploads import MAX_LABEL_FILE_BYTES, STATES, Said, bring_in, look_at, said_of
from annotator.services.uploads import Upload, UploadGone, find_upload, keep_upload, remove_upload

# Of a form beside its file.
_FORM_BYTES = 100_000
_SHOWN_PROBLEMS = 100


@csrf_exempt  # `_upload` checks the token: before it, the whole body would be read, however long it is
@require_http_methods(["GET", "POST"])
def label_import(request: HttpRequest, slug: str) -> HttpResponse:
    """The form for a file of labels."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER)
    declared = request.headers.get("Content-Length", "")
    if not declared.isdecimal() or int(declared) <= MAX_LABEL_FILE_BYTES + _FORM_BYTES:
        return _upload(request, project)
    messages.error(
        request,
        f"A file of labels may have {MAX_LABEL_FILE_BYTES:,} bytes at most here. "
        "Divide it, or use manage.py import_labels on the server.",
    )
    return _upload_page(request, project, LabelUploadForm(), status=413)


@csrf_protect
def _upload(request: HttpRequest, project: Project) -> HttpResponse:
    form = LabelUploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        user = cast(User, request.user)
        try:
            upload = keep_upload(project=project, user=user, uploaded=form.cleaned_data["file"])
            return redirect("label_import_preview", slug=project.slug, token=upload.token)
        except UserError as error:
            form.add_error("file", str(error))
    return _upload_page(request, project, form, status=422 if form.errors else 200)


def _upload_page(request: HttpRequest, project: Project, form: LabelUploadForm, *, status: int) -> HttpResponse:
    context = {"project": project, "is_manager": True, "form": form}
    return render(request, "annotator/label_import.html", context, status=status)


@require_http_methods(["GET", "POST"])
def label_import_preview(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """What a file of labels would bring; a post imports it or looks again, and after that, what it brought."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.MANAGER)
    upload, said = _waiting(project, user, token)
    if said is not None and said.is_over:
        return _result_page(request, project, upload, said)
    form = _choices_form(request, project, upload)
    is_import = form.is_bound and form.is_valid() and request.POST.get("action") == "import"
    try:
        return (_import if is_import else _look)(request, project, upload, form)
    except ImportRefused as error:
        remove_upload(upload)
        messages.error(request, f"This file cannot be imported: {error}.")
        return redirect("label_import", slug=slug)


def _choices_form(request: HttpRequest, project: Project, upload: Upload) -> LabelChoicesForm:
    return LabelChoicesForm(
        request.POST or None,
        schema=parsed_schema(project.schema),
        file_name=upload.file_name,
        rater=rater_before(project, upload.path),
    )


def _waiting(project: Project, user: User, token: str) -> tuple[Upload, Said | None]:
    """The upload and what was said of it last; 404 when there is none for this user and project."""
    try:
        upload = find_upload(project=project, user=user, token=token)
    except UploadGone as error:
        raise Http404(str(error)) from error
    return upload, said_of(upload)


def _look(request: HttpRequest, project: Project, upload: Upload, form: LabelChoicesForm) -> HttpResponse:
    said = look_at(project=project, upload=upload, choices=form.chosen(), again=form.is_bound)
    if said.is_over:
        return _result_page(request, project, upload, said)
    chosen = form.chosen()
    form.show(said, now=start_of_readers(project))
    readers = reader_rows(project, said.n_by_rater, chosen.readers) if chosen.arm else []
    context = _context(project, upload, said) | {"form": form, "readers": readers, "is_readings": bool(chosen.arm)}
    return render(request, "annotator/label_import_preview.html", context, status=422 if form.errors else 200)


def _import(request: HttpRequest, project: Project, upload: Upload, form: LabelChoicesForm) -> HttpResponse:
    try:
        said = bring_in(project=project, upload=upload, choices=form.chosen(), actor=cast(User, request.user))
    except ImportRefused:
        raise
    except UserError as error:
        messages.error(request, f"Nothing was imported: {error}.")
        return redirect("label_import_preview", slug=project.slug, token=upload.token)
    return _imported(request, project, upload, said)


def _imported(request: HttpRequest, project: Project, upload: Upload, said: Said) -> HttpResponse:
    """To the run, or to all that was refused when something was."""
    counts = said.counts
    if not counts["created"]:
        messages.info(request, f"Nothing new: {counts['unchanged']:,} label sets are here already.")
    else:
        messages.success(request, f"{upload.file_name}: {counts['created']:,} label sets came in.")
    if said.problems or not said.runs:
        return redirect("label_import_preview", slug=project.slug, token=upload.token)
    if len(said.runs) > 1:
        return redirect("runs", slug=project.slug)
    return redirect("run", slug=project.slug, run_id=said.runs[0]["run_id"])


def _result_page(request: HttpRequest, project: Project, upload: Upload, said: Said) -> HttpResponse:
    return render(request, "annotator/label_import_result.html", _context(project, upload, said))


def _context(project: Project, upload: Upload, said: Said) -> dict[str, object]:
    return {
        "project": project,
        "is_manager": True,
        "upload": upload,
        "said": said,
        "states": STATES,
        "problems": said.problems[:_SHOWN_PROBLEMS],
        "n_project": project.reports.count(),
    }


@require_GET
def label_import_problems(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """What is refused of a file, as CSV."""
    user = cast(User, request.user)
    project = project_for(user, slug, role=Role.MANAGER)
    _, said = _waiting(project, user, token)
    if said is None:
        raise Http404("nobody looked at this file yet")
    n_listed = len(said.problems)
    part = f"-first-{n_listed}-of-{said.n_problems}" if said.n_problems > n_listed else ""
    response = HttpResponse(said.problems_csv(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-labels-refused{part}.csv"'
    return response
