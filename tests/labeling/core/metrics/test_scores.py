"""Scores: against scikit-learn, by hand, and where they are undefined."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics as peer

from labeling.core.metrics.scores import (
    auroc,
    average_precision,
    brier,
    equal_error,
    probability_of,
    reliability,
    thresholds,
    wilson_interval,
)


def case(seed, n=50):
    """Truth and scores with ties."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.4
    truth[:2] = True, False
    return truth, np.round(rng.normal(size=n) + truth, 1)


@pytest.mark.parametrize("seed", range(20))
def test_ranks_are_scored_as_by_scikit_learn(seed):
    truth, scores = case(seed)
    assert auroc(truth, scores) == pytest.approx(peer.roc_auc_score(truth, scores))
    assert average_precision(truth, scores) == pytest.approx(peer.average_precision_score(truth, scores))
    probability = probability_of(scores)
    assert brier(truth, probability) == pytest.approx(peer.brier_score_loss(truth, probability))


@pytest.mark.parametrize("seed", range(20))
def test_the_equal_error_rate_is_where_the_two_errors_are_nearest(seed):
    truth, scores = case(seed)
    false_rate, true_rate, _ = peer.roc_curve(truth, scores, drop_intermediate=False)
    found = equal_error(truth, scores)
    missed = (scores[truth] <= found.threshold).mean()
    assert found.rate == pytest.approx((scores[~truth] > found.threshold).mean())
    assert abs(missed - found.rate) == pytest.approx(np.abs(1 - true_rate - false_rate).min())


def test_the_equal_error_rate_by_hand():
    # Between 2 and 3 one of three positives is missed and one of three negatives taken.
    truth = np.array([True, True, True, False, False, False])
    found = equal_error(truth, np.array([5.0, 4.0, 1.0, 3.0, 2.0, 0.0]))
    assert (found.rate, found.threshold) == (pytest.approx(1 / 3), 2.5)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([3.0, 2.0, 1.0, 0.0], 1.0), ([0.0, 1.0, 2.0, 3.0], 0.0), ([1.0, 1.0, 1.0, 1.0], 0.5)],
)
def test_perfect_inverted_and_chance(scores, expected):
    truth = np.array([True, True, False, False])
    assert auroc(truth, np.array(scores)) == expected
    assert equal_error(truth, np.array([3.0, 2.0, 1.0, 0.0])) == (type(equal_error(truth, np.arange(4.0))))(0.0, 1.5)


@pytest.mark.parametrize("truth", [[], [True, True], [False, False]])
def test_one_class_has_no_rank_figures(truth):
    truth = np.array(truth, bool)
    scores = np.arange(truth.size, dtype=float)
    assert math.isnan(auroc(truth, scores))
    assert math.isnan(equal_error(truth, scores).rate)
    assert math.isnan(average_precision(truth, scores)) == (not truth.any())


def test_scores_that_are_all_the_same_have_no_threshold_and_tell_nothing():
    truth, scores = np.array([True, False, False]), np.full(3, 7.0)
    assert math.isnan(equal_error(truth, scores).threshold)
    assert math.isnan(equal_error(truth, scores).rate)
    assert auroc(truth, scores) == 0.5


def test_a_threshold_between_two_neighbouring_numbers_still_tells_them_apart():
    # No number lies between 1 and the one below it; halving their sum gives 1, and 1 is not above 1.
    below = np.nextafter(1.0, 0.0)
    found = equal_error(np.array([True, False]), np.array([1.0, below]))
    assert (found.rate, found.threshold) == (0.0, below)


def test_thresholds_go_from_nothing_to_everything():
    found = thresholds(np.array([1.0, 3.0, 1.0]))
    assert found.tolist() == [3.0, 2.0, np.nextafter(1.0, 0.0)]
    assert thresholds(np.zeros(0)).size == 0


@pytest.mark.parametrize(("n_positive", "n"), [(0, 5), (3, 10), (7, 7), (400, 1000)])
def test_wilson_intervals_are_those_of_scipy(n_positive, n):
    expected = binomtest(n_positive, n).proportion_ci(method="wilson")
    low, high = wilson_interval(np.array([n_positive]), np.array([n]))
    assert (low[0], high[0]) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_the_wilson_interval_of_no_cases_is_undefined():
    assert np.isnan(wilson_interval(np.array([0]), np.array([0]))).all()


def test_the_order_of_saturated_probabilities_is_kept_by_differences():
    # METHODS I: at a difference of 40 the probability is 1 in double precision, and so it is at 41.
    scores = np.array([41.0, 40.0])
    assert probability_of(scores).tolist() == [1.0, 1.0]
    assert auroc(np.array([True, False]), scores) == 1.0
    assert probability_of(np.array([0.0])).tolist() == [0.5]


def test_any_rising_change_of_scores_leaves_ranks_as_they_are():
    truth, scores = case(3)
    assert auroc(truth, np.exp(scores)) == auroc(truth, scores)
    assert equal_error(truth, 10 * scores + 3).rate == equal_error(truth, scores).rate


def test_reliability_by_hand():
    # Bins of a half: 0.2 and 0.4 with one of two positive, 0.9 positive. |0.3 - 0.5| * 2/3 + |0.9 - 1| / 3 = 1/6.
    curve = reliability(np.array([True, False, True]), np.array([0.2, 0.4, 0.9]), n_bins=2)
    assert curve.n.tolist() == [2, 1]
    assert curve.mean_probability == pytest.approx([0.3, 0.9])
    assert curve.share_positive == pytest.approx([0.5, 1.0])
    assert curve.expected_calibration_error == pytest.approx(1 / 6)


def test_an_empty_bin_has_no_share():
    curve = reliability(np.array([True]), np.array([1.0]), n_bins=2)
    assert math.isnan(curve.share_positive[0])
    assert math.isnan(reliability(np.zeros(0, bool), np.zeros(0)).expected_calibration_error)
    assert math.isnan(brier(np.zeros(0, bool), np.zeros(0)))


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="1 scores are no finite numbers"):
        auroc(np.array([True, False]), np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="0 to 1"):
        reliability(np.array([True]), np.array([1.5]))
