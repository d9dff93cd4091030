"""How good models are: each outcome by AUC, equal error rate, balanced accuracy and F1, with two kinds of interval.

The interval over cases draws patients with replacement, with one model. Several models, trained alike but for their
seed, give the spread over seeds: mean and standard deviation of a figure, and the interval of the mean by Student's t.
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.evaluation.clusters import Clusters
from labeling.core.evaluation.scored import Estimate, samples_of
from labeling.core.metrics.jackknife import t_quantiles
from labeling.core.metrics.presence import Counts, Figure, balanced_accuracy, f1
from labeling.core.metrics.score_resamples import FIGURES as OF_SCORES
from labeling.core.metrics.score_resamples import Scores
from labeling.core.metrics.scores import probability_of
from vision.core.learning.outcomes import Outcome, Truths

Floats = NDArray[np.float64]

FIGURES: Final = ("auroc", "eer", "balanced_accuracy", "f1")
COLUMNS: Final = ("target", "finding", "seed", "figure", "value", "low", "high", "n", "n_positive")
ALL_TARGETS: Final = "*"


@dataclass(frozen=True, slots=True)
class Scored:
    """The figures of one outcome by name; `target` is `*` for all targets that share a machine."""

    outcome: Outcome
    seed: int
    n: int
    n_positive: int
    figures: dict[str, Estimate]

    def rows(self) -> list[tuple[Any, ...]]:
        """A row of `COLUMNS` for each figure; what is undefined is None."""
        about = (self.n, self.n_positive)
        return [
            (*self.outcome, self.seed, name, *(_or_none(part) for part in (each.value, each.low, each.high)), *about)
            for name, each in self.figures.items()
        ]


@dataclass(frozen=True, slots=True)
class OverSeeds:
    """A figure over models of several seeds: its mean, the interval of the mean, and the standard deviation."""

    outcome: Outcome
    figure: str
    n_seeds: int
    mean: float
    low: float
    high: float
    standard_deviation: float


def evaluate(
    scores: Floats,
    thresholds: Floats,
    truths: Truths,
    *,
    patient_keys: Sequence[str],
    seed: int = 0,
    n_resamples: int = 2000,
    pooled: Collection[str] = (),
) -> list[Scored]:
    """Figures of scores `(cases, outcomes)`; cases with unknown truth or NaN score count nowhere.

    Positive is a score above the threshold of the outcome; a NaN threshold leaves balanced accuracy and F1 undefined.
    `pooled` names targets that share a machine: each finding gets a row over them together (METHODS E: all discs).
    `seed` is that of the model.
    """
    rows = [(outcome, [index]) for index, outcome in enumerate(truths.outcomes)]
    shared = [(index, outcome.finding) for index, outcome in enumerate(truths.outcomes) if outcome.target in pooled]
    for finding in dict.fromkeys(finding for _, finding in shared):
        alike = [index for index, name in shared if name == finding]
        rows += [(Outcome(ALL_TARGETS, finding), alike)] if len(alike) > 1 else []
    number = {key: place for place, key in enumerate(dict.fromkeys(patient_keys))}
    patients = np.array([number[key] for key in patient_keys], np.int64)
    found = []
    for outcome, columns in rows:
        used = (truths.values[:, columns] >= 0) & np.isfinite(scores[:, columns])
        case, column = np.nonzero(used)
        truth = truths.values[:, columns][used] == 1
        judged = scores[:, columns][used]
        called = judged > thresholds[columns][column]
        is_known = not np.isnan(thresholds[columns][column]).any()
        figures = _figures(truth, judged, called if is_known else None, patients[case], n_resamples=n_resamples)
        found.append(Scored(outcome, seed, len(truth), int(truth.sum()), figures))
    return found


def over_seeds(scored: Sequence[Scored]) -> list[OverSeeds]:
    """Each figure of each outcome over the seeds for which it is defined; one seed has no spread: NaN."""
    groups: dict[tuple[Outcome, str], list[float]] = {}
    for each in scored:
        for name, estimate in each.figures.items():
            groups.setdefault((each.outcome, name), []).append(estimate.value)
    found = []
    for (outcome, name), values in groups.items():
        defined = np.array([value for value in values if not math.isnan(value)])
        n = defined.size
        mean = float(defined.mean()) if n else math.nan
        spread = float(defined.std(ddof=1)) if n > 1 else math.nan
        half = float(t_quantiles(np.array([n - 1]))[0]) * spread / math.sqrt(n) if n > 1 else math.nan
        found.append(OverSeeds(outcome, name, n, mean, mean - half, mean + half, spread))
    return found


def _figures(
    truth: NDArray[np.bool_],
    scores: Floats,
    called: NDArray[np.bool_] | None,
    patients: NDArray[np.int64],
    *,
    n_resamples: int,
) -> dict[str, Estimate]:
    """Value and interval of `FIGURES`; `called` is None where no threshold is known."""
    names, of_case = np.unique(patients, return_inverse=True)
    clusters = Clusters(of_case.astype(np.int64), n_resamples=n_resamples)
    cases = Scores(truth, scores, probability_of(scores), clusters.of_case)
    values, samples = cases.figures(), np.full((len(OF_SCORES), n_resamples), np.nan)
    if names.size:
        samples = samples_of([cases], clusters)[0]
    at = {name: OF_SCORES.index(name) for name in ("auroc", "eer")}
    found = {name: Estimate.of(float(values[place]), samples[place]) for name, place in at.items()}
    for name, figure in (("balanced_accuracy", balanced_accuracy), ("f1", f1)):
        if called is None or not names.size:
            found[name] = Estimate(math.nan, math.nan, math.nan)
            continue
        parts = np.stack([truth & called, ~truth & called, truth & ~called, ~truth & ~called], axis=1)
        drawn = clusters.drawn(clusters.sums(parts.astype(np.int64)))
        of_counts = drawn.estimated(_of_counts(figure))
        found[name] = Estimate(float(of_counts.values), float(of_counts.low), float(of_counts.high))
    return found


def _of_counts(figure: Figure) -> Callable[[NDArray[np.integer]], Floats]:
    """A figure of tables whose last axis has the four counts."""
    return lambda tables: figure(Counts(*np.moveaxis(tables, -1, 0)))


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
