"""Figures that were computed, with what they were computed from."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotator.core.figure_requests import Kind
from annotator.models.project import LabelSchema, Project


class Evaluation(models.Model):
    """One set of figures of a project under one schema version. What is done never changes.

    `request` is what was asked for, `inputs` the readings, labels and cases that there were then; `request_hash` and
    `inputs_hash` are theirs. `result` is set when it is done. A worker that computes holds it until `lease_until`.
    """

    class State(models.TextChoices):
        """How far it is."""

        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="evaluations")
    schema = models.ForeignKey(LabelSchema, on_delete=models.PROTECT, related_name="evaluations")
    kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in Kind])
    request = models.JSONField()
    request_hash = models.CharField(max_length=64)
    inputs = models.JSONField()
    inputs_hash = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True, default="")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "request_hash", "inputs_hash"], name="evaluation_once_per_request_and_inputs"
            ),
            models.CheckConstraint(
                condition=Q(state="done", result__isnull=False, finished_at__isnull=False)
                | Q(state="failed", result__isnull=True, finished_at__isnull=False)
                | Q(state__in=["queued", "running"], result__isnull=True, finished_at__isnull=True),
                name="evaluation_result_matches_state",
            ),
            models.CheckConstraint(
                condition=Q(state="running", lease_until__isnull=False)
                | Q(state__in=["queued", "done", "failed"], lease_until__isnull=True),
                name="evaluation_lease_matches_state",
            ),
        ]
        indexes = [models.Index(fields=["project", "request_hash"], name="evaluation_by_request")]

    def __str__(self) -> str:
        return f"evaluation {self.pk}"
