"""What can be said of a design, and that all of it is plain JSON."""

import json
from dataclasses import replace

import numpy as np

from annotator.core.arms.design import design_of
from annotator.core.arms.results import arms_result
from tests.annotator.core.arms.builders import drawn_readings, readings_of


def lines_of(arms, *, readers=None):
    readers = readers or [0] * len(arms)
    return [
        (reader, patient, arm, "1", "1", "?") for patient, (reader, arm) in enumerate(zip(readers, arms, strict=True))
    ]


def test_arms_that_a_plan_drew_are_randomized():
    readings = readings_of(lines_of("PB" * 10))
    assert design_of(readings).is_randomized
    assert design_of(readings).problems() == []


def test_one_reading_that_no_plan_drew_makes_an_association():
    is_planned = np.arange(20) > 0
    assert not design_of(readings_of(lines_of("PB" * 10), is_planned=is_planned)).is_randomized


def test_missing_arm_is_named():
    assert "blank arm" in design_of(readings_of(lines_of("PPP"))).problems()[0]
    nobody = readings_of(lines_of("P")).only(np.zeros(1, bool))
    assert "pre-filled and the blank arm" in design_of(nobody).problems()[0]


def test_readers_of_one_arm_each_cannot_be_told_from_the_arms():
    design = design_of(readings_of(lines_of("PPBB", readers=[0, 0, 1, 1])))
    assert (design.n_blocks, design.n_blocks_with_both, design.n_compared) == (2, 0, 0)
    assert "both arms" in design.problems()[0]


def test_few_patients_are_said():
    assert "9 patients" in design_of(readings_of(lines_of("PB" * 9))).problems()[0]


def test_result_is_plain_and_the_same_again():
    readings = replace(drawn_readings(), key_presses=np.arange(120.0))
    first, second = (
        json.dumps(
            arms_result(readings, {"focal": np.array([0, 1])}, scope="finding", n_resamples=50, seed=3), allow_nan=False
        )
        for _ in range(2)
    )
    assert first == second


def test_no_reading_gives_a_result_without_figures():
    nobody = drawn_readings().only(np.zeros(120, bool))
    found = arms_result(nobody, {}, scope="finding", n_resamples=50, seed=0)
    assert {each["difference"] for rows in found["contrasts"].values() for each in rows} == {None}
