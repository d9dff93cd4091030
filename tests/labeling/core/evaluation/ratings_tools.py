"""Ratings written as text."""

import numpy as np

from labeling.core.evaluation.ratings import NO_URGENCY, Ratings
from labeling.core.schema import Cell

RANK = {"+": 5, "?": 4, "!": 3, "~": 2, ".": 1, "0": 0, "_": -1, " ": -1}
URGENCY = {"0": 0, "1": 1, "2": 2, "3": 3, "_": NO_URGENCY}
CELLS = (Cell("liver", "focal"), Cell("spleen", "focal"))


def ratings(*raters, names=None, urgencies=None):
    """Ratings from a text per rater with two characters per case (one for each cell), cases apart by blanks.

    `urgencies` are texts of the same form, of digits and `_`.
    """
    ranks = np.array([[[RANK[each] for each in case] for case in rater.split()] for rater in raters], np.int8)
    cases = tuple(f"c{index}" for index in range(ranks.shape[1]))
    given = np.full(ranks.shape, NO_URGENCY, np.int8)
    if urgencies is not None:
        given[:] = [[[URGENCY[each] for each in case] for case in rater.split()] for rater in urgencies]
    return Ratings(names or tuple("012"[: len(raters)]), cases, CELLS, ranks, given, (ranks >= 0).any(axis=2))
