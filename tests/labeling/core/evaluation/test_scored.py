"""All about the scores of a condition: by hand, in the limits, and under changes that should change nothing."""

import json
import math

import numpy as np
import pytest

from labeling.core.evaluation.scored import MOST_ROC_POINTS, condition, scored_conditions
from labeling.core.evaluation.sound import Clusters, Truth
from labeling.core.metrics.score_resamples import FIGURES
from labeling.core.metrics.scores import probability_of


def clusters(n, *, size=1, n_resamples=200, seed=0):
    return Clusters(np.arange(n) // size, n_resamples, seed)


def made(n, *, seed=0, shift=1.0, cells=1):
    """Truth and scores of which a positive has `shift` more, with unit variance."""
    rng = np.random.default_rng(seed)
    truth = rng.random((n, cells)) < 0.4
    return truth, rng.normal(size=(n, cells)) + shift * truth


def of(truth, scores, **options):
    truth = np.array(truth, bool)
    return condition("L4-L5 stenosis", truth, np.array(scores, float), clusters=clusters(truth.size), **options)


def values(found):
    return {name: each.value for name, each in found.figures.items()}


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([4.0, 3.0, 2.0, 1.0], {"auroc": 1.0, "average_precision": 1.0, "eer": 0.0, "threshold": 2.5}),
        # Inverted: the positives come third and fourth, (1/3 + 2/4) / 2; half way both errors are whole.
        ([1.0, 2.0, 3.0, 4.0], {"auroc": 0.0, "average_precision": 5 / 12, "eer": 1.0, "threshold": 2.5}),
        # Constant: chance, and no threshold.
        ([1.0, 1.0, 1.0, 1.0], {"auroc": 0.5, "average_precision": 0.5, "eer": None, "threshold": None}),
    ],
)
def test_perfect_inverted_and_constant_scores(scores, expected):
    found = of([True, True, False, False], scores)
    shown = found.as_json()["figures"]
    assert {name: shown[name]["value"] for name in expected} == pytest.approx(expected)


def test_scores_that_know_nothing_are_at_chance():
    truth, scores = made(4000, shift=0.0)
    found = of(truth[:, 0], scores[:, 0]).figures
    assert found["auroc"].low < 0.5 < found["auroc"].high
    assert found["eer"].low < 0.5 < found["eer"].high


@pytest.mark.parametrize("is_positive", [True, False])
def test_one_class_has_no_curve_but_half_of_a_threshold_table(is_positive):
    found = of([is_positive] * 3, [2.0, 1.0, 0.0])
    undefined = {name for name, value in values(found).items() if math.isnan(value)}
    assert undefined == {"auroc", "eer", "threshold", *(() if is_positive else ("average_precision",))}
    assert found.roc == ()
    known, unknown = ("recall", "specificity") if is_positive else ("specificity", "recall")
    assert sorted(getattr(point, known) for point in found.threshold_table) == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert all(math.isnan(getattr(point, unknown)) for point in found.threshold_table)
    assert sum(each.n for each in found.reliability) == 3


def test_no_cases_have_no_figures_and_no_points():
    found = of([], [])
    assert (found.n, found.roc, found.reliability, found.threshold_table) == (0, (), (), ())
    assert all(math.isnan(each) for each in values(found).values())


def test_what_is_undefined_is_null_in_json_and_never_0():
    shown = json.loads(json.dumps(of([True], [1.0]).as_json(), allow_nan=False))
    assert shown["figures"]["auroc"] == {"value": None, "low": None, "high": None}
    assert shown["reliability"][0]["share_positive"] is None
    assert shown["threshold_table"][0]["specificity"] is None


def test_the_threshold_table_by_hand():
    # Scores 5 and 1 of positives, 3 and 0 of negatives: above 4 (half way of 3 and 5) is one positive.
    found = of([True, False, True, False], [5.0, 3.0, 1.0, 0.0])
    table = {point.threshold: point for point in found.threshold_table}
    assert [point.n_called_positive for point in found.threshold_table] == [0, 1, 2, 3, 4]
    at = table[4.0]
    assert (at.recall, at.specificity, at.precision, at.f1, at.balanced_accuracy) == (0.5, 1, 1, 2 / 3, 0.75)
    assert [threshold for threshold, point in table.items() if point.is_equal_error] == [2.0]
    assert values(found)["threshold"] == 2.0


