"""Seconds and key presses of both arms.

A sitting that was left open says nothing of the work: a reading that took more than `OPEN_TIMES` the median of its
reader, both arms together, is left out of the times and counted. The limit knows nothing of the arm.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from annotator.core.arms.contrasts import LEAST_PATIENTS, OVERALL
from annotator.core.arms.medians import Medians
from annotator.core.arms.readings import ARMS, BLANK, PREFILLED, ArmReadings, Bools, Floats, Whole, standardized
from labeling.core.evaluation.rows import plain
from labeling.core.metrics.jackknife import jackknifed
from labeling.core.metrics.resampling import stream

OPEN_TIMES: Final = 10
SECONDS: Final = "seconds"
KEY_PRESSES: Final = "key_presses"
MEASURES: Final = (SECONDS, KEY_PRESSES)
PERCENTILES: Final = (10, 25, 50, 75, 90)


@dataclass(frozen=True, slots=True)
class Saved:
    """Means of both arms over the same mix of readers and strata, and medians; what is undefined is NaN.

    `difference` is pre-filled less blank: below 0 time is saved. `ratio` is that of the medians, below 1 likewise.
    """

    measure: str
    scope: str
    row: str
    prefilled_mean: float
    blank_mean: float
    difference: float
    difference_low: float
    difference_high: float
    prefilled_median: float
    blank_median: float
    ratio: float
    ratio_low: float
    ratio_high: float
    n_prefilled: int
    n_blank: int
    n_unmeasured: int
    n_left_open: int

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is undefined is None."""
        return plain(self)


@dataclass(frozen=True, slots=True)
class Spread:
    """How an amount is spread over the readings of one arm: `percentiles` are those of `PERCENTILES`, None of none."""

    measure: str
    row: str
    arm: str
    n: int
    percentiles: tuple[float, ...] | None


def spreads(readings: ArmReadings, measure: str, *, reader: int | None = None) -> list[Spread]:
    """Of all readers or of one, in each arm, without what was left open."""
    own = readings if reader is None else readings.only(readings.reader == reader)
    used = own.only(~np.isnan(_amounts(own, measure)) & ~left_open(own))
    found = []
    for index, arm in enumerate(ARMS):
        amounts = _amounts(used, measure)[used.arm == index]
        ends = tuple(float(each) for each in np.percentile(amounts, PERCENTILES)) if amounts.size else None
        found.append(Spread(measure, _name(readings, reader), arm, len(amounts), ends))
    return found


def left_open(readings: ArmReadings) -> Bools:
    """Readings that took too long to be work."""
    found = np.zeros(readings.n, bool)
    for reader in np.unique(readings.reader):
        own = (readings.reader == reader) & ~np.isnan(readings.seconds)
        if own.any():
            found[own] = readings.seconds[own] > OPEN_TIMES * np.median(readings.seconds[own])
    return found


def saved(readings: ArmReadings, measure: str, *, reader: int | None = None, n_resamples: int, seed: int) -> Saved:
    """What pre-filling saves of `SECONDS` or `KEY_PRESSES`, of all readers or of one."""
    own = readings if reader is None else readings.only(readings.reader == reader)
    is_measured, is_open = ~np.isnan(_amounts(own, measure)), left_open(own)
    used = own.only(is_measured & ~is_open)
    amounts, is_thin = _amounts(used, measure), _is_thin(used)
    means, low, high = _means_of(used, amounts)
    medians = Medians.of(used, amounts)
    ends = (np.nan, np.nan) if is_thin else medians.ratio_interval(n_resamples=n_resamples, rng=stream(seed, measure))
    prefilled_median, blank_median = medians.of_arms(np.ones(used.n))
    return Saved(
        measure,
        OVERALL if reader is None else "reader",
        _name(readings, reader),
        prefilled_mean=float(means[0]),
        blank_mean=float(means[1]),
        difference=float(means[2]),
        difference_low=np.nan if is_thin else low,
        difference_high=np.nan if is_thin else high,
        prefilled_median=prefilled_median,
        blank_median=blank_median,
        ratio=medians.ratio(np.ones(used.n)),
        ratio_low=ends[0],
        ratio_high=ends[1],
        n_prefilled=int(used.is_prefilled.sum()),
        n_blank=int((~used.is_prefilled).sum()),
        n_unmeasured=int((~is_measured).sum()),
        n_left_open=int((is_open & is_measured).sum()),
    )


def _name(readings: ArmReadings, reader: int | None) -> str:
    return OVERALL if reader is None else readings.readers[reader]


def _amounts(readings: ArmReadings, measure: str) -> Floats:
    return readings.seconds if measure == SECONDS else readings.key_presses


def _is_thin(readings: ArmReadings) -> bool:
    return any(
        len(np.unique(readings.patient[readings.is_prefilled == side])) < LEAST_PATIENTS for side in (True, False)
    )


def _means_of(readings: ArmReadings, amounts: Floats) -> tuple[Floats, float, float]:
    """Means pre-filled, blank, and their difference with its interval."""
    counts = np.stack([np.rint(amounts), np.ones_like(amounts)], axis=1).astype(np.int64)
    found = jackknifed(readings.sums(counts), _means)
    low, high = found.interval()
    return found.values, float(low[-1]), float(high[-1])


def _means(sums: Whole) -> Floats:
    arms = standardized(sums)
    whole = arms[..., 1]
    mean = np.divide(arms[..., 0], whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return np.stack([mean[..., PREFILLED], mean[..., BLANK], mean[..., PREFILLED] - mean[..., BLANK]], axis=-1)
