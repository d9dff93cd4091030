"""Jackknife errors as of a mean, quantiles as SciPy has them, and shares by hand."""

import numpy as np
import pytest
from scipy.stats import t as student

from labeling.core.metrics.jackknife import jackknifed, t_quantiles, wilson_interval

VALUES = np.array([3, 1, 4, 1, 5, 9, 2, 6])


def mean(sums):
    n = np.asarray(sums[..., 1], float)
    return np.divide(sums[..., 0], n, out=np.full(n.shape, np.nan), where=n > 0)


def sums_of(values):
    return np.stack([values, np.ones_like(values)], axis=1)


def test_quantiles_are_those_of_scipy():
    degrees = np.array([1, 2, 3, 8, 49, 200, 201, 5000])
    assert t_quantiles(degrees) == pytest.approx(student.ppf(0.975, degrees), rel=1e-6)
    assert t_quantiles(degrees, level=0.9) == pytest.approx(student.ppf(0.95, degrees), rel=1e-6)


def test_error_of_a_mean_is_that_of_the_textbook():
    found = jackknifed(sums_of(VALUES), mean)
    assert found.errors == pytest.approx(VALUES.std(ddof=1) / np.sqrt(8))
    low, high = found.interval()
    assert (low, high) == pytest.approx(student.interval(0.95, 7, VALUES.mean(), VALUES.std(ddof=1) / np.sqrt(8)))


def test_clusters_without_counts_change_nothing():
    padded = np.concatenate([sums_of(VALUES), np.zeros((5, 2), np.int64)])
    assert jackknifed(padded, mean).errors == pytest.approx(jackknifed(sums_of(VALUES), mean).errors)


def test_figure_that_rests_on_one_cluster_has_no_error():
    found = jackknifed(np.array([[3, 1], [0, 0]]), mean)
    assert found.values == 3
    assert np.isnan(found.errors)
    assert np.isnan(found.interval()).all()


def test_share_of_none_has_an_interval_of_as_many_answers_as_clusters():
    # Wilson: t² / (n + t²), with t of 9 degrees, 2.262: 5.117 / 15.117.
    low, high = wilson_interval(np.array(0.0), error=np.array(0.0), n_clusters=np.array(10))
    assert (low, high) == (0, pytest.approx(0.3385, abs=1e-4))


def test_share_whose_answers_are_independent_has_the_interval_of_wilson():
    # 20 of 100, the error of a binomial share; with t of 99 degrees, 1.984, in place of 1.96.
    low, high = wilson_interval(np.array(0.2), error=np.array(0.04), n_clusters=np.array(100))
    centre, wide = (0.2 + 3.937 / 200) / 1.03937, 1.9842 * np.sqrt(0.0016 + 3.937 / 40_000) / 1.03937
    assert (low, high) == pytest.approx((centre - wide, centre + wide), abs=1e-4)


def test_share_of_one_cluster_has_no_interval():
    assert np.isnan(wilson_interval(np.array(0.0), error=np.array(0.0), n_clusters=np.array(1))).all()
