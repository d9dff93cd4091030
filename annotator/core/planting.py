"""Errors planted into machine labels that train readers, and what a reader made of them.

A planted error flips the presence of one cell: an omission takes a positive cell away, an invention makes a negative
one positive. No two lie in one target, and an invention contradicts nothing that is shown: only reading finds them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from annotator.core.contradictions import find_contradictions
from labeling.core.schema import Schema
from labeling.core.values import CODE_OF_STATE, NO_URGENCY_CODE, POSITIVE_VALUES, Value

_POSITIVE: Final = frozenset(CODE_OF_STATE[value] for value in POSITIVE_VALUES)
_ABSENT, _NOT_MENTIONED = CODE_OF_STATE[Value.ABSENT], CODE_OF_STATE[Value.NOT_MENTIONED]
_NEGATIVE: Final = frozenset((_ABSENT, _NOT_MENTIONED))


class Kind(StrEnum):
    """What was done to a cell."""

    OMISSION = "omission"
    INVENTION = "invention"


class Outcome(StrEnum):
    """What the reader made of a planted error; `DOUBTED`: called ambiguous, neither true nor as planted."""

    CAUGHT = "caught"
    MISSED = "missed"
    DOUBTED = "doubted"


@dataclass(frozen=True, slots=True)
class PlantedError:
    """One cell that is shown wrong: `true` and `shown` are its value and urgency code before and after.

    `evidence` are the spans that an invention borrows from the same target.
    """

    cell: str
    true: str
    shown: str
    evidence: tuple[tuple[int, int], ...] = ()

    @property
    def kind(self) -> Kind:
        """What was done to the cell."""
        return Kind.OMISSION if self.true[0] in _POSITIVE else Kind.INVENTION


@dataclass(frozen=True, slots=True)
class Labels:
    """Machine labels as they are shown: vectors, and what is said beside a cell by its key."""

    values: str
    urgencies: str
    cells: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Debriefed:
    """A planted error, the value code that the reader submitted, and what that makes of it."""

    error: PlantedError
    said: str
    outcome: Outcome


def plant_errors(labels: Labels, *, schema: Schema, n: int, seed: int) -> list[PlantedError]:
    """Up to `n` errors, omissions and inventions in turn as far as there are cells for both; the same for one seed.

    Inventions go first where the machine quotes the report for another cell of the target: a finding without any
    evidence gives itself away. Cells that are unreadable, not asked or ambiguous are left as they are.
    """
    rng = np.random.default_rng(seed)
    order = [int(index) for index in rng.permutation(len(schema.cells))]
    left = {
        Kind.OMISSION: [index for index in order if labels.values[index] in _POSITIVE],
        Kind.INVENTION: _inventable(labels, schema, order=order),
    }
    kinds = [Kind.OMISSION, Kind.INVENTION] if rng.random() < 0.5 else [Kind.INVENTION, Kind.OMISSION]
    planted: list[PlantedError] = []
    taken: set[str] = set()
    while len(planted) < n and any(left.values()):
        kinds.reverse()
        kind = kinds[0] if left[kinds[0]] else kinds[1]
        index = left[kind].pop(0)
        if schema.cells[index].target in taken:
            continue
        taken.add(schema.cells[index].target)
        level = str(rng.integers(len(schema.urgency.levels))) if schema.urgency else NO_URGENCY_CODE
        planted.append(_flipped(labels, schema, index=index, kind=kind, level=level))
    return sorted(planted, key=lambda error: schema.index_of_cell[schema.cell_of(error.cell)])


def with_errors(labels: Labels, errors: Sequence[PlantedError], *, schema: Schema) -> Labels:
    """What is shown: `labels` with the errors in it. What the machine says beside a flipped cell is left out."""
    values, urgencies, cells = list(labels.values), list(labels.urgencies), dict(labels.cells)
    for error in errors:
        index = schema.index_of_cell[schema.cell_of(error.cell)]
        values[index], urgencies[index] = error.shown[0], error.shown[1]
        cells.pop(error.cell, None)
        if error.evidence:
            cells[error.cell] = {"evidence": [list(span) for span in error.evidence]}
    return Labels("".join(values), "".join(urgencies), cells)


def stored_errors(errors: Sequence[PlantedError]) -> dict[str, Any]:
    """Errors as a seat holds them: by cell, what it `was` and `is` shown as."""
    return {
        error.cell: {"was": error.true, "is": error.shown, "evidence": [list(span) for span in error.evidence]}
        for error in errors
    }


def errors_of(planted: Mapping[str, Any]) -> list[PlantedError]:
    """Inverse of `stored_errors`."""
    return [
        PlantedError(cell, said["was"], said["is"], tuple((start, end) for start, end in said.get("evidence", ())))
        for cell, said in planted.items()
    ]


def debrief(errors: Sequence[PlantedError], values: str, *, schema: Schema) -> list[Debriefed]:
    """What a reader who submitted `values` made of each error, in the order of the errors."""
    said = [values[schema.index_of_cell[schema.cell_of(error.cell)]] for error in errors]
    return [Debriefed(error, code, _outcome(error, code)) for error, code in zip(errors, said, strict=True)]


def _outcome(error: PlantedError, code: str) -> Outcome:
    if code not in _POSITIVE | _NEGATIVE:
        return Outcome.DOUBTED
    is_true = (code in _POSITIVE) == (error.true[0] in _POSITIVE)
    return Outcome.CAUGHT if is_true else Outcome.MISSED


def _inventable(labels: Labels, schema: Schema, *, order: Sequence[int]) -> list[int]:
    """Negative cells that could be called positive without a contradiction, those with evidence to borrow first."""
    before = {found.key for found in find_contradictions(labels.values, labels.urgencies, schema=schema)}
    positive = CODE_OF_STATE[Value.PRESENT]
    fitting = []
    for index in order:
        if labels.values[index] not in _NEGATIVE:
            continue
        values = labels.values[:index] + positive + labels.values[index + 1 :]
        found = find_contradictions(values, labels.urgencies, schema=schema)
        if all(contradiction.key in before for contradiction in found):
            fitting.append(index)
    return sorted(fitting, key=lambda index: not _borrowed(labels, schema, index))


def _borrowed(labels: Labels, schema: Schema, index: int) -> tuple[tuple[int, int], ...]:
    """Evidence of the first other cell of the same target that has some."""
    target = schema.cells[index].target
    for other, cell in enumerate(schema.cells):
        spans = labels.cells.get(str(cell), {}).get("evidence") if cell.target == target and other != index else None
        if spans:
            return tuple((span[0], span[1]) for span in spans)
    return ()


def _flipped(labels: Labels, schema: Schema, *, index: int, kind: Kind, level: str) -> PlantedError:
    cell = schema.cells[index]
    true = labels.values[index] + labels.urgencies[index]
    if kind == Kind.OMISSION:
        mentioned = labels.values.count(_ABSENT) > labels.values.count(_NOT_MENTIONED)
        return PlantedError(str(cell), true, (_ABSENT if mentioned else _NOT_MENTIONED) + NO_URGENCY_CODE)
    urgency = level if schema.has_urgency(cell.finding) else NO_URGENCY_CODE
    shown = CODE_OF_STATE[Value.PRESENT] + urgency
    return PlantedError(str(cell), true, shown, _borrowed(labels, schema, index))
