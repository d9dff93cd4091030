"""Shares of answers, of one arm: what readers did with the machine's errors, and with errors that were planted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from annotator.core.arms.contrasts import Rows
from annotator.core.arms.counts import UNIT, changed
from annotator.core.arms.readings import ArmReadings, Floats, Ints, Whole
from labeling.core.evaluation.rows import plain
from labeling.core.metrics.jackknife import jackknifed, wilson_interval

CORRECTED: Final = "corrected"
BROKEN: Final = "broken"


@dataclass(frozen=True, slots=True)
class Share:
    """`n_counted` of `n` answers, with the 95 % interval of their share by patient; NaN of none, and of one patient."""

    row: str
    scope: str
    metric: str
    value: float
    low: float
    high: float
    n_counted: float
    n: float
    n_patients: int

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is undefined is None."""
        return plain(self)


def error_shares(readings: ArmReadings, rows: Sequence[Rows]) -> list[Share]:
    """Of wrong machine values shown to pre-filled readers those that they changed, and of right ones those."""
    shown = readings.only(readings.is_prefilled)
    found = []
    for row in rows:
        own = shown if row.reader is None else shown.only(shown.reader == row.reader)
        counts = changed(own, row.columns)
        for index, metric in enumerate((CORRECTED, BROKEN)):
            pairs = counts[:, [index, index + 2]]
            found.append(share_of(own.patient, pairs, name=(row.name, row.scope, metric), unit=UNIT))
    return found


def share_of(patient: Ints, counts: Whole, *, name: tuple[str, str, str], unit: int = 1) -> Share:
    """The share of the first of `counts` `(answers, 2)` in the second; `name` are row, scope and metric."""
    clusters = np.unique(patient, return_inverse=True)[1]
    sums = np.zeros((int(clusters.max(initial=-1)) + 1, 2), np.int64)
    np.add.at(sums, clusters, counts)
    found = jackknifed(sums, _share)
    n_patients = int((sums[:, 1] > 0).sum())
    # A share of all or none does not vary, yet is not known for sure.
    error = np.where((found.values == 0) | (found.values == 1), 0.0, found.errors)
    low, high = wilson_interval(found.values, error=error, n_clusters=np.array(n_patients))
    n_counted, n = (float(each) / unit for each in sums.sum(axis=0))
    return Share(*name, float(found.values), float(low), float(high), n_counted, n, n_patients)


def _share(sums: Whole) -> Floats:
    whole = np.asarray(sums[..., 1], np.float64)
    return np.asarray(np.divide(sums[..., 0], whole, out=np.full(whole.shape, np.nan), where=whole > 0))
