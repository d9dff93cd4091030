"""BCa intervals: as SciPy makes them, by hand, and where they are undefined."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from labeling.core.metrics.bca import acceleration, bca_interval

# Skewed counts, 25 clusters of one case each.
COUNTS = np.random.default_rng(7).poisson(2.0, size=25) ** 2


def mean(sums):
    """Figures of sums `(..., 2)`: of the values, and of how many there are."""
    n = sums[..., 1]
    return np.divide(sums[..., 0], n, out=np.full(np.shape(n), np.nan), where=n > 0)


def sums_of(values):
    return np.stack([np.asarray(values), np.ones(len(values), np.int64)], axis=-1)


def interval(samples, *, value, accelerated=0.0, **options):
    low, high = bca_interval(
        np.array(samples, float)[:, np.newaxis],
        values=np.array([value]),
        accelerations=np.array([accelerated]),
        **options,
    )
    return low[0], high[0]


def test_single_cases_give_the_interval_of_scipy():
    found = bootstrap((COUNTS,), np.mean, method="BCa", n_resamples=1999, rng=np.random.default_rng(0))
    samples, accelerated = found.bootstrap_distribution, float(acceleration(sums_of(COUNTS), mean))
    assert accelerated > 0.03
    ends = interval(samples, value=COUNTS.mean(), accelerated=accelerated)
    assert ends == pytest.approx(tuple(found.confidence_interval), rel=1e-9)
    assert ends != pytest.approx(np.percentile(samples, [2.5, 97.5]), rel=1e-3)


def test_acceleration_by_hand():
    # Means without one of 1, 2, 6: 4, 3.5, 1.5, their mean 3. Cubes of -1, -0.5, 1.5 sum up to 2.25, squares to 3.5.
    assert acceleration(sums_of([1, 2, 6]), mean) == pytest.approx(2.25 / (6 * 3.5**1.5))


def test_a_cluster_is_left_out_as_a_whole():
    # Two clusters, sums 3 of 2 cases and 6 of 1: means without one are 6 and 1.5, which lie evenly about their mean.
    assert acceleration(np.array([[3, 2], [6, 1]]), mean) == pytest.approx(0)


def test_acceleration_is_the_same_in_any_number_of_blocks(monkeypatch):
    whole = acceleration(sums_of(COUNTS), mean)
    monkeypatch.setattr("labeling.core.metrics.bca._BLOCK", 6)  # three clusters at a time
    assert acceleration(sums_of(COUNTS), mean) == pytest.approx(whole, rel=1e-12)


def test_a_figure_that_no_cluster_changes_has_no_acceleration():
    assert acceleration(sums_of([4, 4, 4]), mean) == 0.0


def test_clusters_without_which_the_figure_is_undefined_are_left_out_of_the_jackknife():
    # Share of right among positives: only the first cluster has positives, without it there is none.
    assert acceleration(np.array([[1, 2], [0, 0], [0, 0]]), mean) == 0.0
    assert np.isnan(acceleration(np.array([[1, 2]]), mean))


def test_without_bias_and_acceleration_it_is_the_percentile_interval():
    samples = np.arange(101.0)
    assert interval(samples, value=50.0) == pytest.approx(np.percentile(samples, [2.5, 97.5]))


def test_equal_samples_give_a_point():
    assert interval([1.0] * 10, value=1.0) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("samples", "value", "accelerated"),
    [
        ([1.0, 2.0], 0.5, 0.0),  # all above: no bias can be told
        ([1.0, 2.0], 2.5, 0.0),
        ([1.0, 2.0, 3.0], np.nan, 0.0),
        ([1.0, 2.0, 3.0], 2.0, np.nan),
        ([1.0, 2.0, 3.0], 2.0, 0.6),  # 1 - 0.6 * 1.96 is below 0
        ([np.nan, np.nan], 1.0, 0.0),
        ([], 1.0, 0.0),
    ],
)
def test_what_is_undefined_is_no_interval(samples, value, accelerated):
    assert np.isnan(interval(samples, value=value, accelerated=accelerated)).all()


def test_samples_in_which_the_figure_is_undefined_are_left_out():
    samples = np.arange(101.0)
    with_gaps = np.concatenate([samples, np.full(9, np.nan)])
    assert interval(with_gaps, value=40.0) == interval(samples, value=40.0)
