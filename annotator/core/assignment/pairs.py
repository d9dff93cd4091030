"""Even out how many cases each two readers share, without changing how many cases anybody has.

Two readers a and b swap: a gives up a case that b does not have, b one that a does not have. With X and Y the other
readers of these two cases and g(x) = pairs(b, x) - pairs(a, x), the sum of squared pair counts changes by
    sum over X without Y of (2 g + 2)  +  sum over Y without X of (2 - 2 g).
Cases with the same readers are alike, so that all swaps of two readers are one matrix. Swaps that lower the sum are
made until there is none, then some that leave it as it is, which opens others.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from annotator.core.assignment.board import Board
from annotator.core.assignment.dice import Dice

_NEVER: Final = 1 << 30
# Kinds of cases that one swap chooses from, for each of its two readers.
_LOOKED_AT: Final = 192
# Swaps in a row that may leave the sum as it is.
_PATIENCE: Final = 300

Bools = NDArray[np.bool_]
_Kind = tuple[int, int, int, int]


def even_pairs(board: Board, *, dice: Dice) -> None:
    """Swap until every two readers share the same number of cases within 1, or nothing more is found.

    Swaps stay within a stratum; where these do not suffice, they cross strata.
    """
    n = len(board.room)
    if n < 3 or max((place.n_readers for place in board.places), default=0) < 2:
        return
    for within in (True, False) if board.n_strata > 1 else (False,):
        _descend(board, _Kinds(board, within_strata=within), dice=dice)


def _descend(board: Board, kinds: "_Kinds", *, dice: Dice) -> None:
    n = len(board.room)
    twos = [(a, b) for a in range(n) for b in range(a)]
    n_level = 0
    while n_level < _PATIENCE and (board.spread() or 0) > 1:
        for i in range(len(twos) - 1, 0, -1):
            j = dice.below(i + 1)
            twos[i], twos[j] = twos[j], twos[i]
        n_lower = 0
        for a, b in twos:
            change = kinds.swap(board, a=a, b=b, dice=dice, at_most=0)
            if change is not None and change < 0:
                n_lower += 1
            elif change == 0:
                n_level += 1
        if n_lower:
            n_level = 0
        else:
            n_level += 1


@dataclass(slots=True)
class _Group:
    """Cases of one kind: all in the same stratum, with the same readers, fixed and barred ones."""

    kind: _Kind
    cases: list[int]


class _Kinds:
    """The cases on the board by kind, and the same as arrays `(kinds, readers)`."""

    def __init__(self, board: Board, *, within_strata: bool) -> None:
        self._n = len(board.room)
        self._within = within_strata
        self._groups: list[_Group] = []
        self._at: dict[_Kind, int] = {}
        self._free: Bools = np.zeros((64, self._n), np.bool_)
        self._readers: Bools = np.zeros((64, self._n), np.bool_)
        self._open: Bools = np.zeros((64, self._n), np.bool_)
        self._stratum: NDArray[np.int64] = np.zeros(64, np.int64)
        self._n_cases: NDArray[np.int64] = np.zeros(64, np.int64)
        for index, place in enumerate(board.places):
            if place.free and place.n_of_patient == 1:
                self._put(index, (place.stratum, place.free, place.fixed, place.barred))

    def swap(self, board: Board, *, a: int, b: int, dice: Dice, at_most: int) -> int | None:
        """Make the best swap of a and b that changes the sum by `at_most`; the change, None where there is none."""
        first, second = self._candidates(a, b, dice=dice), self._candidates(b, a, dice=dice)
        if not len(first) or not len(second):
            return None
        changes = self._changes(first, second, a=a, b=b, pairs=np.asarray(board.pairs))
        least = int(changes.min())
        if least > at_most:
            return None
        at = np.argwhere(changes == least)
        i, j = at[dice.below(len(at))]
        self._move(board, int(first[i]), source=a, to=b, dice=dice)
        self._move(board, int(second[j]), source=b, to=a, dice=dice)
        return least

    def _candidates(self, source: int, to: int, *, dice: Dice) -> NDArray[np.intp]:
        found = np.flatnonzero((self._n_cases > 0) & self._free[:, source] & self._open[:, to])
        if len(found) <= _LOOKED_AT:
            return found
        start = dice.below(len(found))
        return np.sort(np.roll(found, -start)[:_LOOKED_AT])

    def _changes(
        self, first: NDArray[np.intp], second: NDArray[np.intp], *, a: int, b: int, pairs: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        g = pairs[b] - pairs[a]
        x, y = self._readers[first].astype(np.int64), self._readers[second].astype(np.int64)
        x[:, a] = 0
        y[:, b] = 0
        both = x @ y.T
        changes = (x @ (2 * g + 2))[:, None] + (y @ (2 - 2 * g))[None, :] - 4 * both
        changes[(both == x.sum(axis=1)[:, None]) & (both == y.sum(axis=1)[None, :])] = _NEVER
        if self._within:
            changes[self._stratum[first][:, None] != self._stratum[second][None, :]] = _NEVER
        return np.asarray(changes)

    def _move(self, board: Board, row: int, *, source: int, to: int, dice: Dice) -> None:
        group = self._groups[row]
        place = dice.below(len(group.cases))
        group.cases[place], group.cases[-1] = group.cases[-1], group.cases[place]
        index = group.cases.pop()
        self._n_cases[row] -= 1
        board.take(index, source)
        board.add(index, to)
        stratum, free, fixed, barred = group.kind
        self._put(index, (stratum, free ^ (1 << source) ^ (1 << to), fixed, barred))

    def _put(self, index: int, kind: _Kind) -> None:
        row = self._at.get(kind)
        if row is None:
            row = self._new_row(kind)
        self._groups[row].cases.append(index)
        self._n_cases[row] += 1

    def _new_row(self, kind: _Kind) -> int:
        row = self._at[kind] = len(self._groups)
        self._groups.append(_Group(kind, []))
        if row == len(self._n_cases):
            self._free, self._readers, self._open = (
                np.concatenate([bits, np.zeros_like(bits)]) for bits in (self._free, self._readers, self._open)
            )
            self._stratum = np.concatenate([self._stratum, np.zeros_like(self._stratum)])
            self._n_cases = np.concatenate([self._n_cases, np.zeros_like(self._n_cases)])
        stratum, free, fixed, barred = kind
        for reader in range(self._n):
            self._free[row, reader] = free >> reader & 1
            self._readers[row, reader] = (free | fixed) >> reader & 1
            self._open[row, reader] = not (free | fixed | barred) >> reader & 1
        self._stratum[row] = stratum
        return row
