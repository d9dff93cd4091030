"""How well the scores of a run tell present from absent, as plain values that are stored and shown.

Lists of records are stored as columns: `{"threshold": [...], "recall": [...]}`. Thresholds keep all their digits, since
a case is positive when its score is above one; other numbers keep six.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from annotator.core.figure_requests import FigureRequest
from annotator.core.figure_results import Read, truth_of
from labeling.core.evaluation.calibration import Scored, held_out
from labeling.core.evaluation.scored import Scale, scored_conditions
from labeling.core.evaluation.sound import Truth

_EXACT: Final = frozenset({"threshold"})
_COLUMNS: Final = ("roc", "reliability", "threshold_table")
_DIGITS: Final = 6


def score_result(read: Read, scores: NDArray[np.float64], *, scale: Scale, request: FigureRequest) -> dict[str, Any]:
    """Figures of each cell over all cases, and with thresholds of one half of the patients applied to the other.

    `scores` are `(cases, cells)`, NaN where there is none.
    """
    cells, clusters = read.ratings.cells, read.clusters(request)
    names = [f"{cell.target} {cell.finding}" for cell in cells]
    truth = truth_of(read.ratings, request, gold=read.gold.chosen if read.gold else None)
    found = scored_conditions(names, truth, scores, clusters=clusters, scale=scale)
    halves = _held_out(read, truth, scores, names=names, request=request)
    return {
        "scale": scale,
        "conditions": [
            {"cell": str(cell)} | _compact(condition.as_json()) | {"held_out": half}
            for cell, condition, half in zip(cells, found.conditions, halves, strict=True)
        ],
        "micro": _compact(found.micro.as_json()),
        "macro": found.macro.as_json(),
    }


def _held_out(
    read: Read, truth: Truth, scores: NDArray[np.float64], *, names: Sequence[str], request: FigureRequest
) -> list[dict[str, Any]]:
    known = truth.known & ~np.isnan(scores)
    made = []
    for index, name in enumerate(names):
        kept = known[:, index]
        patients = tuple(patient for patient, is_kept in zip(read.patients, kept, strict=True) if is_kept)
        cases = Scored(truth.positive[kept, index], scores[kept, index], patients)
        made.append(held_out(name, cases, n_resamples=request.n_resamples, seed=request.seed).as_json())
    return made


def _compact(condition: Mapping[str, Any]) -> dict[str, Any]:
    return dict(condition) | {name: columns_of(condition[name]) for name in _COLUMNS}


def columns_of(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Records as lists, one for each of their fields; no records are no fields."""
    names = records[0] if records else ()
    return {name: [each[name] if name in _EXACT else _short(each[name]) for each in records] for name in names}


def records_of(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """The records that `columns_of` made columns of."""
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _short(value: Any) -> Any:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
