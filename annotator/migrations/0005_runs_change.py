"""One more thing that happens: a run changes its state."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotator", "0004_preferences_and_skipped_cases"),
    ]

    operations = [
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
                    ("run_changed", "Run Changed"),
                    ("prefill_chosen", "Prefill Chosen"),
                    ("draft_saved", "Draft Saved"),
                    ("reading_submitted", "Reading Submitted"),
                    ("case_skipped", "Case Skipped"),
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
    ]
