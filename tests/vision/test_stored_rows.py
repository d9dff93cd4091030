"""What the database itself holds of imports and series, on SQLite and on PostgreSQL."""

import pytest
from django.db import DatabaseError, transaction

from tests.annotator.worlds import NOW
from tests.vision.stored import stored_series
from vision.models import ImageImport, Series


def refused(action):
    with pytest.raises(DatabaseError), transaction.atomic():
        action()


@pytest.mark.parametrize(
    "change",
    [
        {"removed": {}},
        {"problems": []},
        {"imported_by": None},
        {"n_images": 9},
        {"options": {}},
        {"error": "x"},
        {"state": "running", "finished_at": None},
        {"state": "failed"},
    ],
)
def test_an_import_that_has_ended_is_never_changed(world, change):
    ImageImport.objects.create(
        project=world.project,
        source_name="exam",
        state="finished",
        started_at=NOW,
        heartbeat_at=NOW,
        finished_at=NOW,
        imported_by=world.manager,
    )
    refused(lambda: ImageImport.objects.update(**change))


def test_an_import_that_goes_on_is_counted_and_ended(world):
    record = ImageImport.objects.create(project=world.project, source_name="exam", started_at=NOW, heartbeat_at=NOW)
    ImageImport.objects.update(n_images=9)
    ImageImport.objects.update(state="failed", finished_at=NOW, error="it stopped")
    record.refresh_from_db()
    assert (record.state, record.n_images) == ("failed", 9)


@pytest.mark.parametrize(
    "column",
    [
        *("series_uid", "study_uid", "frame_of_reference_uid", "modality", "number", "description"),
        *("linked_by", "removed", "manifest", "sha256", "n_bytes", "part", "created_at"),
    ],
)
def test_what_is_said_of_a_series_is_never_changed(world, column):
    series = stored_series(world.cases[0])
    value = getattr(series, column)
    refused(lambda: Series.objects.update(**{column: value}))
