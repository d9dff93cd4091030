"""Training, validation and test cases: a patient is in one of them only."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from labeling.core.metrics.resampling import stream
from vision.core.refusals import ImageRefused

TRAINING, VALIDATION, TEST = "training", "validation", "test"
PARTS: Final = (TRAINING, VALIDATION, TEST)
DEFAULT_SHARES: Final = (0.6, 0.2, 0.2)


def split_by_patient(
    patient_keys: Sequence[str], *, seed: int, shares: tuple[float, float, float] = DEFAULT_SHARES
) -> tuple[str, ...]:
    """The part of each case. The same patients and seed give the same parts, whatever the order of the cases.

    Shares are of patients, for training, validation and test; they sum up to 1. Raises `ValueError` otherwise.
    """
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise ValueError(f"shares are 0 or more and sum up to 1, got {shares}")
    patients = sorted(set(patient_keys))
    order = stream(seed, "split").permutation(len(patients))
    ends = np.rint(np.cumsum(shares) * len(patients)).astype(int)
    part_of: dict[str, str] = {}
    for place, index in enumerate(order):
        part_of[patients[int(index)]] = PARTS[int(np.searchsorted(ends, place, side="right"))]
    return tuple(part_of[patient] for patient in patient_keys)


def require_no_leak(patient_keys: Sequence[str], parts: Sequence[str], case_ids: Sequence[str]) -> None:
    """Raises `ImageRefused` for a part that is none of `PARTS`, and for a patient in two: it names a case of each."""
    first: dict[str, tuple[str, str]] = {}
    for patient, part, case_id in zip(patient_keys, parts, case_ids, strict=True):
        if part not in PARTS:
            raise ImageRefused(f"case {case_id}: the part {part!r} is not one of {', '.join(PARTS)}", code="bad_split")
        known, other = first.setdefault(patient, (part, case_id))
        if known != part:
            raise ImageRefused(
                f"cases {other} ({known}) and {case_id} ({part}) are of one patient, who must be in one part",
                code="split_leaks",
            )


def parts_of(case_ids: Sequence[str], part_of: Mapping[str, str]) -> tuple[str, ...]:
    """The parts of the cases by their ids. Raises `ImageRefused` for a case without one."""
    missing = [case_id for case_id in case_ids if case_id not in part_of]
    if missing:
        raise ImageRefused(f"case {missing[0]} has no part; {len(missing):,} have none", code="bad_split")
    return tuple(part_of[case_id] for case_id in case_ids)
