"""The default protocol: one truth and the same cells for all, patients drawn as wholes, undefined is never 0.

Truth is what most raters say of a cell, among those who said whether it is there; a tie is no truth. The labeler is
judged wherever there is a truth and it answered; how often it did is its coverage. A human is judged by what most of
the others say, and the labeler beside it on the same pairs. Values are those of the data, not of resamples.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.evaluation.clusters import Clusters, Drawn, Estimates
from labeling.core.evaluation.groups import Grouped, grouped_cells
from labeling.core.evaluation.ratings import NO_URGENCY, Ratings
from labeling.core.evaluation.rows import Row
from labeling.core.evaluation.truths import (
    Levels,
    Truth,
    adjudicated,
    given_urgencies,
    majority,
    of_rater,
    urgency_truth,
)
from labeling.core.metrics.agreement import cohen_kappa, ordinal_weights
from labeling.core.metrics.means import mean_over, where_both
from labeling.core.metrics.ordinal import tau_b
from labeling.core.metrics.presence import FIGURES, Counts
from labeling.core.metrics.resampling import bootstrap_p
from labeling.core.values import URGENCY_LEVELS

__all__ = ["COVERAGE", "Clusters", "Truth", "adjudicated", "majority", "of_rater", "presence_rows", "urgency_rows"]

Floats = NDArray[np.float64]
Whole = NDArray[np.integer]
Bools = NDArray[np.bool_]

COVERAGE: Final = "coverage"
ORDER_FIGURES: Final = ("tau_b", "kappa_quadratic", "kappa_linear")
_N_LEVELS: Final = len(URGENCY_LEVELS)


def presence_rows(
    reference: Ratings,
    labeler: Ratings,
    truth: Truth,
    clusters: Clusters,
    *,
    adjudicator: str | None = None,
    truth_rater: str | None = None,
    truths_for: Mapping[str, Truth] | None = None,
) -> list[Row]:
    """The labeler in each cell, finding and target, pooled ("micro"), as mean over cells ("macro"), and beside humans.

    `labeler` holds one rater; all have the same cases and cells. A rater `adjudicator` of the reference is no human
    that is judged: it decides what is true for the others, where it answered. Nor is `truth_rater`, who alone says what
    is true for the others. With `truths_for` humans are judged by these, and only those whom it names.
    """
    said = Truth(labeler.positive[0], labeler.known[0])
    rows = list(_labeler_rows(reference, said, truth, clusters))
    if truths_for is None:
        truths_for = _truths_for(reference, adjudicator=adjudicator, truth_rater=truth_rater)
    return rows + list(_human_rows(reference, said, clusters, truths_for))


def _labeler_rows(reference: Ratings, said: Truth, truth: Truth, clusters: Clusters) -> Iterator[Row]:
    groups = grouped_cells(reference.cells)
    n_cells = len(reference.cells)
    codes = codes_of(truth.positive, said.positive, known=truth.known & said.known)
    drawn = clusters.drawn(clusters.tables(codes, 4).reshape(-1, n_cells, 2, 2))

    def figures(tables: Whole) -> Floats:
        counts = counts_of(groups.pooled(tables))
        return np.stack([figure(counts) for figure in FIGURES.values()], axis=-2)

    found = _with_macro(drawn, figures, n_cells)
    whole = groups.pooled(drawn.whole)
    n, n_positive = whole.sum(axis=(1, 2)), whole[:, 1].sum(axis=1)
    for metric, name in enumerate(FIGURES):
        for index, row in enumerate((*groups.names, "macro")):
            behind = (int(n[index]), int(n_positive[index])) if row != "macro" else (None, None)
            yield _row(row, name, found, (metric, index), n=behind[0], n_positive=behind[1])
    yield from _coverage_rows(groups, truth.known.sum(axis=0), n)


def _coverage_rows(groups: Grouped, n_asked: Whole, n_answered: Whole) -> Iterator[Row]:
    asked = groups.pooled(n_asked[:, np.newaxis, np.newaxis])[:, 0, 0]
    for name, each, n in zip(groups.names, asked, n_answered, strict=True):
        yield Row(name, COVERAGE, float(n / each) if each else float("nan"), n=int(each))


def _with_macro(drawn: Drawn, figures: Callable[[Whole], Floats], n_cells: int) -> Estimates:
    """Figures of rows `(..., rows)`, the first of which are cells, and the mean over cells behind them.

    The mean is over the cells whose figure the data define, in every resample.
    """
    counted = ~np.isnan(figures(drawn.whole)[..., :n_cells])

    def all_figures(tables: Whole) -> Floats:
        found = figures(tables)
        return np.concatenate([found, mean_over(found[..., :n_cells], counted)[..., np.newaxis]], axis=-1)

    return drawn.estimated(all_figures).with_last_a_mean()


def _row(
    row: str,
    metric: str,
    found: Estimates,
    place: tuple[int, ...],
    *,
    n: int | None = None,
    n_positive: int | None = None,
    p: float | None = None,
) -> Row:
    value, low, high = (float(each[place]) for each in (found.values, found.low, found.high))
    return Row(row, metric, value, low, high, n, n_positive, p)


def codes_of(*vectors: Bools, known: Bools) -> NDArray[np.int8]:
    """The vectors' values as digits of one number, -1 where they are not known."""
    codes = np.zeros(known.shape, np.int8)
    for vector in vectors:
        codes *= 2
        codes += vector
    codes[~known] = -1
    return codes


