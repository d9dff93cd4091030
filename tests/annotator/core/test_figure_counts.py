"""Counts behind figures, against counting by hand."""

import numpy as np
import pytest

from annotator.core.figure_counts import counted, counted_pairs
from labeling.core.evaluation.ratings import NO_URGENCY, RANK_OF_STATE, Ratings
from labeling.core.evaluation.truths import Truth
from labeling.core.schema import Cell
from labeling.core.values import Missing, Value

YES, NO, UNREAD = RANK_OF_STATE[Value.PRESENT], RANK_OF_STATE[Value.ABSENT], RANK_OF_STATE[Missing.UNREADABLE]
CELLS = (Cell("liver", "focal"), Cell("liver", "diffuse"), Cell("spleen", "focal"))


def labels(*cases):
    ranks = np.array([cases], np.int8)
    names = tuple(f"c{number}" for number in range(len(cases)))
    return Ratings(("run",), names, CELLS, ranks, np.full(ranks.shape, NO_URGENCY, np.int8), np.ones((1, 3), bool))


@pytest.fixture
def truth():
    """The last case is a tie in the spleen."""
    positive = np.array([[True, False, False], [True, False, True], [False, False, False]])
    known = np.array([[True, True, True], [True, True, True], [True, True, False]])
    return Truth(positive, known)


def test_cells_then_findings_targets_and_all_are_counted(truth):
    found = counted(truth, labels((YES, YES, NO), (UNREAD, NO, NO), (NO, UNREAD, YES)))
    assert [[each[name] for name in ("row", "scope", "tp", "fp", "fn", "tn", "n_asked")] for each in found] == [
        ["liver focal", "cell", 1, 0, 0, 1, 3],
        ["liver diffuse", "cell", 0, 1, 0, 1, 3],
        ["spleen focal", "cell", 0, 0, 1, 1, 2],
        ["finding focal", "finding", 1, 0, 1, 2, 5],
        ["finding diffuse", "finding", 0, 1, 0, 1, 3],
        ["target liver", "target", 1, 1, 0, 2, 6],
        ["target spleen", "target", 0, 0, 1, 1, 2],
        ["micro", "all", 1, 1, 1, 3, 8],
    ]
    assert [(each["target"], each["finding"]) for each in found[2:6]] == [
        ("spleen", "focal"),
        ("", "focal"),
        ("", "diffuse"),
        ("liver", ""),
    ]


def test_of_two_labelers_only_pairs_that_both_answered_count(truth):
    first = labels((YES, YES, NO), (NO, NO, YES), (NO, UNREAD, YES))
    second = labels((UNREAD, NO, YES), (NO, NO, NO), (YES, NO, NO))
    found = {each["row"]: each for each in counted_pairs(truth, first, second)}
    names = ("both_right", "first_only", "second_only", "both_wrong")
    assert [found["liver focal"][name] for name in names] == [0, 1, 0, 1]
    assert [found["liver diffuse"][name] for name in names] == [1, 0, 1, 0]
    assert [found["spleen focal"][name] for name in names] == [0, 2, 0, 0]
    assert [found["micro"][name] for name in names] == [1, 3, 1, 1]
