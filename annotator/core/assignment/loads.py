"""Give every case its readers, with loads as even as they can be.

Cases are filled one after the other, each by those who have least, and among these by who shares least with the others
of the case. Then cases move along chains of readers until no chain would make the loads more even (Harvey et al. 2006,
"Semi-matchings for bipartite graphs and load balancing": without such a chain the loads are the most even ones).
"""

from itertools import pairwise
from typing import Final

from annotator.core.assignment.blocks import fill_blocks
from annotator.core.assignment.board import Board, Place, readers_in
from annotator.core.assignment.dice import Dice
from annotator.core.assignment.requests import PlanError

# Cases that are looked at for one step of a chain.
_LOOKED_AT: Final = 32


def fill(board: Board, *, dice: Dice, keeps_patients_together: bool) -> None:
    """Give each case the readers that it lacks, and even the loads. Raises `PlanError` where readers have no room."""
    fill_blocks(board)
    of_patient: dict[str, int] = {}
    for index, place in enumerate(board.places):
        like = of_patient.get(place.patient, 0) if keeps_patients_together else 0
        _fill_one(board, index, dice=dice, like=like)
        if keeps_patients_together:
            of_patient.setdefault(place.patient, place.readers)
    for index, place in enumerate(board.places):
        while place.n_missing > 0:
            _make_room(board, index)
    _even_out(board)


def _fill_one(board: Board, index: int, *, dice: Dice, like: int) -> None:
    place = board.places[index]
    for _ in range(place.n_missing):
        open_to = [r for r in board.readers if place.admits(r) and board.has_room(r)]
        if not open_to:
            return
        reader = _least_loaded(board, [r for r in open_to if like >> r & 1] or open_to, place=place, dice=dice)
        board.add(index, reader)


def _least_loaded(board: Board, readers: list[int], *, place: Place, dice: Dice) -> int:
    """Of those with the least load who shares least with the others of the case, and has least of its stratum."""
    costs = [board.cost(reader) for reader in readers]
    least = min(costs)
    least_loaded = [reader for reader, cost in zip(readers, costs, strict=True) if cost == least]
    if len(least_loaded) == 1:
        return least_loaded[0]
    inside = readers_in(place.readers)
    in_stratum = board.in_stratum[place.stratum]
    first = dice.below(len(board.room))

    def measure(reader: int) -> tuple[int, int, int]:
        row = board.pairs[reader]
        return sum([row[other] for other in inside]), in_stratum[reader], (reader - first) % len(row)

    return min(least_loaded, key=measure)


def _make_room(board: Board, index: int) -> None:
    """Give the case one reader more by moving other cases along a chain to somebody who has room."""
    place = board.places[index]
    starts = [reader for reader in board.readers if place.admits(reader)]
    for reader in sorted(starts, key=board.cost):
        chain = _chain(board, reader, below=None)
        if chain is not None:
            _move_along(board, chain)
            board.add(index, reader)
            return
    n_room = sum(board.has_room(reader) for reader in board.readers)
    raise PlanError(
        f"The case {place.key} needs {place.n_readers} readers and gets {place.readers.bit_count()}: "
        f"{n_room} of {len(board.room)} readers have room left, and none of them can take a case that frees one for it."
    )


def _even_out(board: Board) -> None:
    """Move cases until no chain makes the loads more even."""
    while True:
        for reader in sorted(board.readers, key=lambda reader: (-board.relief(reader), reader)):
            chain = _chain(board, reader, below=board.relief(reader))
            if chain is not None and len(chain) > 1:
                _move_along(board, chain)
                break
        else:
            return


def _chain(board: Board, start: int, *, below: float | None) -> list[int] | None:
    """The readers along which cases move from `start` to one with room and less to do; None where there are none.

    Without `below`, to anybody who has room, `start` included.
    """
    came_from = {start: start}
    ring = [start]
    while ring:
        ends = [r for r in ring if board.has_room(r) and (below is None or (board.cost(r) < below and r != start))]
        if ends:
            return _way(came_from, min(ends, key=lambda reader: (board.cost(reader), reader)))
        reached = []
        for reader in ring:
            for to in board.readers:
                if to not in came_from and next(board.movable_to(source=reader, to=to, at_most=1), None) is not None:
                    came_from[to] = reader
                    reached.append(to)
        ring = reached
    return None


def _way(came_from: dict[int, int], end: int) -> list[int]:
    way = [end]
    while came_from[way[-1]] != way[-1]:
        way.append(came_from[way[-1]])
    return way[::-1]


def _move_along(board: Board, chain: list[int]) -> None:
    # From the end, so that nobody holds more than there is room for.
    for source, to in reversed(list(pairwise(chain))):
        index = _best_to_move(board, source=source, to=to)
        board.take(index, source)
        board.add(index, to)


def _best_to_move(board: Board, *, source: int, to: int) -> int:
    def measure(index: int) -> tuple[int, int, int, int]:
        place = board.places[index]
        others = readers_in(place.readers & ~(1 << source))
        row_to, row_source = board.pairs[to], board.pairs[source]
        stratum = board.in_stratum[place.stratum]
        return (
            place.n_of_patient,
            stratum[to] - stratum[source],
            sum(row_to[other] - row_source[other] for other in others),
            index,
        )

    return min(board.movable_to(source=source, to=to, at_most=_LOOKED_AT), key=measure)
