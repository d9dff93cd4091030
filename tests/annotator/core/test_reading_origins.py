"""Which readings count. Each line of a world is a revision: key, case, reader, and B (blank) or P (pre-filled)."""

import numpy as np
import pytest

from annotator.core.figure_requests import Origin
from annotator.core.reading_origins import Revisions, counted


def revisions(*lines):
    rows = [line.split() for line in lines]
    numbers = np.array([[int(each) for each in row[:3]] for row in rows], np.int64).reshape(-1, 3)
    return Revisions(*numbers.T, np.array([row[3] == "B" for row in rows], bool))


def kept(world, origin):
    found = counted(world, origin)
    return sorted(world.pk[found.kept].tolist()), found.n_left_out, found.n_assisted


MIXED = revisions("1 1 7 B", "2 1 8 P", "3 2 7 P", "4 2 8 P")


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        # Case 1 has a blind reading, so that the assisted one beside it is left out; case 2 has none.
        (Origin.BLIND_FIRST, ([1, 3, 4], 1, 1)),
        (Origin.BLIND, ([1], 3, 0)),
        (Origin.ALL, ([1, 2, 3, 4], 0, 2)),
    ],
)
def test_blind_readings_count_first_case_by_case(origin, expected):
    assert kept(MIXED, origin) == expected


def test_one_blind_reading_in_a_project_leaves_the_cases_of_others_in():
    world = revisions("1 1 7 B", *(f"{number} {number} 7 P" for number in range(2, 100)))
    assert kept(world, Origin.BLIND_FIRST) == (list(range(1, 100)), 0, 98)


def test_the_last_revision_counts():
    world = revisions("1 1 7 B", "2 1 7 B", "3 2 7 B")
    for origin in Origin:
        assert kept(world, origin) == ([2, 3], 0, 0)


def test_what_was_said_before_the_machine_labels_were_seen_stays_blind():
    world = revisions("1 1 7 B", "2 1 7 P")
    assert kept(world, Origin.BLIND) == ([1], 0, 0)
    assert kept(world, Origin.BLIND_FIRST) == ([1], 0, 0)
    assert kept(world, Origin.ALL) == ([2], 0, 1)


def test_whoever_has_seen_machine_labels_of_a_case_is_not_blind_in_it_again():
    world = revisions("1 1 7 P", "2 1 7 B", "3 2 7 B")
    assert kept(world, Origin.BLIND) == ([3], 1, 0)
    assert kept(world, Origin.BLIND_FIRST) == ([2, 3], 0, 1)


@pytest.mark.parametrize("origin", Origin)
def test_the_order_of_rows_changes_nothing(origin):
    turned = Revisions(MIXED.pk[::-1], MIXED.case[::-1], MIXED.reader[::-1], MIXED.is_blank[::-1])
    assert kept(turned, origin) == kept(MIXED, origin)


@pytest.mark.parametrize("origin", Origin)
def test_no_readings_give_none(origin):
    assert kept(revisions(), origin) == ([], 0, 0)


def test_each_reader_speaks_with_the_last_blind_revision_else_with_the_last():
    world = revisions("1 1 7 B", "2 1 7 P", "3 1 8 P", "4 1 8 P", "5 2 7 B", "6 2 7 B", "7 2 8 P", "8 2 8 B")
    assert world.pk[world.speaking()].tolist() == [1, 4, 6, 8]
