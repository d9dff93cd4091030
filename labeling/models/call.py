"""Answered calls: what a language model said, word for word."""

from django.db import models
from django.db.models import Q

from labeling.models.run import Run


class StoredCall(models.Model):
    """One answered call of a run. Only `read`, what a parser found in the answer, may be said anew.

    `key` is the hash of all that decides the answer (`labeling.core.asking`); the rest says what it was for.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="calls")
    report = models.ForeignKey("annotator.Report", on_delete=models.PROTECT, related_name="calls")
    key = models.CharField(max_length=64)
    stage = models.CharField(max_length=60)
    target = models.CharField(max_length=255, blank=True, default="")
    finding = models.CharField(max_length=255, blank=True, default="")
    sentence = models.PositiveIntegerField(null=True, blank=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    answer = models.TextField(blank=True)
    is_cut = models.BooleanField(default=False)
    prompt_tokens = models.PositiveIntegerField(null=True, blank=True)
    generated_tokens = models.PositiveIntegerField(null=True, blank=True)
    cached_tokens = models.PositiveIntegerField(null=True, blank=True)
    read = models.TextField(blank=True, default="")
    answered_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        # Few of very many rows.
        indexes = [models.Index(fields=["run"], condition=Q(read="unreadable"), name="stored_call_unreadable")]
        constraints = [models.UniqueConstraint(fields=["run", "report", "key"], name="stored_call_once_per_report")]

    def __str__(self) -> str:
        return f"call {self.pk} of report {self.report_id}"
