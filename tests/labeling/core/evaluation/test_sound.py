"""The default protocol, by hand on tiny sets."""

import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from labeling.core.evaluation.ratings import Ratings
from labeling.core.evaluation.sound import Clusters, adjudicated, majority, of_rater, presence_rows, urgency_rows
from labeling.core.schema import Cell
from tests.labeling.core.evaluation.ratings_tools import CELLS, ratings


def clusters(n_cases, **changes):
    return Clusters(np.arange(n_cases), **{"n_resamples": 50, "seed": 0} | changes)


def rows_of(reference, labeler, *, adjudicator=None, **changes):
    truth = adjudicated(reference, adjudicator) if adjudicator else majority(reference)
    drawn = clusters(len(reference.case_ids), **changes)
    found = presence_rows(reference, labeler, truth, drawn, adjudicator=adjudicator)
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


def test_an_adjudicator_decides_where_it_answered_and_unanimity_elsewhere():
    # Liver: ann and ben differ and eve decides; they agree, which eve overrules; they differ and eve says nothing.
    reference = ratings("+_ +_ +_", "0_ +_ 0_", "+_ 0_ __", names=("ann", "ben", "eve"))
    truth = adjudicated(reference, "eve")
    assert truth.known[:, 0].tolist() == [True, True, False]
    assert truth.positive[:2, 0].tolist() == [True, False]
    with pytest.raises(KeyError, match="no rater 'dan'; there are ann, ben, eve"):
        adjudicated(reference, "dan")


def test_without_an_answer_of_the_adjudicator_all_others_have_to_agree():
    reference = ratings("+0 +0", "+0 +0", "+0 00", "__ !_", names=("ann", "ben", "cat", "eve"))
    truth = adjudicated(reference, "eve")
    assert truth.known.tolist() == [[True, True], [False, True]]
    assert truth.positive[truth.known].tolist() == [True, False, False]


def test_an_adjudicator_is_no_human_that_is_judged():
    reference = ratings("++ 0+ +0", "++ 00 00", "__ __ 0_", names=("ann", "ben", "eve"))
    rows = rows_of(reference, ratings("++ 00 +0"), adjudicator="eve")
    assert {row for row, _ in rows if row.startswith("human") and "/" not in row} == {
        *("human ann", "human ben", "human average")
    }
    # Of ben: what ann says in five pairs, what eve says against ann in the last liver. TP 2, FN 1.
    assert (rows["human ben", "recall"].value, rows["human ben", "recall"].n) == (pytest.approx(2 / 3), 6)


def test_a_rater_who_is_the_truth_is_not_judged_and_alone_judges_the_others():
    reference = ratings("++ 00", "+0 00", "0+ ++", names=("ann", "ben", "cat"))
    labeler = ratings("++ 00")
    found = presence_rows(reference, labeler, of_rater(reference, "ann"), clusters(2), truth_rater="ann")
    rows = {(row.row, row.metric): row for row in found}
    assert {row for row, _ in rows if row.startswith("human") and "/" not in row} == {
        *("human ben", "human cat", "human average")
    }
    # By ann, two of four pairs are positive; cat, whose votes would make ties with ann's, has a say in none.
    ben, cat = (rows[f"human {name}", "recall"] for name in ("ben", "cat"))
    assert (ben.value, ben.n, ben.n_positive) == (0.5, 4, 2)
    assert (cat.value, cat.n, cat.n_positive) == (0.5, 4, 2)
    assert rows["human ben / labeler", "recall"].value == rows["micro", "recall"].value == 1.0


def test_findings_and_targets_pool_their_cells():
    cells = tuple(Cell(target, finding) for target in ("liver", "spleen") for finding in ("focal", "diffuse"))
    truth, said = (
        Ratings(("0",), ("c0",), cells, np.array([[ranks]], np.int8), np.full((1, 1, 4), -1), np.ones((1, 1), bool))
        for ranks in ([5, 5, 5, 0], [5, 0, 0, 5])
    )
    rows = rows_of(truth, said)
    assert (rows["finding focal", "recall"].value, rows["finding focal", "recall"].n_positive) == (0.5, 2)
    assert (rows["finding diffuse", "recall"].value, rows["finding diffuse", "precision"].value) == (0.0, 0.0)
    assert (rows["target liver", "recall"].value, rows["target spleen", "recall"].value) == (0.5, 0.0)
    assert (rows["target liver", "coverage"].value, rows["target liver", "coverage"].n) == (1.0, 2)


