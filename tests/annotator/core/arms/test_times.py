"""Seconds and keys of both arms, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from annotator.core.arms.medians import Medians
from annotator.core.arms.times import KEY_PRESSES, SECONDS, saved, spreads
from tests.annotator.core.arms.builders import drawn_readings, readings_of


def timed(seconds, arms, *, readers=None):
    readers = readers or [0] * len(arms)
    lines = [
        (reader, patient, arm, "1", "1", "1") for patient, (reader, arm) in enumerate(zip(readers, arms, strict=True))
    ]
    return readings_of(lines, seconds=np.array(seconds, float))


def summary(readings, measure=SECONDS, **options):
    return saved(readings, measure, n_resamples=200, seed=0, **options)


def test_means_and_medians_are_of_each_arm():
    found = summary(timed([10, 20, 60, 40, 50, 90, 70], "PPPBBBB"))
    assert (found.prefilled_mean, found.blank_mean) == (30, pytest.approx(62.5))
    assert found.difference == pytest.approx(-32.5)
    assert (found.prefilled_median, found.blank_median) == (20, 60)
    assert found.ratio == pytest.approx(1 / 3)
    assert (found.n_prefilled, found.n_blank) == (3, 4)


def test_readers_count_the_same_in_both_arms():
    # Reader 0: 10 and 30, weight 1/2; reader 1: 100 and the mean of 200 and 260, weight 2/3.
    found = summary(timed([10, 30, 100, 200, 260], "PBPBB", readers=[0, 0, 1, 1, 1]))
    assert found.prefilled_mean == pytest.approx((10 / 2 + 100 * 2 / 3) / (7 / 6))
    assert found.blank_mean == pytest.approx((30 / 2 + 230 * 2 / 3) / (7 / 6))


def test_sitting_left_open_counts_nowhere_and_is_counted():
    # The median of the reader is 10; more than 100 is no work.
    found = summary(timed([10, 10, 101, 9, 100], "PPPBB"))
    assert (found.n_left_open, found.n_prefilled, found.n_blank) == (1, 2, 2)
    assert found.prefilled_mean == 10


def test_what_was_not_measured_is_left_out_and_counted():
    readings = replace(timed([10, 20, 30], "PBB"), key_presses=np.array([3.0, np.nan, 8.0]))
    found = summary(readings, KEY_PRESSES)
    assert (found.n_unmeasured, found.n_prefilled, found.n_blank) == (1, 1, 1)
    assert found.difference == -5


def test_nothing_measured_is_undefined():
    found = summary(readings_of([(0, 0, "P", "1", "1", "1"), (0, 1, "B", "1", "1", "1")]), KEY_PRESSES)
    assert np.isnan([found.difference, found.ratio, found.ratio_low]).all()
    assert found.n_unmeasured == 2


def test_one_reader_is_told_apart():
    found = summary(timed([10, 30, 100, 200], "PBPB", readers=[0, 0, 1, 1]), reader=1)
    assert (found.row, found.difference) == ("reader-1", -100)


def test_median_of_weights_is_that_of_repeated_amounts():
    readings = replace(drawn_readings(60), stratum=np.zeros(60, np.int64), reader=np.zeros(60, np.int64))
    weights = np.random.default_rng(1).integers(0, 4, 60)
    medians = Medians.of(readings, readings.seconds)
    order = np.argsort(readings.seconds, kind="stable")
    repeated = [
        np.median(np.repeat(readings.seconds[side], weights[side]))
        for side in (readings.is_prefilled, ~readings.is_prefilled)
    ]
    assert medians.of_arms(weights[order].astype(float)) == pytest.approx(repeated)


def test_interval_of_the_ratio_holds_it():
    found = summary(drawn_readings(300, n_patients=60))
    assert found.ratio_low < found.ratio < found.ratio_high
    assert found.difference_low < found.difference < found.difference_high


def test_spread_is_of_each_arm_without_what_was_left_open():
    prefilled, blank = spreads(timed([10, 20, 30, 40, 50, 5000], "PPPPPP"), SECONDS)
    assert (prefilled.n, prefilled.percentiles) == (5, pytest.approx((14, 20, 30, 40, 46)))
    assert (blank.arm, blank.n, blank.percentiles) == ("blank", 0, None)
