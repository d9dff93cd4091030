"""How a study is run: who reads what, what needs a person, and the words readers are guided by."""

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from annotator.models.case import Case
from annotator.models.project import Project


class Reads(models.TextChoices):
    """Who reads which case."""

    OPEN = "open", "everyone reads every case"
    ASSIGNED = "assigned", "each reads the cases assigned to them"
    QUEUE = "queue", "each takes the next case from a queue"


class NeedsPerson(models.TextChoices):
    """Which cells an adjudicator has to decide."""

    UNANIMOUS = "unanimous", "every cell on which readers differ"
    MAJORITY = "majority", "cells without a majority of the stated size"
    WEIGHTED = "weighted", "cells in which no value has the stated share of the weights"
    ALWAYS = "always", "every cell that any reader calls positive"


class StudyRules(models.Model):
    """The rules of one project; a project without a row goes by the defaults. `version` goes up with every change.

    `readers_per_case` says when a case of an open project is read; with seats, a case is read when its seats are.
    `weights` is weight by primary key of a reader, as text; who is not in it weighs 1. `settled_version` is the last
    version under which the gold of all cases was made; while it is made, `settling_at` says when that last went on.
    """

    project = models.OneToOneField(Project, on_delete=models.PROTECT, primary_key=True, related_name="rules")
    reads = models.CharField(max_length=10, choices=Reads, default=Reads.OPEN)
    is_training = models.BooleanField(default=False)
    readers_per_case = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    reservation_s = models.PositiveIntegerField(default=1800, validators=[MinValueValidator(60)])
    needs_person = models.CharField(max_length=10, choices=NeedsPerson, default=NeedsPerson.UNANIMOUS)
    majority_of = models.PositiveSmallIntegerField(default=2, validators=[MinValueValidator(2)])
    weights = models.JSONField(default=dict, blank=True)
    weighted_share = models.FloatField(default=0.5)
    disputes_certainty = models.BooleanField(default=False)
    disputes_urgency = models.BooleanField(default=False)
    machine_is_voice = models.BooleanField(default=False)
    readers_may_adjudicate = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(null=True, blank=True)
    settled_version = models.PositiveIntegerField(default=0)
    settling_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "study rules"
        constraints = [
            models.CheckConstraint(condition=Q(reads__in=Reads.values), name="rules_reads_known"),
            models.CheckConstraint(condition=Q(needs_person__in=NeedsPerson.values), name="rules_needs_person_known"),
            models.CheckConstraint(condition=Q(readers_per_case__gte=1), name="rules_readers_from_one"),
            models.CheckConstraint(condition=Q(majority_of__gte=2), name="rules_majority_from_two"),
            models.CheckConstraint(condition=Q(reservation_s__gte=60), name="rules_reservation_from_a_minute"),
            models.CheckConstraint(
                condition=Q(weighted_share__gte=0.5, weighted_share__lt=1), name="rules_share_at_least_half"
            ),
        ]

    def __str__(self) -> str:
        return f"rules {self.version} of {self.project_id}"


class Exclusion(models.Model):
    """A case that counts for nothing, until the exclusion is ended."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="exclusions")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="exclusions")
    reason = models.CharField(max_length=1000)
    excluded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    excluded_at = models.DateTimeField()
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=1000, blank=True, default="")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["case"], condition=Q(ended_at__isnull=True), name="exclusion_one_open"),
            models.CheckConstraint(condition=~Q(reason=""), name="exclusion_has_reason"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by__isnull=True)
                | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="exclusion_end_is_signed",
            ),
        ]
        indexes = [models.Index(fields=["project"], condition=Q(ended_at__isnull=True), name="exclusion_open")]

    def __str__(self) -> str:
        return f"exclusion of case {self.case_id}"


class Guideline(models.Model):
    """One version of the words for a finding, or with an empty `finding` for the project. Never changed."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="guidelines")
    finding = models.CharField(max_length=64, blank=True, default="")
    version = models.PositiveIntegerField()
    text = models.TextField(blank=True, default="")
    what_changed = models.CharField(max_length=500, blank=True, default="")
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()

    class Meta:
        ordering = ["project", "finding", "version"]
        constraints = [
            models.UniqueConstraint(fields=["project", "finding", "version"], name="guideline_version_once"),
            models.CheckConstraint(condition=Q(version__gte=1), name="guideline_version_from_one"),
        ]

    def __str__(self) -> str:
        return f"guideline {self.finding or 'of the project'} v{self.version}"


class Note(models.Model):
    """Words about a case or one of its cells that are no part of a reading, and the answers to them.

    `reader` is whose thread it is, and `round` that of their reading; `parent` is the note that starts it. Only whether
    a thread is settled may change.
    """

    class Kind(models.TextChoices):
        """What the note is for."""

        COMMENT = "comment"
        FLAG = "flag"
        RETURN = "return"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="notes")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="notes")
    cell = models.CharField(max_length=200, blank=True, default="")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="threads")
    round = models.PositiveSmallIntegerField(default=1)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notes")
    kind = models.CharField(max_length=10, choices=Kind)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="answers")
    text = models.TextField()
    created_at = models.DateTimeField()
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["comment", "flag", "return"]), name="note_kind_known"),
            models.CheckConstraint(condition=~Q(text=""), name="note_has_text"),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True) | Q(parent__isnull=True),
                name="note_thread_is_settled_at_its_start",
            ),
        ]
        indexes = [
            models.Index(fields=["case", "reader"], name="note_of_thread"),
            models.Index(
                fields=["project", "kind"],
                condition=Q(parent__isnull=True, settled_at__isnull=True),
                name="note_unsettled",
            ),
        ]

    def __str__(self) -> str:
        return f"note {self.pk} on case {self.case_id}"
