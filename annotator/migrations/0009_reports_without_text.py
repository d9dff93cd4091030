"""Reports may be known without their text, and readings without the time that they took."""

from django.db import migrations, models

from annotator.models.triggers import SEEDED_READINGS_TRAIN, frozen, same_project


class Migration(migrations.Migration):
    dependencies = [
        ("annotator", "0008_studies_seats_gold_releases"),
    ]

    operations = [
        # Not null, the table would be rebuilt, which SQLite refuses: triggers of other tables name it.
        migrations.AddField(
            model_name="report", name="has_text", field=models.BooleanField(db_default=models.Value(True), null=True)
        ),
        migrations.AlterField(
            model_name="reading", name="active_seconds", field=models.PositiveIntegerField(blank=True, null=True)
        ),
        frozen("annotator_report", columns=("project_id", "report_id", "has_text", "text", "text_sha256")),
        # This table was rebuilt, which drops its triggers on SQLite.
        frozen("annotator_reading"),
        SEEDED_READINGS_TRAIN,
        same_project("annotator_reading", column="case_id", parent="annotator_case"),
    ]
