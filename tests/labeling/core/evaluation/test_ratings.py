"""Ratings laid side by side."""

from labeling.core.evaluation.ratings import MergedCell, merged
from tests.labeling.core.evaluation.ratings_tools import CELLS, RANK, ratings


def test_a_group_is_known_negative_only_when_all_its_members_were_asked():
    said = {
        **{"00": "0", "0.": ".", "~0": "~"},
        **{"0_": "_", "_~": "_", "__": "_", "!_": "!", "0!": "!"},
        **{"+_": "+", "_?": "?", "+!": "+"},
    }
    group = merged(ratings(" ".join(said)), [MergedCell("abdomen", "focal", CELLS)])
    assert group.ranks[0, :, 0].tolist() == [RANK[each] for each in said.values()]
    assert group.known[0, :, 0].tolist() == [each not in "_!" for each in said.values()]
