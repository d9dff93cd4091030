"""The seats of a plan as rows."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from django.db.models import Max

from annotator.core.assignment import Plan, PlannedSeat
from annotator.models import AssignmentPlan, Project, Seat, User
from annotator.selectors.assignments import PlanBasis

_BATCH: Final = 2000


def store_seats(stored: AssignmentPlan, basis: PlanBasis, plan: Plan) -> None:
    """Make the seats; those that come again after the first readings that they repeat."""
    rows = _Rows(stored, basis, plan)
    rows.store([seat for seat in plan.seats if seat.round == 1])
    rows.store([seat for seat in plan.seats if seat.round > 1])


class Slots:
    """The next free number of a seat in each case."""

    def __init__(self, project: Project) -> None:
        last = Seat.objects.filter(project=project).order_by().values("case").annotate(last=Max("slot"))
        self._last = Counter(dict(last.values_list("case", "last")))

    def following(self, case_pk: int) -> int:
        """The next one."""
        self._last[case_pk] += 1
        return self._last[case_pk]


class _Rows:
    def __init__(self, stored: AssignmentPlan, basis: PlanBasis, plan: Plan) -> None:
        self._stored, self._basis = stored, basis
        self._slots = Slots(stored.project)
        self._readers = _pk_of_reader(seat.reader for seat in plan.seats if seat.reader is not None)
        moved = set(plan.moved)
        self._first: dict[tuple[int, int | None], int] = {
            (seat.case_id, seat.reader_id): seat.pk
            for held, seat in basis.seats.items()
            if seat.round == 1 and held not in moved
        }

    def store(self, seats: list[PlannedSeat]) -> None:
        made = Seat.objects.bulk_create(map(self._row, seats), batch_size=_BATCH)
        self._first |= {(seat.case_id, seat.reader_id): seat.pk for seat in made}

    def _row(self, planned: PlannedSeat) -> Seat:
        case = self._basis.case_pks[planned.case]
        reader = self._readers[planned.reader] if planned.reader is not None else None
        repeats = self._basis.request.repeats if planned.round > 1 else None
        return Seat(
            project_id=self._stored.project_id,
            plan=self._stored,
            case_id=case,
            slot=self._slots.following(case),
            reader_id=reader,
            is_pulled=self._basis.request.is_queue,
            arm=planned.arm,
            round=planned.round,
            repeats_id=self._first[case, reader] if repeats else None,
            washout_days=repeats.after_days if repeats else None,
            after_others=repeats.after_cases if repeats else None,
            place=planned.place,
            stratum=planned.stratum,
            inclusion_probability=planned.probability,
        )


def _pk_of_reader(names: Iterable[str]) -> dict[str, int]:
    return dict(User.objects.filter(username__in=set(names)).values_list("username", "pk"))


def store_probabilities(basis: PlanBasis, plan: Plan) -> None:
    """Bring those of seats that exist up to date: drawing more of a stratum raises them for all its cases."""
    changed = []
    for held, seat in basis.seats.items():
        probability = plan.probabilities[held.case]
        if seat.inclusion_probability != probability:
            seat.inclusion_probability = probability
            changed.append(seat)
    Seat.objects.bulk_update(changed, ["inclusion_probability"], batch_size=500)
