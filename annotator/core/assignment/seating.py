"""From a request to readers of cases: the board is set up, filled and evened out."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from annotator.core.assignment.board import Board, Place, readers_in
from annotator.core.assignment.dice import Dice, draw
from annotator.core.assignment.lists import room_with_repeats
from annotator.core.assignment.loads import fill
from annotator.core.assignment.pairs import even_pairs
from annotator.core.assignment.requests import HeldSeat, PlanCase, PlanError, PlanReader, PlanRequest


def seat_readers(
    request: PlanRequest, cases: Sequence[PlanCase], n_readers: Mapping[str, int]
) -> dict[str, tuple[str, ...]]:
    """The readers of each case, those who have it included. Raises `PlanError` where these cannot be found."""
    readers = _all_readers(request)
    board = Board(
        places=_places(request, cases, n_readers, number={reader.key: i for i, reader in enumerate(readers)}),
        room=_room(request, readers, n_cases=len(cases)),
        share=[reader.share for reader in readers],
        n_strata=len({case.stratum for case in cases}),
    )
    _check_room(board, readers)
    fill(board, dice=Dice(request.seed, "fill"), keeps_patients_together=request.keeps_patients_together)
    for place in board.places:
        place.settle()
    even_pairs(board, dice=Dice(request.seed, "pairs"))
    return {place.key: tuple(readers[reader].key for reader in readers_in(place.readers)) for place in board.places}


def _all_readers(request: PlanRequest) -> list[PlanReader]:
    """Readers by key; those who left and have seats that stay are among them, and get nothing new."""
    named = {reader.key: reader for reader in request.readers}
    for seat in request.held:
        if seat.reader is not None and seat.reader not in named:
            named[seat.reader] = PlanReader(key=seat.reader, is_available=False)
    return [named[key] for key in sorted(named)]


def _room(request: PlanRequest, readers: Sequence[PlanReader], *, n_cases: int) -> list[int]:
    has = Counter(seat.reader for seat in request.held if seat.round == 1)
    share = request.repeats.share if request.repeats is not None else 0.0
    room = []
    for reader in readers:
        quota = n_cases if reader.quota is None else min(n_cases, room_with_repeats(reader.quota, share))
        room.append(max(quota, has[reader.key]) if reader.is_available else has[reader.key])
    return room


def _check_room(board: Board, readers: Sequence[PlanReader]) -> None:
    n_needed = sum(max(0, place.n_missing) for place in board.places)
    left = [room - load for room, load in zip(board.room, board.load, strict=True)]
    if sum(left) < n_needed:
        said = ", ".join(f"{reader.key} {n}" for reader, n in zip(readers, left, strict=True) if reader.is_available)
        raise PlanError(
            f"{n_needed} readings are needed, and the readers can take {sum(left)} (without repeats): {said or 'none'}."
        )


def _places(
    request: PlanRequest, cases: Sequence[PlanCase], n_readers: Mapping[str, int], *, number: Mapping[str, int]
) -> list[Place]:
    strata = {stratum: i for i, stratum in enumerate(sorted({case.stratum for case in cases}))}
    n_of_patient = Counter(case.patient for case in cases)
    held: dict[str, list[HeldSeat]] = defaultdict(list)
    comes_again = {(seat.case, seat.reader) for seat in request.held if seat.round > 1}
    for seat in request.held:
        if seat.round == 1 and seat.reader is not None:
            held[seat.case].append(seat)
    barred: dict[str, int] = defaultdict(int)
    for key, reader in request.barred:
        barred[key] |= 1 << number[reader] if reader in number else 0
    places = []
    for case in cases:
        place = Place(case.key, case.patient, strata[case.stratum], n_readers[case.key], barred=barred[case.key])
        if request.keeps_patients_together:
            place.n_of_patient = n_of_patient[case.patient]
        for seat in held[case.key]:
            bit = 1 << number[seat.reader or ""]
            if request.moves_unread and seat.can_move and (seat.case, seat.reader) not in comes_again:
                place.free |= bit
                place.before |= bit
            else:
                place.fixed |= bit
        places.append(place)
    together = request.keeps_patients_together
    places.sort(
        key=lambda place: (
            -place.n_of_patient,
            draw(request.seed, "patient", place.patient) if together and place.n_of_patient > 1 else 0,
            place.stratum,
            draw(request.seed, "fill", place.key),
            place.key,
        )
    )
    return places
