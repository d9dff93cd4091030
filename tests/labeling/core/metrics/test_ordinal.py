"""Kendall's tau-b of tables: against scipy."""

import math

import numpy as np
import pytest
from scipy.stats import kendalltau

from labeling.core.metrics.ordinal import tau_b


def table(first, second, size=4):
    counts = np.zeros((size, size), np.int64)
    np.add.at(counts, (first, second), 1)
    return counts


@pytest.mark.parametrize("seed", range(20))
def test_tau_b_is_that_of_scipy(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(4, size=(2, 25))
    assert float(tau_b(table(first, second))) == pytest.approx(kendalltau(first, second).statistic)


def test_tables_in_front_are_scored_each_by_itself():
    same, against = table([0, 1, 2], [0, 1, 2]), table([0, 1, 2], [2, 1, 0])
    assert tau_b(np.stack([same, against])).tolist() == pytest.approx([1.0, -1.0])


def test_a_constant_side_has_no_order():
    assert math.isnan(tau_b(table([1, 1, 1], [0, 1, 2])))
    assert math.isnan(tau_b(np.zeros((4, 4), np.int64)))
    assert float(tau_b(table([1, 1, 1], [0, 1, 2]), undefined=0.0)) == 0.0
