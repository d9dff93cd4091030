"""Agreement in stages: by hand on tiny sets, beside other programs, and on the published readings."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from labeling.core.evaluation import unit_tables
from labeling.core.evaluation.agreement import agreement, self_agreement
from labeling.core.evaluation.columns import columns, single_targets
from labeling.core.evaluation.ratings import Ratings, RatingsError, merged, ratings_of
from labeling.core.evaluation.sound import Clusters
from labeling.core.metrics.agreement import fleiss_kappa, krippendorff_alpha, votes_of
from labeling.core.metrics.resampling import draw_clusters, percentile_interval
from labeling.core.schema import Cell, Group
from labeling.core.schema_yaml import load_preset
from labeling.core.tables import read_labels
from labeling.core.tables.wide import merged_findings
from tests.labeling.core.evaluation.ratings_tools import ratings
from tests.shared_data import shared_data


def clusters(n_cases, **changes):
    return Clusters(**{"of_case": np.arange(n_cases), "n_resamples": 50, "seed": 0} | changes)


def agreed_in(given, how=None):
    """Coefficients by name, stage and coefficient."""
    found = agreement(given, how or clusters(len(given.case_ids))).agreed
    return {(each.name, each.stage, each.coefficient): each for each in found}


def pairs_in(given, how=None):
    found = agreement(given, how or clusters(len(given.case_ids))).pairs
    return {(pair.first, pair.second, pair.name, pair.stage): pair for pair in found}


def random_ratings(seed, *, n_cases=40, n_raters=3):
    """Raters who mostly agree, over two targets and two findings; a fifth of the readings is missing."""
    rng = np.random.default_rng(seed)
    truth = rng.choice([0, 1, 4, 5], size=(n_cases, 4))
    shape = (n_raters, n_cases, 4)
    ranks = np.where(rng.random(shape) < 0.7, truth, rng.choice([-1, 0, 2, 3, 4, 5], size=shape)).astype(np.int8)
    rated = rng.random(shape[:2]) < 0.8
    ranks[~rated] = -1
    urgencies = np.where((ranks >= 4) & (rng.random(shape) < 0.9), rng.integers(0, 4, size=shape), -1).astype(np.int8)
    cells = tuple(Cell(target, finding) for target in ("liver", "spleen") for finding in ("focal", "diffuse"))
    return Ratings(tuple("abc"[:n_raters]), tuple(f"c{n:02}" for n in range(n_cases)), cells, ranks, urgencies, rated)


def test_presence_counts_units_that_two_raters_answered():
    # Liver: + + 0, then 0 0 and not asked. Spleen: + 0 0, then 0 and 0 beside an answer that cannot be read.
    found = agreed_in(ratings("++ 00", "+0 0!", "00 _0"))
    percent = found["overall", "presence", "percent_agreement"]
    assert percent.value == pytest.approx((1 / 3 + 1 / 3 + 1 + 1) / 4)
    assert (percent.n_cases, percent.n_units, percent.n_pairs, percent.n_positive) == (2, 4, 3 + 3 + 1 + 1, 3)
    # Positive is (2/3 + 1/3 + 0 + 0) / 4 = 1/4 of the votes, so that chance agrees in 1/16 + 9/16.
    assert found["overall", "presence", "fleiss_kappa"].value == pytest.approx((2 / 3 - 0.625) / 0.375)
    liver = found["liver focal", "presence", "percent_agreement"]
    assert (liver.value, liver.n_units, liver.n_positive) == (pytest.approx(2 / 3), 2, 2)


def test_a_unit_that_one_rater_judged_changes_nothing():
    alone = agreed_in(ratings("++ 00 +0", "+0 00 00"))["overall", "presence", "fleiss_kappa"]
    assert agreed_in(ratings("++ 00 +0 ++", "+0 00 00 __"))["overall", "presence", "fleiss_kappa"] == alone


def test_certainty_is_asked_of_those_who_call_it_positive():
    found = agreed_in(ratings("+? ++", "?? +0", "0+ ++"))["overall", "certainty", "percent_agreement"]
    # + ?; ? ? +; + + +; + +
    assert found.value == pytest.approx((0 + 1 / 3 + 1 + 1) / 4)
    assert (found.n_cases, found.n_units, found.n_pairs, found.n_positive) == (2, 4, 1 + 3 + 3 + 1, 7)


def test_urgency_is_asked_of_those_who_call_it_positive_and_gave_one():
    given = ratings("++ ++ +0", "++ ++ +0", "00 +0 +0", urgencies=("01 1_ 30", "01 12 20", "11 3_ _0"))
    found = agreed_in(given)
    percent = found["overall", "urgency", "percent_agreement"]
    # 0 0; 1 1; 1 1 3; 3 2. Spleen of the second case has one urgency.
    assert percent.value == pytest.approx((1 + 1 + 1 / 3 + 0) / 4)
    assert (percent.n_cases, percent.n_units, percent.n_pairs, percent.n_positive) == (3, 4, 1 + 1 + 3 + 1, None)
    # Quadratic weights: 1 - 4/9 between 1 and 3, 1 - 1/9 between 2 and 3.
    observed = (1 + 1 + (1 + 5 / 9 + 5 / 9) / 3 + 8 / 9) / 4
    shares = np.array([1, 1 + 2 / 3, 1 / 2, 1 / 3 + 1 / 2]) / 4
    total = 4 + 6 * 8 / 9 + 4 * 5 / 9  # diagonal, neighbours, two apart; 0 and 3 agree in nothing
    chance = total / 12 * (shares * (1 - shares)).sum()
    assert found["overall", "urgency", "gwet_ac2"].value == pytest.approx((observed - chance) / (1 - chance))


def test_each_scope_has_its_row_with_every_coefficient_and_n():
    rows = [each.as_row() for each in agreement(random_ratings(0), clusters(40)).agreed]
    cells = ["liver focal", "liver diffuse", "spleen focal", "spleen diffuse"]
    merged_rows = ["overall", "finding focal", "finding diffuse", "target liver", "target spleen"]
    assert list(dict.fromkeys(row.row for row in rows)) == merged_rows + cells
    nominal = ["percent_agreement", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1"]
    assert [row.metric for row in rows if row.row == "overall"] == [
        *(f"presence {name}" for name in nominal),
        *(f"certainty {name}" for name in nominal),
        *(f"urgency {name}" for name in ("percent_agreement", "krippendorff_alpha_ordinal", "gwet_ac2")),
    ]
    n = {row.row: row.n for row in rows if row.metric == "presence fleiss_kappa"}
    assert n["overall"] == sum(n[cell] for cell in cells) == n["finding focal"] + n["finding diffuse"]
    assert n["target liver"] == n["liver focal"] + n["liver diffuse"]


def test_raters_who_share_no_case_are_undefined_and_stay():
    given = ratings("++ 00 __ __", "+0 00 00 __", "__ __ 00 ++")
    apart = pairs_in(given)["0", "2", "overall", "presence"]
    assert (apart.n_cases, apart.n_units) == (0, 0)
    assert math.isnan(apart.cohen_kappa.value)
    as_json = apart.as_json()
    assert (as_json["cohen_kappa"], as_json["cohen_kappa_low"], as_json["percent_agreement"]) == (None, None, None)
    assert [(row.row, row.metric, row.n) for row in apart.as_rows()] == [
        ("human 0 / human 2", "presence percent_agreement", 0),
        ("human 0 / human 2", "presence cohen_kappa", 0),
    ]
    together = pairs_in(given)["0", "1", "overall", "presence"]
    assert (together.n_cases, together.n_units) == (2, 4)
    assert together.percent_agreement.value == 0.75


@pytest.mark.parametrize("seed", range(3))
def test_two_raters_have_the_kappa_of_scikit_learn_on_what_both_judged(seed):
    given = random_ratings(seed)
    pairs = pairs_in(given)
    for stage, votes, weights in (
        ("presence", np.where(given.known, given.positive, -1), None),
        ("certainty", np.where(given.positive, given.ranks == 5, -1), None),
        ("urgency", np.where(given.positive, given.urgencies, -1), "quadratic"),
    ):
        for name, picked in (("overall", [0, 1, 2, 3]), ("diffuse", [1, 3])):
            first, second = (votes[rater][:, picked].ravel() for rater in (0, 2))
            both = (first >= 0) & (second >= 0)
            pair = pairs["a", "c", name, stage]
            levels = range(4 if stage == "urgency" else 2)
            expected = cohen_kappa_score(first[both], second[both], labels=levels, weights=weights)
            assert pair.cohen_kappa.value == pytest.approx(expected)
            assert pair.percent_agreement.value == pytest.approx((first[both] == second[both]).mean())
            assert pair.n_units == both.sum()


def test_intervals_are_of_resamples_written_out_case_by_case():
    given = random_ratings(3)
    how = clusters(40, of_case=np.arange(40) // 3, n_resamples=100)
    found = agreed_in(given, how)
    weights = draw_clusters(np.eye(14, dtype=np.int64), n_resamples=100, rng=how.rng("agreement"))[:, how.of_case]
    presence = np.where(given.known, given.positive, -1).astype(np.int8)
    urgency = np.where(given.positive, given.urgencies, -1).astype(np.int8)
    for cells, name in (([0, 1, 2, 3], "overall"), ([2], "spleen focal")):
        kappas, alphas = [], []
        for times in weights:
            votes = votes_of(np.repeat(presence[:, :, cells], times, axis=1).reshape(3, -1), 2)
            kappas.append(fleiss_kappa(votes[votes.sum(axis=1) >= 2]).value)
            votes = votes_of(np.repeat(urgency[:, :, cells], times, axis=1).reshape(3, -1), 4)
            alphas.append(krippendorff_alpha(votes, level="ordinal").value)
        for samples, row in (
            (kappas, found[name, "presence", "fleiss_kappa"]),
            (alphas, found[name, "urgency", "krippendorff_alpha_ordinal"]),
        ):
            assert (row.low, row.high) == pytest.approx(percentile_interval(np.array(samples)))


def test_a_patient_read_twice_alike_narrows_no_interval():
    given = random_ratings(4)
    twice = replace(
        given,
        case_ids=given.case_ids + tuple(f"{each} again" for each in given.case_ids),
        **{name: np.concatenate([getattr(given, name)] * 2, axis=1) for name in ("ranks", "urgencies", "rated")},
    )
    once = agreed_in(given)["overall", "presence", "fleiss_kappa"]
    both = agreed_in(twice, clusters(80, of_case=np.tile(np.arange(40), 2)))["overall", "presence", "fleiss_kappa"]
    assert (both.value, both.low, both.high) == pytest.approx((once.value, once.low, once.high))
    assert both.n_units == 2 * once.n_units


def test_cases_that_nobody_read_twice_are_not_drawn():
    given = random_ratings(5, n_cases=20)
    more = replace(
        given,
        case_ids=(*given.case_ids, "x", "y"),
        **{
            name: np.concatenate([getattr(given, name), np.full_like(getattr(given, name)[:, :2], empty)], axis=1)
            for name, empty in (("ranks", -1), ("urgencies", -1), ("rated", False))
        },
    )
    assert repr(agreement(more, clusters(22))) == repr(agreement(given, clusters(20)))


def test_figures_are_the_same_in_whatever_blocks_they_are_made(monkeypatch):
    given = random_ratings(6)
    whole = repr(agreement(given, clusters(40)))
    monkeypatch.setattr(unit_tables, "_MOST_WEIGHTS", 40 * 7)
    monkeypatch.setattr(unit_tables, "_COLUMNS", 1)
    monkeypatch.setattr(unit_tables, "_EXACT_IN_SINGLE", 1)
    assert repr(agreement(given, clusters(40))) == whole


def test_the_order_of_raters_and_cases_changes_no_coefficient():
    given = random_ratings(7)
    other = replace(
        given,
        **{name: getattr(given, name)[::-1, ::-1] for name in ("ranks", "urgencies", "rated")},
    )
    ours, theirs = (agreed_in(each) for each in (given, other))
    for key, each in ours.items():
        assert theirs[key].value == pytest.approx(each.value, nan_ok=True)
        assert theirs[key].n_pairs == each.n_pairs


def test_without_an_answer_nothing_is_defined():
    given = ratings("__ __", "_! __")
    assert all(math.isnan(each.value) and each.n_units == 0 for each in agreement(given, clusters(2)).agreed)


def test_a_rater_beside_itself_at_another_time():
    first, again = ratings("+0 00 0+", "00 00 00"), ratings("+0 00 00", "++ ++ ++", names=("0", "9"))
    found = {pair.stage: pair for pair in self_agreement(first, again, clusters(3)) if pair.scope == "overall"}
    assert (found["presence"].first, found["presence"].second) == ("0", "0")
    # 1 both positive, 4 both negative, 1 positive at first only: observed 5/6, chance (2 * 1 + 4 * 5) / 36.
    assert found["presence"].cohen_kappa.value == pytest.approx((5 / 6 - 22 / 36) / (14 / 36))
    assert found["presence"].n_units == 6


def test_a_stage_that_could_not_be_asked_has_no_units():
    given = ratings("++ 00", "++ 00")
    found = agreement(given, clusters(2), stages=("presence", "urgency"))
    certainty = [each for each in (*found.agreed, *found.pairs) if each.stage == "certainty"]
    assert {each.n_units for each in certainty} == {0}
    assert {
        value for each in certainty for name, value in each.as_json().items() if name in ("value", "cohen_kappa")
    } == {None}
    asked = agreed_in(given)["overall", "certainty", "percent_agreement"]
    assert (asked.value, asked.n_units) == (1.0, 2)


def test_readings_of_other_cases_are_not_laid_beside_each_other():
    with pytest.raises(RatingsError, match="not of the same cases"):
        self_agreement(ratings("+0 00"), ratings("+0"), clusters(2))


def test_the_published_readings_agree_as_another_program_found():
    schema = load_preset("abdomen-ct")
    table = read_labels(
        shared_data("leavs/amos_test_annotations.csv"), schema=schema, filename="a.csv", rater="labeler"
    )
    findings = [Group(each.name, each.members) for each in merged_findings(schema)]
    given = ratings_of(table.reports, table.schema.cells)
    given = merged(given, columns(table, schema, targets=single_targets(schema), findings=findings))
    how = clusters(len(given.case_ids), n_resamples=1000)
    kappa = {key[0]: each for key, each in agreed_in(given, how).items() if key[1:] == ("presence", "fleiss_kappa")}
    # Figures of an own program on these readings (FIELD 5): .695 (.662 to .729) on 9,000 units, and per finding.
    overall = kappa["overall"]
    assert (overall.value, overall.n_units) == (pytest.approx(0.695, abs=5e-4), 9000)
    assert (overall.low, overall.high) == pytest.approx((0.662, 0.729), abs=4e-3)
    found = {name: kappa[name].value for name in ("enlarged_atrophy", "diffuse", "focal", "quality")}
    assert found == pytest.approx({"enlarged_atrophy": 0.41, "diffuse": 0.63, "focal": 0.74, "quality": 0}, abs=5e-3)
    # Raters 2 and 3 (H3 and H4) share no report (PROTOCOL 1).
    pairs = pairs_in(given, how)
    assert {key[:2] for key, pair in pairs.items() if key[2:] == ("overall", "presence") and not pair.n_cases} == {
        ("2", "3")
    }
