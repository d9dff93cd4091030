"""What is learned: targets and findings (or groups of findings), and what the labels say about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from labeling.core.records import LabelSet
from labeling.core.schema import Cell, Schema
from labeling.core.values import POSITIVE_VALUES, Missing, Value, merge_values
from vision.core.refusals import ImageRefused

UNKNOWN: Final = -1


class Outcome(NamedTuple):
    """A target of the schema, and a finding or a group of findings."""

    target: str
    finding: str


@dataclass(frozen=True, slots=True, eq=False)
class Truths:
    """`values[case, outcome]`: 1 present or possible, 0 absent or not mentioned, -1 unknown.

    Unknown are ambiguous, unreadable and not asked, and cases without labels (METHODS F masks them).
    """

    outcomes: tuple[Outcome, ...]
    values: NDArray[np.int8]


def outcomes_of(schema: Schema, findings: Sequence[str] = ()) -> tuple[Outcome, ...]:
    """Every target with every finding or group of that name, in schema order; without names, with all of both.

    Raises `ImageRefused` for a name that is neither.
    """
    members = _members(schema)
    unknown = [name for name in findings if name not in members]
    if unknown:
        raise ImageRefused(
            f"{unknown[0]!r} is no finding and no group of findings of {schema.name}; there are {', '.join(members)}",
            code="unknown_finding",
        )
    return tuple(
        Outcome(target.name, name)
        for target in schema.targets
        for name in (findings or members)
        if any(Cell(target.name, member) in schema.index_of_cell for member in members[name])
    )


def truths_of(
    labels: Mapping[str, LabelSet], case_ids: Sequence[str], outcomes: Sequence[Outcome], *, schema: Schema
) -> Truths:
    """What the labels say of the cases, in their order."""
    members = _members(schema)
    cells = [
        [cell for name in members[outcome.finding] if (cell := Cell(outcome.target, name)) in schema.index_of_cell]
        for outcome in outcomes
    ]
    values = np.full((len(case_ids), len(outcomes)), UNKNOWN, np.int8)
    for row, case_id in enumerate(case_ids):
        said = labels.get(case_id)
        if said is not None:
            values[row] = [_truth(said, group) for group in cells]
    return Truths(tuple(outcomes), values)


def _members(schema: Schema) -> dict[str, tuple[str, ...]]:
    single = {finding.name: (finding.name,) for finding in schema.findings}
    return single | {group.name: group.members for group in schema.finding_groups}


def _truth(said: LabelSet, cells: Sequence[Cell]) -> int:
    """The highest of the values; one that is missing leaves the rest to say, unless that is no."""
    states = [said[cell].state for cell in cells]
    values = [state for state in states if isinstance(state, Value)]
    if not values:
        return UNKNOWN
    merged = merge_values(values)
    if merged in POSITIVE_VALUES:
        return 1
    if merged is Value.AMBIGUOUS or any(isinstance(state, Missing) for state in states):
        return UNKNOWN
    return 0
