"""The default protocol: by hand on tiny sets, and that its intervals cover the truth."""

import math

import numpy as np
import pytest

from labeling.core.evaluation.ratings import NO_URGENCY, Ratings
from labeling.core.evaluation.sound import Clusters, majority, of_rater, presence_rows, urgency_rows
from labeling.core.schema import Cell

RANK = {"+": 5, "?": 4, "!": 3, "~": 2, ".": 1, "0": 0, "_": -1, " ": -1}
CELLS = (Cell("liver", "focal"), Cell("spleen", "focal"))


def ratings(*raters, names=None):
    """Ratings from a text per rater with two characters per case (one for each cell), cases apart by blanks."""
    ranks = np.array([[[RANK[each] for each in case] for case in rater.split()] for rater in raters], np.int8)
    cases = tuple(f"c{index}" for index in range(ranks.shape[1]))
    urgencies = np.full(ranks.shape, NO_URGENCY, np.int8)
    return Ratings(names or tuple("012"[: len(raters)]), cases, CELLS, ranks, urgencies, (ranks >= 0).any(axis=2))


def clusters(n_cases, **changes):
    return Clusters(np.arange(n_cases), **{"n_resamples": 50, "seed": 0} | changes)


def rows_of(reference, labeler, **changes):
    found = presence_rows(reference, labeler, majority(reference), clusters(len(reference.case_ids), **changes))
    return {(row.row, row.metric): row for row in found}


def test_a_tie_is_no_truth_and_the_majority_of_those_who_answered_is():
    truth = majority(ratings("++ +0 !+", "00 ++ ++", "00 0! 0_"))
    assert truth.known.tolist() == [[True, True], [True, False], [False, True]]
    assert (truth.positive & truth.known).tolist() == [[False, False], [True, False], [False, True]]


def test_possible_is_positive_and_ambiguous_and_not_mentioned_are_not():
    truth = majority(ratings("?~ .0"))
    assert truth.positive.tolist() == [[True, False], [False, False]]
    assert truth.known.all()


def test_the_labeler_is_scored_where_it_answered_and_the_rest_is_coverage():
    rows = rows_of(ratings("++ 00 +0 00"), ratings("+! 00 !0 +0"))
    liver = rows["liver focal", "f1"]
    assert (liver.value, liver.n, liver.n_positive) == (pytest.approx(2 / 3), 3, 1)  # TP 1, FP 1
    assert (rows["liver focal", "coverage"].value, rows["liver focal", "coverage"].n) == (0.75, 4)
    assert (rows["micro", "coverage"].value, rows["micro", "coverage"].n) == (0.75, 8)
    assert (rows["micro", "f1"].n, rows["micro", "f1"].value) == (6, pytest.approx(2 / 3))


def test_no_cell_is_dropped_and_what_is_undefined_stays_so():
    rows = rows_of(ratings("+0 00"), ratings("+0 00"))
    spleen = rows["spleen focal", "recall"]
    assert math.isnan(spleen.value)
    assert spleen.as_json()["value"] is None
    assert (spleen.n, spleen.n_positive) == (2, 0)
    assert rows["macro", "recall"].value == 1.0  # of the one cell where it is defined


def test_a_human_is_judged_by_what_the_others_say_and_the_labeler_on_the_same_pairs():
    reference = ratings("++ 00 ++", "++ 00 +0", "+0 ++ ++")
    rows = rows_of(reference, ratings("++ 00 ++"))
    # Of human 2, the others agree in all but the spleen of the last case: 5 pairs, 3 of them positive.
    own, beside = rows["human 2", "f1"], rows["human 2 / labeler", "f1"]
    assert (own.n, own.n_positive) == (beside.n, beside.n_positive) == (5, 3)
    assert own.value == pytest.approx(2 * 2 / (2 * 2 + 2 + 1))
    assert beside.value == 1.0
    assert own.p is not None
    assert beside.p is None


