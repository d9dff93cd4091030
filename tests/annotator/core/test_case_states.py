"""How far a case is."""

import pytest

from annotator.core.case_states import CaseFacts, CaseState, case_state


def facts(**changes):
    return CaseFacts(**{"n_wanted": 2, "n_submitted": 0, "is_begun": False} | changes)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, CaseState.NEW),
        ({"is_begun": True}, CaseState.IN_PROGRESS),
        ({"n_submitted": 1}, CaseState.IN_PROGRESS),
        ({"n_submitted": 2}, CaseState.SUBMITTED),
        ({"n_submitted": 2, "n_open": 1}, CaseState.IN_ADJUDICATION),
        ({"n_submitted": 2, "is_settled": True}, CaseState.FINAL),
        ({"n_submitted": 3, "is_settled": True}, CaseState.FINAL),
        ({"n_submitted": 2, "is_settled": True, "is_excluded": True}, CaseState.EXCLUDED),
    ],
)
def test_the_state_follows_from_readings_disputes_and_exclusion(changes, state):
    assert case_state(facts(**changes)) == state


def test_a_case_with_a_reading_outstanding_is_in_progress_whatever_else_holds():
    assert case_state(facts(n_submitted=1, n_open=3, is_settled=True)) == CaseState.IN_PROGRESS


def test_a_case_of_which_no_reading_is_wanted_is_not_final_unread():
    assert case_state(facts(n_wanted=0)) == CaseState.NEW
