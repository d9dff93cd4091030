"""Which readings count, case by case: the blind ones, made without machine labels and what others say in view."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.core.figure_requests import Origin

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Revisions:
    """Revisions of readings, `(revisions,)`: keys that go up with each, case, reader, and `is_blank`: whether it began
    blank, by a reader who could look at nothing before they submitted it.
    """

    pk: Ints
    case: Ints
    reader: Ints
    is_blank: Bools

    def blind(self) -> Bools:
        """Revisions before which, in that case, their reader had nothing to start from or to look at."""
        _, group = self._groups()
        first_seen = np.full(int(group.max(initial=-1)) + 1, np.iinfo(np.int64).max)
        np.minimum.at(first_seen, group[~self.is_blank], self.pk[~self.is_blank])
        return np.asarray(self.pk < first_seen[group])

    def latest(self, among: Bools) -> Bools:
        """The last revision of each reader in each case, of those `among`."""
        _, group = self._groups()
        last = np.full(int(group.max(initial=-1)) + 1, -1, np.int64)
        np.maximum.at(last, group[among], self.pk[among])
        return np.asarray(among & (self.pk == last[group]))

    def speaking(self) -> Bools:
        """Of each reader and case the one that is a voice: the last blind one, without such the last."""
        blind = self.blind()
        spoke_blind = np.zeros(len(self._groups()[0]), bool)
        _, group = self._groups()
        spoke_blind[group[blind]] = True
        return self.latest(blind | ~spoke_blind[group])

    def _groups(self) -> tuple[Ints, NDArray[np.intp]]:
        pairs = self.case * (int(self.reader.max(initial=0)) + 1) + self.reader
        return np.unique(pairs, return_inverse=True)

    @property
    def n_readings(self) -> int:
        """Readers' cases, each counted once."""
        return len(self._groups()[0])


@dataclass(frozen=True, slots=True)
class Counted:
    """Which revisions count, how many readers' cases have none that does, and cases whose readings are assisted."""

    kept: Bools
    n_left_out: int
    n_assisted: int


def counted(revisions: Revisions, origin: Origin) -> Counted:
    """The readings of `origin`; blind-first takes of each case the blind ones where there are any, else all.

    A reader who corrects a blind reading after having seen machine labels stays with what was said before.
    """
    blind, everything = revisions.blind(), np.ones(len(revisions.pk), bool)
    kept = revisions.latest(everything if origin == Origin.ALL else blind)
    if origin == Origin.BLIND_FIRST:
        without = ~np.isin(revisions.case, revisions.case[blind])
        kept = kept | (revisions.latest(everything) & without)
    n_assisted = len(np.unique(revisions.case[kept & ~blind]))
    return Counted(kept, revisions.n_readings - int(kept.sum()), n_assisted)


def repeated(first: Revisions, again: Revisions, *, cases: Ints) -> tuple[Bools, Bools]:
    """Of both, the last revisions of readers in `cases` that they read twice, if both times in the same arm."""
    kept_first, kept_again = (each.latest(np.isin(each.case, cases)) for each in (first, again))
    pairs = [
        set(zip(each.case[kept].tolist(), each.reader[kept].tolist(), each.is_blank[kept].tolist(), strict=True))
        for each, kept in ((first, kept_first), (again, kept_again))
    ]
    both = pairs[0] & pairs[1]

    def among(each: Revisions, kept: Bools) -> Bools:
        keys = zip(each.case.tolist(), each.reader.tolist(), each.is_blank.tolist(), strict=True)
        return np.asarray(kept & np.fromiter((key in both for key in keys), bool, len(kept)))

    return among(first, kept_first), among(again, kept_again)
