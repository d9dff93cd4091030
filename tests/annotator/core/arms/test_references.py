"""Independent voices, by hand."""

import numpy as np
import pytest

from annotator.core.arms.references import independent_reference


def reference(said, arms, *, case=None, decided=None):
    """Of one cell: `said` and `arms` are texts with a letter for each reading."""
    positive = np.array([[each == "1"] for each in said])
    known = np.array([[each != "?"] for each in said])
    case = np.zeros(len(said), np.int64) if case is None else np.array(case)
    is_blind = np.array([each == "B" for each in arms])
    return independent_reference(case=case, is_blind=is_blind, positive=positive, known=known, decided=decided)[:, 0]


def test_reading_is_judged_by_the_blind_readings_of_others():
    assert reference("101", "BBB") == pytest.approx([0.5, 1.0, 0.5])
    assert reference("101", "PBB") == pytest.approx([0.5, 1.0, 0.0])
    assert reference("101", "PPB") == pytest.approx([1.0, 1.0, np.nan], nan_ok=True)


def test_reading_is_never_judged_by_itself_or_by_assisted_ones():
    assert np.isnan(reference("11", "PP")).all()
    assert reference("11", "PB") == pytest.approx([1.0, np.nan], nan_ok=True)


def test_answer_that_is_missing_is_no_voice():
    assert reference("?01", "BBB") == pytest.approx([0.5, 1.0, 0.0])


def test_cases_are_apart():
    assert np.isnan(reference("10", "BB", case=[0, 1])).all()


def test_decision_stands_in_for_others_only_where_there_are_any():
    decided = np.array([[0.0]])
    assert reference("110", "PPB", decided=decided) == pytest.approx([0.0, 0.0, np.nan], nan_ok=True)
    assert reference("110", "PPB", decided=np.array([[np.nan]])) == pytest.approx([0.0, 0.0, np.nan], nan_ok=True)
