"""Take series away again: images that came to the wrong case, or that show who the patient is."""

import shutil

from django.db import transaction
from django.utils import timezone

from annotator.models import Draft, Event, Project, Reading, User
from labeling.exceptions import UserError
from vision.models import Mask, Series
from vision.storage import mask_path, originals_folder, preview_path, series_path, thumbnail_path


def remove_series(*, series: Series, actor: User | None, though_measured: bool = False) -> None:
    """Delete a series with its masks, files and originals, and record it.

    Raises `UserError` when somebody has measured in it, unless `though_measured`: measurements stay in their readings.
    """
    if not though_measured and _is_measured(series):
        raise UserError(f"readers have measured in series {series.pk}; say --though-measured to remove it all the same")
    files = [series_path(series), thumbnail_path(series), preview_path(series)]
    files += [mask_path(mask) for mask in Mask.objects.filter(series=series)]
    with transaction.atomic():
        Event.objects.create(
            project_id=series.project_id,
            actor=actor,
            verb=Event.Verb.IMAGES_REMOVED,
            payload={"series": series.pk, "series_uid": series.series_uid, "sha256": series.sha256},
            at=timezone.now(),
        )
        Series.objects.filter(pk=series.pk).delete()
    for path in files:
        path.unlink(missing_ok=True)
    _remove_originals(series)


def _remove_originals(series: Series) -> None:
    """Once no part is stored; under the lock that storing takes, so that no import puts new ones there."""
    folder = originals_folder(series.project) / series.series_uid
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=series.project_id)
        parts = Series.objects.filter(project=series.project_id, series_uid=series.series_uid)
        if folder.exists() and not parts.exists():
            shutil.rmtree(folder)


def _is_measured(series: Series) -> bool:
    """Whether a draft or a reading of the study's cases holds a measurement in the series."""
    for rows in (Draft.objects, Reading.objects):
        bodies = rows.filter(case__study=series.study_id).values_list("body", flat=True)
        if any(drawn.get("series") == series.pk for body in bodies for drawn in body.get("measurements", [])):
            return True
    return False
