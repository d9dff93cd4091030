"""Splits by patient."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.core.releases.records import ReleaseError
from annotator.core.releases.splits import split_patients
from tests.annotator.core.releases.samples import case

THREE = {"train": 0.6, "validation": 0.2, "test": 0.2}


def made(n_patients, *, rare=(), n_each=1):
    """Cases with nothing in them; patients in `rare` have a focal lesion of the spleen."""
    return [
        case(f"R{patient}-{number}", patient_key=f"p{patient:03}", values="00+0" if patient in rare else "0000")
        for patient in range(n_patients)
        for number in range(n_each)
    ]


def test_rare_finding_is_spread_by_the_shares():
    split_of = split_patients(made(100, rare=range(10)), fractions=THREE, seed=1)
    assert Counter(split_of[f"p{patient:03}"] for patient in range(10)) == {"train": 6, "validation": 2, "test": 2}
    assert Counter(split_of.values()) == {"train": 60, "validation": 20, "test": 20}


def test_patients_weigh_as_much_as_they_have_cases():
    cases = made(1, n_each=6) + [case(f"S{number}", patient_key=f"q{number}", values="0000") for number in range(4)]
    split_of = split_patients(cases, fractions={"train": 0.6, "test": 0.4}, seed=3)
    assert split_of["p000"] == "train"
    assert [split_of[f"q{number}"] for number in range(4)] == ["test"] * 4


@given(seed=st.integers(0, 2**32 - 1), order=st.randoms(use_true_random=False))
def test_order_of_cases_changes_no_split(seed: int, order: random.Random):
    cases = made(12, rare={1, 5, 7}, n_each=2)
    before = split_patients(cases, fractions=THREE, seed=seed)
    order.shuffle(cases)
    assert split_patients(cases, fractions=THREE, seed=seed) == before
    assert set(before) == {f"p{patient:03}" for patient in range(12)}


def test_another_seed_places_others():
    cases = made(50)
    assert split_patients(cases, fractions=THREE, seed=1) != split_patients(cases, fractions=THREE, seed=2)


def test_patients_of_an_earlier_release_keep_their_split():
    fixed = {f"p{patient:03}": "test" for patient in range(5)}
    split_of = split_patients(made(20), fractions=THREE, seed=1, fixed=fixed | {"gone": "train"})
    assert {patient: split_of[patient] for patient in fixed} == fixed
    assert Counter(split_of.values())["train"] == 12


@pytest.mark.parametrize(
    ("fractions", "words"),
    [
        ({"train": 0.5, "test": 0.4}, "add up to 0.9, expected is 1"),
        ({"train": 1.2, "test": -0.2}, "above 0"),
        ({"dev": 1.0}, "'dev' is no split"),
        ({}, "needs a share"),
    ],
)
def test_shares_that_cannot_be_are_refused(fractions, words):
    with pytest.raises(ReleaseError, match=words):
        split_patients(made(3), fractions=fractions, seed=1)


def test_split_of_an_earlier_release_without_a_share_is_refused():
    with pytest.raises(ReleaseError, match="'validation', which has no share"):
        split_patients(made(3), fractions={"train": 1.0}, seed=1, fixed={"p000": "validation"})
