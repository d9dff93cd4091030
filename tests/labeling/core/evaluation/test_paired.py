"""Two labelers compared on the same pairs."""

import math

import numpy as np
import pytest

from labeling.core.evaluation.clusters import Clusters
from labeling.core.evaluation.paired import COMPARED, compared
from labeling.core.evaluation.ratings import NO_URGENCY, Ratings
from labeling.core.evaluation.sound import presence_rows
from labeling.core.evaluation.truths import Truth
from labeling.core.metrics.paired import mcnemar_p
from labeling.core.metrics.resampling import holm
from labeling.core.schema import Cell

CELLS = (Cell("liver", "focal"), Cell("spleen", "focal"))


def rater(said, *, unreadable=None, cells=CELLS):
    ranks = np.where(said, 5, 0).astype(np.int8)[np.newaxis]
    if unreadable is not None:
        ranks[0][unreadable] = 3
    cases = tuple(map(str, range(ranks.shape[1])))
    return Ratings(("m",), cases, cells, ranks, np.full_like(ranks, NO_URGENCY), np.ones(ranks.shape[:2], bool))


def world(seed=0, n=60, wrong=(0.05, 0.4)):
    """A truth, a labeler that is seldom wrong and one that often is."""
    rng = np.random.default_rng(seed)
    truth = rng.random((n, 2)) < 0.4
    return truth, *(rater(truth ^ (rng.random((n, 2)) < share)) for share in wrong)


def rows_of(truth, first, second, **changes):
    known = np.ones(truth.shape, bool)
    clusters = Clusters(np.arange(len(truth)), **{"n_resamples": 300, "seed": 0} | changes)
    return {(row.row, row.metric): row for row in compared(Truth(truth, known), first, second, clusters)}


def test_every_figure_has_a_row_in_each_cell_pooled_and_as_a_mean():
    rows = rows_of(*world())
    names = ("liver focal", "spleen focal", "micro", "macro")
    assert set(rows) == {(name, metric) for name in names for metric in COMPARED}


def test_figures_and_counts_by_hand():
    truth = np.array([[True, False]] * 4)
    first = rater(np.array([[1, 0], [1, 0], [1, 1], [0, 0]], bool))  # liver: TP 3 of 4; spleen: FP 1 of 4
    second = rater(np.array([[1, 0], [0, 0], [0, 0], [0, 0]], bool))  # liver: TP 1 of 4
    rows = rows_of(truth, first, second)
    recall = rows["micro", "recall"]
    assert (recall.first, recall.second, recall.difference) == (0.75, 0.25, 0.5)
    assert (recall.n, recall.n_positive) == (8, 4)
    accuracy = rows["macro", "accuracy"]
    assert (accuracy.first, accuracy.second) == ((0.75 + 0.75) / 2, (0.25 + 1) / 2)
    assert (accuracy.n, accuracy.n_positive) == (None, None)


def test_each_side_has_the_interval_that_it_has_alone():
    truth, first, second = world()
    rows = rows_of(truth, first, second)
    clusters = Clusters(np.arange(len(truth)), n_resamples=300, seed=0)
    for side, rater_alone in (("first", first), ("second", second)):
        # Second implementation: the rows of one labeler, from resamples of the same patients.
        known = Truth(truth, np.ones(truth.shape, bool))
        alone = {(row.row, row.metric): row for row in presence_rows(rater_alone, rater_alone, known, clusters)}
        for place in (("liver focal", "f1"), ("micro", "recall")):
            ends = tuple(getattr(rows[place], name) for name in (side, f"{side}_low", f"{side}_high"))
            assert ends == pytest.approx((alone[place].value, alone[place].low, alone[place].high))


def test_mcnemar_counts_who_alone_is_right_of_positives_and_negatives():
    # Liver: the first alone is right of two positives and a negative, the second alone of two negatives.
    truth = np.array([[1, 0], [1, 0], [0, 0], [0, 0], [0, 0]], bool)
    first = rater(np.array([[1, 0], [1, 0], [0, 0], [1, 0], [1, 0]], bool))
    second = rater(np.array([[0, 0], [0, 0], [1, 0], [0, 0], [0, 0]], bool))
    assert rows_of(truth, first, second)["liver focal", "accuracy"].p_mcnemar == mcnemar_p(3, 2)


def test_pairs_are_those_that_both_answered():
    truth, first, second = world()
    unreadable = np.zeros(truth.shape, bool)
    unreadable[:7, 0] = True
    cut = rater(second.positive[0], unreadable=unreadable)
    rows = rows_of(truth, first, cut)
    assert (rows["liver focal", "f1"].n, rows["spleen focal", "f1"].n) == (53, 60)


def test_equal_labelers_do_not_differ():
    truth, first, _ = world()
    row = rows_of(truth, first, first)["micro", "f1"]
    assert (row.difference, row.low, row.high) == (0.0, 0.0, 0.0)
    assert (row.p_bootstrap, row.p_permutation) == (1.0, 1.0)