def test_the_reliability_curve_by_hand():
    # Probabilities .05 and .95; the Wilson interval of one of one is z²-wide: 1 / (1 + 3.8415) = 0.2065 to 1.
    found = of([False, True], [0.05, 0.95], scale="probability")
    first, last = found.reliability[0], found.reliability[-1]
    assert (first.start, first.end, first.n, first.share_positive) == (0.0, 0.1, 1, 0.0)
    assert (last.mean_probability, last.share_positive) == (0.95, 1.0)
    assert (last.low, last.high) == (pytest.approx(0.2065, abs=1e-4), 1.0)
    assert values(found)["brier"] == pytest.approx(0.05**2)
    assert values(found)["ece"] == pytest.approx(0.05)


def test_logit_differences_become_the_probabilities_of_the_model():
    truth, scores = made(200)
    by_logit = of(truth[:, 0], scores[:, 0])
    by_probability = of(truth[:, 0], probability_of(scores[:, 0]), scale="probability")
    for name in ("auroc", "eer", "brier", "ece"):
        assert by_logit.figures[name].high == pytest.approx(by_probability.figures[name].high)
    assert by_logit.reliability == by_probability.reliability


def test_saturated_probabilities_are_counted_because_their_order_is_lost():
    found = of([True, False, False], [1.0, 1.0, 0.2], scale="probability")
    assert (found.n_saturated, values(found)["auroc"]) == (2, 0.75)  # a tie and a win
    assert of([True, False, False], [41.0, 40.0, 0.2]).n_saturated is None
    with pytest.raises(ValueError, match="0 to 1"):
        of([True, False], [40.0, 0.2], scale="probability")


def test_any_rising_change_of_scores_leaves_ranks_curves_and_intervals_as_they_are():
    truth, scores = made(300)
    plain, changed = (of(truth[:, 0], each) for each in (scores[:, 0], np.exp(scores[:, 0]) - 7))
    for name in ("auroc", "average_precision", "eer"):
        assert plain.figures[name] == changed.figures[name]
    rates = [[(point.false_positive_rate, point.true_positive_rate) for point in each.roc] for each in (plain, changed)]
    assert rates[0] == rates[1]
    tables = [[(point.n_called_positive, point.f1) for point in each.threshold_table] for each in (plain, changed)]
    assert tables[0] == tables[1]


def test_long_curves_are_thinned_and_keep_both_ends_and_the_equal_error():
    truth, scores = made(3000)
    found = of(truth[:, 0], scores[:, 0])
    shown = {(point.false_positive_rate, point.true_positive_rate): point.threshold for point in found.roc}
    assert 150 < len(found.roc) <= MOST_ROC_POINTS
    assert {(0.0, 0.0), (1.0, 1.0)} <= set(shown)
    assert values(found)["threshold"] in shown.values()
    assert 90 <= len(found.threshold_table) <= 101
    assert sum(point.is_equal_error for point in found.threshold_table) == 1


def test_the_interval_of_auroc_is_as_wide_as_delong_says():
    # DeLong et al. 1988, from the shares that each case beats: variance of these by class over the size of the class.
    truth, scores = (each[:, 0] for each in made(400, seed=2))
    wins = (scores[truth][:, np.newaxis] > scores[~truth]).astype(float)
    variance = wins.mean(axis=1).var(ddof=1) / truth.sum() + wins.mean(axis=0).var(ddof=1) / (~truth).sum()
    found = condition("x", truth, scores, clusters=clusters(400, n_resamples=4000)).figures["auroc"]
    assert found.value == pytest.approx(wins.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * math.sqrt(variance), rel=0.08)


