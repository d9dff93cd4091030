"""Contrasts of the arms: by hand, and beside a linear model of statsmodels."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import t as student

from annotator.core.arms.contrasts import LEAST_PATIENTS, contrasts, rows_of
from annotator.core.arms.questions import ANCHORED, INFLATION, MACHINE_AGREEMENT, POSITIVE_RATE, QUESTIONS, SCORE
from tests.annotator.core.arms.builders import drawn_readings, readings_of

# Reader 0 reads four cases, reader 1 two: said, shown by the machine, true, of two cells.
LINES = [
    (0, 0, "P", "11", "11", "10"),
    (0, 1, "P", "00", "01", "01"),
    (0, 2, "B", "10", "11", "10"),
    (0, 3, "B", "00", "10", "11"),
    (1, 0, "P", "1?", "11", "10"),
    (1, 1, "B", "01", "01", "0?"),
]


def found(readings, question, *, row="overall"):
    rows = rows_of(readings, {"focal": np.array([0])}, scope="finding")
    return {each.metric: each for each in contrasts(readings, rows, QUESTIONS[question]) if each.row == row}


def test_positive_rate_is_compared_within_each_reader():
    # Reader 0: 2 of 4 and 1 of 4 answers, weight 4 x 4 / 8 = 2. Reader 1: 1 of 1 and 1 of 2, weight 1 x 2 / 3 = 2/3.
    rate = found(readings_of(LINES), POSITIVE_RATE)["positive_rate"]
    assert rate.prefilled == pytest.approx((2 * 0.5 + 2 / 3 * 1) / (8 / 3))
    assert rate.blank == pytest.approx((2 * 0.25 + 2 / 3 * 0.5) / (8 / 3))
    assert (rate.n_prefilled, rate.n_blank, rate.n_scarce, rate.n_patients) == (5, 6, 5, 4)


def test_rows_are_of_all_cells_of_groups_and_of_readers():
    readings = readings_of(LINES)
    assert found(readings, POSITIVE_RATE, row="focal")["positive_rate"].n_prefilled == 3
    assert found(readings, POSITIVE_RATE, row="reader-0")["positive_rate"].difference == pytest.approx(0.25)


def test_agreement_with_the_machine_is_counted_everywhere_and_where_it_is_wrong():
    readings = readings_of(LINES)
    # Reader 0 agrees in 3 of 4 pre-filled and 2 of 4 blank answers, reader 1 in 1 of 1 and 2 of 2.
    everywhere = found(readings, MACHINE_AGREEMENT, row="reader-0")["machine_agreement"]
    assert (everywhere.prefilled, everywhere.blank) == (0.75, 0.5)
    # The machine is wrong in the 2nd cell of case 0 (reader 0 keeps it), and blank in the 2nd of cases 2 and 3 (the
    # reader says 0 of both: not as the machine in case 2, as the machine in case 3).
    wrong = found(readings, ANCHORED, row="reader-0")["anchored"]
    assert (wrong.prefilled, wrong.blank, wrong.n_prefilled, wrong.n_blank) == (1.0, 0.5, 1, 2)


def test_scores_are_those_of_the_standardized_tables():
    # Reader 0 pre-filled: TP 1 (case 0), FP 1, FN 1 (case 1), TN 1. Blank: TP 1, TN 1 (case 2), FN 2 (case 3).
    own = found(readings_of(LINES), SCORE, row="reader-0")
    assert (own["accuracy"].prefilled, own["accuracy"].blank) == (0.5, 0.5)
    assert own["f1"].difference == pytest.approx(0.5 - 0.5)
    assert own["recall"].difference == pytest.approx(1 / 2 - 1 / 3)
    assert own["specificity"].difference == pytest.approx(1 / 2 - 1)


def test_machine_looks_better_by_readings_that_started_from_it():
    # Reader 0 taken for the truth: pre-filled TP 2, FP 1, TN 1; blank TP 1, FP 2, TN 1.
    inflated = found(readings_of(LINES), INFLATION, row="reader-0")["machine_f1"]
    assert inflated.prefilled == pytest.approx(4 / 5)
    assert inflated.blank == pytest.approx(2 / 4)


def test_shared_reference_counts_in_parts():
    readings = replace(readings_of(LINES), reference=np.full((6, 2), 2 / 3))
    # Every positive answer is right by 2/3, every negative one by 1/3.
    rate = found(readings, SCORE, row="reader-0")["accuracy"]
    assert rate.prefilled == pytest.approx((2 * 2 + 2 * 1) / 3 / 4)


def test_difference_and_interval_are_those_of_a_linear_model_without_one_patient_at_a_time():
    readings = drawn_readings()
    rate = found(readings, POSITIVE_RATE)["positive_rate"]

    def coefficient(kept):
        said = readings.positive[kept].ravel().astype(float)
        block = np.repeat((readings.reader * 2 + readings.stratum)[kept], 3)
        dummies = (block[:, np.newaxis] == np.unique(block)).astype(float)
        arm = np.repeat(readings.is_prefilled[kept], 3).astype(float)
        return sm.OLS(said, np.column_stack([arm, dummies])).fit().params[0]

    value = coefficient(np.ones(readings.n, bool))
    patients = np.unique(readings.patient)
    without = np.array([coefficient(readings.patient != each) for each in patients])
    error = np.sqrt((len(patients) - 1) / len(patients) * ((without - without.mean()) ** 2).sum())
    wide = student.ppf(0.975, len(patients) - 1) * error
    assert (rate.difference, rate.low, rate.high) == pytest.approx((value, value - wide, value + wide), abs=1e-9)


def test_one_arm_alone_has_no_difference():
    readings = readings_of([(0, patient, "P", "10", "10", "10") for patient in range(20)], n_readers=1)
    rate = found(readings, POSITIVE_RATE)["positive_rate"]
    assert np.isnan([rate.prefilled, rate.blank, rate.difference, rate.low, rate.high]).all()


def test_few_patients_have_a_difference_without_interval():
    lines = [(0, patient, "PB"[patient % 2], "10" if patient % 3 else "11", "10", "10") for patient in range(20)]
    assert LEAST_PATIENTS == 10
    enough, few = (found(readings_of(lines[:n], n_readers=1), POSITIVE_RATE)["positive_rate"] for n in (20, 19))
    assert not np.isnan([enough.low, enough.high]).any()
    assert not np.isnan(few.difference)
    assert np.isnan([few.low, few.high]).all()


def test_answers_without_reference_count_in_no_score():
    readings = replace(readings_of(LINES), reference=np.full((6, 2), np.nan))
    accuracy = found(readings, SCORE)["accuracy"]
    assert accuracy.n_prefilled == accuracy.n_blank == 0
    assert np.isnan(accuracy.difference)