def test_one_finding_has_no_targets_beside_its_cells():
    names = {row for row, _ in rows_of(ratings("++ 00"), ratings("++ 00"))}
    assert names == {"liver focal", "spleen focal", "finding focal", "micro", "macro"}


def of_cells(*positive):
    """One rater that says this of the cells, each a vector of cases."""
    ranks = np.where(np.stack(positive, axis=1), 5, 0).astype(np.int8)[np.newaxis]
    cases = tuple(f"c{index}" for index in range(ranks.shape[1]))
    nothing = np.full_like(ranks, -1)
    return Ratings(("0",), cases, CELLS, ranks, nothing, np.ones(ranks.shape[:2], bool))


def macro_of(n_spleen):
    """100 livers, of whose 60 positives the labeler finds half, and spleens with few positives, all of them found."""
    case = np.arange(100)
    reference = of_cells(case < 60, case >= 100 - n_spleen)
    labeler = of_cells(case < 30, case >= 100 - n_spleen)
    return rows_of(reference, labeler, n_resamples=1000)["macro", "recall"]


def test_the_interval_of_a_mean_is_over_the_cells_of_its_value_in_every_resample():
    # Three spleens: 5 % of resamples have none, and in them a mean over the rest would be the .5 of the liver. The
    # mean of both is half of the liver's recall, .5 with a standard error of .065, and half of the spleen's 1.
    mean = macro_of(3)
    assert mean.value == 0.75
    assert (mean.low, mean.high) == pytest.approx((0.75 - 1.96 * 0.065 / 2, 0.75 + 1.96 * 0.065 / 2), abs=0.01)


def test_a_mean_with_a_cell_that_many_resamples_lack_has_no_interval():
    mean = macro_of(1)  # 37 % of resamples have no spleen
    assert mean.value == 0.75
    assert math.isnan(mean.low)
    assert math.isnan(mean.high)


def test_an_average_with_a_human_whom_many_resamples_lack_has_neither_interval_nor_p():
    # Human 2 read the first of 40 cases: 36 % of resamples are without it.
    some = " ".join(["++", "+0", "0+", "00"] * 10)
    reference = ratings(some, some, "++" + " __" * 39)
    rows = rows_of(reference, ratings(some), n_resamples=400)
    average, beside = rows["human average", "recall"], rows["human average / labeler", "recall"]
    assert (average.value, beside.value) == (1.0, 1.0)
    assert all(math.isnan(each) for each in (average.low, average.high, beside.low, average.p))
    assert rows["human 1", "recall"].low == 1.0


def test_p_is_small_for_a_clearly_worse_human_and_1_for_one_who_says_what_the_labeler_says():
    # 20 cases: humans 1, 2 and the labeler say the same, human 0 misses half of the positives in every resample.
    some, missed = " ".join(["++", "00"] * 10), " ".join(["0+", "00"] * 10)
    rows = rows_of(ratings(missed, some, some), ratings(some), n_resamples=400)
    assert rows["human 0", "recall"].p < 0.05
    assert rows["human 1", "recall"].p == 1.0


def test_the_human_average_is_the_mean_over_humans_within_each_resample():
    reference, labeler = ratings("++ 00 +0 0+", "++ 00 +0 00", "+0 0+ ++ 0+"), ratings("++ 00 ++ 0+")
    rows = rows_of(reference, labeler)
    for kind in ("", " / labeler"):
        each = [rows[f"human {name}{kind}", "f1"].value for name in "012"]
        average = rows[f"human average{kind}", "f1"]
        assert average.value == pytest.approx(np.mean(each))
        assert (average.n, average.n_positive) == (None, None)
    assert rows["human average", "f1"].p is not None
    assert rows["human average / labeler", "f1"].p is None


