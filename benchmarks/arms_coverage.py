"""How often 95 % intervals of what pre-filling does hold the truth, on simulated readers of known bias.

    python -m benchmarks.arms_coverage [--runs 1000] [--patients 50 --patients 200] [--seed 0]

Patients have 1 to 4 cases of 6 cells in two strata. A case is read by 3 of 5 readers, who differ in how much they see
and invent; a patient is easy or hard for all of them. Arms are drawn in equal numbers within each reader and stratum. A
pre-filled reader keeps the machine's value with a probability of their own (anchoring) and otherwise says what a blank
one would. What readers say, the machine and the truth of all patients there could be then follow by formula. They are
judged by the truth (`known`) and by their blind colleagues (`colleagues`), whose expected agreement is known as well.

`jackknife` is the interval that the program gives; `percentile` that of resamples of patients, for comparison. The
figure beside a share is its standard error.
"""

import argparse
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from annotator.core.arms.contrasts import OVERALL, Question, Rows, contrasts
from annotator.core.arms.questions import QUESTIONS, SCORE
from annotator.core.arms.readings import BLANK, PREFILLED, ArmReadings, standardized
from annotator.core.arms.references import independent_reference
from annotator.core.arms.shares import error_shares
from annotator.core.arms.times import SECONDS, saved
from labeling.core.metrics.presence import Counts, accuracy, f1, recall, specificity
from labeling.core.metrics.resampling import draw_clusters, percentile_interval

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

N_CELLS: Final = 6
N_RESAMPLES: Final = 400
# Beta distributions over patients: what readers see of what is there, and invent; likewise the machine.
SEEN: Final = (9.0, 1.0)
INVENTED: Final = (0.8, 19.2)
MACHINE_SEEN: Final = (6.0, 2.0)
MACHINE_INVENTED: Final = (1.0, 11.0)
# By stratum: how likely a cell is positive, and the share of cases.
PREVALENCE: Final = ((1.0, 5.0), (2.0, 3.0))
STRATA: Final = (0.7, 0.3)
# By reader: multiples of what is seen and invented, and how often the machine's value is kept.
SEES: Final = np.array([1.0, 0.95, 0.9, 1.0, 0.85])
INVENTS: Final = np.array([1.0, 0.5, 1.5, 1.0, 2.0])
ANCHORED: Final = np.array([0.3, 0.5, 0.6, 0.2, 0.4])
# Seconds are lognormal: medians of blank readers, what a pre-filled one takes of them, spread by patient and reading.
BLANK_MEDIAN_S: Final = np.array([120.0, 180.0, 90.0, 240.0, 150.0])
TIME_RATIO: Final = 0.7
SPREADS: Final = (0.3, 0.4)
TEAMS: Final = tuple(combinations(range(5), 3))
KNOWN, COLLEAGUES = "known", "colleagues"


@dataclass(frozen=True, slots=True)
class Drawn:
    """Readings judged by the truth and by colleagues."""

    known: ArmReadings
    colleagues: ArmReadings


def sample(n_patients: int, rng: np.random.Generator) -> Drawn:
    """Readings of cases of `n_patients` patients."""
    case_patient = np.repeat(np.arange(n_patients), rng.integers(1, 5, size=n_patients))
    n_cases = len(case_patient)
    stratum = rng.choice(len(STRATA), p=STRATA, size=n_cases)
    teams = np.array([TEAMS[index] for index in rng.permutation(np.arange(n_cases) % len(TEAMS))])
    case, reader = np.repeat(np.arange(n_cases), 3), teams.ravel()
    is_prefilled = _balanced_arms(reader * len(STRATA) + stratum[case], rng)
    prevalence = np.stack([rng.beta(*shape, size=n_patients) for shape in PREVALENCE])[stratum, case_patient]
    truth = rng.random((n_cases, N_CELLS)) < prevalence[:, np.newaxis]
    machine = _answers(truth, *(rng.beta(*each, n_patients)[case_patient] for each in _MACHINE), rng=rng)
    seen, invented = (rng.beta(*each, n_patients)[case_patient[case]] for each in (SEEN, INVENTED))
    blind = _answers(truth[case], seen * SEES[reader], invented * INVENTS[reader], rng=rng)
    is_kept = (rng.random(blind.shape) < ANCHORED[reader][:, np.newaxis]) & is_prefilled[:, np.newaxis]
    positive = np.where(is_kept, machine[case], blind)
    effects = rng.normal(0, SPREADS[0], n_patients)[case_patient[case]] + rng.normal(0, SPREADS[1], len(case))
    everything = np.ones(positive.shape, bool)
    readings = ArmReadings(
        readers=tuple(f"reader-{index}" for index in range(5)),
        reader=reader,
        patient=case_patient[case],
        stratum=stratum[case],
        is_prefilled=is_prefilled,
        is_planned=np.ones(len(case), bool),
        positive=positive,
        known=everything,
        machine_positive=machine[case],
        machine_known=everything,
        reference=truth[case].astype(np.float64),
        seconds=np.rint(BLANK_MEDIAN_S[reader] * np.where(is_prefilled, TIME_RATIO, 1.0) * np.exp(effects)),
        key_presses=np.full(len(case), np.nan),
    )
    others = independent_reference(case=case, is_blind=~is_prefilled, positive=positive, known=everything)
    return Drawn(readings, replace(readings, reference=others))


