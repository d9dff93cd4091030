"""The default protocol: one truth and the same cells for all, patients drawn as wholes, undefined is never 0.

Truth is what most raters say of a cell, among those who said whether it is there; a tie is no truth. The labeler is
judged wherever there is a truth and it answered; how often it did is its coverage. A human is judged by what most of
the others say, and the labeler beside it on the same pairs. Values are those of the data, not of resamples.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.evaluation.ratings import NO_URGENCY, Ratings
from labeling.core.evaluation.rows import Row
from labeling.core.metrics.ordinal import tau_b
from labeling.core.metrics.presence import FIGURES, Counts, macro
from labeling.core.metrics.resampling import bootstrap_p, draw_clusters, percentile_interval, stream

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

COVERAGE: Final = "coverage"


@dataclass(frozen=True, slots=True)
class Clusters:
    """Which cases belong together, `(cases,)` from 0, and how resamples of them are drawn."""

    of_case: Ints
    n_resamples: int = 1000
    seed: int = 0

    @classmethod
    def of(cls, case_ids: Sequence[str], patient_of: dict[str, str], *, n_resamples: int, seed: int) -> "Clusters":
        """Cases of one patient together; a case without a known patient is one of its own."""
        names = [("patient", patient_of[each]) if each in patient_of else ("case", each) for each in case_ids]
        number = {name: index for index, name in enumerate(dict.fromkeys(names))}
        return cls(np.array([number[name] for name in names], np.int64), n_resamples, seed)

    def rng(self, row: str) -> np.random.Generator:
        """The stream of a row: the same whatever other rows there are."""
        return stream(self.seed, row)

    def sums(self, counts: Ints) -> Ints:
        """Counts `(cases, ...)` summed by cluster."""
        n_clusters = int(self.of_case.max(initial=-1)) + 1
        summed = np.zeros((n_clusters, *counts.shape[1:]), np.int64)
        np.add.at(summed, self.of_case, counts)
        return summed


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of each cell, `(cases, cells)`, and where that is known."""

    positive: Bools
    known: Bools


def majority(ratings: Ratings, *, without: int | None = None) -> Truth:
    """What most raters say, leaving out the rater `without`; unknown where nobody answered or votes are equal."""
    kept = [index for index in range(len(ratings.raters)) if index != without]
    n_yes = (ratings.positive & ratings.known)[kept].sum(axis=0)
    n_no = (~ratings.positive & ratings.known)[kept].sum(axis=0)
    return Truth(n_yes > n_no, n_yes != n_no)


def of_rater(ratings: Ratings, name: str) -> Truth:
    """What one rater says. Raises KeyError when there is no such rater."""
    if name not in ratings.raters:
        raise KeyError(f"no rater {name!r}; there are {', '.join(ratings.raters)}")
    index = ratings.raters.index(name)
    return Truth(ratings.positive[index], ratings.known[index])


def presence_rows(reference: Ratings, labeler: Ratings, truth: Truth, clusters: Clusters) -> list[Row]:
    """The labeler in each cell, pooled ("micro") and as mean over cells ("macro"); each human beside it.

    `labeler` holds one rater; all have the same cases and cells.
    """
    said = Truth(labeler.positive[0], labeler.known[0])
    rows = list(_labeler_rows(reference, said, truth, clusters))
    for rater, human in enumerate(reference.raters):
        others = majority(reference, without=rater)
        if others.known.any():
            own = Truth(reference.positive[rater], reference.known[rater])
            rows += _beside(f"human {human}", own, said, others, clusters)
    return rows


def _labeler_rows(reference: Ratings, said: Truth, truth: Truth, clusters: Clusters) -> Iterator[Row]:
    known = truth.known & said.known
    joint = clusters.sums(_joint_of_cases(truth.positive, said.positive, known=known))
    whole = joint.sum(axis=0)
    drawn = draw_clusters(joint, n_resamples=clusters.n_resamples, rng=clusters.rng("labeler"))
    names = [f"{cell.target} {cell.finding}" for cell in reference.cells]
    asked = truth.known.sum(axis=0)
    for name, figure in FIGURES.items():
        values, samples = figure(_counts(whole)), figure(_counts(drawn))
        yield from _rows(names, name, values, samples, whole)
        pooled, pooled_samples = figure(_counts(whole).pooled()), figure(_counts(drawn).pooled())
        yield from _rows(
            ["micro"], name, pooled[np.newaxis], pooled_samples[:, np.newaxis], whole.sum(axis=0)[np.newaxis]
        )
        yield from _rows(["macro"], name, macro(values)[0][np.newaxis], macro(samples)[0][:, np.newaxis], None)
    for cell, n_asked, n in zip(names, asked, whole.sum(axis=(1, 2)), strict=True):
        yield Row(cell, COVERAGE, float(n / n_asked) if n_asked else float("nan"), n=int(n_asked))
    total = int(asked.sum())
    yield Row("micro", COVERAGE, float(whole.sum() / total) if total else float("nan"), n=total)


