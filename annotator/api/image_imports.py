"""The JSON routes of the page for images: files that arrive in batches, and how far an import is."""

import json
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from annotator.exceptions import UserError
from annotator.models import Project, Role, User
from annotator.selectors.permissions import project_for
from annotator.services.image_uploads import keep_images
from annotator.views.errors import json_error
from vision.models import ImageImport
from vision.selectors import image_import_of
from vision.services.records import end_stale_imports


@csrf_exempt  # `_keep` checks the token: before it, the whole body would be read, however long it is
@require_POST
def image_upload(request: HttpRequest, slug: str) -> HttpResponse:
    """Take some of the files of an upload."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER, reveals=False)
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) > settings.MAX_IMAGE_UPLOAD_BYTES:
        limit = settings.MAX_IMAGE_UPLOAD_BYTES
        return json_error(413, code="too_large", message=f"At most {limit:,} bytes can be sent at once.")
    return _keep(request, project)


@csrf_protect
def _keep(request: HttpRequest, project: Project) -> HttpResponse:
    try:
        upload = keep_images(
            project=project,
            user=cast(User, request.user),
            uploaded=request.FILES.getlist("files"),
            paths=_paths(request.POST.get("paths", "")),
            token=request.POST.get("token", ""),
        )
    except UserError as error:
        return json_error(422, code="invalid", message=f"{error}.")
    return JsonResponse({"token": upload.token, "n_files": upload.n_files, "n_bytes": upload.n_bytes})


def _paths(text: str) -> list[str]:
    try:
        said: Any = json.loads(text or "[]")
    except ValueError:
        said = None
    if not isinstance(said, list) or not all(isinstance(path, str) for path in said):
        raise UserError("paths: expected a list of texts")
    return said


@require_GET
def image_progress(request: HttpRequest, slug: str, import_id: int) -> HttpResponse:
    """How far an import is."""
    project = project_for(cast(User, request.user), slug, role=Role.MANAGER, reveals=False)
    end_stale_imports(project=project)
    record = image_import_of(project, import_id)
    return JsonResponse({"state": record.state, **{name: getattr(record, name) for name in _COUNTS}})


_COUNTS = tuple(field.name for field in ImageImport._meta.get_fields() if field.name.startswith("n_"))
