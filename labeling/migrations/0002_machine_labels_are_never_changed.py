"""Machine labels cannot be changed or deleted, and stay inside their run's project."""

from django.db import migrations

from annotator.models.triggers import frozen, same_project


class Migration(migrations.Migration):
    """Triggers only."""

    dependencies = [
        ("labeling", "0001_runs_and_machine_labels"),
        ("annotator", "0002_evidence_is_never_changed"),
    ]

    operations = [
        frozen("labeling_machinelabel"),
        frozen("labeling_run", columns=("run_id", "project_id", "schema_id", "labeler")),
        same_project(
            "labeling_machinelabel",
            column="report_id",
            parent="annotator_report",
            own_project="(SELECT project_id FROM labeling_run WHERE id = NEW.run_id)",
        ),
    ]