_MACHINE: Final = (MACHINE_SEEN, MACHINE_INVENTED)


def _balanced_arms(block: NDArray[np.int64], rng: np.random.Generator) -> Bools:
    """Half of each block pre-filled, by chance which, and which arm has one more."""
    found = np.zeros(len(block), bool)
    for each in np.unique(block):
        places = rng.permutation(np.flatnonzero(block == each))
        found[places[: (len(places) + int(rng.integers(2))) // 2]] = True
    return found


def _answers(
    truth: NDArray[np.bool_], seen: Floats, invented: Floats, *, rng: np.random.Generator
) -> NDArray[np.bool_]:
    return np.asarray(rng.random(truth.shape) < np.where(truth, seen[:, np.newaxis], invented[:, np.newaxis]))


def true_figures() -> dict[str, float]:
    """What all patients there could be would show."""
    found: dict[str, float] = {}
    for judge in (KNOWN, COLLEAGUES):
        prefilled, blank = (_figures(_joint(is_prefilled=side, judge=judge)) for side in (True, False))
        found |= {f"{judge} {name}": value - blank[name] for name, value in prefilled.items()}
    table = _joint(is_prefilled=True, judge=KNOWN)
    found |= {"known corrected": 1 - _figures(table)["anchored"], "known broken": _broken(table)}
    spread = math.exp(sum(each**2 for each in SPREADS) / 2)
    found["seconds difference"] = float(BLANK_MEDIAN_S.mean()) * spread * (TIME_RATIO - 1)
    found["seconds ratio"] = TIME_RATIO
    return found


def _joint(*, is_prefilled: bool, judge: str) -> Floats:
    """How likely machine, reader and judge say what, `[machine, reader, judge]`, 1 for positive, over all readers."""
    prevalence = sum(share * a / (a + b) for share, (a, b) in zip(STRATA, PREVALENCE, strict=True))
    table = np.zeros((2, 2, 2))
    for truth in (0, 1):
        weight = prevalence if truth else 1 - prevalence
        machine = _mean(MACHINE_SEEN if truth else MACHINE_INVENTED)
        for reader, other in [(a, b) for a in range(5) for b in range(5) if a != b]:
            both = _blind_pair(truth, reader, other) if judge == COLLEAGUES else _blind_and_truth(truth, reader)
            for said in (0, 1):
                here = (machine if said else 1 - machine) * both
                kept = np.zeros((2, 2))
                kept[said] = here.sum(axis=0)
                share = ANCHORED[reader] if is_prefilled else 0.0
                table[said] += weight * (share * kept + (1 - share) * here) / 20
    return table


def _blind_pair(truth: int, reader: int, other: int) -> Floats:
    """A blank reader and another one on the same cell; both find the same patients hard."""
    (a, b), by_reader = (SEEN, SEES) if truth else (INVENTED, INVENTS)
    mean, square = a / (a + b), a * (a + 1) / ((a + b) * (a + b + 1))
    first, second = by_reader[reader] * mean, by_reader[other] * mean
    both = by_reader[reader] * by_reader[other] * square
    return np.array([[1 - first - second + both, second - both], [first - both, both]])


def _blind_and_truth(truth: int, reader: int) -> Floats:
    mean = _mean(SEEN) * SEES[reader] if truth else _mean(INVENTED) * INVENTS[reader]
    found = np.zeros((2, 2))
    found[:, truth] = 1 - mean, mean
    return found


def _mean(shape: tuple[float, float]) -> float:
    return shape[0] / sum(shape)


def _figures(table: Floats) -> dict[str, float]:
    by_machine, by_judge = table.sum(axis=2), table.sum(axis=0)
    wrong = table[1, :, 0] + table[0, :, 1][::-1]  # kept last
    found = {"positive_rate": by_judge[1].sum(), "machine_agreement": by_machine[0, 0] + by_machine[1, 1]}
    found["anchored"] = wrong[1] / wrong.sum()
    for name, figure in {"accuracy": accuracy, "f1": f1, "recall": recall, "specificity": specificity}.items():
        found[name] = figure(_counts(by_judge))
        found[f"machine_{name}"] = figure(_counts(by_machine))
    return {name: float(value) for name, value in found.items()}


def _counts(said_and_true: Floats) -> Counts:
    return Counts(said_and_true[1, 1], said_and_true[1, 0], said_and_true[0, 1], said_and_true[0, 0])


def _broken(table: Floats) -> float:
    right = table[1, :, 1][::-1] + table[0, :, 0]  # changed last
    return float(right[1] / right.sum())


def intervals(drawn: Drawn, *, seed: int) -> Iterator[tuple[str, float, float]]:
    """Method and figure, and the ends of its interval."""
    rows = [Rows(OVERALL, OVERALL, np.arange(N_CELLS))]
    for judge, readings in ((KNOWN, drawn.known), (COLLEAGUES, drawn.colleagues)):
        for question in QUESTIONS.values():
            for each in contrasts(readings, rows, question):
                yield f"jackknife {judge} {each.metric}", each.low, each.high
    for share in error_shares(drawn.known, rows):
        yield f"jackknife known {share.metric}", share.low, share.high
    time = saved(drawn.known, SECONDS, n_resamples=N_RESAMPLES, seed=seed)
    yield "jackknife seconds difference", time.difference_low, time.difference_high
    yield "percentile seconds ratio", time.ratio_low, time.ratio_high
    question = QUESTIONS[SCORE]
    for metric, low, high in _percentile(drawn.known, question, np.random.default_rng(seed)):
        yield f"percentile known {metric}", low, high


def _percentile(
    readings: ArmReadings, question: Question, rng: np.random.Generator
) -> Iterator[tuple[str, float, float]]:
    sums = readings.sums(question.counting(readings, np.arange(N_CELLS)))
    both = question.figures(standardized(draw_clusters(sums, n_resamples=N_RESAMPLES, rng=rng)))
    low, high = percentile_interval(both[:, PREFILLED] - both[:, BLANK])
    yield from zip(question.metrics, low, high, strict=True)


def coverage(n_patients: int, *, n_runs: int, seed: int) -> dict[str, tuple[float, float]]:
    """For each method and figure the share of runs whose interval holds the truth, and the mean width of intervals.

    An interval that is undefined holds nothing.
    """
    truth = true_figures()
    held: Counter[str] = Counter()
    widths: Counter[str] = Counter()
    for run in range(n_runs):
        for name, low, high in intervals(sample(n_patients, np.random.default_rng([seed, run])), seed=run):
            held[name] += bool(low <= truth[name.split(" ", 1)[1]] <= high)
            widths[name] += high - low
    return {name: (held[name] / n_runs, widths[name] / n_runs) for name in widths}


def main() -> None:
    """Read the command line, simulate and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--patients", type=int, action="append", help="default: 50 and 200")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    truth = true_figures()
    print(f"coverage of 95 % intervals, {options.runs} runs, 5 readers, 3 per case; in % with standard errors")
    for n_patients in options.patients or (50, 200):
        found = coverage(n_patients, n_runs=options.runs, seed=options.seed)
        for name, (share, width) in found.items():
            error = math.sqrt(share * (1 - share) / options.runs)
            what = f"{n_patients:>4} patients, {name}"
            value = truth[name.split(" ", 1)[1]]
            print(
                f"{what:<56} {100 * share:5.1f} ± {100 * error:.1f}   true {value:+.3f}, width {width:.3f}", flush=True
            )


if __name__ == "__main__":
    main()
