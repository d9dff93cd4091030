"""Divide patients into train, validation and test so that rare findings are spread over all of them."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from annotator.core.releases.records import SPLITS, ReleasedCase, ReleaseError
from labeling.core.values import CODE_OF_STATE, POSITIVE_VALUES

_POSITIVE: Final = [ord(CODE_OF_STATE[value]) for value in POSITIVE_VALUES]
Floats = NDArray[np.float64]


def check_fractions(fractions: Mapping[str, float]) -> None:
    """Raise `ReleaseError` unless the fractions are of known splits, each above 0, and add up to 1."""
    unknown = [name for name in fractions if name not in SPLITS]
    if unknown:
        raise ReleaseError(f"{unknown[0]!r} is no split; there are {', '.join(SPLITS)}")
    if not fractions or any(not 0 < share <= 1 for share in fractions.values()):
        raise ReleaseError("each split needs a share above 0 and at most 1")
    total = sum(Fraction(str(share)) for share in fractions.values())
    if total != 1:
        raise ReleaseError(f"the shares of the splits add up to {float(total):g}, expected is 1")


def split_patients(
    cases: Sequence[ReleasedCase],
    *,
    fractions: Mapping[str, float],
    seed: int,
    fixed: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The split of every patient of `cases`; the same cases, shares and seed give the same splits in any order.

    Patients in `fixed` keep the split that they have there. The others are placed finding by finding, rarest first,
    each where most of its finding is still wanted (iterative stratification, Sechidis et al. 2011, on patients, each
    weighing as much as it has cases). Raises `ReleaseError` for shares that cannot be.
    """
    check_fractions(fractions)
    names = [name for name in SPLITS if name in fractions]
    patients, n_cases, positives = _patients(cases)
    rng = np.random.default_rng(seed)
    tie_break = rng.permutation(len(patients))
    shares = np.array([fractions[name] for name in names])
    placer = _Placer(shares, n_cases=n_cases, positives=positives)
    for place, patient in enumerate(patients):
        kept = (fixed or {}).get(patient)
        if kept is not None:
            if kept not in names:
                raise ReleaseError(f"the earlier release has a split {kept!r}, which has no share here")
            placer.put(place, names.index(kept))
    placer.place_all(tie_break)
    return {patient: names[placer.split[place]] for place, patient in enumerate(patients)}


def _patients(cases: Sequence[ReleasedCase]) -> tuple[list[str], Floats, Floats]:
    """Patients by name, how many cases each has `(patients,)`, in how many a cell is positive `(patients, cells)`."""
    patients = sorted({case.patient_key for case in cases})
    row_of = {patient: row for row, patient in enumerate(patients)}
    n_cells = len(cases[0].values) if cases else 0
    n_cases, positives = np.zeros(len(patients)), np.zeros((len(patients), n_cells))
    for case in cases:
        row = row_of[case.patient_key]
        n_cases[row] += 1
        positives[row] += np.isin(np.frombuffer(case.values.encode("ascii"), np.uint8), _POSITIVE)
    return patients, n_cases, positives


class _Placer:
    """How much of each finding, and how many cases, each split still wants."""

    def __init__(self, shares: Floats, *, n_cases: Floats, positives: Floats) -> None:
        self._n_cases = n_cases
        self._positives = positives
        self._wanted_cases = shares * n_cases.sum()
        self._wanted = shares[:, None] * positives.sum(axis=0)
        self.split = np.full(len(n_cases), -1)

    def put(self, patient: int, split: int) -> None:
        """Place one patient."""
        self.split[patient] = split
        self._wanted_cases[split] -= self._n_cases[patient]
        self._wanted[split] -= self._positives[patient]

    def place_all(self, tie_break: NDArray[np.int64]) -> None:
        """Place everybody who has no place yet; `tie_break` is the order in which patients are taken."""
        while True:
            free = self.split < 0
            left = np.where(free[:, None], self._positives > 0, False).sum(axis=0)
            if not left.any():
                break
            rarest = int(np.argmin(np.where(left > 0, left, np.iinfo(np.int64).max)))
            self._place(np.flatnonzero(free & (self._positives[:, rarest] > 0)), self._wanted[:, rarest], tie_break)
        self._place(np.flatnonzero(self.split < 0), self._wanted_cases, tie_break)

    def _place(self, patients: NDArray[np.intp], wanted: Floats, tie_break: NDArray[np.int64]) -> None:
        """`wanted` is a view: it goes down while patients are placed. Those with the most cases come first."""
        order = np.lexsort((tie_break[patients], -self._n_cases[patients]))
        for patient in patients[order]:
            # Of the splits that want this finding most, the one that wants cases most; of those, the first.
            best = np.flatnonzero(wanted >= wanted.max() - 1e-9)
            self.put(int(patient), int(best[np.argmax(self._wanted_cases[best])]))
