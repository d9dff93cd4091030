"""Operating points: the ROC curve of scikit-learn, and what may be left out of it."""

import numpy as np
import pytest
from sklearn import metrics as peer

from labeling.core.metrics.curves import corners, points, thinned


def case(seed, n=60, decimals=1):
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.3
    truth[:2] = True, False
    return truth, np.round(rng.normal(size=n) + truth, decimals)


@pytest.mark.parametrize("seed", range(8))
def test_all_points_are_those_of_scikit_learn(seed):
    truth, scores = case(seed)
    every = points(truth, scores)
    false_rate, true_rate, _ = peer.roc_curve(truth, scores, drop_intermediate=False)
    assert every.false_positive_rate == pytest.approx(false_rate)
    assert every.true_positive_rate == pytest.approx(true_rate)


@pytest.mark.parametrize("seed", range(8))
def test_corners_span_the_same_curve_and_none_of_them_can_go(seed):
    every = points(*case(seed))
    few = every[corners(every)]
    assert few.thresholds.size < every.thresholds.size
    rates = np.stack([few.false_positive_rate, few.true_positive_rate])
    assert peer.auc(*rates) == pytest.approx(peer.auc(every.false_positive_rate, every.true_positive_rate))
    before, after = np.diff(rates)[:, :-1], np.diff(rates)[:, 1:]
    assert (np.abs(before[0] * after[1] - before[1] * after[0]) > 1e-9).all()


def test_counts_are_of_scores_above_the_threshold():
    truth, scores = case(3)
    every = points(truth, scores)
    for index, threshold in enumerate(every.thresholds):
        assert every.counts.tp[index] == (truth & (scores > threshold)).sum()
        assert every.counts.tn[index] == (~truth & ~(scores > threshold)).sum()
    assert (every.counts.n == truth.size).all()


def test_a_thinned_curve_keeps_ends_and_what_it_is_told_to_and_has_no_gaps():
    truth, scores = case(4, n=5000, decimals=9)
    every = points(truth, scores)
    keep = every.thresholds[1234:1235]
    few = thinned(every, n_most=200, keep=keep)
    assert 150 < few.thresholds.size <= 200
    assert {every.thresholds[0], every.thresholds[-1], keep[0]} <= set(few.thresholds)
    # 199 points on a path of length 2, between two of which one case of the rarer class may come in: 1/1500.
    steps = np.diff(few.false_positive_rate + few.true_positive_rate)
    assert steps.min() > 0
    assert steps.max() <= 2 / 198 + 1 / 1400


def test_a_short_curve_is_left_as_it_is():
    every = points(*case(5))
    assert thinned(every, n_most=200, keep=np.zeros(0)) is every


def test_no_cases_have_no_points_and_one_class_has_one_rate():
    nothing = points(np.zeros(0, bool), np.zeros(0))
    assert nothing.thresholds.size == 0
    assert corners(nothing).size == 0
    positives = points(np.array([True, True]), np.array([1.0, 0.0]))
    assert positives.true_positive_rate.tolist() == [0.0, 0.5, 1.0]
    assert np.isnan(positives.false_positive_rate).all()
