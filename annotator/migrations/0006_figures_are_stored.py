"""Figures are stored with what they were computed from; those that are done never change.

An index finds the latest reading, by which figures are told to be of what there is now.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from annotator.models.triggers import frozen


class Migration(migrations.Migration):
    dependencies = [
        ("annotator", "0005_runs_change"),
    ]

    operations = [
        migrations.CreateModel(
            name="Evaluation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("labeler", "labeler"), ("comparison", "comparison"), ("readers", "readers")],
                        max_length=12,
                    ),
                ),
                ("request", models.JSONField()),
                ("request_hash", models.CharField(max_length=64)),
                ("inputs", models.JSONField()),
                ("inputs_hash", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[("queued", "Queued"), ("running", "Running"), ("done", "Done"), ("failed", "Failed")],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("result", models.JSONField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=500)),
                ("requested_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("seconds", models.FloatField(blank=True, null=True)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="evaluations", to="annotator.project"
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "schema",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evaluations",
                        to="annotator.labelschema",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "indexes": [models.Index(fields=["project", "request_hash"], name="evaluation_by_request")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "request_hash", "inputs_hash"), name="evaluation_once_per_request_and_inputs"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at__isnull", False), ("result__isnull", False), ("state", "done")),
                            models.Q(("finished_at__isnull", False), ("result__isnull", True), ("state", "failed")),
                            models.Q(
                                ("finished_at__isnull", True),
                                ("result__isnull", True),
                                ("state__in", ["queued", "running"]),
                            ),
                            _connector="OR",
                        ),
                        name="evaluation_result_matches_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lease_until__isnull", False), ("state", "running")),
                            models.Q(("lease_until__isnull", True), ("state__in", ["queued", "done", "failed"])),
                            _connector="OR",
                        ),
                        name="evaluation_lease_matches_state",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="reading",
            index=models.Index(fields=["project", "schema", "id"], name="reading_latest"),
        ),
        frozen("annotator_evaluation", when="OLD.state = 'done'", deletable=True),
    ]
