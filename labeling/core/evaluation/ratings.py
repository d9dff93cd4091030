"""Labels of several raters as arrays, with findings and targets merged for evaluation.

What a rater says of a cell is a rank in the order in which values are merged (METHODS A.1), so that merging is taking
the highest: absent, not mentioned, ambiguous, unreadable, possible, present; -1 where nothing was asked. "Unreadable"
stands below the positive values: a group is known to be positive though one member could not be read, and unknown when
the others are negative.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.schema import Cell
from labeling.core.tables.records import LabeledReport
from labeling.core.values import CODE_OF_STATE, CellState, Missing, Value

Ranks = NDArray[np.int8]

RANK_OF_STATE: Final[dict[CellState, int]] = {
    Missing.NOT_ASKED: -1,
    Value.ABSENT: 0,
    Value.NOT_MENTIONED: 1,
    Value.AMBIGUOUS: 2,
    Missing.UNREADABLE: 3,
    Value.POSSIBLE: 4,
    Value.PRESENT: 5,
}
_NOT_ASKED: Final = RANK_OF_STATE[Missing.NOT_ASKED]
_UNREADABLE: Final = RANK_OF_STATE[Missing.UNREADABLE]
_POSITIVE: Final = RANK_OF_STATE[Value.POSSIBLE]
NO_URGENCY: Final = -1
# By the ASCII code that stored vectors have; -1 for whatever is none.
RANK_OF_CODE: Final = np.full(128, -1, np.int8)
for _state, _code in CODE_OF_STATE.items():
    RANK_OF_CODE[ord(_code)] = RANK_OF_STATE[_state]


class RatingsError(ValueError):
    """Labels that cannot be laid side by side. The message is meant for users."""


@dataclass(frozen=True, slots=True)
class Ratings:
    """What raters say: `ranks` and `urgencies` are `(raters, cases, cells)`; `rated` is `(raters, cases)`.

    `urgencies` are 0 to 3, or `NO_URGENCY`. A case that a rater did not read has -1 everywhere.
    """

    raters: tuple[str, ...]
    case_ids: tuple[str, ...]
    cells: tuple[Cell, ...]
    ranks: Ranks
    urgencies: NDArray[np.int8]
    rated: NDArray[np.bool_]

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Present or possible."""
        return np.asarray(self.ranks >= _POSITIVE)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Read and answered: whether it is positive or not can be said."""
        return np.asarray((self.ranks >= 0) & (self.ranks != _UNREADABLE))

    def of_cases(self, case_ids: Sequence[str]) -> "Ratings":
        """The same for these cases, in this order. Raises KeyError for one that is not there."""
        place = {case_id: index for index, case_id in enumerate(self.case_ids)}
        picked = np.array([place[case_id] for case_id in case_ids], np.intp)
        return replace(
            self,
            case_ids=tuple(case_ids),
            ranks=self.ranks[:, picked],
            urgencies=self.urgencies[:, picked],
            rated=self.rated[:, picked],
        )

    def without(self, readings: Collection[tuple[str, str]]) -> "Ratings":
        """The same as if these had not been read, each given by rater and case."""
        left_out = np.array([[(rater, case) in readings for case in self.case_ids] for rater in self.raters], bool)
        left_out = left_out.reshape(self.rated.shape)
        return replace(
            self,
            ranks=np.where(left_out[:, :, np.newaxis], np.int8(-1), self.ranks),
            urgencies=np.where(left_out[:, :, np.newaxis], np.int8(NO_URGENCY), self.urgencies),
            rated=self.rated & ~left_out,
        )

    def of_rater(self, name: str) -> "Ratings":
        """What one rater says. Raises KeyError when there is no such rater."""
        if name not in self.raters:
            raise KeyError(f"no rater {name!r}; there are {', '.join(self.raters)}")
        index = self.raters.index(name)
        only = slice(index, index + 1)
        return replace(
            self, raters=(name,), ranks=self.ranks[only], urgencies=self.urgencies[only], rated=self.rated[only]
        )


@dataclass(frozen=True, slots=True)
class MergedCell:
    """A target and a finding of a table of results, and the cells whose highest value it has."""

    target: str
    finding: str
    members: tuple[Cell, ...]


def ratings_of(reports: Iterable[LabeledReport], cells: Sequence[Cell]) -> Ratings:
    """The labels of `reports`, with cases and raters sorted by name.

    Raises `RatingsError` when one rater has two label sets for a case.
    """
    found: dict[tuple[str, str], LabeledReport] = {}
    for report in reports:
        if (report.rater, report.report_id) in found:
            raise RatingsError(f"report {report.report_id!r} has two label sets of {report.rater!r}, expected one")
        found[report.rater, report.report_id] = report
    raters = sorted({rater for rater, _ in found}, key=_natural)
    case_ids = sorted({report_id for _, report_id in found})
    shape = (len(raters), len(case_ids), len(cells))
    ranks, urgencies = np.full(shape, -1, np.int8), np.full(shape, NO_URGENCY, np.int8)
    rated = np.zeros(shape[:2], bool)
    rater_at = {rater: index for index, rater in enumerate(raters)}
    case_at = {case_id: index for index, case_id in enumerate(case_ids)}
    cell_at = {cell: index for index, cell in enumerate(cells)}
    for (rater, report_id), report in found.items():
        here = rater_at[rater], case_at[report_id]
        rated[here] = True
        for cell, label in report.labels.cells.items():
            index = cell_at[cell]
            ranks[(*here, index)] = RANK_OF_STATE[label.state]
            if label.urgency is not None:
                urgencies[(*here, index)] = label.urgency
    return Ratings(tuple(raters), tuple(case_ids), tuple(cells), ranks, urgencies, rated)


def merged(ratings: Ratings, into: Sequence[MergedCell]) -> Ratings:
    """`ratings` with the highest rank and the highest urgency of the members of each of `into`, for each rater.

    A group is asked when all its members are; one of them that is positive decides without the others. Raises
    `RatingsError` for a member that is not among the cells.
    """
    place = {cell: index for index, cell in enumerate(ratings.cells)}
    shape = (*ratings.rated.shape, len(into))
    ranks, urgencies = np.full(shape, -1, np.int8), np.full(shape, NO_URGENCY, np.int8)
    for index, cell in enumerate(into):
        missing = [str(member) for member in cell.members if member not in place]
        if missing or not cell.members:
            raise RatingsError(f"{cell.target} {cell.finding}: the labels have no cell {', '.join(missing) or 'of it'}")
        members = [place[member] for member in cell.members]
        said = ratings.ranks[..., members]
        highest = said.max(axis=-1)
        ranks[..., index] = np.where((said < 0).any(axis=-1) & (highest < _UNREADABLE), _NOT_ASKED, highest)
        urgencies[..., index] = ratings.urgencies[..., members].max(axis=-1)
    cells = tuple(Cell(cell.target, cell.finding) for cell in into)
    return replace(ratings, cells=cells, ranks=ranks, urgencies=urgencies)


def plain_id(case_id: str) -> str:
    """An id without what is only the way it was stored: folders, file endings, and the published doubling.

    >>> plain_id("./images/amos_0029.nii.gz.txt")
    'amos_0029'
    """
    name = PurePosixPath(case_id).name
    while (shorter := _ENDING.sub("", name)) != name:
        name = shorter
    return name


_ENDING: Final = re.compile(r"(?<=.)\.(txt|csv|json|xml|nii|gz|dcm|mha|nrrd)$", re.IGNORECASE)


def aligned(first: Ratings, second: Ratings) -> tuple[Ratings, Ratings]:
    """Both for the cases they share, sorted by id, which are those of `shared_ids`.

    Raises `RatingsError` when they share none, or when two cases have one plain id.
    """
    names = shared_ids(first.case_ids, second.case_ids)
    here, there = (
        replace(ratings, case_ids=tuple(own.get(each, each) for each in ratings.case_ids))
        for ratings, own in zip((first, second), names, strict=True)
    )
    shared = sorted(names[0].values())
    return here.of_cases(shared), there.of_cases(shared)


def shared_ids(first: Iterable[str], second: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """What the ids that both have are called in common, by the ids of each.

    Ids are compared as they are, and if none agrees by `plain_id`. Raises `RatingsError` when they share none, or when
    two ids of one side have one plain id.
    """
    own, other = ({each: each for each in sorted(set(ids))} for ids in (first, second))
    if not own.keys() & other.keys():
        own, other = _plain_ids(own), _plain_ids(other)
    shared = set(own.values()) & set(other.values())
    if not shared:
        here, there = (tuple(ids.values())[:1] for ids in (own, other))
        raise RatingsError(f"the two files share no report: ids are like {here} in one and {there} in the other")
    kept = [{each: name for each, name in ids.items() if name in shared} for ids in (own, other)]
    return kept[0], kept[1]


def _plain_ids(case_ids: Iterable[str]) -> dict[str, str]:
    """The plain id of each."""
    seen: dict[str, str] = {}
    for case_id in case_ids:
        short = plain_id(case_id)
        if seen.setdefault(short, case_id) != case_id:
            raise RatingsError(f"reports {seen[short]!r} and {case_id!r} are both {short!r} without folder and ending")
    return {case_id: short for short, case_id in seen.items()}


def _natural(rater: str) -> tuple[int, str]:
    """Numbers in the order of numbers, before names."""
    return (int(rater), "") if rater.isdecimal() else (10**9, rater)
