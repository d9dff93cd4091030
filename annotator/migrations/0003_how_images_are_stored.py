"""How a project stores images, and what is recorded of it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotator", "0002_evidence_is_never_changed"),
    ]

    operations = [
        migrations.AddField(
            model_name="project",
            name="image_dates",
            field=models.CharField(
                choices=[
                    ("shift", "shifted, all of one patient by the same number of days"),
                    ("keep", "kept as they are"),
                ],
                default="shift",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="keeps_originals",
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name="event",
            name="verb",
            field=models.CharField(
                choices=[
                    ("project_created", "Project Created"),
                    ("member_set", "Member Set"),
                    ("member_removed", "Member Removed"),
                    ("reports_imported", "Reports Imported"),
                    ("run_created", "Run Created"),
                    ("prefill_chosen", "Prefill Chosen"),
                    ("draft_saved", "Draft Saved"),
                    ("reading_submitted", "Reading Submitted"),
                    ("labels_imported", "Labels Imported"),
                    ("labels_exported", "Labels Exported"),
                    ("images_imported", "Images Imported"),
                    ("images_removed", "Images Removed"),
                    ("image_rules_set", "Image Rules Set"),
                    ("measurements_exported", "Measurements Exported"),
                ],
                max_length=30,
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("image_dates__in", ["shift", "keep"])), name="project_image_dates_known"
            ),
        ),
    ]
