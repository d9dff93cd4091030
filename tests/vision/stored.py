"""Series and masks as an import leaves them, without an import: rows, with small files behind them."""

import hashlib
from typing import Any

from annotator.models import Case, Study
from tests.annotator.worlds import NOW
from vision.models import ImageImport, Mask, Series
from vision.storage import mask_path, preview_path, project_folder, series_path, thumbnail_path

PACK = bytes(range(256)) * 4
IMAGES = 4


def stored_series(case: Case, *, source: str = "dicom", uid: str = "2.25.5", **named: str) -> Series:
    """A series of the case with four images of 256 bytes each; the same when it is there already."""
    found = Series.objects.filter(project=case.project, series_uid=uid, source=source).first()
    if found is not None:
        return found
    study = case.study or Study.objects.create(project=case.project, study_id=f"study {case.key}", modality="CT")
    Case.objects.filter(pk=case.pk).update(study=study)
    case.study = study
    origin = ImageImport.objects.create(
        project=case.project, source_name="exam", started_at=NOW, heartbeat_at=NOW, finished_at=NOW, state="finished"
    )
    series = Series.objects.create(
        project=case.project,
        study=study,
        origin=origin,
        series_uid=uid,
        source=source,
        kind="volume",
        modality="CT",
        number=3,
        n_images=IMAGES,
        n_bytes=len(PACK),
        sha256=hashlib.sha256(PACK).hexdigest(),
        manifest=_manifest(source, uid),
        linked_by="name",
        **named,
    )
    project_folder(case.project_id)
    series_path(series).write_bytes(PACK)
    for path in (thumbnail_path(series), preview_path(series)):
        path.write_bytes(b"\x89PNG\r\n\x1a\n")
    return series


def _manifest(source: str, uid: str) -> dict[str, Any]:
    images = [
        {"frame": 0, "number": k + 1, "sop_uid": f"{uid}.{k}", "rows": 8, "columns": 8}
        | ({"offset": 256 * k, "length": 256} if source == "dicom" else {})
        for k in range(IMAGES)
    ]
    named = {"series_uid": uid, "number": 3, "part": 1, "n_parts": 1, "description": "", "modality": "CT"}
    shown = {"source": source, "kind": "volume", "warnings": [], "units": "HU", "grid": None}
    window = {"window": {"center": 40, "width": 400}, "n_bytes": len(PACK), "preview_image": 2}
    return {**named, **shown, **window, "images": images}


def stored_mask(series: Series, *, classes: list[dict[str, Any]] | None = None, **fields: Any) -> Mask:
    """A mask of the series."""
    found = Mask.objects.filter(series=series, source_sha256="a" * 64).first()
    if found is not None:
        return found
    content = b"label map"
    mask = Mask.objects.create(
        project=series.project,
        series=series,
        origin=series.origin,
        name="organs",
        source="nifti",
        source_sha256="a" * 64,
        classes=classes or [],
        n_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        **fields,
    )
    mask_path(mask).write_bytes(content)
    return mask
