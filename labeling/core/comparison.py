"""Count, cell by cell, what two raters say of the same reports: raw counts, no statistics.

Every pair of states of a cell is of one kind. Only where both gave a value are they compared: a cell that either of
them could not read or did not ask agrees with nothing and differs from nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from labeling.core.values import CODE_OF_STATE, POSITIVE_VALUES, STATE_CODES, URGENCY_CODES, Missing

Counts2D = NDArray[np.int64]


class Kind(StrEnum):
    """How two raters stand to each other in one cell of one report.

    `urgency`: the same positive value, and both gave an urgency, but not the same. `certainty`: present against
    possible. `negative`: different values, none of them positive. `unreadable` goes before `not_asked`.
    """

    SAME = "same"
    A_ONLY = "a_only"
    B_ONLY = "b_only"
    CERTAINTY = "certainty"
    NEGATIVE = "negative"
    URGENCY = "urgency"
    UNREADABLE = "unreadable"
    NOT_ASKED = "not_asked"


OTHER_VALUE: Final = (Kind.A_ONLY, Kind.B_ONLY, Kind.CERTAINTY, Kind.NEGATIVE)
DIFFERENCES: Final = (*OTHER_VALUE, Kind.URGENCY)
COMPARED: Final = (Kind.SAME, *DIFFERENCES)
KINDS: Final = tuple(Kind)
LISTED: Final = tuple(kind for kind in KINDS if kind is not Kind.SAME)
N_STATES: Final = len(STATE_CODES)
N_URGENCIES: Final = len(URGENCY_CODES)
_POSITIVE: Final = frozenset(CODE_OF_STATE[value] for value in POSITIVE_VALUES)
_UNKNOWN: Final = 255


class Labels(NamedTuple):
    """What one rater says of one report: a character per cell, in schema order."""

    values: str
    urgencies: str


def kind_of(a: str, b: str, urgency_a: str, urgency_b: str) -> Kind:
    """The kind of one pair of codes."""
    if CODE_OF_STATE[Missing.UNREADABLE] in (a, b):
        return Kind.UNREADABLE
    if CODE_OF_STATE[Missing.NOT_ASKED] in (a, b):
        return Kind.NOT_ASKED
    if a == b:
        given = {urgency_a, urgency_b} - {"_"}
        return Kind.URGENCY if a in _POSITIVE and len(given) == 2 else Kind.SAME
    if (a in _POSITIVE) != (b in _POSITIVE):
        return Kind.A_ONLY if a in _POSITIVE else Kind.B_ONLY
    return Kind.CERTAINTY if a in _POSITIVE else Kind.NEGATIVE


def _places(codes: str) -> NDArray[np.uint8]:
    table = np.full(256, _UNKNOWN, dtype=np.uint8)
    for place, code in enumerate(codes):
        table[ord(code)] = place
    return table


_STATE_PLACES: Final = _places(STATE_CODES)
_URGENCY_PLACES: Final = _places(URGENCY_CODES)
_IS_POSITIVE: Final = np.array([code in _POSITIVE for code in STATE_CODES])
# Kind of a pair by state of A, state of B, urgency of A, urgency of B, as one number.
_KIND_TABLE: Final = np.array(
    [
        KINDS.index(kind_of(a, b, urgency_a, urgency_b))
        for a in STATE_CODES
        for b in STATE_CODES
        for urgency_a in URGENCY_CODES
        for urgency_b in URGENCY_CODES
    ],
    dtype=np.uint8,
)


def _decoded(texts: Sequence[str], *, n_cells: int, places: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A row per text and a column per cell, with the place of each code in its alphabet."""
    joined = np.frombuffer("".join(texts).encode("latin-1", "replace"), dtype=np.uint8)
    if any(len(text) != n_cells for text in texts):
        raise ValueError(f"a label vector has not {n_cells} characters")
    found = places[joined]
    if (found == _UNKNOWN).any():
        raise ValueError("a label vector holds an unknown code")
    return found.reshape(len(texts), n_cells)


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted over some cells: `states[a, b]`, `urgencies[a, b]` where both are positive, and `kinds`.

    States and urgencies stand in the order of `STATE_CODES` and `URGENCY_CODES`, kinds in that of `KINDS`.
    """

    states: Counts2D
    urgencies: Counts2D
    kinds: NDArray[np.int64]

    def of(self, *kinds: Kind) -> int:
        """How many pairs are of these kinds."""
        return sum(int(self.kinds[KINDS.index(kind)]) for kind in kinds)

    @property
    def n_compared(self) -> int:
        """Pairs in which both gave a value."""
        return self.of(*COMPARED)

    @property
    def n_same(self) -> int:
        """Pairs with the same value, whatever the urgency."""
        return self.of(Kind.SAME, Kind.URGENCY)

    @property
    def n_other(self) -> int:
        """Pairs with different values."""
        return self.of(*OTHER_VALUE)

    @property
    def n_both_positive(self) -> int:
        """Pairs in which both say present or possible."""
        return int(self.states[np.ix_(_IS_POSITIVE, _IS_POSITIVE)].sum())

    @property
    def n_either_positive(self) -> int:
        """Pairs in which both gave a value, and at least one says present or possible."""
        return self.n_both_positive + self.of(Kind.A_ONLY, Kind.B_ONLY)


class Tally:
    """Counts of two raters over any number of reports, which are added a batch at a time."""

    def __init__(self, n_cells: int) -> None:
        self.n_cells = n_cells
        self.n_reports = 0
        self._states = np.zeros((n_cells, N_STATES, N_STATES), dtype=np.int64)
        self._urgencies = np.zeros((n_cells, N_URGENCIES, N_URGENCIES), dtype=np.int64)
        self._kinds = np.zeros((n_cells, len(KINDS)), dtype=np.int64)

    def add(self, pairs: Sequence[tuple[Labels, Labels]]) -> NDArray[np.uint8]:
        """Count these reports; gives the kind of each pair (its place in `KINDS`): a row a report, a column a cell."""
        state_a, urgency_a = self._side([a for a, _ in pairs])
        state_b, urgency_b = self._side([b for _, b in pairs])
        states = state_a.astype(np.intp) * N_STATES + state_b
        urgencies = urgency_a.astype(np.intp) * N_URGENCIES + urgency_b
        kinds = _KIND_TABLE[states * N_URGENCIES**2 + urgencies]
        self.n_reports += len(pairs)
        self._states += self._by_cell(states, N_STATES**2).reshape(self._states.shape)
        self._kinds += self._by_cell(kinds, len(KINDS))
        both_positive = _IS_POSITIVE[state_a] & _IS_POSITIVE[state_b]
        self._urgencies += self._by_cell(urgencies, N_URGENCIES**2, both_positive).reshape(self._urgencies.shape)
        return kinds

    def counts(self, cells: Iterable[int] | None = None) -> Counts:
        """The counts of these cells together, by their place in the schema; None: of all."""
        chosen = slice(None) if cells is None else list(cells)
        return Counts(
            self._states[chosen].sum(axis=0), self._urgencies[chosen].sum(axis=0), self._kinds[chosen].sum(axis=0)
        )

    def _side(self, labels: list[Labels]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        values = _decoded([each.values for each in labels], n_cells=self.n_cells, places=_STATE_PLACES)
        urgencies = _decoded([each.urgencies for each in labels], n_cells=self.n_cells, places=_URGENCY_PLACES)
        return values, urgencies

    def _by_cell(self, codes: NDArray[np.integer], n_codes: int, where: NDArray[np.bool_] | None = None) -> Counts2D:
        """How often each code stands in each cell."""
        numbered = np.arange(self.n_cells, dtype=np.intp) * n_codes + codes
        counted = np.bincount(
            (numbered if where is None else numbered[where]).ravel(), minlength=self.n_cells * n_codes
        )
        return counted.reshape(self.n_cells, n_codes).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which pairs to list: of which kinds, in which cell (None: in any)."""

    kinds: tuple[Kind, ...] = DIFFERENCES
    cell: int | None = None

    @classmethod
    def named(cls, name: str, *, cell: int | None) -> Self:
        """The selection with this name: a kind, else all differences."""
        kinds = (Kind(name),) if name in LISTED else DIFFERENCES
        return cls(kinds, cell)

    def per_report(self, kinds: NDArray[np.uint8]) -> NDArray[np.int64]:
        """How many of the cells in each row of `kinds` are meant."""
        counted: NDArray[np.int64] = self.mask(kinds).sum(axis=1, dtype=np.int64)
        return counted

    def mask(self, kinds: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which of the pairs are meant."""
        found = np.isin(kinds, [KINDS.index(kind) for kind in self.kinds])
        if self.cell is not None:
            found[:, : self.cell] = False
            found[:, self.cell + 1 :] = False
        return found
