"""Plans: which seats are added to those that exist."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from annotator.core.assignment.arms import ArmSeat, draw_arms, mix_arms
from annotator.core.assignment.lists import Listed, in_order, with_repeats
from annotator.core.assignment.needs import readers_by_case
from annotator.core.assignment.requests import HeldSeat, PlanCase, PlannedSeat, PlanRequest, check_request
from annotator.core.assignment.seating import seat_readers
from annotator.core.assignment.strata import draw_cases

# Goes up when the same request gives another plan.
METHOD_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`seats` are new. `moved` exist and go to somebody else: they are to be withdrawn, `seats` has their successors.

    `probabilities` are those with which cases that are read were drawn, `n_readers` how many readers they get.
    """

    seats: tuple[PlannedSeat, ...]
    moved: tuple[HeldSeat, ...]
    probabilities: Mapping[str, float]
    n_readers: Mapping[str, int]


class _Chair(NamedTuple):
    """A first reading that has no arm yet; in a queue the `nth` of its case, else `nth` is 0."""

    case: str
    reader: str | None
    nth: int = 0


@dataclass(frozen=True, slots=True)
class _New:
    """What is added, what is moved, and which seats stay."""

    chairs: tuple[_Chair, ...]
    kept: tuple[HeldSeat, ...]
    moved: tuple[HeldSeat, ...] = ()


def make_plan(request: PlanRequest) -> Plan:
    """The seats that `request` needs beside those it holds. Raises `PlanError` where it cannot be met."""
    check_request(request)
    cases, probabilities = draw_cases(request)
    n_readers = readers_by_case(cases, request.overlap, seed=request.seed)
    new = _new_in_queue(request, n_readers) if request.is_queue else _new_by_reader(request, cases, n_readers)
    strata = {case.key: case.stratum for case in cases}
    arms = _arms(request, new, strata=strata)
    seats = [
        PlannedSeat(
            case=listed.case,
            reader=reader,
            arm=arms[_Chair(listed.case, reader, nth)],
            round=listed.round,
            place=place,
            stratum=strata[listed.case],
            probability=probabilities[listed.case],
        )
        for reader, place, listed, nth in _listed(request, new, strata=strata)
    ]
    return Plan(seats=tuple(seats), moved=new.moved, probabilities=probabilities, n_readers=n_readers)


def _new_in_queue(request: PlanRequest, n_readers: Mapping[str, int]) -> _New:
    has = Counter(seat.case for seat in request.held if seat.round == 1)
    chairs = (
        _Chair(case.key, None, nth)
        for case in request.cases
        if case.key in n_readers
        for nth in range(n_readers[case.key] - has[case.key])
    )
    return _New(tuple(chairs), request.held)


def _new_by_reader(request: PlanRequest, cases: Sequence[PlanCase], n_readers: Mapping[str, int]) -> _New:
    seated = seat_readers(request, cases, n_readers)
    held = {(seat.case, seat.reader): seat for seat in request.held if seat.round == 1}
    chairs = (_Chair(case, reader) for case, readers in seated.items() for reader in readers)
    moved = {seat for seat in held.values() if seat.case in seated and seat.reader not in seated[seat.case]}
    return _New(
        tuple(chair for chair in chairs if (chair.case, chair.reader) not in held),
        tuple(seat for seat in request.held if seat not in moved),
        tuple(seat for seat in request.held if seat in moved),
    )


def _arms(request: PlanRequest, new: _New, *, strata: Mapping[str, str]) -> dict[_Chair, str]:
    """The arm of every first reading of a named reader and of what is added; a repeat has that of the first."""
    kept = [seat for seat in new.kept if seat.round == 1]
    # In a queue it is open who reads, so that arms are even within strata only.
    seats = [
        ArmSeat(seat.case, None if request.is_queue else seat.reader, strata.get(seat.case, seat.stratum), seat.arm)
        for seat in kept
    ]
    seats += [ArmSeat(chair.case, chair.reader, strata[chair.case]) for chair in new.chairs]
    arms = (
        mix_arms(seats, seed=request.seed) if request.mixes_arms else draw_arms(seats, request.arms, seed=request.seed)
    )
    of_kept = {_Chair(seat.case, seat.reader): seat.arm for seat in kept}
    return of_kept | dict(zip(new.chairs, arms[len(kept) :], strict=True))


def _listed(
    request: PlanRequest, new: _New, *, strata: Mapping[str, str]
) -> Iterator[tuple[str | None, int, Listed, int]]:
    """Reader, place, what is there, and which of the case's seats in a queue it is."""
    rank = {case.key: i for i, case in enumerate(request.cases)}
    cases: dict[str | None, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for chair in new.chairs:
        cases[chair.reader][chair.case] += 1
    kept: dict[str | None, list[HeldSeat]] = defaultdict(list)
    for seat in new.kept:
        kept[None if request.is_queue else seat.reader].append(seat)
    for reader in [None] if request.is_queue else sorted(reader.key for reader in request.readers):
        last = max((seat.place for seat in kept[reader]), default=0)
        order = in_order(list(cases[reader]), request.order, rank=rank, reader=reader or "", seed=request.seed)
        if reader is None:
            listed = [(Listed(case, 1), nth) for case in order for nth in range(cases[reader][case])]
        else:
            listed = [(place, 0) for place in _list_of(request, reader, kept[reader], order, strata=strata)]
        for place, (what, nth) in enumerate(listed, last + 1):
            yield reader, place, what, nth


def _list_of(
    request: PlanRequest, reader: str, kept: Sequence[HeldSeat], cases: Sequence[str], *, strata: Mapping[str, str]
) -> list[Listed]:
    is_available = any(other.key == reader and other.is_available for other in request.readers)
    if request.repeats is None or not is_available:
        return [Listed(case, 1) for case in cases]
    before = [seat.case for seat in sorted(kept, key=lambda seat: seat.place) if seat.round == 1]
    return with_repeats(
        [*before, *cases],
        {seat.case for seat in kept if seat.round > 1},
        n_before=len(before),
        repeats=request.repeats,
        strata={seat.case: seat.stratum for seat in kept} | dict(strata),
        reader=reader,
        seed=request.seed,
    )
