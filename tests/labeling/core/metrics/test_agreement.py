"""Agreement: published examples, other programs, and where there is none to speak of."""

import math

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from labeling.core.metrics.agreement import (
    cohen_kappa,
    fleiss_kappa,
    gwet_ac,
    krippendorff_alpha,
    ordinal_weights,
    percent_agreement,
    votes_of,
)

NONE = -1
# Four raters, twelve cases, five categories, with gaps: `cac.raw4raters` of Gwet's R package irrCAC, and its results.
GWET = [
    *((0, 0, NONE, 0), (1, 1, 2, 1), (2, 2, 2, 2), (2, 2, 2, 2), (1, 1, 1, 1), (0, 1, 2, 3)),
    *((3, 3, 3, 3), (0, 0, 1, 0), (1, 1, 1, 1), (NONE, 4, 4, 4), (NONE, NONE, 0, 0), (NONE, NONE, 2, NONE)),
]
VOTES = votes_of(np.array(GWET, np.int8).T, 5)


@pytest.mark.parametrize(
    ("coefficient", "expected"),
    [(percent_agreement, 0.81818), (fleiss_kappa, 0.76117), (gwet_ac, 0.77544), (krippendorff_alpha, 0.74342)],
)
def test_coefficients_of_gwets_example_are_those_he_gives(coefficient, expected):
    found = coefficient(VOTES)
    assert float(found.value) == pytest.approx(expected, abs=5e-6)
    assert int(found.n_cases) == 11  # the twelfth case has one rater
    assert int(found.n_pairs) == 3 + 8 * 6 + 3 + 1  # 3 raters: 3 pairs; 4: 6; 2: 1


def test_fleiss_kappa_of_a_worked_example():
    # Ten cases, fourteen raters: the worked example of Wikipedia's "Fleiss' kappa".
    rows = [(0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1)]
    rows += [(7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7)]
    assert float(fleiss_kappa(np.array(rows)).value) == pytest.approx(0.210, abs=5e-4)


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
@pytest.mark.parametrize("seed", range(10))
def test_cohens_kappa_is_that_of_scikit_learn(weights, seed):
    rng = np.random.default_rng(seed)
    first = rng.integers(4, size=40)
    second = np.where(rng.random(40) < 0.6, first, rng.integers(4, size=40))
    table = np.zeros((4, 4), np.int64)
    np.add.at(table, (first, second), 1)
    ours = None if weights is None else ordinal_weights(4, power=1 if weights == "linear" else 2)
    expected = cohen_kappa_score(first, second, labels=range(4), weights=weights)
    assert float(cohen_kappa(table, weights=ours).value) == pytest.approx(expected)


COEFFICIENTS = (percent_agreement, fleiss_kappa, gwet_ac, krippendorff_alpha)


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
def test_perfect_agreement_is_1_whatever_the_order_of_cases_and_raters(coefficient):
    ranks = np.array([[0, 1, 2, 1], [0, 1, 2, 1], [0, 1, 2, 1]], np.int8)
    assert float(coefficient(votes_of(ranks, 3)).value) == pytest.approx(1.0)
    mixed = np.array([[0, 1, 2, 1], [0, 2, 2, 1]], np.int8)
    shuffled = mixed[::-1, [2, 0, 3, 1]]
    assert float(coefficient(votes_of(mixed, 3)).value) == float(coefficient(votes_of(shuffled, 3)).value)


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
def test_readers_who_share_no_case_have_no_agreement(coefficient):
    ranks = np.array([[0, 1, NONE, NONE], [NONE, NONE, 0, 1]], np.int8)
    found = coefficient(votes_of(ranks, 2))
    assert math.isnan(float(found.value))
    assert (int(found.n_cases), int(found.n_pairs)) == (0, 0)


@pytest.mark.parametrize("coefficient", [fleiss_kappa, krippendorff_alpha])
def test_agreement_beyond_chance_is_undefined_when_all_say_the_same_everywhere(coefficient):
    assert math.isnan(float(coefficient(votes_of(np.zeros((3, 5), np.int8), 2)).value))


def test_kappa_falls_and_ac1_stays_when_nearly_all_is_absent():
    # 98 cases both absent, 2 on which two readers differ: 98 % agree, kappa says worse than chance, AC1 does not.
    ranks = np.zeros((2, 100), np.int8)
    ranks[0, 0] = ranks[1, 1] = 1
    votes = votes_of(ranks, 2)
    assert float(fleiss_kappa(votes).value) == pytest.approx((0.98 - 0.9802) / (1 - 0.9802))
    assert float(gwet_ac(votes).value) == pytest.approx((0.98 - 0.0198) / (1 - 0.0198))


def test_cells_are_scored_each_by_itself():
    first, second = np.array([[0, 1, 1], [0, 1, 0]], np.int8), np.array([[1, 1, 0], [1, 1, 0]], np.int8)
    both = np.stack([votes_of(first, 2), votes_of(second, 2)])
    values = fleiss_kappa(both).value
    assert values[0] == fleiss_kappa(votes_of(first, 2)).value
    assert values[1] == pytest.approx(1.0)


