"""Arms of seats: drawn by chance within each reader and stratum, and even there within 1."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import Final

from annotator.core.assignment.allotting import apportion
from annotator.core.assignment.dice import draw

BLANK: Final = "blank"
PREFILLED: Final = "prefilled"


@dataclass(frozen=True, slots=True)
class ArmSeat:
    """A first reading; `reader` is None in a queue, `arm` is None where it is to be drawn."""

    case: str
    reader: str | None
    stratum: str
    arm: str | None = None


def draw_arms(seats: Sequence[ArmSeat], shares: Mapping[str, float], *, seed: int) -> list[str]:
    """The arm of each seat: its own, or one drawn so that each reader has the shares within 1, in every stratum.

    What cannot be split goes to the arms of which the reader has too few over all strata.
    """
    arms = [seat.arm for seat in seats]
    groups: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index in _by_chance(seats, seed=seed):
        groups[seats[index].reader or ""][seats[index].stratum].append(index)
    for reader, strata in sorted(groups.items()):
        lead = dict.fromkeys(shares, 0.0)
        for stratum, members in sorted(strata.items()):
            free = [index for index in members if arms[index] is None]
            has = Counter(arms[index] for index in members if arms[index] is not None)
            coins = {arm: draw(seed, "coin", reader, stratum, arm) for arm in shares}
            goals = _goals(len(members), shares, lead=lead, coins=coins)
            for index, arm in zip(free, _missing(goals, has, n=len(free)), strict=True):
                arms[index] = arm
            for arm, share in shares.items():
                lead[arm] += sum(arms[index] == arm for index in members) - share * len(members)
    return [arm or "" for arm in arms]


def _by_chance(seats: Sequence[ArmSeat], *, seed: int) -> list[int]:
    """The seats in a random order that does not depend on the one in which they come."""
    n_seen: Counter[tuple[str, str]] = Counter()
    ranks = []
    for index, seat in enumerate(seats):
        name = (seat.case, seat.reader or "")
        n_seen[name] += 1
        ranks.append((draw(seed, "arm", *name, str(n_seen[name])), *name, index))
    return [rank[-1] for rank in sorted(ranks)]


def _goals(
    n: int, shares: Mapping[str, float], *, lead: Mapping[str, float], coins: Mapping[str, int]
) -> dict[str, int]:
    goals = {arm: floor(n * share + 1e-9) for arm, share in shares.items()}
    rests = {arm: n * share - goals[arm] for arm, share in shares.items()}
    split = [arm for arm in shares if rests[arm] > 1e-9]
    split.sort(key=lambda arm: (round(lead[arm] - rests[arm], 9), coins[arm]))
    for arm in split[: n - sum(goals.values())]:
        goals[arm] += 1
    return goals


def _missing(goals: Mapping[str, int], has: Mapping[str | None, int], *, n: int) -> list[str]:
    """The arms of the `n` seats that are free, those of which most is missing first."""
    short = {arm: max(0, goal - has.get(arm, 0)) for arm, goal in goals.items()}
    counts = list(short.values()) if sum(short.values()) == n else apportion(n, list(short.values()))
    return [arm for arm, count in zip(short, counts, strict=True) for _ in range(count)]


def mix_arms(seats: Sequence[ArmSeat], *, seed: int) -> list[str]:
    """The arm of each seat: its own, or one drawn so that each case with two seats has a blank and a pre-filled one.

    Seats of a case are joined two by two, and so are those of a reader in a stratum; joined seats get different arms.
    Both ways together make chains and even rings, so that both hold for all seats that are drawn in one go, and readers
    have half of each arm within 1. Where seats have arms from before, cases come first.
    """
    joined = _Joined(seats)
    by_chance = _by_chance(seats, seed=seed)
    by_case: dict[str, list[int]] = defaultdict(list)
    for index in by_chance:
        by_case[seats[index].case].append(index)
    for members in by_case.values():
        joined.mix_case(members)
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index in by_chance:
        groups[seats[index].reader or "", seats[index].stratum].append(index)
    left_over: dict[str, list[int]] = defaultdict(list)
    for (reader, _), members in sorted(groups.items()):
        left_over[reader] += joined.pair_off(members)
    for members in left_over.values():
        joined.pair_off(members)
    return [
        BLANK if joined.is_blank(index, coin=lambda root: draw(seed, "coin", str(root)) % 2 == 0) else PREFILLED
        for index in range(len(seats))
    ]


class _Joined:
    """Seats of which it is known that they have the same arm or different ones (sets with parity).

    Place 0 stands for an arm that is blank; seat i is place i + 1.
    """

    def __init__(self, seats: Sequence[ArmSeat]) -> None:
        self._above = list(range(len(seats) + 1))
        self._differs = [False] * (len(seats) + 1)
        for index, seat in enumerate(seats):
            if seat.arm is not None:
                self._join(0, index + 1, differ=seat.arm != BLANK)

    def _root(self, place: int) -> tuple[int, bool]:
        """The root, and whether the place differs from it."""
        way = []
        while self._above[place] != place:
            way.append(place)
            place = self._above[place]
        differs = False
        for step in reversed(way):
            differs ^= self._differs[step]
            self._above[step], self._differs[step] = place, differs
        return place, differs

    def _join(self, a: int, b: int, *, differ: bool) -> bool:
        """Say that two places differ, or do not; False where the contrary is known."""
        (root_a, differs_a), (root_b, differs_b) = self._root(a), self._root(b)
        if root_a == root_b:
            return (differs_a ^ differs_b) == differ
        low, high = sorted((root_a, root_b))
        self._above[high] = low
        self._differs[high] = differs_a ^ differs_b ^ differ
        return True

    def _known(self, index: int) -> bool | None:
        """Whether the seat is known not to be blank, None where that is open."""
        root, differs = self._root(index + 1)
        return differs if root == 0 else None

    def mix_case(self, members: Sequence[int]) -> None:
        """Join the seats of a case two by two; one whose arms are all the same so far gets the other one."""
        known = {self._known(index) for index in members} - {None}
        free = [index for index in members if self._known(index) is None]
        if len(known) == 1 and free:
            self._join(0, free.pop(0) + 1, differ=not known.pop())
        for a, b in zip(free[::2], free[1::2], strict=False):
            self._join(a + 1, b + 1, differ=True)

    def pair_off(self, members: Sequence[int]) -> list[int]:
        """Join seats of a reader two by two, after making up for known arms that are not even; who remains alone."""
        known = [self._known(index) for index in members]
        n_more_blank = known.count(False) - known.count(True)
        alone: int | None = None
        for index in (index for index, arm in zip(members, known, strict=True) if arm is None):
            arm = self._known(index)
            if arm is None and n_more_blank:
                arm = n_more_blank > 0
                self._join(0, index + 1, differ=arm)
            if arm is not None:
                n_more_blank += -1 if arm else 1
            elif alone is None:
                alone = index
            elif self._join(alone + 1, index + 1, differ=True):
                alone = None
        return [] if alone is None else [alone]

    def is_blank(self, index: int, *, coin: Callable[[int], bool]) -> bool:
        """Whether the seat is blank; what is open is decided by `coin` of its root."""
        root, differs = self._root(index + 1)
        return (True if root == 0 else coin(root)) ^ differs
