"""A patient is in one part, and always in the same."""

import pytest

from vision.core.learning.splits import parts_of, require_no_leak, split_by_patient
from vision.core.refusals import ImageRefused

PATIENTS = [f"p{index // 2}" for index in range(200)]


def test_a_split_keeps_patients_whole_and_its_shares() -> None:
    parts = split_by_patient(PATIENTS, seed=3)
    require_no_leak(PATIENTS, parts, PATIENTS)
    assert [parts.count(name) for name in ("training", "validation", "test")] == [120, 40, 40]


def test_a_split_depends_on_patients_and_seed_alone() -> None:
    parts = dict(zip(PATIENTS, split_by_patient(PATIENTS, seed=3), strict=True))
    assert dict(zip(PATIENTS[::-1], split_by_patient(PATIENTS[::-1], seed=3), strict=True)) == parts
    assert dict(zip(PATIENTS, split_by_patient(PATIENTS, seed=4), strict=True)) != parts


def test_a_patient_in_two_parts_is_named_by_a_case_of_each() -> None:
    with pytest.raises(ImageRefused, match=r"cases a \(training\) and c \(test\) are of one patient"):
        require_no_leak(["p", "q", "p"], ["training", "test", "test"], ["a", "b", "c"])


def test_unknown_parts_and_cases_without_one_are_refused() -> None:
    with pytest.raises(ImageRefused, match="'dev' is not one of"):
        require_no_leak(["p"], ["dev"], ["a"])
    with pytest.raises(ImageRefused, match="case b has no part"):
        parts_of(["a", "b"], {"a": "test"})
    with pytest.raises(ValueError, match="sum up to 1"):
        split_by_patient(["p"], seed=0, shares=(0.5, 0.2, 0.2))
