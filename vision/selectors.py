"""Read series, masks and imports; say what the viewer is told of the images of a case."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from django.db.models import QuerySet
from django.http import Http404

from annotator.models import Case, Project
from labeling.core.schema import Schema
from vision.models import ImageImport, Mask, Series

SHOWN_IMPORTS = 50
SHOWN_SERIES = 500
FLAG_TITLES = {
    "burned_in_text": "text is burned into the picture, says the file: look at it",
    "burned_in_likely": "a screenshot or the like, which may show a name: look at it",
    "overlay_planes": "overlays were there; they are dropped",
    "overlay_in_pixels": "an overlay lies in unused bits of the pixels; they are cleared",
    "recognizable_face": "a face may be recognised, says the file",
    "no_patient_id": "the file names no patient",
}


class Urls(Protocol):
    """The addresses of stored bytes; the views know them."""

    def pack(self, series: Series) -> str:
        """Of the pack, or the NIfTI file."""

    def thumbnail(self, series: Series) -> str:
        """Of the small picture."""

    def preview(self, series: Series) -> str:
        """Of the picture in full size."""

    def mask(self, mask: Mask) -> str:
        """Of the label map."""


def n_series(case: Case) -> int:
    """How many series the case's study has."""
    return Series.objects.filter(study_id=case.study_id).count() if case.study_id else 0


def series_of_project(project: Project, series_id: int, *, with_manifest: bool = False) -> Series:
    """The series of this project with this id; 404 when the project has none."""
    rows = Series.objects.filter(project=project, pk=series_id)
    series = (rows.defer("removed") if with_manifest else rows.defer("manifest", "removed")).order_by().first()
    if series is None:
        raise Http404("no such series in this project")
    return series


def mask_of_project(project: Project, mask_id: int) -> Mask:
    """The mask of this project with this id; 404 when the project has none."""
    mask = Mask.objects.filter(project=project, pk=mask_id).defer("classes", "centres").order_by().first()
    if mask is None:
        raise Http404("no such mask in this project")
    return mask


def image_in_pack(series: Series, number: int) -> Mapping[str, Any]:
    """What the manifest says of the image at this place, counted from 0; 404 when there is none."""
    images: Sequence[Mapping[str, Any]] = series.manifest["images"]
    if number >= len(images) or series.source != Series.Source.DICOM:
        raise Http404("the series has no such image")
    return images[number]


def case_images(case: Case, *, schema: Schema, urls: Urls) -> dict[str, Any]:
    """The images of a case as docs/api.md describes them. Two queries."""
    rows = list(Series.objects.filter(study_id=case.study_id).defer("removed")) if case.study_id else []
    masks = list(Mask.objects.filter(series__in=rows).order_by("pk")) if rows else []
    targets = _targets_by_class(schema)
    return {
        "case": case.pk,
        "series": [
            _series_payload(row, [mask for mask in masks if mask.series_id == row.pk], targets=targets, urls=urls)
            for row in rows
        ],
        "targets": _places(masks, schema=schema),
    }


def encoded(payload: Mapping[str, Any]) -> tuple[bytes, str]:
    """The payload as JSON, and a tag that changes with it."""
    content = json.dumps(payload, separators=(",", ":")).encode()
    return content, hashlib.sha256(content).hexdigest()[:32]


def _series_payload(series: Series, masks: Iterable[Mask], *, targets: Mapping[str, str], urls: Urls) -> dict[str, Any]:
    manifest = series.manifest
    return {
        **manifest,
        "id": series.pk,
        "frame_of_reference_uid": series.frame_of_reference_uid,
        "url": urls.pack(series),
        "thumbnail": urls.thumbnail(series),
        "preview": {"url": urls.preview(series), "image": manifest["preview_image"]},
        "masks": [_mask_payload(mask, targets=targets, urls=urls) for mask in masks],
    }


