"""Frozen gold: releases, and errata to them."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotator.models.project import LabelSchema, Project


class Release(models.Model):
    """A named, checksummed set of files made of the gold of a moment. Once done it never changes.

    `request` says which cases, formats, splits, seed, origins, and whether report texts are in it; `manifest` lists the
    files with their SHA-256, `manifest_sha256` is that of the manifest's own file in `folder`, under the data folder.
    """

    class State(models.TextChoices):
        """How far it is."""

        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="releases")
    schema = models.ForeignKey(LabelSchema, on_delete=models.PROTECT, related_name="releases")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=60)
    description = models.TextField(blank=True, default="")
    request = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    progress = models.CharField(max_length=200, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    folder = models.CharField(max_length=200, blank=True, default="")
    manifest = models.JSONField(null=True, blank=True)
    manifest_sha256 = models.CharField(max_length=64, blank=True, default="")
    n_cases = models.PositiveIntegerField(null=True, blank=True)
    n_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["project", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="release_name_once"),
            models.UniqueConstraint(fields=["project", "number"], name="release_number_once"),
            models.CheckConstraint(condition=~Q(name=""), name="release_has_name"),
            models.CheckConstraint(
                condition=Q(state="done", manifest__isnull=False, finished_at__isnull=False, n_cases__isnull=False)
                & ~Q(manifest_sha256="")
                | Q(state="failed", manifest__isnull=True, finished_at__isnull=False)
                | Q(state__in=["queued", "running"], manifest__isnull=True, finished_at__isnull=True),
                name="release_manifest_matches_state",
            ),
            models.CheckConstraint(
                condition=Q(state="running", lease_until__isnull=False)
                | Q(state__in=["queued", "done", "failed"], lease_until__isnull=True),
                name="release_lease_matches_state",
            ),
        ]

    def __str__(self) -> str:
        return f"release {self.name}"


class Erratum(models.Model):
    """What was found wrong in a release after it was frozen, by case and cell where it says so. Never changed."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="errata")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="errata")
    number = models.PositiveIntegerField()
    text = models.TextField()
    cells = models.JSONField(default=list, blank=True)
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()

    class Meta:
        ordering = ["release", "number"]
        verbose_name_plural = "errata"
        constraints = [
            models.UniqueConstraint(fields=["release", "number"], name="erratum_number_once"),
            models.CheckConstraint(condition=~Q(text=""), name="erratum_has_text"),
        ]

    def __str__(self) -> str:
        return f"erratum {self.number} to release {self.release_id}"
