"""What the names in a Label Studio file stand for: which cell a control or a label means, and what a choice says.

Label Studio knows nothing of targets and findings, so its names have to say them; a `StudioMapping` says it for those
that do not. What cannot be told for certain is not guessed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from labeling.core.intake.columns import normalise
from labeling.core.schema import Cell, Schema
from labeling.core.tables.records import TableError
from labeling.core.values import CODE_OF_STATE, CellState, Missing, Value

MAX_MAPPING_CHARACTERS: Final = 100_000
VALUE, URGENCY, PROBABILITY, REASON = "value", "urgency", "probability", "reason"
PARTS: Final = (VALUE, URGENCY, PROBABILITY, REASON)
# What a score beside a label is: the confidence in what the label says, the probability that the finding is there, or
# nothing that is kept.
SCORES: Final = ("confidence", "presence", "none")
_STATES: Final = {normalise(state): state for state in CODE_OF_STATE if state is not Missing.NOT_ASKED}

# A file has as many names as its project has controls.
_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioMapping:
    """What the names in a file do not say themselves. `parse_mapping` reads it from JSON.

    `report_id` and `text` are fields of a task's data, `names` says what controls and labels mean, `values` what
    choices mean, `selected` what a cell has that is only chosen or marked, `ignored` are controls that say nothing.
    `unsaid` is the value of cells of which a person said nothing; without one they were not asked. With `empty`, a
    label set that says nothing at all counts too: whoever made it looked, and found nothing.
    """

    report_id: str | None = None
    text: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, CellState] = field(default_factory=dict)
    selected: Value | None = None
    ignored: frozenset[str] = frozenset()
    score: str = "confidence"
    unsaid: Value | None = None
    empty: bool = False


NO_MAPPING: Final = StudioMapping()


def parse_mapping(source: str) -> StudioMapping:
    """The mapping in a JSON object; raises `TableError` that says what is wrong. Nothing at all is an empty one."""
    if not source.strip():
        return NO_MAPPING
    sent = _parsed(source)
    unknown = sorted(set(sent) - set(StudioMapping.__dataclass_fields__))
    if unknown:
        known = ", ".join(StudioMapping.__dataclass_fields__)
        raise TableError(f"the mapping has a key {unknown[0][:40]!r}; there are: {known}")
    score = sent.get("score", SCORES[0])
    if score not in SCORES:
        raise TableError(f"the mapping's score is one of {', '.join(SCORES)}")
    return StudioMapping(
        report_id=_text_or_none(sent, "report_id"),
        text=_text_or_none(sent, "text"),
        names=_texts(sent, "names"),
        values={choice: _state(name) for choice, name in _texts(sent, "values").items()},
        selected=_value_or_none(sent, "selected"),
        ignored=_ignored(sent),
        score=score,
        unsaid=_value_or_none(sent, "unsaid"),
        empty=_is_empty_read(sent),
    )


def _parsed(source: str) -> dict[str, Any]:
    if len(source) > MAX_MAPPING_CHARACTERS:
        raise TableError(f"the mapping has more than {MAX_MAPPING_CHARACTERS:,} characters")
    try:
        sent = json.loads(source)
    except json.JSONDecodeError as error:
        raise TableError(f"the mapping is not JSON at line {error.lineno}, column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise TableError("the mapping is not JSON that can be read") from error
    if not isinstance(sent, dict):
        raise TableError("the mapping is an object, such as {}")
    return sent


def _value_or_none(sent: Mapping[str, Any], key: str) -> Value | None:
    name = sent.get(key)
    state = _STATES.get(normalise(name)) if isinstance(name, str) else None
    if name is not None and not isinstance(state, Value):
        raise TableError(f"the mapping's {key} is one of {', '.join(Value)}")
    return state if isinstance(state, Value) else None


def _is_empty_read(sent: Mapping[str, Any]) -> bool:
    empty = sent.get("empty", False)
    if not isinstance(empty, bool):
        raise TableError("the mapping's empty is true or false")
    if empty and sent.get("unsaid") is None:
        raise TableError("the mapping's empty needs unsaid: what cells have of which nothing is said")
    return empty


def _text_or_none(sent: Mapping[str, Any], key: str) -> str | None:
    value = sent.get(key)
    if value is not None and not isinstance(value, str):
        raise TableError(f"the mapping's {key} is the name of a field")
    return value or None


def _texts(sent: Mapping[str, Any], key: str) -> dict[str, str]:
    pairs = sent.get(key, {})
    if not (isinstance(pairs, dict) and all(isinstance(value, str) for value in pairs.values())):
        raise TableError(f"the mapping's {key} is an object of texts")
    return pairs


def _state(name: str) -> CellState:
    if normalise(name) not in _STATES:
        raise TableError(f"the mapping's values are {', '.join(_STATES.values())}, not {name[:40]!r}")
    return _STATES[normalise(name)]


def _ignored(sent: Mapping[str, Any]) -> frozenset[str]:
    names = sent.get("ignored", [])
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise TableError("the mapping's ignored is a list of names")
    return frozenset(names)


class Place(NamedTuple):
    """What a name means: a cell, which part of its label, and the value that the name itself says."""

    cell: Cell
    part: str = VALUE
    state: CellState | None = None


class StudioNames:
    """Finds out what names mean under a schema and a mapping. Case, blanks and punctuation in them do not count."""

    def __init__(self, schema: Schema, mapping: StudioMapping) -> None:
        self._schema = schema
        self._mapping = mapping
        self._cells: dict[tuple[str, str], list[Cell]] = {}
        for cell in schema.cells:
            self._cells.setdefault((normalise(cell.target), normalise(cell.finding)), []).append(cell)
        self._values = {normalise(choice): state for choice, state in mapping.values.items()}
        self._places: dict[str, Place | None] = {}
        self._levels = {normalise(level): number for number, level in enumerate(_levels_of(schema))}
        for name, meaning in mapping.names.items():
            if self.place_of(meaning) is None and normalise(meaning) not in PARTS:
                raise TableError(f"the mapping says {name[:80]!r} is {meaning[:80]!r}, which is no cell of the schema")

    def is_ignored(self, name: str) -> bool:
        """Whether a control says nothing about cells."""
        return name in self._mapping.ignored

    def place_of(self, name: str) -> Place | None:
        """What `target|finding`, `target__finding`, or one of these with a part or a value behind it means."""
        if name not in self._places:
            meaning = self._mapping.names.get(name, name)
            if len(self._places) == _REMEMBERED:
                self._places.clear()
            self._places[name] = self.place_of_path(meaning.split("|" if "|" in meaning else "__"))
        return self._places[name]

    def place_of_path(self, path: list[str]) -> Place | None:
        """What a target, a finding and maybe a part or a value mean."""
        if len(path) not in (2, 3):
            return None
        cell = self._cell(path[0], path[1])
        if cell is None or len(path) == 2:
            return None if cell is None else Place(cell)
        last = normalise(path[2])
        if last in PARTS:
            return Place(cell, last)
        state = self.state_of(path[2])
        return None if state is None else Place(cell, VALUE, state)

    def _cell(self, target: str, finding: str) -> Cell | None:
        exact = Cell(target, finding)
        if exact in self._schema.index_of_cell:
            return exact
        similar = self._cells.get((normalise(target), normalise(finding)), [])
        return similar[0] if len(similar) == 1 else None

    def state_of(self, choice: str) -> CellState | None:
        """What a choice says of a cell; None when that cannot be told."""
        if choice in self._mapping.values:
            return self._mapping.values[choice]
        key = normalise(choice)
        return (self._values.get(key) or _STATES.get(key)) if key else None

    def urgency_of(self, choice: str) -> int | None:
        """The urgency that a choice or a number says; None when that cannot be told."""
        text = choice.strip().removesuffix(".0")
        return int(text) if text in ("0", "1", "2", "3") else self._levels.get(normalise(choice))


def _levels_of(schema: Schema) -> tuple[str, ...]:
    return schema.urgency.levels if schema.urgency else ()
