"""Who reads which case, while it is being worked out. Sets of readers are bit masks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np


def readers_in(mask: int) -> list[int]:
    """The readers of a set, lowest first."""
    readers = []
    while mask:
        lowest = mask & -mask
        readers.append(lowest.bit_length() - 1)
        mask ^= lowest
    return readers


@dataclass(slots=True)
class Place:
    """One case on the board: how many readers it needs, and who has it.

    `fixed` readers stay, `free` ones may be moved; `before` are those of the free ones who had it before. `barred` ones
    never get it.
    `n_of_patient` counts the patient's cases where these are to stay together, else it is 1.
    """

    key: str
    patient: str
    stratum: int
    n_readers: int
    fixed: int = 0
    free: int = 0
    before: int = 0
    barred: int = 0
    n_of_patient: int = 1

    @property
    def readers(self) -> int:
        """All who read it."""
        return self.fixed | self.free

    @property
    def n_missing(self) -> int:
        """How many readers it lacks."""
        return self.n_readers - self.readers.bit_count()

    def settle(self) -> None:
        """Those who had it before, and still have it, are moved no more."""
        self.fixed |= self.free & self.before
        self.free &= ~self.before

    def admits(self, reader: int) -> bool:
        """Whether the reader may get it: they are not barred and do not have it."""
        return not (self.fixed | self.free | self.barred) >> reader & 1


@dataclass(slots=True)
class Board:
    """Cases, and for each reader the number of cases, at most how many (`room`), and the `share` of a full load.

    `pairs[a][b]` counts the cases that a and b share; `in_stratum[s][a]` those of a in a stratum. `movable[a]` lists
    the cases from which a may be moved, in the order in which they came.
    """

    places: Sequence[Place]
    room: Sequence[int]
    share: Sequence[float]
    n_strata: int
    load: list[int] = field(init=False)
    pairs: list[list[int]] = field(init=False)
    in_stratum: list[list[int]] = field(init=False)
    movable: list[dict[int, None]] = field(init=False)

    def __post_init__(self) -> None:
        n = len(self.room)
        self.load = [0] * n
        self.pairs = [[0] * n for _ in range(n)]
        self.in_stratum = [[0] * n for _ in range(self.n_strata)]
        self.movable = [{} for _ in range(n)]
        for index, place in enumerate(self.places):
            readers = readers_in(place.readers)
            for reader in readers:
                self.load[reader] += 1
                self.in_stratum[place.stratum][reader] += 1
            for a in readers:
                for b in readers:
                    self.pairs[a][b] += a != b
            for reader in readers_in(place.free):
                self.movable[reader][index] = None

    @property
    def readers(self) -> range:
        """All readers."""
        return range(len(self.room))

    def cost(self, reader: int) -> float:
        """How full the reader would be with one case more."""
        return (2 * self.load[reader] + 1) / self.share[reader]

    def relief(self, reader: int) -> float:
        """How full the reader is with the last case that they have."""
        return (2 * self.load[reader] - 1) / self.share[reader]

    def has_room(self, reader: int) -> bool:
        """Whether the reader may get one case more."""
        return self.load[reader] < self.room[reader]

    def add(self, index: int, reader: int) -> None:
        """Give the case to the reader."""
        place = self.places[index]
        self._count(place, reader, step=1)
        place.free |= 1 << reader
        self.movable[reader][index] = None

    def take(self, index: int, reader: int) -> None:
        """Take the case from a reader who may be moved."""
        place = self.places[index]
        place.free &= ~(1 << reader)
        del self.movable[reader][index]
        self._count(place, reader, step=-1)

    def _count(self, place: Place, reader: int, *, step: int) -> None:
        self.load[reader] += step
        self.in_stratum[place.stratum][reader] += step
        row = self.pairs[reader]
        for other in readers_in(place.readers):
            row[other] += step
            self.pairs[other][reader] += step

    def movable_to(self, *, source: int, to: int, at_most: int) -> Iterator[int]:
        """Cases that may go from one reader to the other, at most so many."""
        for index in self.movable[source]:
            if self.places[index].admits(to):
                yield index
                at_most -= 1
                if not at_most:
                    return

    def spread(self) -> int | None:
        """The most cases that two readers share less the fewest; None for fewer than three readers."""
        n = len(self.room)
        if n < 3:
            return None
        counts = np.asarray(self.pairs)[np.triu_indices(n, 1)]
        return int(counts.max() - counts.min())
