"""Balanced blocks: where many cases are alike, every set of readers gets the same number of them."""

from collections import defaultdict
from itertools import combinations
from math import comb

from annotator.core.assignment.board import Board


def fill_blocks(board: Board) -> None:
    """Give each possible set of readers equally many cases of a stratum, as often as that goes; the rest stays open.

    Only where all readers count alike: with equal shares, nobody's room short, and no seat before. Loads and pairs are
    then exactly even.
    """
    n = len(board.room)
    n_readings = sum(place.n_readers for place in board.places)
    if len(set(board.share)) > 1 or any(board.load) or min(board.room, default=0) * n < n_readings + n:
        return
    alike: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, place in enumerate(board.places):
        if place.n_of_patient == 1 and place.n_readers <= n and not place.barred:
            alike[place.stratum, place.n_readers].append(index)
    for (_, n_readers), cases in sorted(alike.items()):
        n_sets = comb(n, n_readers)
        if len(cases) < n_sets:
            continue
        sets = list(combinations(board.readers, n_readers))
        for nth, index in enumerate(cases[: len(cases) // n_sets * n_sets]):
            for reader in sets[nth % n_sets]:
                board.add(index, reader)