def test_cases_of_one_patient_are_one_case_as_far_as_the_interval_goes():
    truth, scores = (np.repeat(each[:, 0], 4) for each in made(100, seed=3))
    by_patient = condition("x", truth, scores, clusters=clusters(400, size=4, n_resamples=2000)).figures
    by_case = condition("x", truth, scores, clusters=clusters(400, n_resamples=2000)).figures
    for name in ("auroc", "brier"):
        widths = [each[name].high - each[name].low for each in (by_patient, by_case)]
        assert widths[0] / widths[1] == pytest.approx(2, rel=0.15)  # the root of 4


def test_a_condition_is_the_same_beside_others_and_alone():
    truth, scores = made(150, cells=3)
    scores[:40, 1] = np.nan
    known = np.ones(truth.shape, bool)
    together = scored_conditions(["a", "b", "c"], Truth(truth, known), scores, clusters=clusters(150, size=3))
    for index, found in enumerate(together.conditions):
        alone = condition("abc"[index], truth[:, index], scores[:, index], clusters=clusters(150, size=3))
        assert found.as_json() == alone.as_json()
    assert [each.n for each in together.conditions] == [150, 110, 150]


def test_unknown_truth_and_missing_scores_are_left_out_of_cells_and_of_micro():
    truth = Truth(np.array([[True, True], [False, False], [True, False]]), np.array([[1, 1], [1, 0], [0, 1]], bool))
    scores = np.array([[2.0, 1.0], [0.0, 9.0], [-5.0, np.nan]])
    found = scored_conditions(["a", "b"], truth, scores, clusters=clusters(3))
    assert [(each.name, each.n, each.n_positive) for each in found.conditions] == [("a", 2, 1), ("b", 1, 1)]
    # Pooled: positives 2 and 1, a negative 0.
    assert (found.micro.n, found.micro.n_positive, values(found.micro)["auroc"]) == (3, 2, 1.0)


def test_macro_is_the_mean_over_the_conditions_in_which_a_figure_is_defined():
    truth, scores = made(200, cells=3)
    truth[:, 2] = False
    found = scored_conditions(["a", "b", "c"], Truth(truth, np.ones_like(truth)), scores, clusters=clusters(200))
    areas = [values(each)["auroc"] for each in found.conditions]
    assert found.macro.figures["auroc"].value == pytest.approx((areas[0] + areas[1]) / 2)
    assert (found.macro.n_defined["auroc"], found.macro.n_defined["brier"]) == (2, 3)
    single = [each.figures["auroc"].high - each.figures["auroc"].low for each in found.conditions[:2]]
    mean = found.macro.figures["auroc"]
    # Two independent cells: the mean is surer by about the root of 2.
    assert mean.high - mean.low == pytest.approx(math.hypot(*single) / 2, rel=0.2)
    assert set(found.macro.figures) == set(FIGURES) - {"threshold"}


def test_a_mean_with_a_condition_that_many_resamples_lack_has_no_interval():
    truth, scores = made(200, cells=2)
    truth[1:, 1] = False
    truth[0, 1] = True  # one positive: 37 % of resamples are without it
    found = scored_conditions(["a", "b"], Truth(truth, np.ones_like(truth)), scores, clusters=clusters(200))
    area = found.macro.figures["auroc"]
    assert area.value == pytest.approx(np.mean([values(each)["auroc"] for each in found.conditions]))
    assert math.isnan(area.low)
    assert found.macro.figures["brier"].low < found.macro.figures["brier"].high


def test_rows_name_condition_figure_and_cases():
    truth, scores = made(50)
    rows = of(truth[:, 0], scores[:, 0]).as_rows()
    assert [row.metric for row in rows] == list(FIGURES)
    assert {(row.row, row.n, row.n_positive) for row in rows} == {("L4-L5 stenosis", 50, int(truth.sum()))}


def test_arrays_of_other_shapes_and_infinite_scores_are_refused():
    truth = Truth(np.ones((3, 2), bool), np.ones((3, 2), bool))
    with pytest.raises(ValueError, match=r"are of 3 cases and 1 cells"):
        scored_conditions(["a"], truth, np.zeros((3, 2)), clusters=clusters(3))
    with pytest.raises(ValueError, match="1 scores are no finite numbers"):
        of([True, False], [np.inf, 0.0])