def test_a_clear_difference_is_found_and_turns_with_the_order():
    truth, good, bad = world()
    row, turned = (rows_of(truth, *pair)["micro", "f1"] for pair in ((good, bad), (bad, good)))
    assert row.low > 0
    assert row.p_permutation == pytest.approx(1 / 301)  # the least that 300 permutations can say
    assert row.p_bootstrap < 0.05  # its interval is above 0
    assert (turned.difference, turned.low, turned.high) == pytest.approx((-row.difference, -row.high, -row.low))
    assert turned.p_permutation == row.p_permutation


def test_p_is_corrected_over_the_cells_of_one_figure():
    # Each is better in one cell: pooled they are alike, which would change the correction if it counted.
    rows = rows_of(*world(seed=3, wrong=((0.15, 0.3), (0.3, 0.15))))
    cells = [rows[f"{cell.target} {cell.finding}", "accuracy"] for cell in CELLS]
    for test in ("bootstrap", "permutation", "mcnemar"):
        expected = holm([getattr(cell, f"p_{test}") for cell in cells])
        assert [getattr(cell, f"holm_{test}") for cell in cells] == expected
    assert math.isnan(rows["micro", "accuracy"].holm_permutation)


def test_mcnemar_is_for_accuracy_in_a_cell_alone():
    rows = rows_of(*world())
    with_p = {place for place, row in rows.items() if not math.isnan(row.p_mcnemar)}
    assert with_p == {("liver focal", "accuracy"), ("spleen focal", "accuracy")}


def test_undefined_is_null_in_json():
    truth = np.zeros((5, 2), bool)
    row = rows_of(truth, rater(truth), rater(truth))["liver focal", "recall"].as_json()
    assert (row["first"], row["difference"], row["low"], row["p_permutation"]) == (None, None, None, None)
    assert (row["n"], row["n_positive"]) == (5, 0)


def test_a_mean_is_over_the_cells_in_which_both_figures_are_defined():
    # Precision: the second calls nothing positive in the spleen, so that the liver alone counts for both.
    truth = np.array([[True, True], [False, False]])
    row = rows_of(truth, rater(np.array([[1, 1], [1, 0]], bool)), rater(np.array([[1, 0], [0, 0]], bool)))
    assert (row["macro", "precision"].first, row["macro", "precision"].second) == (0.5, 1.0)


def means_of(n_spleen):
    """The difference of 0.5 in the recall of 60 livers, and of 1 in that of a few spleens."""
    case = np.arange(100)
    truth = np.stack([case < 60, case >= 100 - n_spleen], axis=1)
    second = np.stack([case < 30, np.zeros(100, bool)], axis=1)
    return rows_of(truth, rater(truth), rater(second), n_resamples=1000)["macro", "recall"]


def test_a_mean_is_over_the_same_cells_in_every_resample():
    # Three spleens: 5 % of resamples have none, and in them a mean over the rest would be the .5 of the liver.
    mean = means_of(3)
    assert mean.difference == 0.75
    assert (mean.low, mean.high) == pytest.approx((0.75 - 1.96 * 0.065 / 2, 0.75 + 1.96 * 0.065 / 2), abs=0.01)


def test_a_mean_with_a_cell_that_many_resamples_lack_has_a_permutation_test_alone():
    mean = means_of(1)
    assert mean.difference == 0.75
    assert all(math.isnan(each) for each in (mean.low, mean.high, mean.p_bootstrap))
    assert mean.p_permutation < 0.05


def test_empty_input_is_undefined():
    nothing = np.zeros((0, 2), bool)
    rows = rows_of(nothing, rater(nothing), rater(nothing))
    assert all(math.isnan(row.difference) and math.isnan(row.p_permutation) for row in rows.values())


def test_raters_of_other_cases_are_refused():
    truth, first, _ = world()
    with pytest.raises(ValueError, match="same cases and cells"):
        rows_of(truth, first, rater(truth[:10]))


def test_swapping_patients_keeps_its_level_where_independent_pairs_do_not():
    # No difference, but each labeler is wrong in all six cases of a patient or in none. Of 200 runs 5 % are 10, with
    # a standard error of 3.1; pairs are taken to be six times as many as they are, so that McNemar finds far more. Only
    # some 13 patients differ, of whom an exact test at 5 % can say no more than 1 to 4 %: about 5 runs, and not none.
    rng = np.random.default_rng(11)
    by_patient = by_pair = 0
    of_case = np.repeat(np.arange(40), 6)
    truth = np.zeros((240, 1), bool)
    known = np.ones(truth.shape, bool)
    for run in range(200):
        first, second = (rater(np.repeat(rng.random(40) < 0.2, 6)[:, np.newaxis], cells=CELLS[:1]) for _ in range(2))
        rows = compared(Truth(truth, known), first, second, Clusters(of_case, n_resamples=200, seed=run))
        row = next(row for row in rows if (row.row, row.metric) == ("liver focal", "accuracy"))
        by_patient += row.p_permutation < 0.05
        by_pair += row.p_mcnemar < 0.05
    assert 0 < by_patient <= 10 + 4 * 3.1
    assert by_pair > 60
