"""The cases behind a figure: which cells of which cases are of a kind, by the rules of the figures."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.evaluation.ratings import NO_URGENCY, RANK_OF_STATE, Ratings
from labeling.core.evaluation.sound import Truth
from labeling.core.values import Value

Bools = NDArray[np.bool_]

# Nobody differs from nobody.
MIN_READERS: Final = 2
_PRESENT: Final = RANK_OF_STATE[Value.PRESENT]
_POSSIBLE: Final = RANK_OF_STATE[Value.POSSIBLE]


class Kind(StrEnum):
    """How labeler and truth, or readers, stand to each other in a cell."""

    DIFFER = "differ"
    MISSED = "missed"
    INVENTED = "invented"
    AGREED_POSITIVE = "agreed-positive"
    AGREED_NEGATIVE = "agreed-negative"
    UNANSWERED = "unanswered"
    FIRST_ONLY = "first-only"
    SECOND_ONLY = "second-only"
    READERS_DIFFER = "readers-differ"
    CERTAINTY_DIFFER = "certainty-differ"
    URGENCY_DIFFER = "urgency-differ"


LABELER_KINDS: Final = (
    *(Kind.DIFFER, Kind.MISSED, Kind.INVENTED),
    *(Kind.AGREED_POSITIVE, Kind.AGREED_NEGATIVE, Kind.UNANSWERED),
)
# Of two labelers.
PAIR_KINDS: Final = (Kind.FIRST_ONLY, Kind.SECOND_ONLY)
READER_KINDS: Final = (Kind.READERS_DIFFER, Kind.CERTAINTY_DIFFER, Kind.URGENCY_DIFFER)
KIND_WORDS: Final[Mapping[Kind, str]] = {
    Kind.DIFFER: "missed or invented",
    Kind.MISSED: "missed",
    Kind.INVENTED: "invented",
    Kind.AGREED_POSITIVE: "rightly positive",
    Kind.AGREED_NEGATIVE: "rightly negative",
    Kind.UNANSWERED: "unanswered",
    Kind.FIRST_ONLY: "A right only",
    Kind.SECOND_ONLY: "B right only",
    Kind.READERS_DIFFER: "readers differ",
    Kind.CERTAINTY_DIFFER: "certainty differs",
    Kind.URGENCY_DIFFER: "urgency differs",
}
KIND_MEANINGS: Final[Mapping[Kind, str]] = {
    Kind.DIFFER: "the labeler and the truth differ",
    Kind.MISSED: "the truth is positive, the labeler says negative",
    Kind.INVENTED: "the labeler says positive, the truth is negative",
    Kind.AGREED_POSITIVE: "the truth and the labeler are positive",
    Kind.AGREED_NEGATIVE: "the truth and the labeler are negative",
    Kind.UNANSWERED: "there is a truth, but the labeler's answer is missing or unreadable",
    Kind.FIRST_ONLY: "A and the truth are alike, B differs",
    Kind.SECOND_ONLY: "B and the truth are alike, A differs",
    Kind.READERS_DIFFER: "some readers say positive, others negative",
    Kind.CERTAINTY_DIFFER: "of those who say positive, some say present and others possible",
    Kind.URGENCY_DIFFER: "of those who say positive, some gave another urgency than others",
}

# What `Explored.n_judged` counts.
JUDGED_WORDS: Final[Mapping[Kind, str]] = {
    **dict.fromkeys(LABELER_KINDS, "with a truth and an answer"),
    Kind.UNANSWERED: "with a truth",
    **dict.fromkeys(PAIR_KINDS, "with a truth and two answers"),
    Kind.READERS_DIFFER: "that two readers answered",
    Kind.CERTAINTY_DIFFER: "that two readers call positive",
    Kind.URGENCY_DIFFER: "of which two readers gave an urgency",
}


@dataclass(frozen=True)
class Explored:
    """What readers, the labeler (None for no labeler) and the truth say of the same cases and cells.

    `other` is a second labeler, B, where the labeler is A of two that are compared.
    """

    readers: Ratings
    labeler: Ratings | None
    truth: Truth
    other: Ratings | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that can be asked for."""
        if self.labeler is None:
            return READER_KINDS
        return (*(PAIR_KINDS if self.other is not None else ()), *LABELER_KINDS, *READER_KINDS)

    def mask(self, kind: Kind) -> Bools:
        """Where the cells are of that kind, `(cases, cells)`."""
        if kind in READER_KINDS:
            return self._among_readers(kind)
        if kind in PAIR_KINDS:
            return self._right_alone(kind)
        known, positive, said = self.truth.known & self._answered, self.truth.positive, self._said
        match kind:
            case Kind.UNANSWERED:
                mask = self.truth.known & ~self._answered
            case Kind.DIFFER:
                mask = known & (positive != said)
            case Kind.MISSED:
                mask = known & positive & ~said
            case Kind.INVENTED:
                mask = known & ~positive & said
            case Kind.AGREED_POSITIVE:
                mask = known & positive & said
            case _:
                mask = known & ~positive & ~said
        return np.asarray(mask)

    def _right_alone(self, kind: Kind) -> Bools:
        first, second = (each.positive[0] == self.truth.positive for each in (self._of_labeler, self._of_other))
        right, wrong = (first, second) if kind == Kind.FIRST_ONLY else (second, first)
        return np.asarray(self._both_known & right & ~wrong)

    @property
    def _both_known(self) -> Bools:
        return np.asarray(self.truth.known & self._answered & self._of_other.known[0])

    @cached_property
    def _said(self) -> Bools:
        return np.asarray(self._of_labeler.positive[0])

    @cached_property
    def _answered(self) -> Bools:
        return np.asarray(self._of_labeler.known[0])

    @property
    def _of_labeler(self) -> Ratings:
        if self.labeler is None:
            raise ValueError("there is no labeler to judge")
        return self.labeler

    @property
    def _of_other(self) -> Ratings:
        if self.other is None:
            raise ValueError("there is no second labeler")
        return self.other

    @cached_property
    def votes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How many readers say positive, and how many negative, `(cases, cells)`."""
        positive, known = self.readers.positive, self.readers.known
        return (positive & known).sum(axis=0), (~positive & known).sum(axis=0)

    def _among_readers(self, kind: Kind) -> Bools:
        if kind == Kind.READERS_DIFFER:
            n_yes, n_no = self.votes
            return np.asarray((n_yes > 0) & (n_no > 0))
        if kind == Kind.CERTAINTY_DIFFER:
            ranks = self.readers.ranks
            return np.asarray((ranks == _PRESENT).any(axis=0) & (ranks == _POSSIBLE).any(axis=0))
        levels = self.readers.urgencies
        lowest = np.where(self._urgent, levels, np.iinfo(np.int8).max).min(axis=0)
        highest = np.where(self._urgent, levels, NO_URGENCY).max(axis=0)
        return np.asarray(self._urgent.any(axis=0) & (lowest < highest))

    @property
    def _urgent(self) -> Bools:
        """Who calls a cell positive and gave an urgency."""
        return np.asarray(self.readers.positive & (self.readers.urgencies != NO_URGENCY))

    def n_judged(self, kind: Kind) -> int:
        """Cells of cases that could be of that kind: those that both sides, or two readers, said something of."""
        if kind == Kind.URGENCY_DIFFER:
            return int((self._urgent.sum(axis=0) >= MIN_READERS).sum())
        if kind in READER_KINDS:
            n_yes, n_no = self.votes
            return int(((n_yes if kind == Kind.CERTAINTY_DIFFER else n_yes + n_no) >= MIN_READERS).sum())
        if kind in PAIR_KINDS:
            return int(self._both_known.sum())
        known = self.truth.known if kind == Kind.UNANSWERED else self.truth.known & self._answered
        return int(known.sum())


def of_pair(readers: Ratings, names: tuple[str, str]) -> Ratings:
    """Only these two readers. Raises KeyError for one who is not there."""
    missing = [name for name in names if name not in readers.raters]
    if missing:
        raise KeyError(missing[0])
    chosen = [readers.raters.index(name) for name in names]
    return replace(
        readers,
        raters=names,
        ranks=readers.ranks[chosen],
        urgencies=readers.urgencies[chosen],
        rated=readers.rated[chosen],
    )
