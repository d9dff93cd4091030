"""Reports that a run could not label."""

from django.db import models

from labeling.core.backends import Trouble
from labeling.models.run import Run


class ReportFailure(models.Model):
    """Why an attempt of a run did not label a report. Never changed; `message` holds nothing of the report's text."""

    class Kind(models.TextChoices):
        """What went wrong: with the engine, with the labeler, or with the workers."""

        TIMEOUT = Trouble.TIMEOUT.value, "no answer in time"
        BUSY = Trouble.BUSY.value, "engine too busy"
        UNREACHABLE = Trouble.UNREACHABLE.value, "engine out of reach"
        TOO_LONG = Trouble.TOO_LONG.value, "too long for the model"
        REFUSED = Trouble.REFUSED.value, "refused by the engine"
        NOT_SUPPORTED = Trouble.NOT_SUPPORTED.value, "not supported by the engine"
        LABELER_ERROR = "labeler_error", "fault of the labeler"
        GIVEN_UP = "given_up", "given up"

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="failures")
    report = models.ForeignKey("annotator.Report", on_delete=models.PROTECT, related_name="failures")
    attempt = models.PositiveIntegerField()
    kind = models.CharField(max_length=20, choices=Kind)
    message = models.CharField(max_length=500, blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["run", "report", "attempt"], name="report_failure_once_per_attempt")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of report {self.report_id} in run {self.run_id}"
