"""What runs say of reports."""

from django.db import models

from annotator.models.vectors import vector_constraints
from labeling.models.run import Run


class MachineLabel(models.Model):
    """What one run says about one report: one row, never changed."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="labels")
    report = models.ForeignKey("annotator.Report", on_delete=models.PROTECT, related_name="machine_labels")
    values = models.CharField(max_length=2000)
    urgencies = models.CharField(max_length=2000)
    body = models.JSONField(default=dict)

    class Meta:
        ordering = ["run", "report"]
        indexes = [models.Index(fields=["run", "id"], name="machine_label_latest")]
        constraints = [
            models.UniqueConstraint(fields=["run", "report"], name="machine_label_once_per_run"),
            *vector_constraints("machine_label", decided=False),
        ]

    def __str__(self) -> str:
        return f"label of report {self.report_id} by run {self.run_id}"
