"""Disputed cells, what adjudicators decided, and the gold that follows."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact

from annotator.models.case import Case
from annotator.models.project import LabelSchema, Project
from annotator.models.vectors import vector_constraints
from labeling.core.values import URGENCY_CODES, VALUE_CODES


class DisputeKind(models.TextChoices):
    """In what the voices of a cell differ, the weightiest; or that the rules ask for a person anyway."""

    PRESENCE = "presence", "presence"
    CERTAINTY = "certainty", "certainty"
    URGENCY = "urgency", "urgency"
    RULE = "rule", "asked for by the rules"


class Reason(models.TextChoices):
    """Why voices differed, as the adjudicator sees it; `agreed` where they did not and the rules asked for a person."""

    AMBIGUOUS_REPORT = "ambiguous_report", "ambiguous report"
    READER_SLIP = "reader_slip", "reader slip"
    GUIDELINE_GAP = "guideline_gap", "guideline gap"
    CERTAINTY_ONLY = "certainty_only", "certainty only"
    URGENCY_ONLY = "urgency_only", "urgency only"
    MACHINE_INVENTION = "machine_invention", "machine invention"
    MACHINE_OMISSION = "machine_omission", "machine omission"
    AGREED = "agreed", "voices agreed"


class Decision(models.Model):
    """What an adjudicator decided about a cell, or that they took it back (`is_undo`, without value). Never changed.

    Only one can be revision n of a cell: of two adjudicators at once, one wins. `basis` is the hash of the readings it
    was made on, `voices` what was shown, by letter. Decisions of one bulk share `batch`.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="decisions")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="decisions")
    schema = models.ForeignKey(LabelSchema, on_delete=models.PROTECT, related_name="decisions")
    cell = models.CharField(max_length=200)
    revision = models.PositiveIntegerField()
    is_undo = models.BooleanField(default=False)
    value = models.CharField(max_length=1, blank=True, default="")
    urgency = models.CharField(max_length=1, blank=True, default="")
    reason = models.CharField(max_length=20, choices=Reason, blank=True, default="")
    note = models.TextField(blank=True, default="")
    evidence = models.JSONField(default=list, blank=True)
    basis = models.CharField(max_length=64)
    voices = models.JSONField(default=dict)
    batch = models.UUIDField(null=True, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions")
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ["case", "cell", "revision"]
        constraints = [
            models.UniqueConstraint(fields=["case", "cell", "revision"], name="decision_revision_once"),
            models.CheckConstraint(condition=Q(revision__gte=1), name="decision_revision_from_one"),
            models.CheckConstraint(
                condition=Q(is_undo=True, value="", urgency="", reason="")
                | Q(
                    is_undo=False,
                    value__in=list(VALUE_CODES),
                    urgency__in=list(URGENCY_CODES),
                    reason__in=Reason.values,
                ),
                name="decision_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "reason", "id"], name="decision_by_reason"),
            models.Index(fields=["batch"], condition=Q(batch__isnull=False), name="decision_of_batch"),
        ]

    def __str__(self) -> str:
        return f"decision {self.revision} on {self.cell} of case {self.case_id}"


class Dispute(models.Model):
    """A cell of a case that needs a person, or needed one. `decision` is the one that stands, if any.

    `pattern` is the sorted codes of the voices, which bulk decisions go by; `basis` the hash of the readings it came
    from. Withdrawn: the readings changed, and the cell is not disputed any more.
    """

    class State(models.TextChoices):
        """How far it is."""

        OPEN = "open"
        DECIDED = "decided"
        WITHDRAWN = "withdrawn"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="disputes")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="disputes")
    cell = models.CharField(max_length=200)
    finding = models.CharField(max_length=64)
    kind = models.CharField(max_length=10, choices=DisputeKind)
    pattern = models.CharField(max_length=100)
    basis = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["case", "cell"], name="dispute_once_per_cell"),
            models.CheckConstraint(condition=Q(kind__in=DisputeKind.values), name="dispute_kind_known"),
            models.CheckConstraint(
                condition=Q(state="open", decision__isnull=True)
                | Q(state="decided", decision__isnull=False)
                | Q(state="withdrawn"),
                name="dispute_decision_matches_state",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "state", "finding", "kind", "pattern"], name="dispute_of_finding"),
            models.Index(fields=["project", "state", "case"], name="dispute_of_case"),
            models.Index(fields=["project", "state", "decision"], name="dispute_of_decision"),
        ]

    def __str__(self) -> str:
        return f"dispute on {self.cell} of case {self.case_id}"


class Gold(models.Model):
    """What is held to be true of a case, as its readings and decisions stand. Made again whenever those change.

    One character per cell in schema order: `values` and `urgencies` as in readings (`_` undecided), `origins` (see
    `annotator.core.resolution`), `n_voices` and `n_agreeing` (a digit, 9 for nine and more). `body` holds evidence,
    `basis` the keys of the readings and decisions, `rules_version` the rules. `version` goes up when it changes.
    """

    class State(models.TextChoices):
        """How far the case is."""

        WAITING = "waiting", "waiting for readings"
        IN_ADJUDICATION = "in_adjudication", "in adjudication"
        FINAL = "final", "final"
        EXCLUDED = "excluded", "excluded"

    case = models.OneToOneField(Case, on_delete=models.PROTECT, primary_key=True, related_name="gold")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="gold")
    schema = models.ForeignKey(LabelSchema, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=16, choices=State)
    values = models.CharField(max_length=2000)
    urgencies = models.CharField(max_length=2000)
    origins = models.CharField(max_length=2000)
    n_voices = models.CharField(max_length=2000)
    n_agreeing = models.CharField(max_length=2000)
    n_readings = models.PositiveSmallIntegerField()
    n_open = models.PositiveSmallIntegerField()
    body = models.JSONField(default=dict)
    basis = models.JSONField(default=dict)
    rules_version = models.PositiveIntegerField()
    version = models.PositiveIntegerField()
    settled_at = models.DateTimeField()

    class Meta:
        ordering = ["project", "case"]
        verbose_name_plural = "gold"
        constraints = [
            *vector_constraints("gold", decided=False),
            *(
                models.CheckConstraint(condition=Exact(Length("values"), Length(name)), name=f"gold_length_of_{name}")
                for name in ("origins", "n_voices", "n_agreeing")
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "in_adjudication", "final", "excluded"]), name="gold_state_known"
            ),
            models.CheckConstraint(condition=~Q(state="final") | Q(n_open=0), name="gold_final_has_no_open_cell"),
        ]
        indexes = [
            models.Index(fields=["project", "state"], name="gold_by_state"),
            models.Index(fields=["project", "case", "state", "n_open"], name="gold_progress"),
        ]

    def __str__(self) -> str:
        return f"gold of case {self.case_id}"
