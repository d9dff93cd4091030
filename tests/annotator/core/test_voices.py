"""What stands by each rule. Expected values are counted by hand from the lines."""

import numpy as np
import pytest

from annotator.core.voices import Rows, Rules, Voices, Way, standing
from tests.annotator.core.spoken import text, voices

DIFFERENT = voices("B ++.+0~", "B +?00~~", "B ++.++~")


@pytest.mark.parametrize(
    ("rules", "values"),
    [
        # 1: +++  2: +?+  3: .0.  4: +0+  5: 0~+  6: ~~~
        (Rules(way=Way.UNANIMOUS), "++.  ~"),
        (Rules(way=Way.UNANIMOUS, by_certainty=True), "+    ~"),
        (Rules(way=Way.MAJORITY, at_least=2), "++.+ ~"),
        (Rules(way=Way.MAJORITY, at_least=3), "++.  ~"),
        (Rules(way=Way.MAJORITY, at_least=2, by_certainty=True), "++.+ ~"),
        # Reader 2 has as much weight as the other two together: half is not more than half.
        (Rules(way=Way.WEIGHTED, weights={2: 2.0}), "+?.  ~"),
        # Reader 2 has 3 of 5: its word stands wherever it differs, as long as three fifths are enough.
        (Rules(way=Way.WEIGHTED, weights={2: 3.0}, share=0.6), "+?00~~"),
        (Rules(way=Way.WEIGHTED, weights={2: 3.0}, share=0.7), "+?0  ~"),
        (Rules(way=Way.ALWAYS), "  .   "),
    ],
)
def test_a_value_stands_by_the_rule(rules, values):
    assert text(standing(DIFFERENT, rules).values) == values


def test_a_tie_of_certainty_goes_to_the_cautious_value():
    assert text(standing(voices("B +0", "B ?."), Rules()).values) == "?."


def test_a_majority_is_more_than_half():
    two_of_four = voices("B +", "B +", "B 0", "B 0")
    assert text(standing(two_of_four, Rules(way=Way.MAJORITY, at_least=2)).values) == " "


def test_weights_that_are_decimals_make_exactly_their_share():
    three = voices("B +", "B +", "B +", "B 0")
    rules = Rules(way=Way.WEIGHTED, weights={1: 0.1, 2: 0.1, 3: 0.1, 4: 0.1}, share=0.75)
    assert text(standing(three, rules).values) == "+"


@pytest.mark.parametrize(
    ("said", "levels"),
    [
        # The higher of the two in the middle; given by 1 of 2 is not more than half.
        (("B + 1", "B + 2"), [2]),
        (("B + 1", "B + _"), [-1]),
        (("B + 0", "B + 1", "B + 3"), [1]),
        # The level of a reader who says that it is not there does not count.
        (("B + 1", "B + 1", "B 0 3"), [1]),
    ],
)
def test_urgency_is_the_middle_of_those_who_say_it_is_there(said, levels):
    found = standing(voices(*said), Rules(way=Way.MAJORITY))
    assert found.levels[0].tolist() == levels
    assert not found.is_urgency_open.any()


def test_urgency_is_open_where_it_matters_and_differs():
    said = voices("B +++ 113", "B +++ 11_", "B +++ 12_")
    unanimous = standing(said, Rules(by_urgency=True))
    assert (unanimous.levels[0].tolist(), unanimous.is_urgency_open[0].tolist()) == ([1, -1, -1], [False, True, False])
    majority = standing(said, Rules(way=Way.MAJORITY, by_urgency=True))
    assert majority.levels[0].tolist() == [1, 1, -1]


def test_voices_of_a_case_lie_behind_each_other_whatever_the_order_of_rows():
    vectors = np.frombuffer(b"+0.", np.uint8).reshape(3, 1)
    rows = Rows(np.array([1, 0, 1]), np.array([7, 8, 9]), np.array([True, False, True]), vectors, vectors)
    made = Voices.of_rows(rows, n_cases=3)
    assert made.readers.tolist() == [[8, 7, -1], [-1, 9, -1]]
    assert made.values[:, :, 0].tolist() == [[ord("0"), ord("+"), 0], [0, ord("."), 0]]
    assert made.is_blind.tolist() == [[False, True, False], [False, True, False]]
