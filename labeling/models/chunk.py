"""The parts of a run that workers take one at a time."""

from django.db import models
from django.db.models import Q

from labeling.models.run import Run


class RunChunk(models.Model):
    """Some reports of a run. This row is the truth about them; a message of the broker only says to look here.

    A worker that has taken it holds `lease_token` and keeps `lease_until` ahead of the clock; whoever finds it past may
    take the chunk away. `attempts` counts the workers that took it. `woken_at` is when a message was last sent for it.
    The counts are of all attempts together.
    """

    class State(models.TextChoices):
        """How far a chunk is."""

        QUEUED = "queued"
        LEASED = "leased"
        DONE = "done"
        GIVEN_UP = "given_up"

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="chunks")
    number = models.PositiveIntegerField()
    report_ids = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    woken_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=500, blank=True, default="")
    samplings = models.JSONField(default=list, blank=True)
    n_calls = models.PositiveIntegerField(default=0)
    n_calls_failed = models.PositiveIntegerField(default=0)
    prompt_tokens = models.PositiveBigIntegerField(default=0)
    cached_tokens = models.PositiveBigIntegerField(default=0)
    generated_tokens = models.PositiveBigIntegerField(default=0)
    n_labeled = models.PositiveIntegerField(default=0)
    n_failed = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["run", "number"]
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="run_chunk_numbered_once"),
            models.CheckConstraint(
                condition=Q(state="leased", lease_token__isnull=False, lease_until__isnull=False)
                | Q(state__in=["queued", "done", "given_up"], lease_token__isnull=True, lease_until__isnull=True),
                name="run_chunk_lease_matches_state",
            ),
        ]
        indexes = [models.Index(fields=["state", "lease_until"], name="run_chunk_by_lease")]

    def __str__(self) -> str:
        return f"chunk {self.number} of run {self.run_id}"