def _rows(names: Sequence[str], metric: str, values: Floats, samples: Floats, joint: Ints | None) -> Iterator[Row]:
    low, high = percentile_interval(samples)
    for index, name in enumerate(names):
        n, n_positive = (None, None) if joint is None else (int(joint[index].sum()), int(joint[index, 1].sum()))
        yield Row(name, metric, float(values[index]), float(low[index]), float(high[index]), n, n_positive)


def _beside(name: str, own: Truth, said: Truth, truth: Truth, clusters: Clusters) -> Iterator[Row]:
    """A human and the labeler, pooled over the pairs that both and the truth know; p of "no difference"."""
    known = truth.known & own.known & said.known
    joint = _joint_of_cases(truth.positive, own.positive, said.positive, known=known).sum(axis=1)
    summed = clusters.sums(joint)
    drawn = draw_clusters(summed, n_resamples=clusters.n_resamples, rng=clusters.rng(name))
    whole = summed.sum(axis=0)
    n, n_positive = int(whole.sum()), int(whole[1].sum())
    for metric, figure in FIGURES.items():
        samples = [figure(_counts(drawn.sum(axis=axis))) for axis in (-1, -2)]
        values = [figure(_counts(whole.sum(axis=axis))) for axis in (-1, -2)]
        p = float(bootstrap_p(samples[0] - samples[1]))
        for row, value, sample, its_p in zip((name, f"{name} / labeler"), values, samples, (p, None), strict=True):
            low, high = percentile_interval(sample)
            yield Row(row, metric, float(value), float(low), float(high), n, n_positive, its_p)


def _joint_of_cases(*vectors: Bools, known: Bools) -> Ints:
    """For each case and cell a 1 at the place of the vectors' values, `(cases, cells, 2, 2[, 2])`; 0 where unknown."""
    shape = vectors[0].shape
    joint = np.zeros((*shape, *(2,) * len(vectors)), np.int64)
    case, cell = np.nonzero(known)
    joint[(case, cell, *(vector[case, cell].astype(np.intp) for vector in vectors))] = 1
    return joint


def _counts(joint: NDArray[Any]) -> Counts:
    """Counts of tables `(..., truth, prediction)`."""
    return Counts(joint[..., 1, 1], joint[..., 0, 1], joint[..., 1, 0], joint[..., 0, 0])


def urgency_rows(reference: Ratings, labeler: Ratings, clusters: Clusters) -> list[Row]:
    """tau-b of the labeler's urgency with the median of the raters', in each cell and as mean over cells.

    Over cases in which most raters and the labeler gave one; a median between two levels is the higher.
    """
    rows: list[Row] = []
    values, samples = [], []
    for index, cell in enumerate(reference.cells):
        truth, said = _median_urgency(reference, index), labeler.urgencies[0, :, index]
        kept = (truth != NO_URGENCY) & (said != NO_URGENCY)
        joint = np.zeros((len(truth), 4, 4), np.int64)
        joint[np.flatnonzero(kept), truth[kept], said[kept]] = 1
        summed = clusters.sums(joint)
        name = f"{cell.target} {cell.finding}"
        drawn = tau_b(draw_clusters(summed, n_resamples=clusters.n_resamples, rng=clusters.rng("urgency")))
        value = tau_b(summed.sum(axis=0))
        values.append(value)
        samples.append(drawn)
        low, high = percentile_interval(drawn)
        rows.append(Row(name, "tau_b", float(value), float(low), float(high), n=int(kept.sum())))
    if values:
        low, high = percentile_interval(macro(np.stack(samples, axis=-1))[0])
        rows.append(Row("macro", "tau_b", float(macro(np.array(values))[0]), float(low), float(high)))
    return rows


def _median_urgency(reference: Ratings, index: int) -> NDArray[np.int8]:
    """Of each case the middle of its raters' urgencies, when more than half of them gave one."""
    levels = np.sort(np.where(reference.rated, reference.urgencies[:, :, index], NO_URGENCY), axis=0)
    n_given, n_raters = (levels != NO_URGENCY).sum(axis=0), reference.rated.sum(axis=0)
    middle = levels.shape[0] - n_given + n_given // 2
    median = np.take_along_axis(levels, np.minimum(middle, levels.shape[0] - 1)[np.newaxis], axis=0)[0]
    return np.where(2 * n_given > n_raters, median, NO_URGENCY)
