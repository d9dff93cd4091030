"""Medians of both arms over the same mix of readers and strata."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.core.arms.readings import BLANK, PREFILLED, ArmReadings, Floats
from labeling.core.metrics.resampling import draw_weights, percentile_interval


@dataclass(frozen=True, slots=True)
class Medians:
    """Amounts of readings, least first, with the place of block and arm of each, and its patient."""

    amounts: Floats
    place: NDArray[np.intp]
    patient: NDArray[np.intp]

    @classmethod
    def of(cls, readings: ArmReadings, amounts: Floats) -> "Medians":
        """`amounts` are those of the readings, none NaN."""
        order = np.argsort(amounts, kind="stable")
        patient = np.unique(readings.patient, return_inverse=True)[1]
        return cls(amounts[order], (readings.block * 2 + readings.arm)[order], patient[order].astype(np.intp))

    def of_arms(self, weights: Floats) -> tuple[float, float]:
        """The medians, pre-filled and blank, when each reading counts as often as its weight says; NaN of none."""
        n_places = 2 * (int(self.place.max(initial=-1)) // 2 + 1)
        n = np.bincount(self.place, weights, minlength=n_places).reshape(-1, 2)
        both = n.sum(axis=1, keepdims=True)
        others = np.divide(n[:, ::-1], both, out=np.zeros(n.shape), where=both > 0).ravel()
        counted = weights * others[self.place]
        is_blank = self.place % 2 == BLANK
        prefilled, blank = (_median(self.amounts[side], counted[side]) for side in (~is_blank, is_blank))
        return prefilled, blank

    def ratio(self, weights: Floats) -> float:
        """Pre-filled by blank; NaN where either is unknown or nothing takes any."""
        found = self.of_arms(weights)
        return found[PREFILLED] / found[BLANK] if found[BLANK] > 0 else np.nan

    def ratio_interval(self, *, n_resamples: int, rng: np.random.Generator) -> tuple[float, float]:
        """The 95 % percentile interval of the ratio over resamples of patients."""
        n_patients = int(self.patient.max(initial=-1)) + 1
        drawn = (
            self.ratio(each[self.patient].astype(np.float64))
            for _, block in draw_weights(n_patients, n_resamples=n_resamples, rng=rng)
            for each in block
        )
        low, high = percentile_interval(np.array(list(drawn)))
        return float(low), float(high)


def _median(amounts: Floats, weights: Floats) -> float:
    """The amount, of amounts in order, below which half of the weight lies; between two the middle."""
    reached = np.cumsum(weights)
    if not reached.size or reached[-1] <= 0:
        return np.nan
    half = reached[-1] / 2
    close = 1e-9 * reached[-1]
    first = int(np.searchsorted(reached, half - close))
    last = int(np.searchsorted(reached, half + close, side="right"))
    return float((amounts[first] + amounts[min(last, len(amounts) - 1)]) / 2)
