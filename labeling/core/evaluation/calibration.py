"""Thresholds fitted on one set of scores and applied to another (METHODS D.2; Tables 3 and 4 of Park et al.).

The threshold is that of the equal error rate of the calibration scores, and a case is positive when its score is above
it. Balanced accuracy and F1 are of the test scores at that threshold; AUROC and EER need none. Scores are logit
differences: probabilities saturate at 1 and lose their order. Test cases of a patient or report that is also among the
calibration cases make the figures too good: they are counted as leaked.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.evaluation.plain import plain
from labeling.core.evaluation.rows import Row
from labeling.core.evaluation.scored import Estimate, cases_of, samples_of
from labeling.core.evaluation.sound import Clusters
from labeling.core.metrics.presence import FIGURES, Counts, count
from labeling.core.metrics.resampling import draw_clusters
from labeling.core.metrics.score_resamples import FIGURES as OF_SCORES

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

AT_THRESHOLD: Final = ("balanced_accuracy", "f1", "recall", "specificity", "precision")
WITHOUT_THRESHOLD: Final = ("eer", "auroc", "average_precision")


@dataclass(frozen=True, slots=True)
class Scored:
    """Truth, score and patient of the cases of one condition, `(cases,)`; a patient is known by a key.

    `reports` are ids of the cases; without any, cases are told apart by patient alone.
    """

    truth: Bools
    scores: Floats
    patients: tuple[str, ...]
    reports: tuple[str, ...] = ()

    @classmethod
    def of(cls, cases: Iterable[tuple[bool, float, str]], *, reports: Iterable[str] = ()) -> "Scored":
        """From truth, score and key of the patient of each case."""
        listed = list(cases)
        truth, scores = np.array([t for t, _, _ in listed], bool), np.array([s for _, s, _ in listed], np.float64)
        return cls(truth, scores, tuple(patient for _, _, patient in listed), tuple(reports))

    def __getitem__(self, kept: Bools) -> "Scored":
        """Some of the cases."""
        patients, reports = (
            tuple(each for each, is_kept in zip(keys, kept, strict=True) if is_kept) if keys else ()
            for keys in (self.patients, self.reports)
        )
        return Scored(self.truth[kept], self.scores[kept], patients, reports)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A threshold fitted on the cases of some patients, and the figures of the cases of the others.

    `n` are cases, of test and calibration; `n_leaked` are test cases of patients or reports of the calibration cases.
    """

    name: str
    threshold: Estimate
    figures: dict[str, Estimate]
    n: int
    n_positive: int
    n_patients: int
    n_calibration: int
    n_calibration_positive: int
    n_calibration_patients: int
    n_leaked: int

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is undefined is None."""
        made: dict[str, Any] = plain(self)
        return made

    def as_rows(self) -> list[Row]:
        """A row for the threshold, with the calibration cases behind it, and one for each figure."""
        at = self.threshold
        made = [Row(self.name, "threshold", at.value, at.low, at.high, self.n_calibration, self.n_calibration_positive)]
        for metric, each in self.figures.items():
            made.append(Row(self.name, metric, each.value, each.low, each.high, self.n, self.n_positive))
        return made


def applied(name: str, fitted: Scored, test: Scored, *, n_resamples: int, seed: int) -> HeldOut:
    """The threshold of `fitted` and the figures of `test`; without a threshold those that need one are NaN.

    Intervals draw the patients: of the threshold those of the calibration cases, of the figures those of the test
    cases, the threshold staying as it is. Raises ValueError when a score is not finite.
    """
    threshold = _estimates(fitted, n_resamples=n_resamples, seed=seed)["threshold"]
    return HeldOut(
        name=name,
        threshold=threshold,
        figures=_figures(test, threshold.value, n_resamples=n_resamples, seed=seed),
        n=test.truth.size,
        n_positive=int(test.truth.sum()),
        n_patients=len(set(test.patients)),
        n_calibration=fitted.truth.size,
        n_calibration_positive=int(fitted.truth.sum()),
        n_calibration_patients=len(set(fitted.patients)),
        n_leaked=n_leaked(fitted, test),
    )


def n_leaked(fitted: Scored, test: Scored) -> int:
    """Test cases whose patient or report is among the calibration cases."""
    patients, reports = set(fitted.patients), set(fitted.reports)
    of_patient = [patient in patients for patient in test.patients]
    of_report = [report in reports for report in test.reports] or [False] * len(of_patient)
    return sum(map(any, zip(of_patient, of_report, strict=True)))


def held_out(name: str, cases: Scored, *, n_resamples: int, seed: int) -> HeldOut:
    """Half of the patients fit the threshold, the others test it."""
    is_fitted = is_calibration(cases.patients, seed=seed)
    return applied(name, cases[is_fitted], cases[~is_fitted], n_resamples=n_resamples, seed=seed)


def is_calibration(patients: Sequence[str], *, seed: int) -> Bools:
    """Which cases belong to the calibration half: a hash of seed and patient decides, and so nothing but these.

    All cases of a patient are on one side, for every condition, and other patients that come later move none.
    """
    half = {each: hashlib.sha256(f"{seed}:{each}".encode()).digest()[0] % 2 == 0 for each in set(patients)}
    return np.array([half[each] for each in patients], bool)


def rows(condition: str, fitted: Scored, test: Scored, *, n_resamples: int, seed: int) -> list[Row]:
    """A row for each figure, and one for the threshold.

    Raises ValueError when the calibration scores give no threshold: they are of one class, or all the same.
    """
    found = applied(condition, fitted, test, n_resamples=n_resamples, seed=seed)
    if np.isnan(found.threshold.value):
        n = found.n_calibration_positive
        same = ", all with the same score" if 0 < n < found.n_calibration else ""
        raise ValueError(
            f"{condition}: {n} of {found.n_calibration} calibration cases are positive{same}, which fits no threshold"
        )
    return found.as_rows()


def _clusters(cases: Scored, *, n_resamples: int, seed: int) -> Clusters:
    number = {each: index for index, each in enumerate(dict.fromkeys(cases.patients))}
    return Clusters(np.array([number[each] for each in cases.patients], np.int64), n_resamples, seed)


def _estimates(cases: Scored, *, n_resamples: int, seed: int) -> dict[str, Estimate]:
    """Figures of the scores alone. They use ranks only, so that any scale will do."""
    clusters = _clusters(cases, n_resamples=n_resamples, seed=seed)
    by_rank = cases_of(cases.truth, cases.scores, of_case=clusters.of_case, scale="logit_difference")
    values = by_rank.figures()
    [samples] = samples_of([by_rank], clusters)
    return {name: Estimate.of(value, drawn) for name, value, drawn in zip(OF_SCORES, values, samples, strict=True)}


def _figures(test: Scored, threshold: float, *, n_resamples: int, seed: int) -> dict[str, Estimate]:
    called = test.scores > threshold
    clusters = _clusters(test, n_resamples=n_resamples, seed=seed)
    found = count(test.truth, called)
    of_case = [test.truth & called, ~test.truth & called, test.truth & ~called, ~test.truth & ~called]
    summed = clusters.sums(np.stack(of_case, axis=-1).astype(np.int64))
    drawn = Counts(*draw_clusters(summed, n_resamples=clusters.n_resamples, rng=clusters.rng("scores")).T)
    at = {name: Estimate.of(float(FIGURES[name](found)), FIGURES[name](drawn)) for name in AT_THRESHOLD}
    if np.isnan(threshold):
        at = {name: Estimate(np.nan, np.nan, np.nan) for name in at}
    by_rank = _estimates(test, n_resamples=n_resamples, seed=seed)
    return at | {name: by_rank[name] for name in WITHOUT_THRESHOLD}
