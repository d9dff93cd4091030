"""What a label vector says at a glance: how many findings, how urgent, how much nobody could read."""

from dataclasses import dataclass

from labeling.core.schema import Schema
from labeling.core.values import CODE_OF_STATE, NO_URGENCY_CODE, POSITIVE_VALUES, Missing

ABNORMAL_GROUP = "any abnormality"
_POSITIVE_CODES = frozenset(CODE_OF_STATE[value] for value in POSITIVE_VALUES)
_UNREADABLE_CODE = CODE_OF_STATE[Missing.UNREADABLE]


@dataclass(frozen=True, slots=True)
class Glance:
    """`n_findings` counts present and possible cells; `urgency` is the highest given, None when none is."""

    n_findings: int
    urgency: int | None
    n_unreadable: int


def abnormal_cells(schema: Schema) -> tuple[int, ...]:
    """Places in a vector of the cells whose positive value means that something is there.

    These are the members of the schema's group "any abnormality"; without that group, all but the finding "normal".
    """
    group = next((group for group in schema.finding_groups if group.name == ABNORMAL_GROUP), None)
    return tuple(
        index
        for index, cell in enumerate(schema.cells)
        if (cell.finding in group.members if group else cell.finding != "normal")
    )


def glance(values: str, urgencies: str, *, places: tuple[int, ...]) -> Glance:
    """Summary of the cells at `places`; cells that are unreadable count anywhere."""
    positive = [place for place in places if values[place] in _POSITIVE_CODES]
    urgent = [int(urgencies[place]) for place in positive if urgencies[place] != NO_URGENCY_CODE]
    return Glance(len(positive), max(urgent, default=None), values.count(_UNREADABLE_CODE))
