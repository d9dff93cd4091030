"""Intervals hold the truth about as often as they say, in a small run of `benchmarks.interval_coverage`."""

import numpy as np
import pytest

from benchmarks.interval_coverage import coverage, sample, true_figures
from labeling.core.metrics.presence import FIGURES, Counts


def test_the_true_figures_are_those_of_very_many_patients():
    codes = sample(200_000, np.random.default_rng(0)).codes
    tn, fp, fn, tp = np.bincount(codes.ravel(), minlength=4)
    for metric, value in true_figures().items():
        assert FIGURES[metric](Counts(tp, fp, fn, tn)) == pytest.approx(value, abs=0.004)


def test_intervals_by_patient_cover_and_those_by_pair_do_not():
    # 200 runs: four standard errors of 95 % are 6.2 %; with 60 patients the intervals are a little narrow.
    found = coverage(60, n_runs=200, seed=1, units=("patient", "pair"))
    for metric in true_figures():
        for interval in ("percentile", "bca"):
            assert found["patient", interval, metric] >= 0.86
            assert found["pair", interval, metric] <= found["patient", interval, metric] - 0.08
            assert found["pair", interval, metric] < 0.86
