"""How many more positives, and how intervals narrow while cases are read."""

import math

import numpy as np
import pytest

from labeling.core.evaluation.clusters import Clusters
from labeling.core.evaluation.learning import SHARES, learning_curve, more_needed, needed
from labeling.core.evaluation.rows import Row
from labeling.core.evaluation.truths import Truth


@pytest.mark.parametrize(
    ("half_width", "n_positive", "more"),
    [
        (0.10, 30, 90),  # half as wide takes four times as many
        (0.05, 30, 0),
        (0.04, 30, 0),
        (0.06, 25, 11),  # 25 * 1.44 = 36
        (0.10, 0, None),
        (math.nan, 30, None),
        (0.0, 3, None),  # three of three right: a point, which is not a narrow interval
    ],
)
def test_positives_grow_with_the_square_of_the_width(half_width, n_positive, more):
    assert more_needed(half_width, n_positive) == more


def test_what_a_row_needs_comes_from_its_interval():
    rows = [Row("liver focal", "recall", 0.8, 0.7, 0.9, n=100, n_positive=20), Row("macro", "recall", 0.8, 0.7, 0.9)]
    cell, mean = needed(rows)
    assert (cell.row, cell.metric, cell.more) == ("liver focal", "recall", 60)
    assert cell.half_width == pytest.approx(0.1)
    assert (mean.n_positive, mean.more) == (None, None)
    assert needed([Row("x", "recall", math.nan)])[0].as_json()["half_width"] is None


@pytest.mark.parametrize(
    ("metric", "more"),
    [("recall", 60), ("f1", 60), ("precision", 60), ("specificity", None), ("mcc", None), ("balanced_accuracy", None)],
)
def test_positives_are_asked_for_only_where_they_decide_the_width(metric, more):
    [found] = needed([Row("liver focal", metric, 0.8, 0.7, 0.9, n=100, n_positive=20)])
    assert found.more == more


def curve(n=400, order=None, of_case=None, **changes):
    rng = np.random.default_rng(1)
    positive = rng.random((n, 3)) < 0.3
    said = positive ^ (rng.random((n, 3)) < 0.1)
    known = np.ones(positive.shape, bool)
    clusters = Clusters(np.arange(n) if of_case is None else of_case, n_resamples=400, seed=0)
    order = np.arange(n) if order is None else order
    return positive, said, learning_curve(Truth(positive, known), Truth(said, known), clusters, order, **changes)


def test_a_curve_has_a_point_for_each_share_of_the_cases_read():
    positive, said, points = curve()
    assert [point.n_cases for point in points if point.metric == "f1"] == [round(400 * share) for share in SHARES]
    last = {point.metric: point for point in points[-2:]}
    assert last["recall"].value == pytest.approx((positive & said).sum() / positive.sum())
    assert (last["recall"].n, last["recall"].n_positive) == (1200, positive.sum())
    assert last["f1"].half_width == pytest.approx((last["f1"].high - last["f1"].low) / 2)


def test_intervals_narrow_about_with_the_root_of_the_cases():
    _, _, points = curve()
    first, last = (next(p for p in points if (p.metric, p.n_cases) == ("recall", n)) for n in (50, 400))
    assert first.half_width / last.half_width == pytest.approx(math.sqrt(8), rel=0.35)


def test_cases_count_in_the_order_in_which_they_were_read():
    positive, said, points = curve(order=np.arange(400)[::-1], shares=(0.25,))
    recall = next(point for point in points if point.metric == "recall")
    assert recall.value == pytest.approx((positive & said)[300:].sum() / positive[300:].sum())


def test_patients_stay_together_in_a_part_of_the_cases():
    # One patient: every resample of the part is the part.
    _, _, points = curve(of_case=np.full(400, 0))
    assert all(point.low == point.value == point.high for point in points)


def test_nothing_read_gives_no_points():
    assert curve(order=np.zeros(0, np.int64))[2] == []
    assert curve(n=1, shares=(0.1, 0.2))[2][0].n_cases == 1  # the same case, once
    assert len(curve(n=1, shares=(0.1, 0.2))[2]) == 2
