"""Seats in the small worlds of tests."""

from typing import Any

from annotator.models import Arm, AssignmentPlan, Case, Project, Reads, Seat, SeatState, StudyRules, User
from tests.annotator.worlds import NOW, World


def api(case: Case, what: str = "") -> str:
    """The address of a case in the interface of the reading screen."""
    return f"/api/projects/{case.project.slug}/cases/{case.pk}{what}"


def set_reads(project: Project, reads: str, **rules: Any) -> StudyRules:
    """Rules under which the project is read in this way."""
    stored, _ = StudyRules.objects.update_or_create(project=project, defaults={"reads": reads, **rules})
    return stored


def add_seat(case: Case, reader: User | None = None, *, arm: str = Arm.PREFILLED, **fields: Any) -> Seat:
    """The next seat of a case: of the queue where no reader is named."""
    if fields.get("state") == SeatState.SUBMITTED:
        fields.setdefault("submitted_at", NOW)
    return Seat.objects.create(
        project_id=case.project_id,
        case=case,
        slot=case.seats.count() + 1,
        reader=reader,
        is_pulled=fields.pop("is_pulled", reader is None),
        arm=arm,
        place=fields.pop("place", case.position),
        **fields,
    )


def queue_of(world: World, *, n_per_case: int = 1, arm: str = Arm.PREFILLED, **rules: Any) -> list[Seat]:
    """A queue over all cases of the world."""
    set_reads(world.project, Reads.QUEUE, **rules)
    return [add_seat(case, arm=arm) for case in world.cases for _ in range(n_per_case)]


def limit(world: World, seats: list[Seat], *, quota: int) -> None:
    """Make the seats those of a plan that allows the reader of the world so many."""
    plan = AssignmentPlan.objects.create(
        project=world.project,
        number=1,
        seed=1,
        request={"quotas": {str(world.reader.pk): quota}},
        summary={},
        method_version=1,
        applied_at=NOW,
    )
    Seat.objects.filter(pk__in=[seat.pk for seat in seats]).update(plan=plan)
