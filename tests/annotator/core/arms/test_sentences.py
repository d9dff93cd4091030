"""What is said of figures, and of those that there are not."""

import numpy as np
import pytest

from annotator.core.arms.results import arms_result
from annotator.core.arms.sentences import design_sentences, sentences
from annotator.core.arms.tables import ASKED, arms_csv, lines
from tests.annotator.core.arms.builders import readings_of

BALANCED = {"prefilled": {"n": 20, "n_read": 20}, "blank": {"n": 20, "n_read": 19}}


def result_of(readings, *, n_other_run=0, seats=BALANCED):
    found = arms_result(readings, {"focal": np.array([0])}, scope="finding", n_resamples=50, seed=0)
    return found | {"n_other_run": n_other_run, "seats": seats}


def timed(n):
    """One reader, as many patients; of two cells the pre-filled readings call one positive, each second blank one."""
    lines = [(0, patient, "PB"[patient % 2], "10" if patient % 4 else "00", "11", "10") for patient in range(n)]
    seconds = np.array([60.0 if line[2] == "P" else 90.0 + line[1] % 3 for line in lines])
    return readings_of(lines, n_readers=1, seconds=seconds)


def said(result):
    return {each.title: each for each in sentences(result)}


@pytest.fixture(scope="module")
def enough():
    return result_of(timed(40))


def test_difference_is_said_in_points_with_its_interval(enough):
    text = said(enough)["Called positive"].text
    # Ten of twenty pre-filled readings (every fourth patient is even) call one of two cells positive, all blank ones.
    assert "25.0 % of cells positive pre-filled and 50.0 % blank: 25.0 points less (95 % interval −" in text


def test_time_saved_is_said_as_what_is_saved(enough):
    text = said(enough)["Time"].text
    assert text.startswith("A pre-filled reading took 60 s on average, a blank one 91 s: 31 s saved (95 % interval 3")
    assert "−" not in text


def test_what_chance_may_explain_is_said_to_be_so():
    same = readings_of([(0, p, "PB"[p % 2], "10" if p % 3 else "00", "11", "10") for p in range(60)], n_readers=1)
    assert "chance alone may explain it" in said(result_of(same))["Called positive"].text


def test_what_cannot_be_estimated_says_why():
    nobody_judges = readings_of([(0, p, "PB"[p % 2], "10", "11", "??") for p in range(20)], n_readers=1)
    found = said(result_of(nobody_judges))
    assert not found["How right readers are"].is_estimated
    assert "blind reading of somebody else" in found["How right readers are"].text
    assert not found["Errors caught"].is_estimated
    assert "no reader has measured readings" in found["Time"].text
    assert found["Called positive"].is_estimated


def test_few_patients_are_said_to_have_no_interval():
    result = result_of(timed(12))
    assert "too few patients" in said(result)["Called positive"].text
    (line,) = lines(result, "positive_rate", scopes=("overall",))
    assert (line.few, line.difference.interval) == ("patients, no interval", "")


def test_seats_that_are_read_unevenly_are_said():
    uneven = {"prefilled": {"n": 20, "n_read": 20}, "blank": {"n": 20, "n_read": 10}}
    words = list(design_sentences(result_of(timed(40), seats=uneven)))
    assert any("100 % of the pre-filled and 50 % of the blank seats" in each for each in words)
    assert len(list(design_sentences(result_of(timed(40))))) == 1


def test_readings_of_another_run_are_said_to_be_left_out():
    assert "3 readings that started from another run" in list(design_sentences(result_of(timed(40), n_other_run=3)))[-1]


def test_every_metric_has_its_rows(enough):
    for metric in ASKED:
        assert [line.row for line in lines(enough, metric, scopes=("overall", "finding", "reader"))] == [
            "overall",
            "focal",
            "reader-0",
        ]


def test_file_has_a_row_for_each_figure_with_as_many_columns(enough):
    head, *rows = (line.strip().split(",") for line in arms_csv(enough))
    assert {len(row) for row in rows} == {len(head)}
    n_metrics = len(ASKED) + 1  # the accuracy of the machine is in the file alone
    assert len(rows) == 3 * (n_metrics + 2) + 2 * 2
