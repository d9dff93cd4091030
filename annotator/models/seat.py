"""Who is to read which case, in which arm: seats, and the plans that made them."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotator.models.case import Case
from annotator.models.project import Project
from annotator.models.reading import Arm


class AssignmentPlan(models.Model):
    """One applied plan. `request` and `seed` make it again, `summary` says what balance it reached. Never changed."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="plans")
    number = models.PositiveIntegerField()
    seed = models.BigIntegerField()
    request = models.JSONField()
    summary = models.JSONField()
    method_version = models.PositiveIntegerField()
    applied_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    applied_at = models.DateTimeField()

    class Meta:
        ordering = ["project", "number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="plan_number_once")]

    def __str__(self) -> str:
        return f"plan {self.number}"


class SeatState(models.TextChoices):
    """Open: to be read by its reader, or by whoever takes it. Held: taken from the queue until `reserved_until`."""

    OPEN = "open", "open"
    HELD = "held", "held"
    SUBMITTED = "submitted", "submitted"
    WITHDRAWN = "withdrawn", "withdrawn"


class Seat(models.Model):
    """One reading that is wanted of a case.

    `slot` numbers the seats of a case. `reader` is unset while a seat of the queue (`is_pulled`) waits to be taken.
    `round` 2 and up are hidden repeats of the seat `repeats`: open `washout_days` after that was submitted and once its
    reader has submitted `after_others` other cases since. `place` orders the seats of a reader, in a queue all seats.
    Once a seeded seat was opened, `prefill_run` is the run that its reader starts from, and `planted` the errors in its
    labels, if any, by cell: `{"liver|focal": {"was": "0_", "is": "+1", "evidence": [[4, 17]]}}`.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="seats")
    plan = models.ForeignKey(AssignmentPlan, on_delete=models.PROTECT, null=True, blank=True, related_name="seats")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="seats")
    slot = models.PositiveSmallIntegerField()
    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="seats"
    )
    is_pulled = models.BooleanField(default=False)
    arm = models.CharField(max_length=10, choices=Arm)
    round = models.PositiveSmallIntegerField(default=1)
    repeats = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="repeated_by")
    washout_days = models.PositiveIntegerField(null=True, blank=True)
    after_others = models.PositiveIntegerField(null=True, blank=True)
    place = models.PositiveIntegerField(default=0)
    stratum = models.CharField(max_length=100, blank=True, default="")
    inclusion_probability = models.FloatField(null=True, blank=True)
    prefill_run = models.UUIDField(null=True, blank=True)
    planted = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=10, choices=SeatState, default=SeatState.OPEN)
    reserved_until = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_because = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["project", "place", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["case", "slot"], name="seat_slot_once_per_case"),
            models.UniqueConstraint(
                fields=["case", "reader", "round"],
                condition=Q(reader__isnull=False) & ~Q(state="withdrawn"),
                name="seat_one_per_reader_and_round",
            ),
            models.CheckConstraint(condition=Q(state__in=SeatState.values), name="seat_state_known"),
            models.CheckConstraint(condition=Q(arm__in=Arm.values), name="seat_arm_known"),
            models.CheckConstraint(
                condition=Q(state="held", reader__isnull=False, reserved_until__isnull=False, is_pulled=True)
                | Q(state="submitted", reader__isnull=False, submitted_at__isnull=False, reserved_until__isnull=True)
                | Q(state__in=["open", "withdrawn"], reserved_until__isnull=True),
                name="seat_state_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(is_pulled=False) | ~Q(state="open") | Q(reader__isnull=True), name="seat_of_queue_is_free"
            ),
            models.CheckConstraint(
                condition=Q(is_pulled=True) | Q(reader__isnull=False), name="seat_outside_queue_has_reader"
            ),
            models.CheckConstraint(
                condition=Q(round=1, repeats__isnull=True) | Q(round__gte=2, repeats__isnull=False),
                name="seat_repeats_match_round",
            ),
            models.CheckConstraint(
                condition=Q(arm="seeded") | Q(prefill_run__isnull=True), name="seat_names_run_in_seeded_arm"
            ),
            models.CheckConstraint(
                condition=Q(prefill_run__isnull=False) | Q(planted={}), name="seat_plants_errors_in_its_run"
            ),
            models.CheckConstraint(
                condition=Q(inclusion_probability__isnull=True)
                | Q(inclusion_probability__gt=0, inclusion_probability__lte=1),
                name="seat_inclusion_probability",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "reader", "state", "place"], name="seat_of_reader"),
            # With all that decides whether a seat is listed, so that long lists are counted from the index alone.
            models.Index(fields=["project", "reader", "place", "id", "state", "round"], name="seat_in_list"),
            models.Index(
                fields=["project", "place", "id"],
                condition=Q(state="open", reader__isnull=True),
                name="seat_free_in_queue",
            ),
            models.Index(fields=["project", "reserved_until"], condition=Q(state="held"), name="seat_held"),
            models.Index(fields=["project", "reader"], condition=Q(round__gte=2), name="seat_of_later_round"),
            models.Index(
                fields=["project", "case"],
                condition=Q(round=1, state__in=["open", "held", "submitted"]),
                name="seat_wanted",
            ),
        ]

    def __str__(self) -> str:
        return f"seat {self.slot} of case {self.case_id}"
