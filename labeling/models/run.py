"""Runs: one labeler over many reports."""

import uuid
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q


class Run(models.Model):
    """One labeler over many reports, with the manifest that says how its labels came about.

    `request` is what a labeler that asks a language model was started with. `attempt` counts how often the reports
    without labels were begun with: it goes up when a failed run is resumed. `active_s` are the seconds that somebody
    worked on it until `running_since`, which is unset while nobody does. `reason` says why it is paused or failed.
    """

    class State(models.TextChoices):
        """How far a run is. What may follow what is in `labeling.services.states`."""

        QUEUED = "queued"
        RUNNING = "running"
        PAUSED = "paused"
        CANCELLED = "cancelled"
        FAILED = "failed"
        COMPLETE = "complete"

    run_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey("annotator.Project", on_delete=models.PROTECT, related_name="runs")
    schema = models.ForeignKey("annotator.LabelSchema", on_delete=models.PROTECT, related_name="runs")
    labeler = models.CharField(max_length=40)
    manifest = models.JSONField(default=dict)
    request = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    attempt = models.PositiveIntegerField(default=1)
    n_reports = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=500, blank=True, default="")
    is_prefill = models.BooleanField(default=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    started_at = models.DateTimeField()
    running_since = models.DateTimeField(null=True, blank=True)
    active_s = models.FloatField(default=0.0)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project"], condition=Q(is_prefill=True), name="run_one_prefill_per_project"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "paused"], finished_at__isnull=True)
                | Q(state__in=["cancelled", "failed", "complete"], finished_at__isnull=False),
                name="run_end_matches_state",
            ),
            models.CheckConstraint(
                condition=Q(running_since__isnull=True) | Q(state="running"), name="run_clock_stands_unless_running"
            ),
        ]
        indexes = [models.Index(fields=["state"], name="run_by_state")]

    def __str__(self) -> str:
        return f"run {self.run_id} of {self.labeler}"


OPEN: Final = (Run.State.QUEUED, Run.State.RUNNING, Run.State.PAUSED)
ENDED: Final = (Run.State.CANCELLED, Run.State.FAILED, Run.State.COMPLETE)
