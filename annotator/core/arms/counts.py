"""What is counted in the readings of an arm, over some of the cells. The last of each counts is how many answers.

Shares of voices are counted in `UNIT`s, whole numbers, so that sums are exact.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from annotator.core.arms.readings import ArmReadings, Columns, Floats, Ints, Whole
from labeling.core.metrics.presence import Counts, accuracy, f1, recall, specificity

# Divisible by every number of voices up to 16.
UNIT: Final = 720_720
Counting = Callable[[ArmReadings, Columns], Ints]

SCORES: Final = ("accuracy", "f1", "recall", "specificity")


def said(readings: ArmReadings, columns: Columns) -> Ints:
    """Answers that are positive, and answers."""
    known = readings.known[:, columns]
    return _summed(readings.positive[:, columns] & known, known)


def against_reference(readings: ArmReadings, columns: Columns) -> Ints:
    """True and false positives, false and true negatives, and answers that have a reference, in units."""
    reference = _units(readings, columns)
    known = readings.known[:, columns] & (reference >= 0)
    positive, true = readings.positive[:, columns], np.where(known, reference, 0)
    false = np.where(known, UNIT - true, 0)
    parts = (np.where(positive, true, 0), np.where(positive, false, 0))
    return _summed(*parts, true - parts[0], false - parts[1], np.where(known, UNIT, 0))


def as_truth(readings: ArmReadings, columns: Columns) -> Ints:
    """The machine against the reading as if that were the truth: as `against_reference`, in answers."""
    known = readings.known[:, columns] & readings.machine_known[:, columns]
    machine, truth = readings.machine_positive[:, columns], readings.positive[:, columns]
    parts = (machine & truth, machine & ~truth, ~machine & truth, ~machine & ~truth)
    return _summed(*(part & known for part in parts), known)


def with_machine(readings: ArmReadings, columns: Columns) -> Ints:
    """Answers that agree with the machine, and answers where the machine has one."""
    known = readings.known[:, columns] & readings.machine_known[:, columns]
    return _summed((readings.positive == readings.machine_positive)[:, columns] & known, known)


def where_wrong(readings: ArmReadings, columns: Columns) -> Ints:
    """Answers that agree with a machine that the reference calls wrong, and all answers there, in units."""
    agrees, wrong, _ = _verdict(readings, columns)
    return _summed(np.where(agrees, wrong, 0), wrong)


def changed(readings: ArmReadings, columns: Columns) -> Ints:
    """In units: wrong machine values that were changed, right ones that were, all wrong ones, all right ones."""
    agrees, wrong, right = _verdict(readings, columns)
    return _summed(np.where(agrees, 0, wrong), np.where(agrees, 0, right), wrong, right)


def share(counts: Floats) -> Floats:
    """The first of two counts by the second, `(..., 1)`; NaN of none."""
    whole = np.asarray(counts[..., 1], np.float64)
    found = np.divide(counts[..., 0], whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return np.asarray(found[..., np.newaxis])


def scores(counts: Floats) -> Floats:
    """`SCORES` of true and false positives, false and true negatives, `(..., 4)`."""
    table = Counts(*(counts[..., index] for index in range(4)))
    return np.stack([figure(table) for figure in (accuracy, f1, recall, specificity)], axis=-1)


def _verdict(readings: ArmReadings, columns: Columns) -> tuple[NDArray[np.bool_], Ints, Ints]:
    """Whether a reading agrees with the machine, and by how many units that is wrong and right; 0 of both: unknown."""
    reference = _units(readings, columns)
    known = readings.known[:, columns] & readings.machine_known[:, columns] & (reference >= 0)
    machine = readings.machine_positive[:, columns]
    right = np.where(known, np.where(machine, reference, UNIT - reference), 0)
    return readings.positive[:, columns] == machine, np.where(known, UNIT - right, 0), right


def _units(readings: ArmReadings, columns: Columns) -> Ints:
    """The reference in units; -1 where there is none."""
    reference = readings.reference[:, columns]
    return np.where(np.isnan(reference), -1, np.rint(np.nan_to_num(reference) * UNIT)).astype(np.int64)


def _summed(*parts: Whole | NDArray[np.bool_]) -> Ints:
    return np.stack([part.sum(axis=1, dtype=np.int64) for part in parts], axis=1)