def _mask_payload(mask: Mask, *, targets: Mapping[str, str], urls: Urls) -> dict[str, Any]:
    return {
        "id": mask.pk,
        "name": mask.name,
        "url": urls.mask(mask),
        "note": mask.note,
        "classes": [
            {name: shown[name] for name in ("value", "name", "color")}
            | {"target": targets.get(shown["name"])}
            | {name: shown[name] for name in ("n_voxels", "centre_lps_mm")}
            for shown in mask.classes
        ],
    }


def _targets_by_class(schema: Schema) -> dict[str, str]:
    """The target that each class of a mask belongs to; the first where several share it, as levels share a vertebra."""
    found: dict[str, str] = {}
    for target in schema.targets:
        for name in target.masks:
            found.setdefault(name, target.name)
    return found


def values_of_target(masks: Sequence[str], classes: Iterable[Mapping[str, Any]]) -> tuple[int, ...]:
    """The values of a mask whose classes belong to a target with these `masks`, of those that have voxels."""
    return tuple(sorted(shown["value"] for shown in classes if shown["name"] in masks and shown["n_voxels"]))


def centre_key(values: Iterable[int]) -> str:
    """How `Mask.centres` names a set of values."""
    return ",".join(map(str, values))


def _places(masks: Iterable[Mask], *, schema: Schema) -> dict[str, dict[str, Any]]:
    """Where each target lies: in the mask that has most of its classes, the latest of equals."""
    places: dict[str, dict[str, Any]] = {}
    for target in schema.targets:
        best: tuple[int, Mask, tuple[int, ...]] | None = None
        for mask in masks:
            values = values_of_target(target.masks, mask.classes)
            if values and (best is None or len(values) >= best[0]):
                best = (len(values), mask, values)
        if best is not None:
            _, mask, values = best
            places[target.name] = {
                "series": mask.series_id,
                "mask": mask.pk,
                "values": list(values),
                "centre_lps_mm": mask.centres.get(centre_key(values)) or _first_centre(mask, values),
            }
    return places


def _first_centre(mask: Mask, values: Sequence[int]) -> list[float]:
    """For a schema that came after the mask: the centre of one of its classes."""
    centre: list[float] = next(shown["centre_lps_mm"] for shown in mask.classes if shown["value"] == values[0])
    return centre


def recent_imports(project: Project) -> QuerySet[ImageImport]:
    """The latest imports of images, newest first, without their lists."""
    rows = ImageImport.objects.filter(project=project).select_related("imported_by")
    return rows.defer("problems", "unlinked", "warnings", "removed")[:SHOWN_IMPORTS]


def series_with_text_in_pictures(project: Project) -> list[Series]:
    """The first series of a project that may show patient data in the picture, whichever import brought them."""
    rows = Series.objects.filter(project=project, removed__flags__icontains="burned_in")
    rows = rows.select_related("study").prefetch_related("study__cases")
    return list(rows.defer("manifest", "removed").order_by("pk")[:SHOWN_SERIES])


def image_import_of(project: Project, import_id: int) -> ImageImport:
    """The import of this project with this id; 404 when the project has none."""
    record = ImageImport.objects.filter(project=project, pk=import_id).first()
    if record is None:
        raise Http404("no such import in this project")
    return record


def flags_of(record: ImageImport) -> list[tuple[str, int]]:
    """What somebody should look at, in words, with the number of files."""
    return [(FLAG_TITLES.get(name, name), count) for name, count in record.removed.get("flags", {}).items()]


def removed_of(record: ImageImport) -> list[tuple[str, str, int]]:
    """What the de-identification did: action, attribute, number of files."""
    elements: dict[str, dict[str, int]] = record.removed.get("elements", {})
    return [(action, name, count) for action, found in sorted(elements.items()) for name, count in found.items()]


def series_of_import(record: ImageImport) -> list[Series]:
    """The first series that an import brought, with their studies and cases."""
    rows = Series.objects.filter(origin=record).select_related("study").prefetch_related("study__cases")
    return list(rows.defer("manifest", "removed").order_by("pk")[:SHOWN_SERIES])
