"""Series and masks are never changed, though they may be removed, and stay inside their project."""

from django.db import migrations

from annotator.models.triggers import frozen, same_project

FIXED = (
    *("project_id", "study_id", "origin_id", "series_uid", "part", "n_parts", "source", "kind"),
    *("n_images", "n_bytes", "sha256", "manifest", "removed"),
)


class Migration(migrations.Migration):
    """Triggers only."""

    dependencies = [
        ("vision", "0001_series_masks_and_imports"),
        ("annotator", "0003_how_images_are_stored"),
    ]

    operations = [
        frozen("vision_series", columns=FIXED, deletable=True),
        frozen("vision_mask", deletable=True),
        frozen("vision_imageimport", columns=("project_id", "started_at")),
        same_project("vision_series", column="study_id", parent="annotator_study"),
        same_project("vision_series", column="origin_id", parent="vision_imageimport"),
        same_project("vision_mask", column="series_id", parent="vision_series"),
        same_project("vision_mask", column="origin_id", parent="vision_imageimport"),
    ]
