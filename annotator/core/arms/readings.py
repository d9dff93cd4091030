"""Readings of both arms as arrays, and the blocks within which their arms are compared.

Readers differ from each other, and strata of cases do, by more than what a pre-fill changes. Arms are therefore
compared within one reader and one stratum: a block. `standardized` weighs the blocks so that both arms have the same
mix of them: a block counts for N1 N0 / (N1 + N0) of its N1 pre-filled and N0 blank answers, as in a linear model with a
constant for each block (Angrist 1998). A block with one arm alone says nothing of the difference and counts for none,
and when arms are drawn within blocks in one ratio, blocks count by how much was read in them.
"""

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Whole = NDArray[np.integer]
# Places of cells.
Columns = NDArray[np.intp]

# Places of the arms wherever arrays hold both.
PREFILLED, BLANK = range(2)
ARMS: Final = ("prefilled", "blank")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmReadings:
    """Readings `(readings,)` and what they say, `(readings, cells)`.

    `reader` are places in `readers`; equal numbers of `patient` and `stratum` belong together. `is_planned` says that a
    plan drew the arm. `machine_positive` are the labels that a pre-filled reader was shown, and that a blank reader of
    the case would have been shown. `reference` is the share of independent voices, 0 to 1, that call the cell positive,
    NaN where there is none. `seconds` and `key_presses` are NaN where they were not measured.
    """

    readers: tuple[str, ...]
    reader: Ints
    patient: Ints
    stratum: Ints
    is_prefilled: Bools
    is_planned: Bools
    positive: Bools
    known: Bools
    machine_positive: Bools
    machine_known: Bools
    reference: Floats
    seconds: Floats
    key_presses: Floats

    def only(self, kept: Bools) -> "ArmReadings":
        """The readings that are `kept`, `(readings,)`."""
        arrays = {each.name: getattr(self, each.name)[kept] for each in fields(self) if each.name != "readers"}
        return replace(self, **arrays)

    @property
    def n(self) -> int:
        """Readings in all."""
        return len(self.reader)

    @property
    def n_patients(self) -> int:
        """Patients in all."""
        return len(np.unique(self.patient))

    @property
    def arm(self) -> NDArray[np.intp]:
        """`PREFILLED` or `BLANK`, for each reading."""
        return np.where(self.is_prefilled, PREFILLED, BLANK)

    @property
    def block(self) -> NDArray[np.intp]:
        """The number of the reader and stratum of each reading."""
        pairs = self.reader * (int(self.stratum.max(initial=0)) + 1) + self.stratum
        return np.asarray(np.unique(pairs, return_inverse=True)[1], np.intp)

    def sums(self, counts: Whole) -> Ints:
        """Counts `(readings, k)` summed by patient, block and arm: `(patients, blocks, 2, k)`."""
        patient = np.unique(self.patient, return_inverse=True)[1]
        n_patients, n_blocks = int(patient.max(initial=-1)) + 1, int(self.block.max(initial=-1)) + 1
        place = (patient * n_blocks + self.block) * 2 + self.arm
        summed = np.zeros((n_patients * n_blocks * 2, counts.shape[1]), np.int64)
        np.add.at(summed, place, counts)
        return summed.reshape(n_patients, n_blocks, 2, counts.shape[1])


def standardized(sums: Whole) -> Floats:
    """Counts `(..., 2, k)` of both arms over the same mix of blocks, of sums `(..., blocks, 2, k)`.

    The last of the k counts is how many answers there are: it is the same in both arms.
    """
    n = sums[..., -1].astype(np.float64)
    both = n.sum(axis=-1, keepdims=True)
    others = np.divide(n[..., ::-1], both, out=np.zeros_like(n), where=both > 0)
    # An arm that is empty has no counts to weigh, and empties the other by its own 0 answers.
    return np.asarray((sums * others[..., np.newaxis]).sum(axis=-3))
