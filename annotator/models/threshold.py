"""Thresholds that somebody chose to call scores of a run positive by."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotator.models.project import LabelSchema, Project


class PickedThreshold(models.Model):
    """A case is positive in `cell` when its score of the run is above `threshold`. Never changed: the latest counts.

    `run` is the id of the run, `made_from` says which figures the choice was made from, with the cases behind them.
    """

    class Scale(models.TextChoices):
        """What the scores are."""

        LOGIT_DIFFERENCE = "logit_difference", "logit difference"
        PROBABILITY = "probability", "probability"

    class Method(models.TextChoices):
        """How it was found: at the equal error rate of the cases, or by hand."""

        EQUAL_ERROR = "eer", "equal error rate"
        PICKED = "picked", "by hand"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="picked_thresholds")
    schema = models.ForeignKey(LabelSchema, on_delete=models.PROTECT, related_name="picked_thresholds")
    run = models.UUIDField()
    cell = models.TextField()
    threshold = models.FloatField()
    scale = models.CharField(max_length=20, choices=Scale)
    method = models.CharField(max_length=10, choices=Method)
    made_from = models.JSONField(default=dict)
    picked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="picked_thresholds")
    picked_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(scale__in=["logit_difference", "probability"]), name="threshold_scale"),
            models.CheckConstraint(condition=Q(method__in=["eer", "picked"]), name="threshold_method"),
        ]
        indexes = [models.Index(fields=["project", "run", "cell"], name="threshold_of_run_and_cell")]

    def __str__(self) -> str:
        return f"threshold {self.pk}"
