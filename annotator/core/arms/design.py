"""How the arms came about, and what can therefore be said."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from annotator.core.arms.contrasts import LEAST_PATIENTS
from annotator.core.arms.readings import ArmReadings


@dataclass(frozen=True, slots=True)
class Design:
    """Readings of each arm, how many a plan drew, and how many stand in blocks that have both arms.

    A block is one reader and one stratum. `n_with_reference` are readings that independent voices can judge.
    """

    n_prefilled: int
    n_blank: int
    n_planned: int
    n_patients_prefilled: int
    n_patients_blank: int
    n_blocks: int
    n_blocks_with_both: int
    n_compared: int
    n_readers_with_both: int
    n_with_reference: int

    @property
    def is_randomized(self) -> bool:
        """Whether a plan drew the arm of every reading: differences are then effects, else associations."""
        return 0 < self.n_planned == self.n_prefilled + self.n_blank

    def problems(self) -> list[str]:
        """Why there are no figures, or no intervals, in words."""
        n = {"pre-filled": self.n_prefilled, "blank": self.n_blank}
        missing = [arm for arm, count in n.items() if not count]
        if missing:
            return [f"No reading was made in the {' and the '.join(missing)} arm: there is nothing to compare."]
        if not self.n_blocks_with_both:
            return [
                "No reader read cases of one stratum in both arms. What differs between the arms may as well differ "
                "between readers."
            ]
        least = min(self.n_patients_prefilled, self.n_patients_blank)
        if least < LEAST_PATIENTS:
            return [f"One arm has {least} patients: with fewer than {LEAST_PATIENTS} there are no intervals."]
        return []

    def as_json(self) -> dict[str, Any]:
        """Plain values, with what follows from them."""
        return asdict(self) | {"is_randomized": self.is_randomized, "problems": self.problems()}


def design_of(readings: ArmReadings) -> Design:
    """What `readings` allow to be said."""
    block, prefilled = readings.block, readings.is_prefilled
    n_blocks = int(block.max(initial=-1)) + 1
    by_arm = np.stack([np.bincount(block[side], minlength=n_blocks) for side in (prefilled, ~prefilled)])
    has_both = (by_arm > 0).all(axis=0)
    compared = np.asarray(has_both)[block]
    patients = [len(np.unique(readings.patient[side])) for side in (prefilled, ~prefilled)]
    return Design(
        n_prefilled=int(prefilled.sum()),
        n_blank=int((~prefilled).sum()),
        n_planned=int(readings.is_planned.sum()),
        n_patients_prefilled=patients[0],
        n_patients_blank=patients[1],
        n_blocks=n_blocks,
        n_blocks_with_both=int(has_both.sum()),
        n_compared=int(compared.sum()),
        n_readers_with_both=len(np.unique(readings.reader[compared])),
        n_with_reference=int((~np.isnan(readings.reference)).any(axis=1).sum()),
    )
