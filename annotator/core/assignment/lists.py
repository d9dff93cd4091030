"""The list of one reader: in which order, and which cases come again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotator.core.assignment.allotting import spread
from annotator.core.assignment.dice import draw
from annotator.core.assignment.requests import Order, PlanError, Repeats


@dataclass(frozen=True, slots=True)
class Listed:
    """One place of a list: a case, for the first or the second time."""

    case: str
    round: int


def in_order(cases: Sequence[str], order: Order, *, rank: Mapping[str, int], reader: str, seed: int) -> list[str]:
    """The cases as a reader gets them; `rank` is their given order."""
    if order is Order.GIVEN:
        return sorted(cases, key=lambda case: rank[case])
    return sorted(cases, key=lambda case: (draw(seed, "order", reader, case), case))


def n_repeats(n_cases: int, share: float) -> int:
    """How many of a reader's cases come again."""
    return int(n_cases * share + 0.5)


def room_with_repeats(quota: int, share: float) -> int:
    """The most cases of which, with their repeats, there are no more than `quota` readings."""
    n = int(quota / (1 + share))
    while n + 1 + n_repeats(n + 1, share) <= quota:
        n += 1
    while n and n + n_repeats(n, share) > quota:
        n -= 1
    return n


def with_repeats(
    first: Sequence[str],
    again: set[str],
    *,
    n_before: int,
    repeats: Repeats,
    strata: Mapping[str, str],
    reader: str,
    seed: int,
) -> list[Listed]:
    """The places to come of a reader's list: `first` from `n_before` on, and the cases that come again between them.

    `first` holds all cases of the reader in order; `again` are those that come again already. Which cases come again is
    drawn from those with enough others after them, spread over the strata; where, from the places far enough behind.
    """
    n_wanted = max(0, n_repeats(len(first), repeats.share) - len(again))
    early = first[: max(0, len(first) - repeats.after_cases)]
    open_to = [case for case in early if case not in again]
    if len(open_to) < n_wanted:
        raise PlanError(
            f"Reader {reader}: {n_wanted} of {len(first)} cases are to come again after at least "
            f"{repeats.after_cases} others, and {len(open_to)} have that many others after them."
        )
    open_to.sort(key=lambda case: (strata[case], draw(seed, "repeat", reader, case), case))
    chosen = {case for case, is_chosen in zip(open_to, spread(n_wanted, len(open_to)), strict=True) if is_chosen}
    behind: dict[int, list[str]] = {}
    for place, case in enumerate(first):
        if case in chosen:
            least = max(n_before, place + 1 + repeats.after_cases)
            gap = least + draw(seed, "gap", reader, case) % (len(first) - least + 1)
            behind.setdefault(gap, []).append(case)
    listed = []
    for gap in range(n_before, len(first) + 1):
        listed += [Listed(case, 2) for case in behind.get(gap, ())]
        if gap < len(first):
            listed.append(Listed(first[gap], 1))
    return listed
