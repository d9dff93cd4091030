"""Gold as the truth of figures: what of it counts, what stands apart, and what it would be without one reader."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from annotator.core.figure_requests import GOLD, GOLD_ADJUDICATED, GOLD_ASSISTED
from annotator.core.resolution import (
    ADJUDICATED_ORIGINS,
    ASSISTED_ORIGINS,
    BLIND_ORIGINS,
    SETTLED_ORIGINS,
    Origin,
    Resolved,
)
from annotator.core.voices import NO_CODE, Codes
from labeling.core.evaluation.ratings import NO_URGENCY, RANK_OF_CODE, Ratings
from labeling.core.schema import Cell

Origins = tuple[Origin, ...]
# Keys of cases, and cells.
Axis = tuple[tuple[str, ...], tuple[Cell, ...]]
ORIGIN_WORDS: Final[Mapping[Origin, str]] = {
    Origin.SINGLE_BLIND: "one blind reader",
    Origin.DOUBLE_BLIND: "blind readers who agree",
    Origin.MAJORITY: "most blind readers",
    Origin.ADJUDICATED_BLIND: "adjudicated, blind",
    Origin.ASSISTED: "assisted",
    Origin.ADJUDICATED_ASSISTED: "adjudicated, assisted",
    Origin.UNDECIDED: "undecided",
    Origin.EXCLUDED: "excluded",
}


@dataclass(frozen=True, slots=True)
class Beside:
    """Cells in which blind gold and gold of all voices are not the same.

    `n_differs` have another value, `n_blind_only` are undecided by all voices, `n_lacking` have no blind gold.
    """

    n_differs: int
    n_blind_only: int
    n_lacking: int


@dataclass(frozen=True, slots=True)
class GoldTruth:
    """Gold of the cases of figures, each as one rater: of the origins that count, and of those that stand apart.

    `without` is gold of the same origins as it is without the voice of a reader, by name: what that reader is judged
    by. `counts` says how many cells there are of each origin, of gold of all voices; `n_blind` have gold of blind
    voices alone.
    """

    chosen: Ratings
    apart: Ratings
    without: Mapping[str, Ratings]
    counts: Mapping[Origin, int]
    origins: Origins
    n_blind: int
    beside: Beside

    def about(self) -> dict[str, Any]:
        """What it is made of, as plain values; numbers are of cells of cases."""
        n_assisted = sum(self.counts.get(origin, 0) for origin in self.origins if origin in ASSISTED_ORIGINS)
        return {
            "by_origin": {origin.name.lower(): self.counts.get(origin, 0) for origin in Origin},
            "n_cells": int(self.chosen.known.sum()),
            "n_cases": int(self.chosen.rated.sum()),
            "n_assisted": n_assisted,
            "n_apart": int(self.apart.known.sum()),
            "n_undecided": self.counts.get(Origin.UNDECIDED, 0),
            "n_blind": self.n_blind,
            **asdict(self.beside),
        }


def chosen_origins(truth: str) -> tuple[Origins, Origins]:
    """The origins that count as `truth`, and those that stand apart."""
    if truth == GOLD:
        return BLIND_ORIGINS, ASSISTED_ORIGINS
    of_truth = {GOLD_ADJUDICATED: ADJUDICATED_ORIGINS, GOLD_ASSISTED: ASSISTED_ORIGINS}
    return of_truth.get(truth, SETTLED_ORIGINS), ()


def gold_truth(
    resolved: Resolved, blind: Resolved, without: Mapping[str, Resolved], *, truth: str, axis: Axis
) -> GoldTruth:
    """Gold as one rater called as the `truth` that was asked for.

    `resolved` is gold of all voices, `blind` of blind ones alone, which counts where that is the truth.
    """
    counts, stands_apart = chosen_origins(truth)
    return GoldTruth(
        chosen=gold_ratings(blind if truth == GOLD else resolved, counts, name=truth, axis=axis),
        apart=gold_ratings(resolved, stands_apart, name=truth, axis=axis),
        without={reader: gold_ratings(each, counts, name=truth, axis=axis) for reader, each in without.items()},
        counts=origin_counts(resolved.origins),
        origins=counts,
        n_blind=int((blind.values != NO_CODE).sum()),
        beside=_beside(resolved, blind),
    )


def _beside(resolved: Resolved, blind: Resolved) -> Beside:
    is_settled, is_blind = resolved.values != NO_CODE, blind.values != NO_CODE
    return Beside(
        n_differs=int((is_settled & is_blind & (resolved.values != blind.values)).sum()),
        n_blind_only=int((is_blind & ~is_settled).sum()),
        n_lacking=int((is_settled & ~is_blind).sum()),
    )


def gold_ratings(resolved: Resolved, origins: Origins, *, name: str, axis: Axis) -> Ratings:
    """The cells of these origins as what one rater says; not asked elsewhere."""
    counts = np.isin(resolved.origins, [ord(origin) for origin in origins])
    ranks = np.where(counts, RANK_OF_CODE[resolved.values], np.int8(-1))[np.newaxis]
    levels = np.where(counts, resolved.levels, np.int8(NO_URGENCY))[np.newaxis]
    return Ratings((name,), *axis, ranks, levels, np.any(counts, axis=1, keepdims=True).T)


def origin_counts(found: Codes) -> dict[Origin, int]:
    """How many cells are of each origin."""
    codes, times = np.unique(found, return_counts=True)
    n_of = dict(zip(codes.tolist(), times.tolist(), strict=True))
    return {origin: n_of.get(ord(origin), 0) for origin in Origin}