def counts_of(tables: Whole) -> Counts:
    """Counts of tables `(..., truth, prediction)`."""
    return Counts(tables[..., 1, 1], tables[..., 0, 1], tables[..., 1, 0], tables[..., 0, 0])


# Humans


def _human_rows(reference: Ratings, said: Truth, clusters: Clusters, truths_for: Mapping[str, Truth]) -> Iterator[Row]:
    """Each human and the labeler, pooled over the pairs that both and the truth know; then their means over humans.

    The p is of "no difference". All humans see the same resamples of patients.
    """
    names, tables = [], []
    for rater, human in enumerate(reference.raters):
        truth = truths_for.get(human)
        if truth is None or not truth.known.any():
            continue
        own = Truth(reference.positive[rater], reference.known[rater])
        codes = codes_of(truth.positive, own.positive, said.positive, known=truth.known & own.known & said.known)
        tables.append(clusters.pooled_table(codes, 8))
        names.append(f"human {human}")
    if not names:
        return
    drawn = clusters.drawn(np.stack(tables, axis=1).reshape(-1, len(names), 2, 2, 2))
    found = _with_average(drawn)
    p_values = bootstrap_p(found.samples[:, :, 0] - found.samples[:, :, 1])
    for index, name in enumerate((*names, "human average")):
        whole = drawn.whole[index] if index < len(names) else None
        n, n_positive = (None, None) if whole is None else (int(whole.sum()), int(whole[1].sum()))
        for metric, figure in enumerate(FIGURES):
            p = float(p_values[metric, index])
            yield _row(name, figure, found, (metric, 0, index), n=n, n_positive=n_positive, p=p)
            yield _row(f"{name} / labeler", figure, found, (metric, 1, index), n=n, n_positive=n_positive)


def _with_average(drawn: Drawn) -> Estimates:
    """Figures of `_both_sides` and behind them the means over the humans in whom the data define both sides."""
    counted = ~np.isnan(where_both(_both_sides(drawn.whole)))

    def figures(tables: Whole) -> Floats:
        both = _both_sides(tables)
        return np.concatenate([both, mean_over(where_both(both), counted)[..., np.newaxis]], axis=-1)

    return drawn.estimated(figures).with_last_a_mean()


def _truths_for(reference: Ratings, *, adjudicator: str | None, truth_rater: str | None) -> dict[str, Truth]:
    """What each human is judged by: never by itself."""

    def truth_for(rater: int) -> Truth:
        if truth_rater is not None:
            return of_rater(reference, truth_rater)
        if adjudicator is None:
            return majority(reference, without=rater)
        return adjudicated(reference, adjudicator, without=rater)

    judged = (name for name in reference.raters if name not in (adjudicator, truth_rater))
    return {name: truth_for(reference.raters.index(name)) for name in judged}


def _both_sides(tables: Whole) -> Floats:
    """Figures `(..., metrics, 2, humans)` of tables `(..., humans, truth, human, labeler)`: of human, then labeler."""
    human, labeler = counts_of(tables.sum(axis=-1)), counts_of(tables.sum(axis=-2))
    return np.stack([np.stack([figure(human), figure(labeler)], axis=-2) for figure in FIGURES.values()], axis=-3)


# Urgency


def urgency_rows(
    reference: Ratings,
    labeler: Ratings,
    clusters: Clusters,
    *,
    adjudicator: str | None = None,
    truth_rater: str | None = None,
    truth: Levels | None = None,
) -> list[Row]:
    """Order of the labeler's urgencies beside the true ones, in each cell, finding and target.

    True are those of `truth`, or by `urgency_truth` where it is None.

    Also pooled ("micro") and as mean over cells ("macro"). Over cases that have a true urgency, and in which the
    labeler calls the cell positive and gave one. Raises KeyError when there is no rater as named.
    """
    groups, n_cells = grouped_cells(reference.cells), len(reference.cells)
    if truth is None:
        truth = urgency_truth(reference, truth_rater=truth_rater, adjudicator=adjudicator)
    if not n_cells:
        return []
    said = given_urgencies(labeler)[0]
    codes = np.where((truth != NO_URGENCY) & (said != NO_URGENCY), _N_LEVELS * truth + said, -1).astype(np.int8)
    tables = clusters.tables(codes, _N_LEVELS**2).reshape(-1, n_cells, _N_LEVELS, _N_LEVELS)

    def figures(tables: Whole) -> Floats:
        return _order_figures(groups.pooled(tables))

    found = _with_macro(clusters.drawn(tables), figures, n_cells)
    n = groups.pooled(tables.sum(axis=0)).sum(axis=(1, 2)).tolist()
    behind = [*zip(groups.names, n, strict=True), ("macro", None)]
    return [
        _row(name, metric, found, (place, index), n=n_pairs)
        for place, metric in enumerate(ORDER_FIGURES)
        for index, (name, n_pairs) in enumerate(behind)
    ]


def _order_figures(tables: Whole) -> Floats:
    """Figures `(..., 3, rows)` of tables `(..., rows, levels, levels)`."""
    whole = tables.astype(np.int64)
    kappas = [cohen_kappa(whole, weights=ordinal_weights(_N_LEVELS, power=power)).value for power in (2, 1)]
    return np.stack([tau_b(whole), *kappas], axis=-2)
