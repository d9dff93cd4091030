"""Strata of cases, and which of them are drawn."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from annotator.core.assignment.dice import draw
from annotator.core.assignment.requests import PlanCase, PlanError, PlanRequest

_WORDS: Final = {True: "rare finding predicted", False: "no rare finding predicted", None: "no machine labels"}


def is_rare(positive: NDArray[np.bool_], *, below: float) -> NDArray[np.bool_]:
    """Cases that a machine calls positive in a cell that it calls positive in less than the share `below` of cases.

    `positive` is `(cases, cells)`; the answer is `(cases,)`.
    """
    if not len(positive):
        return np.zeros(0, np.bool_)
    return np.asarray(positive[:, positive.mean(axis=0) < below].any(axis=1))


def stratum_name(modality: str, predicted_rare: bool | None) -> str:
    """`CT · rare finding predicted`. `predicted_rare` is None for a case that has no machine labels."""
    return " · ".join(part for part in (modality, _WORDS[predicted_rare]) if part)


def wanted_at(rates: Mapping[str, float], sizes: Mapping[str, int]) -> dict[str, int]:
    """Cases to read by stratum at sampling `rates` from 0 to 1; at least one of a stratum that has a rate above 0."""
    return {
        stratum: max(int(rate * sizes[stratum] + 0.5), 1 if rate > 0 and sizes[stratum] else 0)
        for stratum, rate in rates.items()
        if stratum in sizes
    }


def draw_cases(request: PlanRequest) -> tuple[list[PlanCase], dict[str, float]]:
    """The cases that are read, and the probability with which each was drawn.

    Cases with seats stay. The others of a stratum are drawn without replacement until it has the number that is wanted.
    A case's probability is the share that is read of its stratum in its batch.
    """
    unknown = sorted(set(request.wanted) - {case.stratum for case in request.cases})
    if unknown:
        raise PlanError(f"No case is in the stratum {unknown[0]!r}: expected a stratum that has cases.")
    has_seat = {seat.case for seat in request.held}
    members: dict[str, list[PlanCase]] = defaultdict(list)
    for case in request.cases:
        members[case.stratum].append(case)
    chosen: list[PlanCase] = []
    for stratum, cases in sorted(members.items()):
        chosen += _drawn(stratum, cases, request=request, has_seat=has_seat)
    if not chosen:
        raise PlanError("0 cases are wanted in every stratum: expected at least one case to read.")
    return chosen, _probabilities(request.cases, chosen)


def _drawn(stratum: str, cases: Sequence[PlanCase], *, request: PlanRequest, has_seat: set[str]) -> list[PlanCase]:
    n_wanted = request.wanted.get(stratum, len(cases))
    if n_wanted > len(cases):
        raise PlanError(f"{n_wanted} cases of the stratum {stratum!r} are wanted, and it has {len(cases)}.")
    kept = [case for case in cases if case.key in has_seat]
    free = [case for case in cases if case.key not in has_seat]
    free.sort(key=lambda case: (draw(request.seed, "draw", case.key), case.key))
    return kept + free[: max(0, n_wanted - len(kept))]


def _probabilities(frame: Sequence[PlanCase], chosen: Sequence[PlanCase]) -> dict[str, float]:
    sizes: dict[tuple[str, str], int] = defaultdict(int)
    drawn: dict[tuple[str, str], int] = defaultdict(int)
    for case in frame:
        sizes[case.stratum, case.batch] += 1
    for case in chosen:
        drawn[case.stratum, case.batch] += 1
    share = {group: float(Fraction(n, sizes[group])) for group, n in drawn.items()}
    return {case.key: share[case.stratum, case.batch] for case in chosen}
