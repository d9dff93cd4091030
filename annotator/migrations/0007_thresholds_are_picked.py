"""Thresholds that somebody picked are kept, and never change; figures of scores are a kind of their own."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from annotator.models.triggers import frozen


class Migration(migrations.Migration):
    dependencies = [
        ("annotator", "0006_figures_are_stored"),
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
                    ("threshold_picked", "Threshold Picked"),
                ],
                max_length=30,
            ),
        ),
        migrations.AlterField(
            model_name="evaluation",
            name="kind",
            field=models.CharField(
                choices=[
                    ("labeler", "labeler"),
                    ("comparison", "comparison"),
                    ("readers", "readers"),
                    ("scores", "scores"),
                ],
                max_length=12,
            ),
        ),
        migrations.CreateModel(
            name="PickedThreshold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("run", models.UUIDField()),
                ("cell", models.TextField()),
                ("threshold", models.FloatField()),
                (
                    "scale",
                    models.CharField(
                        choices=[("logit_difference", "logit difference"), ("probability", "probability")],
                        max_length=20,
                    ),
                ),
                (
                    "method",
                    models.CharField(choices=[("eer", "equal error rate"), ("picked", "by hand")], max_length=10),
                ),
                ("made_from", models.JSONField(default=dict)),
                ("picked_at", models.DateTimeField()),
                (
                    "picked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="picked_thresholds",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="picked_thresholds",
                        to="annotator.project",
                    ),
                ),
                (
                    "schema",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="picked_thresholds",
                        to="annotator.labelschema",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "indexes": [models.Index(fields=["project", "run", "cell"], name="threshold_of_run_and_cell")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("scale__in", ["logit_difference", "probability"])), name="threshold_scale"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("method__in", ["eer", "picked"])), name="threshold_method"
                    ),
                ],
            },
        ),
        frozen("annotator_pickedthreshold"),
    ]
