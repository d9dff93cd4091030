"""Kinds of cells, on cases written out by hand and beside the figures."""

import numpy as np
import pytest

from annotator.core.explored_kinds import LABELER_KINDS, PAIR_KINDS, READER_KINDS, Explored, Kind, of_pair
from labeling.core.evaluation.ratings import NO_URGENCY, RANK_OF_STATE, Ratings
from labeling.core.evaluation.sound import Clusters, majority, of_rater, presence_rows
from labeling.core.schema import Cell
from labeling.core.values import STATE_OF_CODE

CELL = Cell("liver", "focal")


def ratings(*said, urgencies=None):
    """One cell; `said` are the codes of each rater over all cases, a blank where the case was not read."""
    ranks = np.array(
        [[-1 if code == " " else RANK_OF_STATE[STATE_OF_CODE[code]] for code in rater] for rater in said], np.int8
    )
    levels = np.full(ranks.shape, NO_URGENCY, np.int8)
    for rater, codes in enumerate(urgencies or ()):
        levels[rater] = [NO_URGENCY if code == "_" else int(code) for code in codes]
    return Ratings(
        raters=tuple("abcdef"[: len(said)]),
        case_ids=tuple(map(str, range(ranks.shape[1]))),
        cells=(CELL,),
        ranks=ranks[..., np.newaxis],
        urgencies=levels[..., np.newaxis],
        rated=np.array([[code != " " for code in rater] for rater in said]),
    )


def cases(explored, kind):
    return np.flatnonzero(explored.mask(kind)[:, 0]).tolist()


# Two of three readers positive, one of two (a tie), none, nobody reads, all positive; then what the labeler says.
READERS = ratings("++0 +0", "+00 ?.", "0 . +0")
LABELER = ratings("0+++!_")


def test_each_cell_that_has_a_truth_is_of_one_kind_of_the_labeler():
    explored = Explored(READERS, LABELER, majority(READERS))
    found = {kind: cases(explored, kind) for kind in LABELER_KINDS}
    # Case 1 is a tie and case 3 was read by nobody: no truth. 4 is unreadable, 5 was not asked.
    assert found == {
        Kind.DIFFER: [0, 2],
        Kind.MISSED: [0],
        Kind.INVENTED: [2],
        Kind.AGREED_POSITIVE: [],
        Kind.AGREED_NEGATIVE: [],
        Kind.UNANSWERED: [4, 5],
    }
    assert [explored.n_judged(kind) for kind in (Kind.MISSED, Kind.UNANSWERED)] == [2, 4]


def test_agreement_is_listed_by_what_was_agreed_on():
    explored = Explored(READERS, ratings("?.0.+."), majority(READERS))
    assert cases(explored, Kind.AGREED_POSITIVE) == [0, 4]
    assert cases(explored, Kind.AGREED_NEGATIVE) == [2, 5]


def test_readers_differ_where_one_is_positive_and_another_negative():
    explored = Explored(READERS, None, majority(READERS))
    assert cases(explored, Kind.READERS_DIFFER) == [0, 1]
    # Cases 0, 1, 2, 4 and 5 have two answers or more.
    assert explored.n_judged(Kind.READERS_DIFFER) == 5
    assert explored.kinds == READER_KINDS


def test_certainty_differs_among_those_who_say_positive():
    explored = Explored(READERS, None, majority(READERS))
    assert cases(explored, Kind.CERTAINTY_DIFFER) == [4]
    # Two say positive in cases 0 and 4.
    assert explored.n_judged(Kind.CERTAINTY_DIFFER) == 2


def test_urgency_differs_among_positive_readers_who_gave_one():
    # Both 1; 1 and 2; one gave none; the second is negative and what it gave does not count.
    readers = ratings("++++", "+++0", urgencies=["1111", "12_3"])
    explored = Explored(readers, None, majority(readers))
    assert cases(explored, Kind.URGENCY_DIFFER) == [1]
    assert explored.n_judged(Kind.URGENCY_DIFFER) == 2


def test_a_pair_is_judged_without_the_others():
    pair = of_pair(READERS, ("a", "b"))
    explored = Explored(pair, None, majority(READERS))
    assert cases(explored, Kind.READERS_DIFFER) == [1]
    with pytest.raises(KeyError):
        of_pair(READERS, ("a", "x"))


def test_a_labeler_that_is_not_there_is_not_judged():
    with pytest.raises(ValueError, match="no labeler"):
        Explored(READERS, None, majority(READERS)).mask(Kind.MISSED)


def test_of_two_labelers_the_one_that_is_right_alone_is_listed_where_both_answered():
    # The truth is positive in case 0, negative in 2 and 5, positive in 4; in 5 nobody asked B.
    other = ratings("+00++_")
    explored = Explored(READERS, ratings("0+++!."), majority(READERS), other)
    turned = Explored(READERS, other, majority(READERS), ratings("0+++!."))
    assert [cases(explored, kind) for kind in PAIR_KINDS] == [[], [0, 2]]
    assert [cases(turned, kind) for kind in PAIR_KINDS] == [[0, 2], []]
    assert explored.n_judged(Kind.FIRST_ONLY) == 2


@pytest.mark.parametrize("truth_of", [majority, lambda readers: of_rater(readers, "b")])
def test_lists_are_as_long_as_the_figures_say(truth_of):
    rng = np.random.default_rng(1)
    codes = np.array(list("+?0.~ "))
    readers = ratings(*("".join(codes[rng.integers(6, size=80)]) for _ in range(4)))
    labeler = ratings("".join(np.array(list("+?0.!_"))[rng.integers(6, size=80)]))
    truth = truth_of(readers)
    explored = Explored(readers, labeler, truth)
    n = {kind: int(explored.mask(kind).sum()) for kind in LABELER_KINDS}
    rows = presence_rows(readers, labeler, truth, Clusters(np.arange(80), n_resamples=1))
    figures = {row.metric: row for row in rows if row.row == "micro"}
    assert n[Kind.MISSED] + n[Kind.AGREED_POSITIVE] == figures["recall"].n_positive
    assert figures["recall"].value == n[Kind.AGREED_POSITIVE] / figures["recall"].n_positive
    assert figures["precision"].value == n[Kind.AGREED_POSITIVE] / (n[Kind.AGREED_POSITIVE] + n[Kind.INVENTED])
    assert figures["specificity"].value == n[Kind.AGREED_NEGATIVE] / (n[Kind.AGREED_NEGATIVE] + n[Kind.INVENTED])
    assert figures["coverage"].n - n[Kind.UNANSWERED] == figures["f1"].n == explored.n_judged(Kind.DIFFER)
    assert n[Kind.DIFFER] == n[Kind.MISSED] + n[Kind.INVENTED]
