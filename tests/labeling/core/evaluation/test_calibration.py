"""Thresholds fitted on some patients and tested on others."""

import json
import math

import numpy as np
import pytest

from labeling.core.evaluation.calibration import Scored, applied, held_out, is_calibration, n_leaked, rows

HOW = {"n_resamples": 100, "seed": 0}


def scored(*cases):
    """Cases given as truth and score, each of a patient of its own unless named."""
    return Scored.of((bool(case[0]), case[1], case[2] if len(case) > 2 else f"p{n}") for n, case in enumerate(cases))


def many(n, *, seed=0, cases_each=2):
    """Two cases of each patient, alike."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(rng.random(n) < 0.5, cases_each)
    patients = tuple(f"p{index // cases_each}" for index in range(truth.size))
    return Scored(truth, rng.normal(size=truth.size) + 2 * truth, patients)


def test_the_threshold_of_one_set_judges_the_other_by_hand():
    fitted = scored((1, 9.0), (1, 8.0), (0, 2.0), (0, 1.0))
    found = applied("stenosis", fitted, scored((1, 41.0), (1, 4.0), (0, 40.0), (0, 0.0)), **HOW)
    assert found.threshold.value == 5.0
    # Above 5: one of two positives, one of two negatives.
    at = {name: found.figures[name].value for name in ("recall", "specificity", "precision", "f1", "balanced_accuracy")}
    assert set(at.values()) == {0.5}
    assert found.figures["auroc"].value == 0.75  # three of four pairs in order
    assert (found.n, found.n_positive, found.n_calibration, found.n_calibration_positive) == (4, 2, 4, 2)


def test_the_interval_of_the_threshold_is_of_calibration_patients():
    # Perfect but for the gap: every resample of both classes has its threshold between the classes.
    fitted = scored((1, 9.0), (1, 7.0), (0, 3.0), (0, 1.0))
    found = applied("x", fitted, scored((1, 9.0), (0, 0.0)), **HOW).threshold
    assert (found.low, found.high) == (4.0, 6.0)  # of 7 and 1, of 9 and 3
    one = Scored(fitted.truth, fitted.scores, ("p",) * 4)
    alone = applied("x", one, scored((1, 9.0), (0, 0.0)), **HOW).threshold
    assert alone.low == alone.value == alone.high == 5.0


def test_all_cases_of_a_patient_are_in_one_half_and_later_patients_move_none():
    patients = [f"p{index}" for index in range(400)]
    first = is_calibration(patients, seed=3)
    assert 160 < first.sum() < 240  # 200 and four standard errors of 10
    assert (
        is_calibration(["new", *reversed(patients), "p0"], seed=3)
        == [*is_calibration(["new"], seed=3), *first[::-1], first[0]]
    ).all()
    assert (first != is_calibration(patients, seed=4)).any()


def test_the_halves_are_those_of_sha256():
    # sha256("0:a") begins with 9d, "0:b" with e0, "0:d" with 7d (sha256sum); even is calibration.
    assert is_calibration(["a", "b", "d"], seed=0).tolist() == [False, True, False]


def test_held_out_cases_are_of_other_patients_than_those_that_fitted():
    cases = many(100)
    found = held_out("x", cases, **HOW)
    assert found.n_leaked == 0
    assert found.n_patients + found.n_calibration_patients == 100
    assert (found.n, found.n_calibration) == (2 * found.n_patients, 2 * found.n_calibration_patients)
    is_fitted = is_calibration(cases.patients, seed=0)
    again = applied("x", cases[is_fitted], cases[~is_fitted], **HOW)
    assert again == found
    assert 0.7 < found.figures["balanced_accuracy"].low < found.figures["balanced_accuracy"].value < 1


def test_test_cases_of_calibration_patients_are_counted_as_leaked():
    fitted = scored((1, 1.0, "ann"), (0, 0.0, "bob"))
    assert n_leaked(fitted, scored((1, 1.0, "ann"), (0, 0.5, "ann"), (0, 0.0, "eve"))) == 2
    assert applied("x", fitted, fitted, **HOW).n_leaked == 2


@pytest.mark.parametrize(
    ("cases", "why"),
    [
        ([(1, 1.0), (1, 2.0)], "2 of 2 calibration cases are positive,"),
        ([], "0 of 0 calibration cases are positive,"),
        ([(1, 1.0), (0, 1.0)], "1 of 2 calibration cases are positive, all with the same score,"),
    ],
)
def test_calibration_cases_without_a_threshold_give_undefined_figures_and_no_rows(cases, why):
    test = scored((1, 1.0), (0, 0.0))
    found = applied("x", scored(*cases), test, **HOW)
    assert math.isnan(found.threshold.value)
    assert math.isnan(found.figures["f1"].value)
    assert found.figures["auroc"].value == 1.0
    assert json.loads(json.dumps(found.as_json(), allow_nan=False))["figures"]["f1"]["value"] is None
    with pytest.raises(ValueError, match=f"x: {why} which fits no threshold"):
        rows("x", scored(*cases), test, **HOW)


def test_rows_name_the_cases_behind_threshold_and_figures():
    made = {row.metric: row for row in rows("x", many(40), many(60, seed=1), **HOW)}
    assert next(iter(made)) == "threshold"
    assert (made["threshold"].n, made["f1"].n) == (80, 120)
    assert made["threshold"].low < made["threshold"].value < made["threshold"].high
