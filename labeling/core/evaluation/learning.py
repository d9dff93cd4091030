"""How much more gold is worth: positives until an interval is narrow, and how it has narrowed so far."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.evaluation.clusters import Clusters
from labeling.core.evaluation.rows import Row, plain
from labeling.core.evaluation.sound import codes_of, counts_of
from labeling.core.evaluation.truths import Truth
from labeling.core.metrics.presence import f1, recall

Floats = NDArray[np.float64]
Whole = NDArray[np.integer]

HALF_WIDTH: Final = 0.05
SHARES: Final = tuple(step / 8 for step in range(1, 9))
# Figures whose width the positives decide. What is called positive, which decides that of precision, grows with them.
OF_POSITIVES: Final = ("f1", "recall", "precision")
_LEARNED: Final = {"f1": f1, "recall": recall}


@dataclass(frozen=True, slots=True)
class Needed:
    """About how many `more` positives a figure needs until its interval is as narrow as wished: 0 when it is.

    `more` is None where this cannot be told: see `more_needed`.
    """

    row: str
    metric: str
    half_width: float
    n_positive: int | None
    more: int | None

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is undefined is None."""
        return plain(self)


@dataclass(frozen=True, slots=True)
class Learned:
    """A figure, pooled over cells, of the first `n_cases` cases in reading order."""

    metric: str
    n_cases: int
    n: int
    n_positive: int
    value: float
    low: float
    high: float
    half_width: float

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is undefined is None."""
        return plain(self)


def needed(rows: Sequence[Row], *, half_width: float = HALF_WIDTH) -> list[Needed]:
    """What each of the rows needs; of figures other than `OF_POSITIVES` it cannot be told."""
    found = []
    for row in rows:
        width = (row.high - row.low) / 2
        found.append(Needed(row.row, row.metric, width, row.n_positive, _more_of(row, width, half_width)))
    return found


def _more_of(row: Row, width: float, wished: float) -> int | None:
    if row.n_positive is None or row.metric not in OF_POSITIVES:
        return None
    return more_needed(width, row.n_positive, wished=wished)


def more_needed(half_width: float, n_positive: int, *, wished: float = HALF_WIDTH) -> int | None:
    """About how many more positives until the half width is as `wished`, other things being equal.

    A standard error falls with the root of the sample size (Cochran 1977, ch. 4), so that n positives with the half
    width h stand for n (h / wished)**2. None without positives, without an interval, and where the interval is a
    point: equal resamples say nothing of how sure the figure is.
    """
    if n_positive <= 0 or math.isnan(half_width) or half_width <= 0:
        return None
    in_all = n_positive * (half_width / wished) ** 2
    return max(0, math.ceil(in_all - n_positive - 1e-9))


def learning_curve(
    truth: Truth, said: Truth, clusters: Clusters, order: NDArray[np.integer], shares: Sequence[float] = SHARES
) -> list[Learned]:
    """Pooled F1 and recall of what is `said`, over the first of the cases in `order`, for each of `shares` of them.

    `order` are places of cases, first read first. A share that adds no case adds no point.
    """
    n_cases = dict.fromkeys(math.ceil(share * len(order) - 1e-9) for share in shares)
    return [point for n in n_cases if n for point in _learned(truth, said, clusters, order[:n])]


def _learned(truth: Truth, said: Truth, clusters: Clusters, cases: NDArray[np.integer]) -> list[Learned]:
    known = (truth.known & said.known)[cases]
    codes = codes_of(truth.positive[cases], said.positive[cases], known=known)
    numbers = np.unique(clusters.of_case[cases], return_inverse=True)[1].astype(np.int64)
    part = replace(clusters, of_case=numbers)
    drawn = part.drawn(part.pooled_table(codes, 4).reshape(-1, 2, 2))
    found = drawn.estimated(_figures)
    whole = drawn.whole
    points = []
    for place, metric in enumerate(_LEARNED):
        value, low, high = (float(each[place]) for each in (found.values, found.low, found.high))
        n, n_positive = int(whole.sum()), int(whole[1].sum())
        points.append(Learned(metric, len(cases), n, n_positive, value, low, high, (high - low) / 2))
    return points


def _figures(tables: Whole) -> Floats:
    counts = counts_of(tables)
    return np.stack([figure(counts) for figure in _LEARNED.values()], axis=-1)