def test_a_reference_of_one_reader_has_no_human_rows():
    assert not any(row.startswith("human") for row, _ in rows_of(ratings("++ 00"), ratings("+0 00")))


def test_one_rater_can_be_the_truth():
    reference = ratings("+0 00", "00 00", names=("ann", "ben"))
    assert of_rater(reference, "ann").positive.tolist() == [[True, False], [False, False]]
    with pytest.raises(KeyError, match="no rater 'eve'; there are ann, ben"):
        of_rater(reference, "eve")


def test_cases_of_one_patient_are_drawn_together():
    together = Clusters.of(("a", "b", "c"), {"a": "p1", "c": "p1"}, n_resamples=10, seed=0)
    assert together.of_case.tolist() == [0, 1, 0]
    # Two patients, one with two wrong pairs: a resample has 0, 1/2... of them; as single cases there are more shares.
    counts = np.array([[1], [0], [1]])
    assert together.sums(counts).tolist() == [[2], [0]]


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    reference, labeler = ratings("++ 00 +0 0+ ++ 00"), ratings("+0 00 +0 ++ ++ 0+")
    first, again, other = (rows_of(reference, labeler, seed=seed)["micro", "f1"] for seed in (1, 1, 2))
    assert first == again
    assert (first.value, first.low) != (first.value, other.low) or first.high != other.high


def test_intervals_by_patient_cover_the_truth_about_as_often_as_they_say():
    # Patients with five cases each that are right together (in 80 % of patients) or wrong together: the recall is 0.8.
    # 200 runs: four standard errors of 95 % are 6 %. Drawn case by case the intervals would cover far less.
    rng = np.random.default_rng(0)
    by_patient, by_case = 0, 0
    for run in range(200):
        right = np.repeat(rng.random(60) < 0.8, 5)
        ranks = np.where(right, 5, 0).astype(np.int8)[np.newaxis, :, np.newaxis]
        said = Ratings(
            ("0",), tuple(map(str, range(300))), CELLS[:1], ranks, np.full_like(ranks, -1), np.ones((1, 300), bool)
        )
        truth = Ratings(said.raters, said.case_ids, said.cells, np.full_like(ranks, 5), said.urgencies, said.rated)
        for of_case in (np.repeat(np.arange(60), 5), np.arange(300)):
            drawn = presence_rows(truth, said, majority(truth), Clusters(of_case, n_resamples=300, seed=run))
            recall = next(row for row in drawn if (row.row, row.metric) == ("micro", "recall"))
            held = recall.low <= 0.8 <= recall.high
            by_patient, by_case = (
                (by_patient + held, by_case) if len(set(of_case)) == 60 else (by_patient, by_case + held)
            )
    assert 0.89 <= by_patient / 200 <= 1
    assert by_case / 200 < 0.75


def with_urgency(*raters):
    """Positive ratings of one cell with urgencies; a dot is none."""
    urgencies = np.array([[[-1 if each == "." else int(each)] for each in rater] for rater in raters], np.int8)
    ranks = np.full(urgencies.shape, 5, np.int8)
    cases = tuple(f"c{index}" for index in range(ranks.shape[1]))
    return Ratings(tuple("012"[: len(raters)]), cases, CELLS[:1], ranks, urgencies, np.ones(ranks.shape[:2], bool))


def test_urgency_is_compared_with_the_median_of_the_raters():
    # Medians 1, 2, 3, none (one of three), 3 (2 and 3: the higher). The labeler has 1, 2, 3, 0, 0.
    reference = with_urgency("0130.", "123.2", "323.3")
    rows = {(row.row, row.metric): row for row in urgency_rows(reference, with_urgency("12300"), clusters(5))}
    found = rows["liver focal", "tau_b"]
    assert found.n == 4
    # Pairs (1,1) (2,2) (3,3) (3,0): 3 concordant, 2 discordant, one tied in truth: (3 - 2) / sqrt(5 * 6).
    assert found.value == pytest.approx(1 / math.sqrt(30))
