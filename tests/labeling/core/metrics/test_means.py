"""Means over a fixed set of cells, by hand."""

import numpy as np
import pytest

from labeling.core.metrics.means import are_enough, mean_over, where_both

NAN = np.nan


def test_a_mean_is_of_what_counts_and_undefined_where_one_of_it_is():
    figures = np.array([[0.2, 0.4, NAN], [0.2, NAN, 0.9]])
    counted = np.array([True, True, False])
    assert mean_over(figures, counted) == pytest.approx([0.3, NAN], nan_ok=True)
    assert np.isnan(mean_over(figures, np.zeros(3, bool))).all()
    assert mean_over(np.zeros((0, 3)), counted).shape == (0,)


def test_a_cell_in_which_one_side_is_undefined_is_in_the_mean_of_neither():
    both = where_both(np.array([[0.2, NAN, 0.5], [0.4, 0.6, NAN]]))
    assert both == pytest.approx(np.array([[0.2, NAN, NAN], [0.4, NAN, NAN]]), nan_ok=True)


@pytest.mark.parametrize(("n_defined", "is_enough"), [(10, True), (9, True), (8, False), (0, False)])
def test_nine_of_ten_samples_stand_for_all(n_defined, is_enough):
    samples = np.full((10, 1), NAN)
    samples[:n_defined] = 1.0
    assert are_enough(samples).tolist() == [is_enough]
