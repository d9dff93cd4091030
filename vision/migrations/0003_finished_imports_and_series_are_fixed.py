"""What an import did is not changed once it has ended, and what is said of a series never is."""

from django.db import migrations

from annotator.models.triggers import frozen

SAID = (
    *("study_uid", "frame_of_reference_uid", "modality", "number", "description"),
    *("linked_by", "created_at"),
)


class Migration(migrations.Migration):
    """Triggers only."""

    dependencies = [("vision", "0002_series_stay_as_they_are")]

    operations = [
        frozen("vision_series", columns=SAID, deletable=True, suffix="_of_words"),
        frozen("vision_imageimport", when="OLD.finished_at IS NOT NULL", deletable=True, suffix="_when_finished"),
    ]
