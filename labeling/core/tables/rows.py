"""Gather the rows of a label table into label sets: what the CSV forms have in common when they are read."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from labeling.core.intake.delimited import MORE
from labeling.core.intake.records import IntakeError, ProblemCode, RawRow, RowProblem, Source
from labeling.core.records import CellLabel, LabelSet
from labeling.core.schema import Cell, Schema
from labeling.core.tables.cells import restore
from labeling.core.tables.records import Key, LabeledReport, LabelMeta, LabelTable
from labeling.core.values import URGENCY_LEVELS, Missing

_NO_META: Final = LabelMeta()


class RowError(ValueError):
    """One row of a label table cannot be read."""

    def __init__(self, message: str, *, code: ProblemCode = ProblemCode.BAD_VALUE) -> None:
        super().__init__(message)
        self.code = code


class Part(NamedTuple):
    """What one row says: the place it speaks for (said twice, it is a fault), and cell labels to add to its set."""

    key: Key
    place: tuple[str, ...]
    cells: dict[Cell, CellLabel]
    meta: LabelMeta = _NO_META


@dataclass(slots=True)
class _Gathered:
    cells: dict[Cell, CellLabel] = field(default_factory=dict)
    places: dict[tuple[str, ...], dict[Cell, CellLabel]] = field(default_factory=dict)
    meta: LabelMeta = _NO_META


def gather(
    source: Source,
    *,
    schema: Schema,
    format_name: str,
    id_of: Callable[[RawRow], str],
    read: Callable[[RawRow], Part],
) -> LabelTable:
    """All rows of `source`; a report one of whose rows cannot be read is left out.

    Raises `IntakeError` at a row whose quotes do not fit: which report it belongs to cannot be told.
    """
    sets: dict[Key, _Gathered] = {}
    problems: list[RowProblem] = []
    spoiled: set[str] = set()
    for raw in source.rows():
        if isinstance(raw, RowProblem):
            raise IntakeError(f"row {raw.row}: {raw.message}", code=raw.code)
        try:
            _require_all_columns(raw, source)
            part = read(raw)
            is_new = _add(sets.setdefault(part.key, _Gathered()), part)
        except RowError as fault:
            report_id = id_of(raw)
            spoiled.add(report_id)
            problems.append(RowProblem(raw.row, fault.code, str(fault), report_id))
        else:
            if not is_new:
                message = f"report {part.key.report_id!r}: the row stands twice"
                problems.append(RowProblem(raw.row, ProblemCode.DUPLICATE, message, part.key.report_id))
    reports = tuple(
        LabeledReport(key.report_id, key.rater, LabelSet(found.cells), found.meta)
        for key, found in sets.items()
        if key.report_id not in spoiled
    )
    return LabelTable(format=format_name, schema=schema, reports=reports, problems=tuple(problems))


def _add(found: _Gathered, part: Part) -> bool:
    """Add a row to its label set; False when it stands there already, `RowError` when it says something else."""
    known = found.places.get(part.place)
    if known is not None:
        if known != part.cells:
            where = " ".join(part.place)
            raise RowError(f"{where}: two rows say different things", code=ProblemCode.CONFLICTING_ID)
        return False
    found.places[part.place] = part.cells
    found.meta = part.meta
    for cell, label in part.cells.items():
        before = found.cells.get(cell)
        found.cells[cell] = label if before is None else _merged(before, label)
    return True


def _merged(first: CellLabel, second: CellLabel) -> CellLabel:
    """One row brings the state of a cell, another its urgency."""
    state = first.state if second.state is Missing.NOT_ASKED else second.state
    urgency = first.urgency if second.urgency is None else second.urgency
    if state is first.state and urgency == first.urgency:
        return first  # of most cells a second row says nothing, and copies are slow
    return replace(first, state=state, urgency=urgency)


def _require_all_columns(raw: RawRow, source: Source) -> None:
    if len(raw.fields) != len(source.columns):
        code = ProblemCode.TOO_MANY_FIELDS if MORE in raw.fields else ProblemCode.TOO_FEW_FIELDS
        n_fields = "more fields" if MORE in raw.fields else f"{len(raw.fields)} fields"
        raise RowError(f"{n_fields}, the header has {len(source.columns)}", code=code)


class LabelsByText:
    """Labels by what stands in a field; the few different texts are each read once."""

    def __init__(self, read: Callable[[str, str, str], CellLabel]) -> None:
        self._read = read
        self._known: dict[tuple[str, str], CellLabel] = {}

    def __call__(self, text: str, kind: str, what: str) -> CellLabel:
        """The label in a field of a row of this kind; `what` is for messages."""
        label = self._known.get((text, kind))
        if label is None:
            label = self._known[text, kind] = self._read(text, kind, what)
        return label


def columns_by_name(source: Source) -> dict[str, str]:
    """Columns of `source` by their names in lower case."""
    return {column.casefold(): column for column in source.columns}


def field_of(raw: RawRow, column: str | None, default: str = "") -> str:
    """The text in `column` as it was before it was written; `default` where there is none."""
    return restore(raw.fields.get(column, default)) if column else default


def optional(text: str) -> str | None:
    """None for an empty field."""
    return text or None


def read_number(text: str, *, what: str, low: float = -math.inf, high: float = math.inf) -> float | None:
    """The finite number in a field, None for an empty one; raises `RowError` outside `low` to `high`."""
    number = _number_in(text)
    if number is not None and not (math.isfinite(number) and low <= number <= high):
        raise RowError(f"{what} is {text[:40]!r}, expected is a number from {low:g} to {high:g}")
    return number


def read_integer(text: str, *, what: str, allowed: Sequence[int]) -> int | None:
    """The whole number in a field ("1" or "1.0"), None for an empty one; raises `RowError` when it is not allowed.

    `allowed` is a handful of numbers: the message names them all.
    """
    number = _number_in(text)
    if number is not None and number not in allowed:
        raise RowError(f"{what} is {text[:40]!r}, expected is one of {', '.join(map(str, allowed))}")
    return None if number is None else int(number)


def read_count(text: str, *, what: str, high: int) -> int | None:
    """The whole number in a field, None for an empty one; raises `RowError` outside 0 to `high`."""
    number = _number_in(text)
    if number is not None and not (0 <= number <= high and number.is_integer()):
        raise RowError(f"{what} is {text[:40]!r}, expected is a whole number from 0 to {high}")
    return None if number is None else int(number)


def _number_in(text: str) -> float | None:
    """The number in a field, None for an empty one, NaN for what is no number."""
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        return math.nan


def read_urgency(text: str, *, what: str) -> int | None:
    """An urgency of 0 to 3; None for an empty field and for -1."""
    urgency = read_integer(text, what=f"{what}: urgency", allowed=(*URGENCY_LEVELS, -1))
    return None if urgency == -1 else urgency
