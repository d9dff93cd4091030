"""What each reader of a training set made of the errors that were planted."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from annotator.core.arms.shares import Share, share_of
from annotator.core.planting import Debriefed, Kind, Outcome

CAUGHT = "caught"


@dataclass(frozen=True, slots=True)
class PlantedReading:
    """One reading with planted errors: who read which case of which patient, and what became of each error."""

    reader: str
    patient: str
    case: str
    debriefed: tuple[Debriefed, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """Planted errors by what became of them; `caught` is the share caught, with its interval by patient."""

    row: str
    n_readings: int
    outcomes: Mapping[Outcome, int]
    caught: Share
    missed: Mapping[Kind, int]

    @property
    def n(self) -> int:
        """Planted errors."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True)
class Missed:
    """One planted error that its reader did not catch."""

    reader: str
    case: str
    debriefed: Debriefed


def tallies(readings: Sequence[PlantedReading]) -> list[Tally]:
    """All readers together, if there are several, then each."""
    names = sorted({reading.reader for reading in readings})
    whole = [_tally("all readers", readings)] if len(names) > 1 else []
    return whole + [_tally(name, [each for each in readings if each.reader == name]) for name in names]


def by_finding(readings: Sequence[PlantedReading]) -> list[Tally]:
    """The errors of each finding, most often missed first."""
    names = {_finding(one) for reading in readings for one in reading.debriefed}
    found = [_tally(name, [_only(reading, name) for reading in readings]) for name in sorted(names)]
    return sorted(found, key=lambda each: each.caught.value)


def missed(readings: Iterable[PlantedReading]) -> list[Missed]:
    """All that were not caught."""
    return [
        Missed(reading.reader, reading.case, one)
        for reading in readings
        for one in reading.debriefed
        if one.outcome != Outcome.CAUGHT
    ]


def _only(reading: PlantedReading, finding: str) -> PlantedReading:
    kept = tuple(one for one in reading.debriefed if _finding(one) == finding)
    return PlantedReading(reading.reader, reading.patient, reading.case, kept)


def _finding(one: Debriefed) -> str:
    return one.error.cell.split("|")[-1]


def _tally(row: str, readings: Sequence[PlantedReading]) -> Tally:
    planted = [(reading.patient, one) for reading in readings for one in reading.debriefed]
    patients = np.unique([patient for patient, _ in planted], return_inverse=True)[1].astype(np.int64)
    counts = np.array([[one.outcome == Outcome.CAUGHT, True] for _, one in planted], np.int64).reshape(-1, 2)
    outcomes = Counter(one.outcome for _, one in planted)
    kinds = Counter(one.error.kind for _, one in planted if one.outcome != Outcome.CAUGHT)
    return Tally(
        row,
        sum(bool(reading.debriefed) for reading in readings),
        {outcome: outcomes[outcome] for outcome in Outcome},
        share_of(patients, counts, name=(row, "reader", CAUGHT)),
        {kind: kinds[kind] for kind in Kind},
    )
