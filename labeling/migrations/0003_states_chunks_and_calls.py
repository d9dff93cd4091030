"""Runs pause, resume and are carried in chunks; their calls and failures are kept."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from annotator.models.triggers import frozen, same_project

# A run that is rebuilt loses its triggers on SQLite, and those of other tables that look at it stand in the way.
RUN_IS_FROZEN = frozen("labeling_run", columns=("run_id", "project_id", "schema_id", "labeler"))
OWN_PROJECT = "(SELECT project_id FROM labeling_run WHERE id = NEW.run_id)"
LABEL_IN_PROJECT = same_project(
    "labeling_machinelabel", column="report_id", parent="annotator_report", own_project=OWN_PROJECT
)


def end_states_anew(apps, schema_editor):
    """A run that is finished is called complete, and the reports it was over are counted in a column."""
    del schema_editor
    runs = apps.get_model("labeling", "Run").objects
    runs.filter(state="finished").update(state="complete")
    for run in runs.iterator():
        run.n_reports = run.manifest.get("n_in") or run.manifest.get("n_out") or 0
        run.save(update_fields=["n_reports"])


def end_states_as_before(apps, schema_editor):
    """Back to three states; what has none of them has failed."""
    del schema_editor
    runs = apps.get_model("labeling", "Run").objects
    runs.filter(state="complete").update(state="finished")
    runs.filter(state="cancelled").update(state="failed")
    for run in runs.filter(state__in=["queued", "paused"]):
        run.state, run.finished_at = "failed", run.started_at
        run.save(update_fields=["state", "finished_at"])


class Migration(migrations.Migration):
    dependencies = [
        ("annotator", "0005_runs_change"),
        ("labeling", "0002_machine_labels_are_never_changed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReportFailure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("attempt", models.PositiveIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("timeout", "no answer in time"),
                            ("busy", "engine too busy"),
                            ("unreachable", "engine out of reach"),
                            ("too_long", "too long for the model"),
                            ("refused", "refused by the engine"),
                            ("not_supported", "not supported by the engine"),
                            ("labeler_error", "fault of the labeler"),
                            ("given_up", "given up"),
                        ],
                        max_length=20,
                    ),
                ),
                ("message", models.CharField(blank=True, default="", max_length=500)),
                ("at", models.DateTimeField()),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="failures", to="annotator.report"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="failures", to="labeling.run"
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "report", "attempt"), name="report_failure_once_per_attempt")
                ],
            },
        ),
        migrations.CreateModel(
            name="RunChunk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("report_ids", models.JSONField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("leased", "Leased"),
                            ("done", "Done"),
                            ("given_up", "Given Up"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("lease_token", models.UUIDField(blank=True, null=True)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("woken_at", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("reason", models.CharField(blank=True, default="", max_length=500)),
                ("samplings", models.JSONField(blank=True, default=list)),
                ("n_calls", models.PositiveIntegerField(default=0)),
                ("n_calls_failed", models.PositiveIntegerField(default=0)),
                ("prompt_tokens", models.PositiveBigIntegerField(default=0)),
                ("cached_tokens", models.PositiveBigIntegerField(default=0)),
                ("generated_tokens", models.PositiveBigIntegerField(default=0)),
                ("n_labeled", models.PositiveIntegerField(default=0)),
                ("n_failed", models.PositiveIntegerField(default=0)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="chunks", to="labeling.run"
                    ),
                ),
            ],
            options={
                "ordering": ["run", "number"],
                "indexes": [models.Index(fields=["state", "lease_until"], name="run_chunk_by_lease")],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "number"), name="run_chunk_numbered_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("lease_token__isnull", False), ("lease_until__isnull", False), ("state", "leased")
                            ),
                            models.Q(
                                ("lease_token__isnull", True),
                                ("lease_until__isnull", True),
                                ("state__in", ["queued", "done", "given_up"]),
                            ),
                            _connector="OR",
                        ),
                        name="run_chunk_lease_matches_state",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StoredCall",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=64)),
                ("stage", models.CharField(max_length=60)),
                ("target", models.CharField(blank=True, default="", max_length=255)),
                ("finding", models.CharField(blank=True, default="", max_length=255)),
                ("sentence", models.PositiveIntegerField(blank=True, null=True)),
                ("attempt", models.PositiveSmallIntegerField(default=1)),
                ("answer", models.TextField(blank=True)),
                ("is_cut", models.BooleanField(default=False)),
                ("prompt_tokens", models.PositiveIntegerField(blank=True, null=True)),
                ("generated_tokens", models.PositiveIntegerField(blank=True, null=True)),
                ("cached_tokens", models.PositiveIntegerField(blank=True, null=True)),
                ("read", models.TextField(blank=True, default="")),
                ("answered_at", models.DateTimeField()),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="calls", to="annotator.report"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="calls", to="labeling.run"
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "report", "key"), name="stored_call_once_per_report")
                ],
            },
        ),
        migrations.RunPython(RUN_IS_FROZEN.reverse_code, RUN_IS_FROZEN.code),
        migrations.RunPython(LABEL_IN_PROJECT.reverse_code, LABEL_IN_PROJECT.code),
        migrations.RemoveConstraint(
            model_name="run",
            name="run_end_matches_state",
        ),
        migrations.AddField(
            model_name="run",
            name="active_s",
            field=models.FloatField(default=0.0),
        ),
        migrations.AddField(
            model_name="run",
            name="attempt",
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.AddField(
            model_name="run",
            name="n_reports",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="run",
            name="reason",
            field=models.CharField(blank=True, default="", max_length=500),
        ),
        migrations.AddField(
            model_name="run",
            name="request",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="run",
            name="running_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="run",
            name="state",
            field=models.CharField(
                choices=[
                    ("queued", "Queued"),
                    ("running", "Running"),
                    ("paused", "Paused"),
                    ("cancelled", "Cancelled"),
                    ("failed", "Failed"),
                    ("complete", "Complete"),
                ],
                default="running",
                max_length=10,
            ),
        ),
        migrations.RunPython(end_states_anew, end_states_as_before),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["state"], name="run_by_state"),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", True), ("state__in", ["queued", "running", "paused"])),
                    models.Q(("finished_at__isnull", False), ("state__in", ["cancelled", "failed", "complete"])),
                    _connector="OR",
                ),
                name="run_end_matches_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(("running_since__isnull", True), ("state", "running"), _connector="OR"),
                name="run_clock_stands_unless_running",
            ),
        ),
        RUN_IS_FROZEN,
        LABEL_IN_PROJECT,
    ]
