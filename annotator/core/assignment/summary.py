"""What a plan comes to, with the seats that it keeps: loads, pairs, arms, strata, and what could not be met."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from annotator.core.assignment.planning import Plan
from annotator.core.assignment.requests import HeldSeat, PlannedSeat, PlanRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderLoad:
    """Cases of one reader, how many of them come again, and first readings by arm."""

    reader: str
    n_cases: int
    n_repeats: int
    n_new: int
    quota: int | None
    arms: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmCount:
    """First readings by arm, of one reader (None: of the queue) in one stratum."""

    reader: str | None
    stratum: str
    arms: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class StratumCount:
    """Cases of a stratum, how many are read, and the least and greatest probability with which these were drawn."""

    stratum: str
    n_cases: int
    n_read: int
    least_probability: float | None
    greatest_probability: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSummary:
    """Figures of a plan. `pairs[i][j]` is how many cases the i-th and j-th of `loads` share; the diagonal is 0."""

    n_cases: int
    n_new: int
    n_kept: int
    n_moved: int
    n_repeats: int
    cases_by_readers: dict[int, int]
    loads: list[ReaderLoad]
    pairs: list[list[int]]
    arms: list[ArmCount]
    strata: list[StratumCount]
    n_patients_split: int | None
    notes: list[str]

    @property
    def pair_counts(self) -> list[int]:
        """Shared cases of each two readers."""
        return [self.pairs[a][b] for a, b in combinations(range(len(self.pairs)), 2)]


def summarize(request: PlanRequest, plan: Plan) -> PlanSummary:
    """The figures of `plan`, which `request` was made into."""
    moved = set(plan.moved)
    kept = [seat for seat in request.held if seat not in moved]
    seats: list[HeldSeat | PlannedSeat] = [*kept, *plan.seats]
    first = [seat for seat in seats if seat.round == 1]
    loads = _loads(request, seats, plan.seats)
    pairs = _pairs([load.reader for load in loads], first)
    n_split = _patients_split(request, first) if request.keeps_patients_together else None
    return PlanSummary(
        n_cases=len(plan.probabilities),
        n_new=len(plan.seats),
        n_kept=len(kept),
        n_moved=len(plan.moved),
        n_repeats=sum(seat.round > 1 for seat in seats),
        cases_by_readers=dict(sorted(Counter(Counter(seat.case for seat in first).values()).items())),
        loads=loads,
        pairs=pairs,
        arms=_arms(request, first),
        strata=_strata(request, plan),
        n_patients_split=n_split,
        notes=list(_notes(request, loads, pairs, n_patients_split=n_split)),
    )


def _loads(
    request: PlanRequest, seats: Sequence[HeldSeat | PlannedSeat], new: Sequence[PlannedSeat]
) -> list[ReaderLoad]:
    quotas = {reader.key: reader.quota for reader in request.readers}
    names = sorted(set(quotas) | {seat.reader for seat in seats if seat.reader is not None})
    rounds = Counter((seat.reader, seat.round > 1) for seat in seats)
    arms = Counter((seat.reader, seat.arm) for seat in seats if seat.round == 1)
    n_new = Counter(seat.reader for seat in new)
    known = _arm_names(request, seats)
    return [
        ReaderLoad(
            reader=name,
            n_cases=rounds[name, False],
            n_repeats=rounds[name, True],
            n_new=n_new[name],
            quota=quotas.get(name),
            arms={arm: arms[name, arm] for arm in known},
        )
        for name in names
    ]


def _arm_names(request: PlanRequest, seats: Sequence[HeldSeat | PlannedSeat]) -> list[str]:
    return list(dict.fromkeys([*request.arms, *sorted({seat.arm for seat in seats})]))


def _pairs(readers: Sequence[str], first: Sequence[HeldSeat | PlannedSeat]) -> list[list[int]]:
    number = {reader: i for i, reader in enumerate(readers)}
    by_case: dict[str, list[int]] = defaultdict(list)
    for seat in first:
        if seat.reader is not None:
            by_case[seat.case].append(number[seat.reader])
    pairs = [[0] * len(readers) for _ in readers]
    for together in by_case.values():
        for a, b in combinations(together, 2):
            pairs[a][b] += 1
            pairs[b][a] += 1
    return pairs


def _arms(request: PlanRequest, first: Sequence[HeldSeat | PlannedSeat]) -> list[ArmCount]:
    strata = {case.key: case.stratum for case in request.cases}
    counts = Counter((seat.reader, strata[seat.case], seat.arm) for seat in first)
    groups = sorted({(seat.reader, strata[seat.case]) for seat in first}, key=lambda group: (group[0] or "", group[1]))
    arms = _arm_names(request, first)
    return [
        ArmCount(reader=reader, stratum=stratum, arms={arm: counts[reader, stratum, arm] for arm in arms})
        for reader, stratum in groups
    ]


def _strata(request: PlanRequest, plan: Plan) -> list[StratumCount]:
    sizes = Counter(case.stratum for case in request.cases)
    probabilities: dict[str, list[float]] = defaultdict(list)
    for case in request.cases:
        if case.key in plan.probabilities:
            probabilities[case.stratum].append(plan.probabilities[case.key])
    return [
        StratumCount(
            stratum=stratum,
            n_cases=n,
            n_read=len(probabilities[stratum]),
            least_probability=min(probabilities[stratum], default=None),
            greatest_probability=max(probabilities[stratum], default=None),
        )
        for stratum, n in sorted(sizes.items())
    ]


def _patients_split(request: PlanRequest, first: Sequence[HeldSeat | PlannedSeat]) -> int:
    """Patients two of whose cases have different readers."""
    readers: dict[str, set[str | None]] = defaultdict(set)
    for seat in first:
        readers[seat.case].add(seat.reader)
    sets: dict[str, set[frozenset[str | None]]] = defaultdict(set)
    for case in request.cases:
        if case.key in readers:
            sets[case.patient].add(frozenset(readers[case.key]))
    return sum(len(different) > 1 for different in sets.values())


def _notes(
    request: PlanRequest, loads: Sequence[ReaderLoad], pairs: list[list[int]], *, n_patients_split: int | None
) -> Iterator[str]:
    can_read = {reader.key: reader for reader in request.readers if reader.is_available}
    counting = [i for i, load in enumerate(loads) if load.reader in can_read]
    shared = [pairs[a][b] for a, b in combinations(counting, 2)]
    if len(counting) > 2 and max(shared) - min(shared) > 1:
        yield (
            f"Two readers share {min(shared)} to {max(shared)} cases. Closer together was not found: "
            "loads that differ, seats that stay, or these numbers of cases and readers do not allow it."
        )
    full = [load.reader for load in loads if load.quota is not None and load.n_cases + load.n_repeats >= load.quota]
    if full:
        yield f"At their quota: {', '.join(full)}."
    alike = [load.n_cases for load in loads if load.reader in can_read and load.reader not in full]
    if len({reader.share for reader in can_read.values()}) == 1 and alike and max(alike) - min(alike) > 1:
        yield (
            f"Readers below their quota have {min(alike)} to {max(alike)} cases: "
            "seats that exist stay with their readers."
        )
    if n_patients_split:
        yield f"{n_patients_split} patients have cases that go to different readers, to keep the loads even."
