"""Upload images, watch their import, see what became of the files."""

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods

from annotator.exceptions import UserError
from annotator.image_forms import ImageRulesForm, ImageUploadForm
from annotator.models import Project, Role, User
from annotator.selectors.imports import image_problems_csv
from annotator.selectors.permissions import project_for
from annotator.services.image_jobs import set_image_rules, start_image_import
from annotator.services.image_uploads import ImageUpload, find_images, keep_beside, keep_images
from annotator.services.uploads import UploadGone
from vision.selectors import (
    flags_of,
    image_import_of,
    recent_imports,
    removed_of,
    series_of_import,
    series_with_text_in_pictures,
)
from vision.services.options import ImportOptions
from vision.services.records import end_stale_imports


@csrf_exempt  # `_images` checks the token: before it, the whole body would be read, however long it is
@require_http_methods(["GET", "POST"])
def images(request: HttpRequest, slug: str) -> HttpResponse:
    """Earlier imports, the form for more images, and how the project stores them."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER, reveals=False)
    declared = request.headers.get("Content-Length", "")
    if not declared.isdecimal() or int(declared) <= settings.MAX_IMAGE_UPLOAD_BYTES:
        return _images(request, project)
    messages.error(request, f"At most {settings.MAX_IMAGE_UPLOAD_BYTES:,} bytes can be sent at once; divide them.")
    return _page(request, project, status=413)


@csrf_protect
def _images(request: HttpRequest, project: Project) -> HttpResponse:
    if request.method != "POST":
        return _page(request, project)
    if request.POST.get("action") == "rules":
        return _set_rules(request, project)
    form = ImageUploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, project, form=form, status=422)
    try:
        upload = _upload(request, project, form)
        options = _options(form, upload)
        record = start_image_import(project=project, actor=cast(User, request.user), upload=upload, options=options)
    except UserError as error:
        form.add_error(None, f"{error}.")
        return _page(request, project, form=form, status=422)
    return redirect("image_import", slug=project.slug, import_id=record.pk)


def _upload(request: HttpRequest, project: Project, form: ImageUploadForm) -> ImageUpload:
    """The files that came with the form, or before it."""
    user, token = cast(User, request.user), form.cleaned_data["token"]
    if form.cleaned_data["images"]:
        return keep_images(project=project, user=user, uploaded=form.cleaned_data["images"], token=token)
    try:
        return find_images(project=project, user=user, token=token)
    except UploadGone as error:
        raise UserError(str(error)) from error


def _options(form: ImageUploadForm, upload: ImageUpload) -> ImportOptions:
    beside = {
        name: keep_beside(upload, name=f"{name}{form.ending_of(name)}", uploaded=form.cleaned_data[name])
        for name in ("mapping", "class_table")
        if form.cleaned_data[name]
    }
    return ImportOptions(
        mapping=beside.get("mapping"), class_table=beside.get("class_table"), nifti_as=form.cleaned_data["nifti_as"]
    )


def _set_rules(request: HttpRequest, project: Project) -> HttpResponse:
    form = ImageRulesForm(request.POST)
    if not form.is_valid():
        return _page(request, project, rules=form, status=422)
    try:
        set_image_rules(project=project, actor=cast(User, request.user), **form.cleaned_data)
    except UserError as error:
        messages.error(request, f"Not changed: {error}.")
    else:
        messages.success(request, "Images that come in from now on are stored like this.")
    return redirect("images", slug=project.slug)


def _page(
    request: HttpRequest,
    project: Project,
    *,
    form: ImageUploadForm | None = None,
    rules: ImageRulesForm | None = None,
    status: int = 200,
) -> HttpResponse:
    end_stale_imports(project=project)
    stored = {"dates": project.image_dates, "keeps_originals": project.keeps_originals}
    context: dict[str, Any] = {
        "project": project,
        "is_manager": True,
        "form": form or ImageUploadForm(),
        "rules": rules or ImageRulesForm(initial=stored),
        "imports": recent_imports(project),
        "with_text": series_with_text_in_pictures(project),
        "max_bytes": settings.MAX_IMAGE_UPLOAD_BYTES,
    }
    return render(request, "annotator/images.html", context, status=status)


@require_GET
def image_import(request: HttpRequest, slug: str, import_id: int) -> HttpResponse:
    """How far an import of images is, and what became of its files."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER, reveals=False)
    end_stale_imports(project=project)
    record = image_import_of(project, import_id)
    context = {
        "project": project,
        "is_manager": True,
        "record": record,
        "flags": flags_of(record),
        "removed": removed_of(record),
        "series": series_of_import(record),
    }
    return render(request, "annotator/image_import.html", context)


@require_GET
def image_problems(request: HttpRequest, slug: str, import_id: int) -> HttpResponse:
    """The refused files, and what belongs to no case, as CSV."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER, reveals=False)
    record = image_import_of(project, import_id)
    if record.finished_at is None:
        raise Http404("the import is still going on")
    response = HttpResponse(image_problems_csv(record), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-images-{record.pk}-problems.csv"'
    return response
