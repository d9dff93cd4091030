"""Human work on a case: a draft that changes, and readings that never do."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotator.models.case import Case
from annotator.models.project import LabelSchema, Project
from annotator.models.vectors import vector_constraints


class Arm(models.TextChoices):
    """Whether the reader starts from the machine's labels; seeded: from such with planted errors, to train readers."""

    PREFILLED = "prefilled", "pre-filled"
    BLANK = "blank", "blank"
    SEEDED = "seeded", "seeded with errors"


class DraftState(models.TextChoices):
    """Whether the draft holds changes that no reading holds, and whether the case was put off or sent back."""

    OPEN = "draft", "draft"
    SKIPPED = "skipped", "skipped"
    RETURNED = "returned", "returned"
    SUBMITTED = "submitted", "submitted"


class Draft(models.Model):
    """What a reader has on the screen of one case. `version` goes up by one with every saved change.

    `round` is 1, and goes up when the reader reads the case again as if for the first time (see `Seat`).

    `prefill_run` is the run whose labels the reader started from, `seat` the seat that was theirs then; the first save
    fixes both. Without a seat it was begun in a project that everyone reads.
    `flagged` repeats what `body` says, so that a worklist finds it.
    Submitting leaves the row behind with state `submitted`, so that it also answers which cases a reader has done.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="drafts")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="drafts")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="drafts")
    round = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=10, choices=DraftState, default=DraftState.OPEN)
    version = models.PositiveIntegerField()
    seat = models.ForeignKey("annotator.Seat", on_delete=models.PROTECT, null=True, blank=True, related_name="drafts")
    prefill_run = models.UUIDField(null=True, blank=True)
    values = models.CharField(max_length=2000)
    urgencies = models.CharField(max_length=2000)
    body = models.JSONField(default=dict)
    flagged = models.BooleanField(default=False)
    active_seconds = models.PositiveIntegerField(default=0)
    key_presses = models.PositiveIntegerField(null=True, blank=True)
    client_id = models.CharField(max_length=64, blank=True, default="")
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["case", "reader", "round"]
        constraints = [
            models.UniqueConstraint(fields=["case", "reader", "round"], name="draft_one_per_reader"),
            models.CheckConstraint(condition=Q(round__gte=1), name="draft_round_from_one"),
            models.CheckConstraint(condition=Q(version__gte=1), name="draft_version_from_one"),
            models.CheckConstraint(condition=Q(state__in=DraftState.values), name="draft_state_known"),
            *vector_constraints("draft", decided=False),
        ]
        indexes = [
            models.Index(fields=["project", "reader", "state"], name="draft_progress"),
            models.Index(fields=["project", "reader"], condition=Q(flagged=True), name="draft_flagged"),
            models.Index(
                fields=["project", "case"],
                condition=Q(round=1, state__in=["draft", "skipped", "returned"]),
                name="draft_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"draft of case {self.case_id} by {self.reader_id}"


class Reading(models.Model):
    """One submission: what a reader said about a case, for good. A correction is a further revision.

    `active_seconds` and `key_presses` are None where nobody counted them. `round` is that of the draft. `is_informed`:
    before they submitted it, the reader held a role whose pages show machine labels and what others say, or was sent
    the case back; such a reading is not blind, whatever it began from. A seeded
    reading has no `prefill_run` where no run had labeled the case.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="readings")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="readings")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="readings")
    schema = models.ForeignKey(LabelSchema, on_delete=models.PROTECT, related_name="readings")
    round = models.PositiveSmallIntegerField(default=1)
    revision = models.PositiveIntegerField()
    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="superseded_by"
    )
    submission_id = models.UUIDField(unique=True)
    arm = models.CharField(max_length=10, choices=Arm)
    is_informed = models.BooleanField(default=False)
    prefill_run = models.UUIDField(null=True, blank=True)
    values = models.CharField(max_length=2000)
    urgencies = models.CharField(max_length=2000)
    body = models.JSONField(default=dict)
    active_seconds = models.PositiveIntegerField(null=True, blank=True)
    key_presses = models.PositiveIntegerField(null=True, blank=True)
    submitted_at = models.DateTimeField()

    class Meta:
        ordering = ["case", "reader", "round", "revision"]
        constraints = [
            models.UniqueConstraint(fields=["case", "reader", "round", "revision"], name="reading_revision_once"),
            models.CheckConstraint(condition=Q(round__gte=1), name="reading_round_from_one"),
            models.CheckConstraint(
                condition=Q(revision=1, supersedes__isnull=True) | Q(revision__gt=1, supersedes__isnull=False),
                name="reading_revisions_chain",
            ),
            models.CheckConstraint(condition=Q(arm__in=Arm.values), name="reading_arm_known"),
            models.CheckConstraint(
                condition=Q(arm=Arm.BLANK, prefill_run__isnull=True)
                | Q(arm=Arm.PREFILLED, prefill_run__isnull=False)
                | Q(arm=Arm.SEEDED),
                name="reading_prefill_named",
            ),
            *vector_constraints("reading", decided=True),
        ]
        indexes = [
            models.Index(fields=["project", "reader"], name="reading_by_reader"),
            models.Index(fields=["project", "reader", "submitted_at"], name="reading_by_time"),
            models.Index(fields=["project", "schema", "id"], name="reading_latest"),
            models.Index(fields=["project", "case"], condition=Q(round=1, revision=1), name="reading_first"),
        ]

    def __str__(self) -> str:
        return f"reading {self.revision} of case {self.case_id} by {self.reader_id}"
