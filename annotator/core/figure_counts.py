"""The counts that figures of presence are made of, cell by cell and pooled, named as their rows are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.core.evaluation.groups import grouped_cells
from labeling.core.evaluation.ratings import Ratings
from labeling.core.evaluation.truths import Truth
from labeling.core.schema import Cell

Bools = NDArray[np.bool_]
Places = NDArray[np.intp]


def counted(truth: Truth, labels: Ratings) -> list[dict[str, Any]]:
    """Right and wrong answers of a labeler: of each cell, then pooled by finding, by target and over all cells.

    `n_asked` counts the pairs whose truth is known, answered or not.
    """
    positive, known = labels.positive[0], labels.known[0] & truth.known
    parts = {
        "tp": truth.positive & positive & known,
        "fp": ~truth.positive & positive & known,
        "fn": truth.positive & ~positive & known,
        "tn": ~truth.positive & ~positive & known,
        "n_asked": truth.known,
    }
    return _summed(parts, labels.cells)


def counted_pairs(truth: Truth, first: Ratings, second: Ratings) -> list[dict[str, Any]]:
    """Which of two labelers is right where both answered: of each cell, then pooled."""
    known = first.known[0] & second.known[0] & truth.known
    right = [(each.positive[0] == truth.positive) & known for each in (first, second)]
    parts = {
        "both_right": right[0] & right[1],
        "first_only": right[0] & ~right[1],
        "second_only": right[1] & ~right[0],
        "both_wrong": known & ~right[0] & ~right[1],
    }
    return _summed(parts, first.cells)


def _summed(parts: dict[str, Bools], cells: Sequence[Cell]) -> list[dict[str, Any]]:
    sums = {name: part.sum(axis=0) for name, part in parts.items()}

    def entry(row: str, scope: str, members: Sequence[int] | Places, **place: str) -> dict[str, Any]:
        counts = {name: int(each[members].sum()) for name, each in sums.items()}
        return {"row": row, "scope": scope, "target": "", "finding": ""} | place | counts

    made = [
        entry(f"{cell.target} {cell.finding}", "cell", [index], target=cell.target, finding=cell.finding)
        for index, cell in enumerate(cells)
    ]
    groups = grouped_cells(cells)
    for row, members in zip(groups.names[len(cells) :], groups.members, strict=True):
        scope, _, name = row.partition(" ")
        made.append(entry(row, scope, members, **{scope: name}) if name else entry(row, "all", members))
    return made
