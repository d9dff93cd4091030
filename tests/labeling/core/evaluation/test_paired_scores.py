"""Two labelers' scores of the same cases."""

import json
import math
from statistics import NormalDist

import numpy as np
import pytest

from labeling.core.evaluation.paired_scores import LabelerScores, compared_scores
from labeling.core.evaluation.sound import Clusters, Truth
from labeling.core.metrics.scores import probability_of


def made(n=300, *, cells=1, seed=0, second=0.5):
    """Truth and two labelers' scores that share half of their noise; the first knows more."""
    rng = np.random.default_rng(seed)
    truth = rng.random((n, cells)) < 0.4
    shared = rng.normal(size=(n, cells))
    first, other = (LabelerScores(shared + rng.normal(size=(n, cells)) + shift * truth) for shift in (1.0, second))
    return Truth(truth, np.ones_like(truth)), first, other


def compared(truth, first, second, *, n_resamples=2000, size=1):
    n, n_cells = truth.positive.shape
    clusters = Clusters(np.arange(n) // size, n_resamples, 0)
    found = compared_scores([f"cell {each}" for each in range(n_cells)], truth, (first, second), clusters=clusters)
    return {(each.name, each.metric): each for each in found}


def delong(truth, first, second):
    """Difference, its standard error and two-sided p (DeLong et al. 1988)."""
    kernels = [
        (x[truth][:, np.newaxis] > x[~truth]) + (x[truth][:, np.newaxis] == x[~truth]) / 2 for x in (first, second)
    ]
    difference = kernels[0].mean() - kernels[1].mean()
    variance = sum(
        (kernels[0].mean(axis=axis) - kernels[1].mean(axis=axis)).var(ddof=1) / n
        for axis, n in ((1, truth.sum()), (0, (~truth).sum()))
    )
    error = math.sqrt(variance)
    return difference, error, 2 * NormalDist().cdf(-abs(difference) / error)


@pytest.mark.parametrize("seed", range(4))
def test_auroc_differs_as_delong_says(seed):
    truth, first, second = made(seed=seed)
    found = compared(truth, first, second, n_resamples=6000)["cell 0", "auroc"]
    difference, error, p = delong(truth.positive[:, 0], first.scores[:, 0], second.scores[:, 0])
    assert found.difference.value == pytest.approx(difference)
    assert found.difference.high - found.difference.low == pytest.approx(2 * 1.96 * error, rel=0.08)
    assert found.p == pytest.approx(p, abs=0.01, rel=0.3)


def test_a_labeler_is_no_better_than_itself():
    truth, first, _ = made(60)
    for found in compared(truth, first, first, n_resamples=100).values():
        assert found.difference.low == found.difference.value == found.difference.high == 0
        assert found.p == 1


def test_swapping_the_labelers_turns_the_difference_around():
    truth, first, second = made(80)
    one = compared(truth, first, second, n_resamples=200)["cell 0", "brier"]
    other = compared(truth, second, first, n_resamples=200)["cell 0", "brier"]
    assert one.difference.value == -other.difference.value
    assert one.difference.low == pytest.approx(-other.difference.high)
    assert one.p == pytest.approx(other.p)


def test_patients_make_differences_less_sure():
    truth, *labelers = made(100)
    four = Truth(np.repeat(truth.positive, 4, axis=0), np.repeat(truth.known, 4, axis=0))
    first, second = (LabelerScores(np.repeat(each.scores, 4, axis=0)) for each in labelers)
    widths = [
        each.high - each.low
        for size in (4, 1)
        for each in [compared(four, first, second, size=size)["cell 0", "auroc"].difference]
    ]
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.15)  # the root of 4


def test_only_cases_that_both_scored_are_compared():
    truth, first, second = made(50)
    first.scores[:5] = np.nan
    second.scores[3:10] = np.nan
    truth.known[10:12] = False
    found = compared(truth, first, second, n_resamples=20)["cell 0", "auroc"]
    assert (found.n, found.n_positive) == (38, int(truth.positive[12:].sum()))


def test_p_is_corrected_for_the_number_of_conditions_in_which_it_is_defined():
    truth, first, second = made(200, cells=3, second=0.7)
    truth.positive[:, 2] = False
    found = compared(truth, first, second)
    p = [found[f"cell {each}", "auroc"].p for each in range(3)]
    assert math.isnan(p[2])
    assert math.isnan(found["cell 2", "auroc"].p_holm)
    smaller = int(p[1] < p[0])
    assert found[f"cell {smaller}", "auroc"].p_holm == pytest.approx(min(1, 2 * p[smaller]))  # Holm 1979, two tests
    assert json.loads(json.dumps(found["cell 2", "auroc"].as_json(), allow_nan=False))["p"] is None


def test_macro_is_over_the_conditions_in_which_both_are_defined():
    truth, first, second = made(200, cells=3)
    truth.positive[:, 2] = False
    found = compared(truth, first, second, n_resamples=200)
    cells = [found[f"cell {each}", "auroc"].difference.value for each in range(2)]
    macro = found["macro", "auroc"]
    assert macro.difference.value == pytest.approx(sum(cells) / 2)
    assert (macro.n, macro.p_holm) == (None, None)
    assert macro.difference.low < macro.difference.value < macro.difference.high


def test_a_mean_with_a_condition_that_many_resamples_lack_has_neither_interval_nor_p():
    truth, first, second = made(200, cells=2)
    truth.positive[:, 1] = np.arange(200) == 0  # one positive: 37 % of resamples are without it
    found = compared(truth, first, second, n_resamples=200)
    area = found["macro", "auroc"]
    cells = [found[f"cell {each}", "auroc"].difference.value for each in range(2)]
    assert area.difference.value == pytest.approx(sum(cells) / 2)
    assert all(math.isnan(each) for each in (area.first.low, area.difference.low, area.p))
    assert found["macro", "brier"].difference.low < found["macro", "brier"].difference.high


def test_each_labeler_has_its_own_scale():
    truth, first, _ = made(100)
    same = LabelerScores(probability_of(first.scores), "probability")
    found = compared(truth, first, same, n_resamples=50)
    assert {each.difference.value for each in found.values()} == {0}
