"""Runs and the machine labels they made."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotator.models.vectors import vector_constraints


class Run(models.Model):
    """One labeler over many reports, with the manifest that says how its labels came about."""

    class State(models.TextChoices):
        """How far a run is."""

        RUNNING = "running"
        FINISHED = "finished"
        FAILED = "failed"

    run_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey("annotator.Project", on_delete=models.PROTECT, related_name="runs")
    schema = models.ForeignKey("annotator.LabelSchema", on_delete=models.PROTECT, related_name="runs")
    labeler = models.CharField(max_length=40)
    manifest = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    is_prefill = models.BooleanField(default=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project"], condition=Q(is_prefill=True), name="run_one_prefill_per_project"
            ),
            models.CheckConstraint(
                condition=Q(state="running", finished_at__isnull=True)
                | Q(state__in=["finished", "failed"], finished_at__isnull=False),
                name="run_end_matches_state",
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.run_id} of {self.labeler}"


class MachineLabel(models.Model):
    """What one run says about one report: one row, never changed."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="labels")
    report = models.ForeignKey("annotator.Report", on_delete=models.PROTECT, related_name="machine_labels")
    values = models.CharField(max_length=2000)
    urgencies = models.CharField(max_length=2000)
    body = models.JSONField(default=dict)

    class Meta:
        ordering = ["run", "report"]
        constraints = [
            models.UniqueConstraint(fields=["run", "report"], name="machine_label_once_per_run"),
            *vector_constraints("machine_label", decided=False),
        ]

    def __str__(self) -> str:
        return f"label of report {self.report_id} by run {self.run_id}"
