"""Two raters or labelers on the same pairs: differences with intervals, and three tests of "no difference"."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.evaluation.clusters import Clusters, Drawn, Estimates
from labeling.core.evaluation.ratings import Ratings
from labeling.core.evaluation.rows import plain
from labeling.core.evaluation.sound import codes_of, counts_of
from labeling.core.evaluation.truths import Truth
from labeling.core.metrics.means import mean_over, where_both
from labeling.core.metrics.paired import mcnemar_p, permutation_p, swap_clusters
from labeling.core.metrics.presence import FIGURES, accuracy, macro
from labeling.core.metrics.resampling import bootstrap_p, holm

Floats = NDArray[np.float64]
Whole = NDArray[np.integer]

ACCURACY: Final = "accuracy"
COMPARED: Final = (*FIGURES, ACCURACY)
_FIGURES: Final = (*FIGURES.values(), accuracy)
_POOLED: Final = ("micro", "macro")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A figure of two raters on the same pairs, and their difference, first less second, each with its 95 % interval.

    `row` is a cell (`liver focal`), `micro` or `macro`; a macro figure is over the cells in which both are defined. p
    is two-sided, "no difference", and `holm_...` the same corrected for the number of cells of this metric. McNemar's
    test is of being right, and so of the accuracy in a cell. What does not apply or is undefined is NaN.
    """

    row: str
    metric: str
    first: float
    first_low: float
    first_high: float
    second: float
    second_low: float
    second_high: float
    difference: float
    low: float
    high: float
    n: int | None
    n_positive: int | None
    p_bootstrap: float
    p_permutation: float
    p_mcnemar: float
    holm_bootstrap: float
    holm_permutation: float
    holm_mcnemar: float

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is undefined is None."""
        return plain(self)


def compared(reference_truth: Truth, first: Ratings, second: Ratings, clusters: Clusters) -> list[Compared]:
    """Every figure in each cell, pooled and as mean over cells, for each of `COMPARED`.

    Over the cells that both answered and whose truth is known. `first` and `second` hold one rater each (a labeler, or
    a human of `Ratings.of_rater`), with the same cases and cells. Raises ValueError otherwise.
    """
    if (first.case_ids, first.cells) != (second.case_ids, second.cells) or len(first.raters + second.raters) != 2:
        raise ValueError("expected are two raters with the same cases and cells")
    known = reference_truth.known & first.known[0] & second.known[0]
    codes = codes_of(reference_truth.positive, first.positive[0], second.positive[0], known=known)
    drawn = clusters.drawn(clusters.tables(codes, 8).reshape(-1, len(first.cells), 2, 2, 2))
    found = _estimated(drawn)
    swapped = swap_clusters(drawn.by_cluster, n_resamples=clusters.n_resamples, rng=clusters.rng("swaps"))
    tests = {
        "bootstrap": bootstrap_p(found.samples[..., -1, :]),
        "permutation": permutation_p(_differences(swapped), found.values[..., -1, :]),
        "mcnemar": _mcnemar(drawn.whole),
    }
    names = [*(f"{cell.target} {cell.finding}" for cell in first.cells), *_POOLED]
    return _records(names, drawn.whole, found, tests)


def _estimated(drawn: Drawn) -> Estimates:
    """Both sides and their difference; means of resamples are over the cells in which the data define both."""
    counted = ~np.isnan(where_both(_both(drawn.whole)[..., : -len(_POOLED)]))

    def figures(tables: Whole) -> Floats:
        both = _both(tables)
        both[..., -1] = mean_over(where_both(both[..., : -len(_POOLED)]), counted)
        return _with_difference(both)

    return drawn.estimated(figures).with_last_a_mean()


def _both(tables: Whole) -> Floats:
    """Figures `(..., metrics, 2, cells + 2)` of tables `(..., cells, truth, first, second)`, then micro and macro.

    The mean is over the cells in which both figures of these very tables are defined: among permutations, which may be
    any tables alike, this keeps the test exact.
    """
    pooled = np.concatenate([tables, tables.sum(axis=-4, keepdims=True)], axis=-4)
    sides = [counts_of(pooled.sum(axis=axis)) for axis in (-1, -2)]
    both = np.stack([np.stack([figure(side) for side in sides], axis=-2) for figure in _FIGURES], axis=-3)
    mean = macro(where_both(both[..., :-1]))[0]
    return np.concatenate([both, mean[..., np.newaxis]], axis=-1)


def _with_difference(both: Floats) -> Floats:
    """Figures `(..., 3, rows)`: those of both sides, and their difference."""
    return np.concatenate([both, both[..., :1, :] - both[..., 1:, :]], axis=-2)


def _differences(tables: Whole) -> Floats:
    return np.asarray(_with_difference(_both(tables))[..., -1, :])


def _mcnemar(whole: Whole) -> Floats:
    """McNemar's p of being right, in the cells; NaN for other figures, and where one case has several pairs."""
    p = np.full((len(_FIGURES), whole.shape[0] + len(_POOLED)), np.nan)
    for cell, table in enumerate(whole):
        if table.sum():
            only = [int(table[1, first, second] + table[0, second, first]) for first, second in ((1, 0), (0, 1))]
            p[COMPARED.index(ACCURACY), cell] = mcnemar_p(*only)
    return p


def _records(names: Sequence[str], whole: Whole, found: Estimates, tests: dict[str, Floats]) -> list[Compared]:
    tables = [*whole, whole.sum(axis=0)]
    records = []
    for metric, metric_name in enumerate(COMPARED):
        corrected = {name: holm(list(p[metric, : len(whole)])) for name, p in tests.items()}
        for row, name in enumerate(names):
            table = tables[row] if row < len(tables) else None
            p_values = {f"p_{test}": float(p[metric, row]) for test, p in tests.items()}
            for test, cells in corrected.items():
                p_values[f"holm_{test}"] = float(cells[row]) if row < len(whole) else float("nan")
            records.append(
                Compared(
                    row=name,
                    metric=metric_name,
                    **_ends(found, metric=metric, row=row),
                    n=None if table is None else int(table.sum()),
                    n_positive=None if table is None else int(table[1].sum()),
                    **p_values,
                )
            )
    return records


def _ends(found: Estimates, *, metric: int, row: int) -> dict[str, float]:
    """Both sides and their difference with their intervals, as `Compared` names them."""
    ends = {}
    for place, (name, before) in enumerate((("first", "first_"), ("second", "second_"), ("difference", ""))):
        ends[name] = float(found.values[metric, place, row])
        ends[f"{before}low"] = float(found.low[metric, place, row])
        ends[f"{before}high"] = float(found.high[metric, place, row])
    return ends
