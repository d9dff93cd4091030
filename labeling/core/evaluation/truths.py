"""What is taken to be true of each cell, and of its urgency, made of what raters say."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.core.evaluation.ratings import NO_URGENCY, Ratings

Bools = NDArray[np.bool_]
Levels = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of each cell, `(cases, cells)`, and where that is known."""

    positive: Bools
    known: Bools


def of_rater(ratings: Ratings, name: str) -> Truth:
    """What one rater says. Raises KeyError when there is no such rater."""
    one = ratings.of_rater(name)
    return Truth(one.positive[0], one.known[0])


def majority(ratings: Ratings, *, without: int | None = None) -> Truth:
    """What most raters say, leaving out the rater `without`; unknown where nobody answered or votes are equal."""
    n_yes, n_no = _votes(ratings, without=() if without is None else (without,))
    return Truth(n_yes > n_no, n_yes != n_no)


def adjudicated(ratings: Ratings, name: str, *, without: int | None = None) -> Truth:
    """What the adjudicator `name` says where it answered, else what all others say who answered; unknown otherwise.

    Others do not count the rater `without`. Raises KeyError when there is no such rater.
    """
    decided = of_rater(ratings, name)
    index = ratings.raters.index(name)
    n_yes, n_no = _votes(ratings, without=(index,) if without is None else (index, without))
    agreed = (n_yes == 0) != (n_no == 0)
    return Truth(np.where(decided.known, decided.positive, n_yes > 0), decided.known | agreed)


def _votes(ratings: Ratings, *, without: Iterable[int]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """How many raters say positive, and how many say otherwise, `(cases, cells)`."""
    left_out = set(without)
    n_yes, n_no = (np.zeros(ratings.ranks.shape[1:], np.int32) for _ in range(2))
    positive, known = ratings.positive, ratings.known
    for index in range(len(ratings.raters)):
        if index not in left_out:
            n_yes += positive[index] & known[index]
            n_no += known[index] & ~positive[index]
    return n_yes, n_no


def given_urgencies(ratings: Ratings) -> Levels:
    """Urgencies `(raters, cases, cells)` of raters who call the cell positive; `NO_URGENCY` elsewhere."""
    return np.where(ratings.positive, ratings.urgencies, np.int8(NO_URGENCY)).astype(np.int8)


def urgency_truth(ratings: Ratings, *, truth_rater: str | None = None, adjudicator: str | None = None) -> Levels:
    """The true urgency `(cases, cells)`, or `NO_URGENCY`.

    It is that of `truth_rater`; or that of the `adjudicator`, none where it calls the cell not positive, and where it
    gave none the median of the others; or the median of all. Raises KeyError when there is no such rater.
    """
    if truth_rater is not None:
        return np.asarray(given_urgencies(ratings.of_rater(truth_rater))[0])
    if adjudicator is None:
        return _median(given_urgencies(ratings), ratings.rated)
    own = ratings.of_rater(adjudicator)
    others = np.array([name != adjudicator for name in ratings.raters])
    median = _median(given_urgencies(ratings)[others], ratings.rated[others])
    decided, is_negative = given_urgencies(own)[0], own.known[0] & ~own.positive[0]
    return np.where((decided != NO_URGENCY) | is_negative, decided, median)


def _median(given: Levels, rated: Bools) -> Levels:
    """The middle of the urgencies `given` in each cell by more than half of those who read the case.

    Of two levels in the middle it is the higher.
    """
    if not len(given):
        return np.full(given.shape[1:], NO_URGENCY, np.int8)
    levels = np.sort(np.where(rated[:, :, np.newaxis], given, np.int8(NO_URGENCY)), axis=0)
    n_given, n_raters = (levels != NO_URGENCY).sum(axis=0), rated.sum(axis=0)[:, np.newaxis]
    middle = np.minimum(len(levels) - n_given + n_given // 2, len(levels) - 1)
    median = np.take_along_axis(levels, middle[np.newaxis], axis=0)[0]
    return np.where(2 * n_given > n_raters, median, np.int8(NO_URGENCY))
