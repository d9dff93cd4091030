"""Codes and merging of cell values."""

import pytest

from labeling.core.values import (
    CODE_OF_STATE,
    LEAVS_NUMBER_OF_VALUE,
    Missing,
    Value,
    merge_values,
    state_of_name,
    urgency_code,
    urgency_of_code,
)


def test_seven_states_have_seven_codes_of_one_character():
    assert sorted(CODE_OF_STATE) == sorted([*Value, *Missing])
    assert len(set(CODE_OF_STATE.values())) == 7
    assert {len(code) for code in CODE_OF_STATE.values()} == {1}


def test_absent_not_mentioned_unreadable_and_not_asked_never_share_a_code():
    states = (Value.ABSENT, Value.NOT_MENTIONED, Missing.UNREADABLE, Missing.NOT_ASKED)
    assert len({CODE_OF_STATE[state] for state in states}) == 4


def test_leavs_numbers_are_the_published_ones():
    # METHODS A.1
    assert LEAVS_NUMBER_OF_VALUE == {
        Value.PRESENT: 1,
        Value.POSSIBLE: -1,
        Value.ABSENT: 0,
        Value.NOT_MENTIONED: -2,
        Value.AMBIGUOUS: -3,
    }


@pytest.mark.parametrize(
    ("members", "merged"),
    [
        # METHODS A.1: 0 < -2 < -3 < -1 < 1, worked out by hand
        ([Value.ABSENT, Value.NOT_MENTIONED], Value.NOT_MENTIONED),
        ([Value.NOT_MENTIONED, Value.AMBIGUOUS], Value.AMBIGUOUS),
        ([Value.AMBIGUOUS, Value.POSSIBLE, Value.ABSENT], Value.POSSIBLE),
        ([Value.POSSIBLE, Value.PRESENT], Value.PRESENT),
        ([Value.ABSENT], Value.ABSENT),
    ],
)
def test_a_group_says_the_highest_of_its_members(members, merged):
    assert merge_values(members) == merged
    assert merge_values(members[::-1]) == merged


def test_an_empty_group_says_nothing():
    with pytest.raises(ValueError, match="at least one value"):
        merge_values([])


@pytest.mark.parametrize("urgency", [None, 0, 1, 2, 3])
def test_urgency_codes_invert(urgency):
    assert urgency_of_code(urgency_code(urgency)) == urgency


@pytest.mark.parametrize("urgency", [-1, 4, 10])
def test_an_urgency_outside_the_scale_is_refused(urgency):
    with pytest.raises(ValueError, match="is not one of"):
        urgency_code(urgency)


@pytest.mark.parametrize("code", ["4", "", "01", "-"])
def test_an_unknown_urgency_code_is_refused(code):
    with pytest.raises(ValueError, match="urgency code"):
        urgency_of_code(code)


def test_an_unknown_value_name_is_refused_with_the_list_of_names():
    assert state_of_name("not_asked") is Missing.NOT_ASKED
    with pytest.raises(ValueError, match="'maybe' is not one of present, possible"):
        state_of_name("maybe")
