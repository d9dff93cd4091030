"""How raters use the levels of urgency, and which is true; the published Table 5 is in `test_published.py`."""

import math

import pytest

from labeling.core.evaluation.truths import urgency_truth
from labeling.core.evaluation.urgencies import urgency_shares
from tests.labeling.core.evaluation.ratings_tools import ratings


def test_each_level_has_its_percentage_of_the_urgencies_that_were_given():
    one, none = urgency_shares(ratings("++ ++", "00 00", urgencies=("00 2_", "__ __")))
    assert (one.rater, one.n, one.counts) == ("0", 3, (2, 0, 1, 0))
    assert one.percent == pytest.approx((200 / 3, 0, 100 / 3, 0))
    assert none.n == 0
    assert all(math.isnan(share) for share in none.percent)
    assert [(row.row, row.metric, row.n) for row in one.as_rows("human 0")][2] == ("human 0", "urgency 2 %", 3)


def test_a_true_urgency_is_of_raters_who_call_the_cell_positive():
    # Liver: 1 of three, of whom two give theirs to a cell they call negative; spleen: 2 and 3 of three.
    given = ratings("++", "0+", "0+", urgencies=("1_", "22", "23"))
    assert urgency_truth(given).tolist() == [[-1, 3]]
    assert urgency_truth(given, truth_rater="1").tolist() == [[-1, 2]]


def test_an_adjudicator_decides_the_urgency_and_whether_there_is_one():
    # The others have 1 everywhere; the adjudicator has 3, calls it negative, positive without urgency, reads nothing.
    given = ratings("++ ++ ++", "++ ++ ++", "+0 +_ __", urgencies=("11 11 11", "11 11 11", "3_ __ __"))
    assert urgency_truth(given, adjudicator="2").tolist() == [[3, -1], [1, 1], [1, 1]]
    with pytest.raises(KeyError, match="no rater 'eve'"):
        urgency_truth(given, adjudicator="eve")
