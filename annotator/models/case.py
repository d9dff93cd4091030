"""What is read: reports, studies, and the cases that join them."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotator.models.project import Project

NO_TEXT = "The text of this report was not released."


class ReportImport(models.Model):
    """One file of reports that was imported, with what became of its rows."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="report_imports")
    file_name = models.CharField(max_length=255)
    file_sha256 = models.CharField(max_length=64)
    mapping = models.JSONField(default=dict)
    created = models.PositiveIntegerField()
    unchanged = models.PositiveIntegerField()
    refused = models.PositiveIntegerField()
    problems = models.JSONField(default=list)
    imported_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    imported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-imported_at", "-pk"]

    def __str__(self) -> str:
        return f"import {self.pk}"


class Report(models.Model):
    """The words of one examination, exactly as they came. `text` never changes once it is stored.

    Of a report whose words were never released, `has_text` is false: it has labels and readings, but no labeler reads
    it. `text` is `NO_TEXT` then, for people only, and `text_sha256` is empty.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="reports")
    report_id = models.CharField(max_length=255)
    # SQLite adds a column that may not be null by rebuilding the table, which triggers of other tables forbid.
    has_text = models.BooleanField(null=True, db_default=models.Value(True))
    text = models.TextField()
    text_sha256 = models.CharField(max_length=64)
    extra = models.JSONField(default=dict, blank=True)
    source = models.ForeignKey(ReportImport, on_delete=models.PROTECT, null=True, related_name="reports")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["project", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "report_id"], name="report_id_once_per_project"),
            models.CheckConstraint(condition=~Q(report_id="") & ~Q(text=""), name="report_not_blank"),
        ]

    def __str__(self) -> str:
        return f"report {self.report_id}"

    @property
    def text_length(self) -> int:
        """Characters that evidence may stand in."""
        return len(self.text) if self.has_text else 0


class Study(models.Model):
    """The images of one examination."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="studies")
    study_id = models.CharField(max_length=255)
    modality = models.CharField(max_length=16, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["project", "pk"]
        verbose_name_plural = "studies"
        constraints = [
            models.UniqueConstraint(fields=["project", "study_id"], name="study_id_once_per_project"),
            models.CheckConstraint(condition=~Q(study_id=""), name="study_id_not_blank"),
        ]

    def __str__(self) -> str:
        return f"study {self.study_id}"


class Case(models.Model):
    """What is read together. `patient_key` is a keyed hash of the patient, the same for all cases of one."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="cases")
    report = models.ForeignKey(Report, on_delete=models.PROTECT, null=True, blank=True, related_name="cases")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, null=True, blank=True, related_name="cases")
    key = models.CharField(max_length=255)
    patient_key = models.CharField(max_length=64)
    position = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["project", "position"]
        constraints = [
            models.UniqueConstraint(fields=["project", "key"], name="case_key_once_per_project"),
            models.UniqueConstraint(fields=["project", "position"], name="case_position_once_per_project"),
            models.UniqueConstraint(fields=["project", "report"], name="case_report_once_per_project"),
            models.CheckConstraint(
                condition=Q(report__isnull=False) | Q(study__isnull=False), name="case_has_report_or_study"
            ),
            models.CheckConstraint(condition=Q(position__gte=1), name="case_position_from_one"),
            models.CheckConstraint(condition=~Q(patient_key=""), name="case_has_patient_key"),
        ]

    def __str__(self) -> str:
        return f"case {self.key}"
