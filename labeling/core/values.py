"""What a cell can say, and the one-character codes that label vectors are stored in.

A cell holds one of five values. Two more states are not values: the labeler's answer could not be read, and the
cell was never asked. None of the seven shares a code with another, and none is the number 0.
"""

from enum import StrEnum
from typing import Final


class Value(StrEnum):
    """What a rater says about one finding in one target."""

    PRESENT = "present"
    POSSIBLE = "possible"
    ABSENT = "absent"
    AMBIGUOUS = "ambiguous"
    NOT_MENTIONED = "not_mentioned"


class Missing(StrEnum):
    """Why a cell has no value."""

    UNREADABLE = "unreadable"
    NOT_ASKED = "not_asked"


CellState = Value | Missing

CODE_OF_STATE: Final[dict[CellState, str]] = {
    Value.PRESENT: "+",
    Value.POSSIBLE: "?",
    Value.ABSENT: "0",
    Value.AMBIGUOUS: "~",
    Value.NOT_MENTIONED: ".",
    Missing.UNREADABLE: "!",
    Missing.NOT_ASKED: "_",
}
STATE_OF_CODE: Final[dict[str, CellState]] = {code: state for state, code in CODE_OF_STATE.items()}
VALUE_CODES: Final = "".join(CODE_OF_STATE[value] for value in Value)
STATE_CODES: Final = "".join(CODE_OF_STATE.values())

POSITIVE_VALUES: Final = frozenset({Value.PRESENT, Value.POSSIBLE})

# Published LEAVS numbers (METHODS A.1); they have no number for an unreadable answer.
LEAVS_NUMBER_OF_VALUE: Final[dict[Value, int]] = {
    Value.PRESENT: 1,
    Value.POSSIBLE: -1,
    Value.ABSENT: 0,
    Value.NOT_MENTIONED: -2,
    Value.AMBIGUOUS: -3,
}
VALUE_OF_LEAVS_NUMBER: Final[dict[int, Value]] = {number: value for value, number in LEAVS_NUMBER_OF_VALUE.items()}

# Lowest first: what a group of cells says is the highest of what its members say (METHODS A.1).
MERGE_ORDER: Final = (
    Value.ABSENT,
    Value.NOT_MENTIONED,
    Value.AMBIGUOUS,
    Value.POSSIBLE,
    Value.PRESENT,
)

URGENCY_LEVELS: Final = (0, 1, 2, 3)
NO_URGENCY_CODE: Final = "_"
URGENCY_CODES: Final = "0123" + NO_URGENCY_CODE


def state_of_name(name: str) -> CellState:
    """The value or missing state called `name`; raises ValueError that lists the allowed names."""
    for state in CODE_OF_STATE:
        if state == name:
            return state
    raise ValueError(f"{name!r} is not one of {', '.join(CODE_OF_STATE)}")


def value_of_name(name: str) -> Value:
    """The value called `name`; raises ValueError that lists the allowed names."""
    for value in Value:
        if value == name:
            return value
    raise ValueError(f"{name!r} is not one of {', '.join(Value)}")


def merge_values(values: list[Value]) -> Value:
    """What a group says when its members say `values`: the highest of them by `MERGE_ORDER`.

    Raises ValueError on an empty list: a group without members says nothing.
    Source: METHODS A.1.
    """
    if not values:
        raise ValueError("a group needs at least one value, got none")
    return max(values, key=MERGE_ORDER.index)


def urgency_code(urgency: int | None) -> str:
    """One character for an urgency of 0 to 3, or for none."""
    if urgency is None:
        return NO_URGENCY_CODE
    if urgency not in URGENCY_LEVELS:
        raise ValueError(f"urgency {urgency!r} is not one of {URGENCY_LEVELS} or None")
    return str(urgency)


def urgency_of_code(code: str) -> int | None:
    """Inverse of `urgency_code`."""
    if code == NO_URGENCY_CODE:
        return None
    if len(code) != 1 or code not in URGENCY_CODES:
        raise ValueError(f"urgency code {code!r} is not one of {URGENCY_CODES!r}")
    return int(code)
