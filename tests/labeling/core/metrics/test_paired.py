"""Tests of two systems on the same pairs: against SciPy, by hand, and that they keep their level."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest, chi2

from labeling.core.metrics.paired import mcnemar_p, permutation_p, swap_clusters


@pytest.mark.parametrize(("first", "second"), [(3, 9), (9, 3), (0, 5), (7, 8), (120, 160), (0, 1)])
def test_mcnemar_is_the_exact_binomial_less_half_of_what_is_as_likely_as_the_data(first, second):
    n = first + second
    exact = binomtest(first, n, 0.5).pvalue
    assert mcnemar_p(first, second) == pytest.approx(exact - binom.pmf(first, n, 0.5), rel=1e-9)


def test_mcnemar_of_many_pairs_is_chi_square():
    assert mcnemar_p(900, 1010) == pytest.approx(chi2.sf(110**2 / 1910, 1))
    # At the border both forms say much the same.
    assert mcnemar_p(460, 540) == pytest.approx(mcnemar_p(460, 541), abs=0.002)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (4, 4), (600, 600)])
def test_mcnemar_sees_no_difference_where_both_are_right_as_often(first, second):
    assert mcnemar_p(first, second) == 1.0


# Two clusters: in the first system 1 alone is right three times, in the second both agree.
JOINT = np.array([[[0, 0], [3, 0]], [[1, 0], [0, 2]]])


def test_clusters_are_swapped_as_wholes():
    swapped = swap_clusters(JOINT, n_resamples=400, rng=np.random.default_rng(0))
    assert swapped.shape == (400, 2, 2)
    assert set(swapped[:, 1, 0].tolist()) == {0, 3}  # never one or two of the three
    assert (swapped[:, 1, 0] == 3).mean() == pytest.approx(0.5, abs=0.1)  # four standard errors
    assert (swapped[:, 0, 1] + swapped[:, 1, 0] == 3).all()
    assert (swapped[:, [0, 1], [0, 1]] == [1, 2]).all()  # what both say is the same whoever said it


def test_the_same_seed_swaps_the_same_in_any_number_of_blocks(monkeypatch):
    joint = np.random.default_rng(5).integers(9, size=(40, 3, 2, 2))
    whole = swap_clusters(joint, n_resamples=50, rng=np.random.default_rng(2))
    monkeypatch.setattr("labeling.core.metrics.resampling._BLOCK", 40)
    assert (swap_clusters(joint, n_resamples=50, rng=np.random.default_rng(2)) == whole).all()


def test_the_observed_difference_counts_as_one_of_the_permutations():
    # Two of four lie as far from 0 as 0.3, either way: (2 + 1) / (4 + 1). None: 1 / 5, never 0.
    differences = np.array([-0.3, 0.1, 0.4, 0.0])
    assert permutation_p(differences, np.array(0.3)) == pytest.approx(3 / 5)
    assert permutation_p(differences, np.array(-0.9)) == pytest.approx(1 / 5)
    assert permutation_p(differences, np.array(0.0)) == 1.0


def test_undefined_differences_are_left_out_and_an_undefined_one_has_no_p():
    assert permutation_p(np.array([np.nan, 0.5]), np.array(0.5)) == 1.0
    assert permutation_p(np.array([np.nan, 0.1]), np.array(0.5)) == pytest.approx(1 / 2)
    assert np.isnan(permutation_p(np.array([0.1, 0.5]), np.array(np.nan)))