def test_all_humans_see_the_same_resamples_of_patients():
    # Two humans who say the same of the same cases, and two others whom they are judged by: drawn apart, the intervals
    # of the two would differ.
    some, others = "+0 0+ +0 00 ++ 00", "+0 0+ ++ 0+ ++ 00"
    reference = ratings(some, some, others, others, names=tuple("0123"))
    rows = rows_of(reference, ratings("+0 0+ ++ 00 ++ 00"), n_resamples=200)
    first, second = rows["human 0", "f1"], rows["human 1", "f1"]
    assert (first.low, first.high) == (second.low, second.high)
    assert first.low < first.high


def test_a_human_in_whom_a_figure_is_undefined_is_in_no_mean():
    # Human 2 calls nothing positive in its one case: no precision, though the labeler beside it has one.
    reference = ratings("++ 00 0+", "++ 00 00", "__ 00 __")
    rows = rows_of(reference, ratings("++ +0 0+"))
    assert math.isnan(rows["human 2", "precision"].value)
    beside = [rows[f"human {name} / labeler", "precision"].value for name in "012"]
    assert beside[2] == 0.0
    assert rows["human average / labeler", "precision"].value == pytest.approx(np.mean(beside[:2]))


def test_intervals_can_be_bias_corrected():
    reference, labeler = ratings("++ 00 +0 0+ ++ 00 +0 00"), ratings("+0 00 +0 ++ ++ 0+ 00 00")
    percentile, bca = (
        rows_of(reference, labeler, interval=kind, n_resamples=400)["micro", "f1"] for kind in ("percentile", "bca")
    )
    assert percentile.value == bca.value
    assert bca.low <= bca.value <= bca.high
    assert (percentile.low, percentile.high) != (bca.low, bca.high)


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


def test_weighted_kappas_are_those_of_scikit_learn():
    rng = np.random.default_rng(4)
    truth = rng.integers(4, size=80)
    said = np.clip(truth + rng.integers(-1, 2, size=80), 0, 3)
    texts = ("".join(map(str, levels)) for levels in (truth, said))
    rows = {(row.row, row.metric): row for row in urgency_rows(*map(with_urgency, texts), clusters(80))}
    for kind in ("quadratic", "linear"):
        found = rows["liver focal", f"kappa_{kind}"]
        assert found.value == pytest.approx(cohen_kappa_score(truth, said, weights=kind))
        assert found.low < found.value < found.high
        assert rows["macro", f"kappa_{kind}"].value == found.value


def test_urgency_is_pooled_over_cells_and_averaged_over_them():
    said = "++ ++ ++"
    reference = ratings(said, urgencies=["02 11 23"])
    rows = urgency_rows(reference, ratings(said, urgencies=["03 11 22"]), clusters(3))
    tau = {row.row: row.value for row in rows if row.metric == "tau_b"}
    # Liver 0 1 2 and 0 1 2; spleen 2 1 3 and 3 1 2: two pairs concordant, one discordant.
    assert (tau["liver focal"], tau["spleen focal"]) == pytest.approx((1, 1 / 3))
    assert tau["macro"] == pytest.approx(2 / 3)
    # All six: 11 of 15 pairs concordant, 1 discordant; one tied in both, one in each alone: (11 - 1) / sqrt(13 * 13).
    assert tau["micro"] == tau["finding focal"] == pytest.approx(10 / 13)
    assert {row.row: row.n for row in rows} == {
        "liver focal": 3,
        "spleen focal": 3,
        "finding focal": 6,
        "micro": 6,
        "macro": None,
    }


def test_a_mean_of_orders_with_a_cell_that_many_resamples_cannot_order_has_no_interval():
    # Two spleens with an urgency: a resample has both with probability .4.
    said = " ".join(["++"] * 40)
    given = " ".join(["01", "12", *(f"{case % 4}_" for case in range(38))])
    rows = urgency_rows(ratings(said, urgencies=[given]), ratings(said, urgencies=[given]), clusters(40))
    tau = {row.row: row for row in rows if row.metric == "tau_b"}
    assert (tau["macro"].value, tau["liver focal"].low) == (pytest.approx(1), pytest.approx(1))
    assert math.isnan(tau["macro"].low)


def test_urgency_without_an_order_is_undefined():
    rows = {row.metric: row for row in urgency_rows(with_urgency("222"), with_urgency("222"), clusters(3))}
    assert math.isnan(rows["tau_b"].value)
    assert math.isnan(rows["kappa_quadratic"].value)  # chance alone agrees everywhere
