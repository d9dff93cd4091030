"""How often 95 % intervals hold the truth when patients have several reports, by what is drawn and how it is read.

    python -m benchmarks.interval_coverage [--runs 1000] [--patients 50 --patients 200]

A patient has 1 to 8 reports of 5 cells, a share of positive cells, and a labeler that is better or worse on it: all
from beta distributions, independent of each other. Recall and F1 of all patients there could be follow from the means
of these, so that the truth is known by formula. Whole patients, whole reports or single pairs are drawn; an interval
that is undefined holds nothing. The Monte Carlo error beside a share is its standard error.
"""

import argparse
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.evaluation.clusters import INTERVALS, Clusters
from labeling.core.evaluation.sound import codes_of, counts_of
from labeling.core.metrics.presence import f1, recall

N_CELLS: Final = 5
N_RESAMPLES: Final = 400
UNITS: Final = ("patient", "report", "pair")
# Beta distributions over patients: share of positive cells, sensitivity, share of false positives.
PREVALENCE: Final = (1.0, 3.0)
SENSITIVITY: Final = (4.0, 1.0)
FALSE_POSITIVES: Final = (0.5, 9.5)


@dataclass(frozen=True, slots=True)
class Sample:
    """Pairs of truth and answer as codes `(pairs, 1)`, and for each the number of its patient and its report."""

    codes: NDArray[np.int8]
    patient: NDArray[np.int64]
    report: NDArray[np.int64]

    def unit(self, name: str) -> NDArray[np.int64]:
        """What is drawn as a whole, for each pair."""
        return {"patient": self.patient, "report": self.report, "pair": np.arange(len(self.codes))}[name]


def true_figures() -> dict[str, float]:
    """Recall and F1 of all patients there could be."""
    prevalence, sensitivity, false_positives = (a / (a + b) for a, b in (PREVALENCE, SENSITIVITY, FALSE_POSITIVES))
    tp, fn = prevalence * sensitivity, prevalence * (1 - sensitivity)
    fp = (1 - prevalence) * false_positives
    return {"recall": sensitivity, "f1": 2 * tp / (2 * tp + fp + fn)}


def sample(n_patients: int, rng: np.random.Generator) -> Sample:
    """Pairs of `n_patients` patients."""
    n_reports = rng.integers(1, 9, size=n_patients)
    patient = np.repeat(np.arange(n_patients), n_reports * N_CELLS)
    report = np.repeat(np.arange(n_reports.sum()), N_CELLS)
    prevalence, sensitivity, false_positives = (
        rng.beta(*shape, size=n_patients)[patient] for shape in (PREVALENCE, SENSITIVITY, FALSE_POSITIVES)
    )
    positive = rng.random(len(patient)) < prevalence
    said = rng.random(len(patient)) < np.where(positive, sensitivity, false_positives)
    codes = codes_of(positive, said, known=np.ones(len(patient), bool))
    return Sample(codes[:, np.newaxis], patient, report)


def coverage(
    n_patients: int, *, n_runs: int, seed: int, units: Sequence[str] = UNITS
) -> dict[tuple[str, str, str], float]:
    """The share of runs whose interval holds the truth, for each unit, kind of interval and figure."""
    truth = true_figures()
    held: Counter[tuple[str, str, str]] = Counter()
    for run in range(n_runs):
        drawn_from = sample(n_patients, np.random.default_rng([seed, run]))
        for unit in units:
            for interval in INTERVALS:
                clusters = Clusters(drawn_from.unit(unit), N_RESAMPLES, run, interval)
                drawn = clusters.drawn(clusters.pooled_table(drawn_from.codes, 4).reshape(-1, 2, 2))
                found = drawn.estimated(_figures)
                for index, metric in enumerate(truth):
                    held[unit, interval, metric] += bool(found.low[index] <= truth[metric] <= found.high[index])
    return {
        (unit, interval, metric): held[unit, interval, metric] / n_runs
        for unit in units
        for interval in INTERVALS
        for metric in truth
    }


def _figures(tables: NDArray[np.integer]) -> NDArray[np.float64]:
    counts = counts_of(tables)
    return np.stack([recall(counts), f1(counts)], axis=-1)


def main() -> None:
    """Read the command line, simulate and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--patients", type=int, action="append", help="default: 50 and 200")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"coverage of 95 % intervals, {options.runs} runs of {N_RESAMPLES} resamples; in % with standard errors")
    for n_patients in options.patients or (50, 200):
        found = coverage(n_patients, n_runs=options.runs, seed=options.seed)
        for (unit, interval, metric), share in found.items():
            error = math.sqrt(share * (1 - share) / options.runs)
            what = f"{n_patients:>4} patients, {metric}, by {unit}, {interval}"
            print(f"{what:<48} {100 * share:5.1f} ± {100 * error:.1f}", flush=True)


if __name__ == "__main__":
    main()
