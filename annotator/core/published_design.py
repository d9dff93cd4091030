"""Who read what in a study that is over, told as a plan of assignment is told."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any


@dataclass(frozen=True, slots=True)
class Design:
    """Readers of each case, by the key of the case; readers in the order of their names."""

    readers_of: Mapping[str, Sequence[str]]

    @property
    def readers(self) -> list[str]:
        """All of them."""
        return sorted({reader for readers in self.readers_of.values() for reader in readers})

    @property
    def n_seats(self) -> int:
        """Readings that there are."""
        return sum(map(len, self.readers_of.values()))

    def request(self) -> dict[str, Any]:
        """What a plan would have been asked for."""
        counts = sorted(Counter(map(len, self.readers_of.values())).items())
        n_cases = len(self.readers_of)
        return {
            "design": "as published",
            "readers": [{"name": reader, "quota": None} for reader in self.readers],
            "overlap": [[n, count / n_cases] for n, count in counts],
            "arms": {"blank": 1.0},
            "seed": 0,
        }

    def summary(self) -> dict[str, Any]:
        """Cases of each reader, and how many each two share."""
        loads = Counter(reader for readers in self.readers_of.values() for reader in readers)
        return {
            "n_cases": len(self.readers_of),
            "n_new": self.n_seats,
            "n_kept": 0,
            "n_moved": 0,
            "n_repeats": 0,
            "cases_by_readers": {str(n): count for n, count in Counter(map(len, self.readers_of.values())).items()},
            "loads": [{"reader": reader, "n_cases": loads[reader]} for reader in self.readers],
            "pairs": _shared(self.readers, self.readers_of.values()),
            "notes": ["who reads what is as published; nothing was drawn"],
        }


def design_of(said: Collection[tuple[str, str]]) -> Design:
    """The design behind pairs of case and reader."""
    readers_of: dict[str, list[str]] = defaultdict(list)
    for case, reader in sorted(said):
        readers_of[case].append(reader)
    return Design(dict(readers_of))


def _shared(readers: Sequence[str], together: Collection[Sequence[str]]) -> list[list[int]]:
    """How many cases each two share, by their places; the diagonal is 0."""
    place = {reader: number for number, reader in enumerate(readers)}
    pairs = [[0] * len(readers) for _ in readers]
    for each in together:
        for a, b in combinations(each, 2):
            pairs[place[a]][place[b]] += 1
            pairs[place[b]][place[a]] += 1
    return pairs
