"""Intervals hold what simulated readers of known bias do; `benchmarks/arms_coverage.py` has more runs of it."""

import numpy as np
import pytest

from annotator.core.arms.contrasts import OVERALL, Rows, contrasts
from annotator.core.arms.questions import QUESTIONS
from annotator.core.arms.shares import error_shares
from benchmarks.arms_coverage import N_CELLS, coverage, sample, true_figures


def test_the_true_figures_are_those_of_very_many_patients():
    truth, drawn = true_figures(), sample(20_000, np.random.default_rng(0))
    rows = [Rows(OVERALL, OVERALL, np.arange(N_CELLS))]
    for judge, readings in (("known", drawn.known), ("colleagues", drawn.colleagues)):
        for each in (each for question in QUESTIONS.values() for each in contrasts(readings, rows, question)):
            # Within four standard errors: an interval is some four of them wide.
            far = each.high - each.low
            assert each.difference == pytest.approx(truth[f"{judge} {each.metric}"], abs=far), (judge, each.metric)
    for share in error_shares(drawn.known, rows):
        assert share.value == pytest.approx(truth[f"known {share.metric}"], abs=0.01)


def test_most_intervals_hold_the_truth():
    found = {name: share for name, (share, _) in coverage(60, n_runs=30, seed=1).items()}
    # 30 runs: shares of one run are alike, so that only a wide margin is sure; three standard errors of one are 12 %.
    assert min(share for name, share in found.items() if name.startswith("jackknife")) >= 0.8
    assert 0.88 <= np.mean(list(found.values())) <= 1
