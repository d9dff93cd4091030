"""How many readers each case gets."""

from collections.abc import Sequence

from annotator.core.assignment.allotting import apportion, spread
from annotator.core.assignment.dice import draw
from annotator.core.assignment.requests import Overlap, PlanCase


def readers_by_case(cases: Sequence[PlanCase], overlap: Sequence[Overlap], *, seed: int) -> dict[str, int]:
    """Readers by case: the shares of `overlap` within 1 case, overall and in each stratum.

    A case that had readers keeps their number; the others fill what is then missing of each share. With one share, a
    case gets more where more are asked for now.
    """
    if len(overlap) == 1:
        least = overlap[0].n_readers
        return {case.key: max(least, case.n_readers or 0) for case in cases}
    counts = {case.key: case.n_readers for case in cases if case.n_readers is not None}
    free = sorted(
        (case for case in cases if case.n_readers is None),
        key=lambda case: (case.stratum, draw(seed, "overlap", case.key), case.key),
    )
    missing = _missing(overlap, taken=list(counts.values()), n_free=len(free), n_cases=len(cases))
    for part, n in zip(overlap, missing, strict=True):
        is_chosen = spread(n, len(free))
        for case, chosen in zip(free, is_chosen, strict=True):
            if chosen:
                counts[case.key] = part.n_readers
        free = [case for case, chosen in zip(free, is_chosen, strict=True) if not chosen]
    return counts


def _missing(overlap: Sequence[Overlap], *, taken: Sequence[int], n_free: int, n_cases: int) -> list[int]:
    """How many of the `n_free` cases each share still gets."""
    goals = apportion(n_cases, [part.share for part in overlap])
    short = [max(0, goal - sum(n == part.n_readers for n in taken)) for goal, part in zip(goals, overlap, strict=True)]
    if sum(short) == n_free:
        return short
    return apportion(n_free, short if sum(short) else [part.share for part in overlap])
