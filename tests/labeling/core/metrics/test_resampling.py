"""Resamples: distributions, intervals that cover, p values."""

import math

import numpy as np
import pytest

from labeling.core.metrics.resampling import bootstrap_p, draw_clusters, draw_pairs, holm, percentile_interval


def test_drawing_counts_has_the_distribution_of_drawing_pairs():
    # Counts 3 of 10 pairs: mean 3, variance 10 * 0.3 * 0.7 = 2.1 for both ways. 20,000 draws: standard error 0.01.
    drawn = draw_pairs(np.array([[3, 2], [4, 1]]), n_resamples=20_000, rng=np.random.default_rng(0))
    assert drawn.shape == (20_000, 2, 2)
    assert (drawn.sum(axis=(1, 2)) == 10).all()
    assert drawn[:, 0, 0].mean() == pytest.approx(3, abs=0.05)
    assert drawn[:, 0, 0].var() == pytest.approx(2.1, abs=0.1)


def test_clusters_are_drawn_as_wholes():
    # Two clusters, one with ten pairs and one with none: a resample has 0, 10 or 20 pairs, with 1/4, 1/2 and 1/4.
    drawn = draw_clusters(np.array([[10], [0]]), n_resamples=4000, rng=np.random.default_rng(0))[:, 0]
    assert set(drawn.tolist()) == {0, 10, 20}
    assert (drawn == 10).mean() == pytest.approx(0.5, abs=0.04)


def test_clusters_of_one_pair_are_pairs():
    counts = np.repeat([[1, 0], [0, 1]], [30, 70], axis=0)
    drawn = draw_clusters(counts, n_resamples=5000, rng=np.random.default_rng(1))
    assert drawn[:, 0].var() == pytest.approx(100 * 0.3 * 0.7, rel=0.1)


def test_the_same_seed_draws_the_same_in_any_number_of_blocks(monkeypatch):
    counts = np.random.default_rng(5).integers(9, size=(40, 3))
    whole = draw_clusters(counts, n_resamples=50, rng=np.random.default_rng(2))
    monkeypatch.setattr("labeling.core.metrics.resampling._BLOCK", 40)  # one resample at a time
    assert (draw_clusters(counts, n_resamples=50, rng=np.random.default_rng(2)) == whole).all()


def test_nothing_gives_nothing():
    rng = np.random.default_rng(0)
    assert draw_pairs(np.zeros((2, 2), np.int64), n_resamples=3, rng=rng).sum() == 0
    assert draw_clusters(np.zeros((0, 2), np.int64), n_resamples=3, rng=rng).tolist() == [[0, 0]] * 3
    assert all(math.isnan(end) for end in percentile_interval(np.full(5, np.nan)))


def test_counts_below_0_are_refused():
    with pytest.raises(ValueError, match="got -1"):
        draw_pairs(np.array([-1, 2]), n_resamples=3, rng=np.random.default_rng(0))


def test_an_interval_leaves_out_samples_in_which_the_figure_is_undefined():
    samples = np.array([[0.0, np.nan], [1.0, 0.5], [2.0, 0.5], [3.0, np.nan], [4.0, 0.5]])
    low, high = percentile_interval(samples, level=0.5)
    assert low.tolist() == [1.0, 0.5]  # the quarter points of 0 to 4
    assert high.tolist() == [3.0, 0.5]


def test_the_interval_of_a_share_covers_the_truth_about_as_often_as_it_says():
    # 400 samples of 100 patients with a share of 0.3: 95 % of intervals hold it; 4 standard errors are 4.4 %.
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        counts = (rng.random((100, 1)) < 0.3).astype(np.int64)
        low, high = percentile_interval(draw_clusters(counts, n_resamples=400, rng=rng)[:, 0] / 100)
        held += low <= 0.3 <= high
    assert 0.95 - 0.044 <= held / 400 <= 1.0


def test_pairs_within_patients_make_the_interval_of_patients_wider():
    # 40 patients with ten equal pairs each: as sure as 40 pairs, not as 400. The root of 10 is 3.2.
    counts = np.repeat([[10, 0], [0, 10]], 20, axis=0)
    rng = np.random.default_rng(4)
    by_patient = draw_clusters(counts, n_resamples=4000, rng=rng)[:, 0].std()
    by_pair = draw_pairs(counts.sum(axis=0), n_resamples=4000, rng=rng)[:, 0].std()
    assert by_patient / by_pair == pytest.approx(math.sqrt(10), rel=0.1)


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([1.0, 1.0, 1.0, -1.0], 0.5),  # 3/4 above: twice the quarter below
        ([0.0, 0.0], 1.0),
        ([1.0, 0.0, 0.0, np.nan], 2 * (1 - 2 / 3)),  # one above and half of two zeros, of three
        ([2.0, 3.0], 0.0),
    ],
)
def test_p_is_twice_the_smaller_side(differences, expected):
    assert float(bootstrap_p(np.array(differences))) == pytest.approx(expected)


def test_p_of_nothing_is_undefined():
    assert math.isnan(bootstrap_p(np.array([np.nan])))


def test_holm_by_hand_and_undefined_ones_do_not_count():
    # Sorted 0.01 * 3, 0.03 * 2, 0.04 * 1, then never falling (Holm 1979).
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    corrected = holm([0.5, math.nan, 0.02])
    assert corrected[0] == pytest.approx(0.5)
    assert math.isnan(corrected[1])
    assert corrected[2] == pytest.approx(0.04)