def test_a_level_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="'interval' is neither"):
        krippendorff_alpha(VOTES, level="interval")


def drawn(seed, *, n_raters=3, missing=0.0):
    """Categories of raters who mostly agree, `(raters, cases)`."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(4, size=30)
    shape = (n_raters, 30)
    ranks = np.where(rng.random(shape) < 0.6, truth, rng.integers(4, size=shape))
    return np.where(rng.random(shape) < missing, NONE, ranks).astype(np.int8)


@pytest.mark.parametrize("seed", range(5))
def test_fleiss_kappa_is_that_of_statsmodels(seed):
    votes = votes_of(drawn(seed, n_raters=4), 4)
    assert float(fleiss_kappa(votes).value) == pytest.approx(inter_rater.fleiss_kappa(votes))


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
@pytest.mark.parametrize("seed", range(5))
def test_alpha_is_that_of_the_package_krippendorff_with_missing_votes(level, seed):
    ranks = drawn(seed, missing=0.3)
    data = np.where(ranks == NONE, np.nan, ranks.astype(float))
    expected = krippendorff.alpha(data, level_of_measurement=level, value_domain=[0, 1, 2, 3])
    assert float(krippendorff_alpha(votes_of(ranks, 4), level=level).value) == pytest.approx(expected)


def test_ac2_of_an_example_by_hand():
    # Two raters: 0 0, 1 1, 2 2, 0 1. Quadratic weights of three levels: 3/4 between neighbours, 0 between 0 and 2.
    votes = votes_of(np.array([[0, 1, 2, 0], [0, 1, 2, 1]], np.int8), 3)
    observed = (1 + 1 + 1 + 3 / 4) / 4
    # Shares 3/8, 3/8, 1/4; the weights sum to 6, and 3 levels make 3 * 2 pairs.
    chance = 6 / 6 * (2 * 3 / 8 * 5 / 8 + 1 / 4 * 3 / 4)
    found = gwet_ac(votes, weights=ordinal_weights(3))
    assert float(found.observed) == pytest.approx(observed)
    assert float(found.value) == pytest.approx((observed - chance) / (1 - chance)) == pytest.approx(9 / 11)


def ordinal_alpha(votes, *, times=None):
    return krippendorff_alpha(votes, times=times, level="ordinal")


def ac2(votes, *, times=None):
    return gwet_ac(votes, times=times, weights=ordinal_weights(votes.shape[-1]))


@pytest.mark.parametrize("coefficient", [*COEFFICIENTS, ordinal_alpha, ac2])
def test_votes_counted_by_their_pattern_are_votes_written_out(coefficient):
    votes = votes_of(drawn(0, missing=0.4), 4)
    patterns, number = np.unique(votes, axis=0, return_inverse=True)
    times = np.array([np.bincount(number[:n], minlength=len(patterns)) for n in (30, 12, 0)])
    found = coefficient(patterns, times=times)
    for index, n in enumerate((30, 12, 0)):
        whole = coefficient(votes[:n])
        assert found.value[index] == pytest.approx(float(whole.value), nan_ok=True)
        assert (found.n_cases[index], found.n_pairs[index]) == (whole.n_cases, whole.n_pairs)


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
def test_nominal_coefficients_know_no_order_of_categories(coefficient):
    votes = votes_of(drawn(1, missing=0.2), 4)
    assert float(coefficient(votes[:, [2, 0, 3, 1]]).value) == pytest.approx(float(coefficient(votes).value))


@pytest.mark.parametrize("coefficient", [ordinal_alpha, ac2])
def test_ordinal_coefficients_know_the_order_but_not_its_direction(coefficient):
    votes = votes_of(drawn(1, missing=0.2), 4)
    value = float(coefficient(votes).value)
    assert float(coefficient(votes[:, ::-1]).value) == pytest.approx(value)
    assert float(coefficient(votes[:, [2, 0, 3, 1]]).value) != pytest.approx(value, abs=0.01)


# Two raters, four cases. Alpha: 1 - 7 * 4 / 32 and 1 - 7 * 8 / 32, since a case is not paired with itself.
@pytest.mark.parametrize(
    ("coefficient", "by_chance", "inverted"),
    [(percent_agreement, 0.5, 0), (fleiss_kappa, 0, -1), (gwet_ac, 0, -1), (krippendorff_alpha, 0.125, -0.75)],
)
def test_chance_is_0_and_raters_who_always_differ_are_below_it(coefficient, by_chance, inverted):
    chance = np.array([[0, 0, 1, 1], [0, 1, 0, 1]], np.int8)
    assert float(coefficient(votes_of(chance, 2)).value) == pytest.approx(by_chance)
    differing = np.array([[0, 0, 1, 1], [1, 1, 0, 0]], np.int8)
    assert float(coefficient(votes_of(differing, 2)).value) == pytest.approx(inverted)


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
def test_no_case_is_no_agreement(coefficient):
    found = coefficient(np.zeros((0, 2), np.int64))
    assert math.isnan(float(found.value))
    assert (int(found.n_cases), int(found.n_pairs)) == (0, 0)
