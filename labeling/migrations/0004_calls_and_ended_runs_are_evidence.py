"""What a model said, what failed and what an ended run is stay as they are, inside their run's project."""

from django.db import migrations

from annotator.models.triggers import frozen, same_project

OWN_PROJECT = "(SELECT project_id FROM labeling_run WHERE id = NEW.run_id)"
SAID = (
    *("run_id", "report_id", "key", "stage", "target", "finding", "sentence", "attempt", "answer", "is_cut"),
    *("prompt_tokens", "generated_tokens", "cached_tokens", "answered_at"),
)


class Migration(migrations.Migration):
    """Triggers only."""

    dependencies = [("labeling", "0003_states_chunks_and_calls")]

    operations = [
        frozen("labeling_storedcall", columns=SAID),
        frozen("labeling_reportfailure"),
        frozen("labeling_runchunk", columns=("run_id", "number", "report_ids")),
        frozen(
            "labeling_run",
            columns=("state", "manifest", "request", "started_at", "finished_at"),
            when="OLD.state IN ('complete', 'cancelled')",
            deletable=True,
            suffix="_when_ended",
        ),
        same_project("labeling_storedcall", column="report_id", parent="annotator_report", own_project=OWN_PROJECT),
        same_project("labeling_reportfailure", column="report_id", parent="annotator_report", own_project=OWN_PROJECT),
    ]
