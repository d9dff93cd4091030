"""The routes of images; docs/api.md describes them. Permission comes first, bytes go out by `vision.serving`."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from annotator.models import User
from annotator.selectors.case_access import case_to_see, may_see_study
from annotator.selectors.permissions import member_for
from annotator.selectors.schemas import parsed_schema
from vision.models import Mask, Series
from vision.selectors import case_images, encoded, image_in_pack, mask_of_project, series_of_project
from vision.serving import StoredBytes, serve, serve_json, tag_of
from vision.storage import mask_path, preview_path, series_path, thumbnail_path

DICOM = "application/dicom"
GZIP = "application/gzip"
PACK = "application/octet-stream"
PNG = "image/png"


@dataclass(frozen=True, slots=True)
class ProjectUrls:
    """Addresses of the stored bytes of one project."""

    slug: str

    def pack(self, series: Series) -> str:
        """Of the pack, or the NIfTI file."""
        name = "api_series_pack" if series.source == Series.Source.DICOM else "api_series_volume"
        return self._series(name, series)

    def thumbnail(self, series: Series) -> str:
        """Of the small picture."""
        return self._series("api_series_thumbnail", series)

    def preview(self, series: Series) -> str:
        """Of the picture in full size."""
        return self._series("api_series_preview", series)

    def mask(self, mask: Mask) -> str:
        """Of the label map."""
        return reverse("api_mask", kwargs={"slug": self.slug, "mask_id": mask.pk})

    def _series(self, name: str, series: Series) -> str:
        return reverse(name, kwargs={"slug": self.slug, "series_id": series.pk})


@require_safe
def images(request: HttpRequest, slug: str, case_id: int) -> HttpResponseBase:
    """What the viewer is told of the images of a case."""
    reader = cast(User, request.user)
    member = member_for(reader, slug)
    case, _ = case_to_see(member, case_id, reader=reader, reveals=False)
    payload = case_images(case, schema=parsed_schema(member.project.schema), urls=ProjectUrls(slug))
    content, tag = encoded(payload)
    return serve_json(request, content, tag=tag)


@require_safe
def series_pack(request: HttpRequest, slug: str, series_id: int) -> HttpResponseBase:
    """All instances of a DICOM series, one behind the other."""
    series = _series(request, slug, series_id, source=Series.Source.DICOM)
    return _serve(request, series_path(series), tag=series.sha256, content_type=PACK, name=f"{series.pk}.pack")


@require_safe
def series_image(request: HttpRequest, slug: str, series_id: int, number: int) -> HttpResponseBase:
    """One instance of a DICOM series as the file that it is."""
    series = _series(request, slug, series_id, with_manifest=True)
    image = image_in_pack(series, number)
    stored = StoredBytes(
        path=series_path(series),
        tag=tag_of(series.sha256, image["offset"], image["length"]),
        content_type=DICOM,
        name=f"{series.pk}-{number}.dcm",
        offset=image["offset"],
        length=image["length"],
    )
    return serve(request, _there(stored))


@require_safe
def series_volume(request: HttpRequest, slug: str, series_id: int) -> HttpResponseBase:
    """A NIfTI series."""
    series = _series(request, slug, series_id, source=Series.Source.NIFTI)
    return _serve(request, series_path(series), tag=series.sha256, content_type=GZIP, name=f"{series.pk}.nii.gz")


@require_safe
def series_thumbnail(request: HttpRequest, slug: str, series_id: int) -> HttpResponseBase:
    """A small picture of a series."""
    series = _series(request, slug, series_id)
    tag = tag_of(series.sha256, "thumbnail")
    return _serve(request, thumbnail_path(series), tag=tag, content_type=PNG, name=f"{series.pk}-thumbnail.png")


@require_safe
def series_preview(request: HttpRequest, slug: str, series_id: int) -> HttpResponseBase:
    """One image of a series in its default window."""
    series = _series(request, slug, series_id)
    tag = tag_of(series.sha256, "preview")
    return _serve(request, preview_path(series), tag=tag, content_type=PNG, name=f"{series.pk}-preview.png")


@require_safe
def mask(request: HttpRequest, slug: str, mask_id: int) -> HttpResponseBase:
    """A label map on the grid of its series."""
    user = cast(User, request.user)
    member = member_for(user, slug)
    found = mask_of_project(member.project, mask_id)
    may_see_study(member, found.series.study_id, reader=user)
    return _serve(request, mask_path(found), tag=found.sha256, content_type=GZIP, name=f"mask-{found.pk}.nii.gz")


def _series(
    request: HttpRequest, slug: str, series_id: int, *, source: str = "", with_manifest: bool = False
) -> Series:
    user = cast(User, request.user)
    member = member_for(user, slug)
    series = series_of_project(member.project, series_id, with_manifest=with_manifest)
    may_see_study(member, series.study_id, reader=user)
    if source and series.source != source:
        raise Http404("the series has no such file")
    return series


def _serve(request: HttpRequest, path: Path, *, tag: str, content_type: str, name: str) -> HttpResponseBase:
    return serve(request, _there(StoredBytes(path=path, tag=tag, content_type=content_type, name=name)))


def _there(stored: StoredBytes) -> StoredBytes:
    if not stored.path.is_file():
        raise Http404("the file is gone from the server")
    return stored
