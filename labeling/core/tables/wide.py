"""The wide table that the human readers of LEAVS filled: one row per report, reader and kind, 0 or 1 per column.

Findings are merged before they are written, and 0 stands for everything that is not positive, so the table cannot be
read back to what was written: reading gives cells of a merged schema, where 0 is `absent`. docs/labels.md lists what
is lost.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from labeling.core.intake.records import RawRow, Source
from labeling.core.records import NOT_ASKED, CellLabel
from labeling.core.schema import Cell, Schema
from labeling.core.tables.cells import csv_line, text_cell
from labeling.core.tables.leavs import ID_COLUMN, LABELS, URGENCY, doubled_id, undoubled_id
from labeling.core.tables.merging import Merged, merged_findings, merged_schema
from labeling.core.tables.records import Key, LabeledReport, LabelTable, TableError
from labeling.core.tables.rows import (
    LabelsByText,
    Part,
    RowError,
    columns_by_name,
    field_of,
    gather,
    read_integer,
    read_urgency,
)
from labeling.core.values import POSITIVE_VALUES, Value

FORMAT_NAME: Final = "leavs-wide"
_ID_COLUMNS: Final = ("image1", ID_COLUMN, "type_annotation", "labeler")


def _columns(schema: Schema) -> Iterator[tuple[str, Cell, Merged]]:
    """Column name, cell of the merged schema, and what it merges."""
    cells = merged_schema(schema).index_of_cell
    for target in schema.targets:
        for merged in merged_findings(schema):
            cell = Cell(target.name, merged.name)
            if cell in cells:
                yield f"{target.name}_{merged.name}", cell, merged


def header(schema: Schema) -> str:
    """First line of the table."""
    return csv_line([*_ID_COLUMNS, *(text_cell(name) for name, _, _ in _columns(schema))])


def render(report: LabeledReport, schema: Schema) -> str:
    """Two lines of one report and rater: labels and urgency."""
    labels, urgencies = [], []
    for _, cell, merged in _columns(schema):
        members = [report.labels[Cell(cell.target, member)] for member in merged.members]
        labels.append(_label_cell(members))
        urgencies.append(_urgency_cell(members) if merged.has_urgency else "")
    ids = [text_cell(report.report_id), text_cell(doubled_id(report.report_id))]
    rater = text_cell(report.rater)
    return csv_line([*ids, LABELS, rater, *labels]) + csv_line([*ids, URGENCY, rater, *urgencies])


def _label_cell(members: list[CellLabel]) -> str:
    """1 when a member is positive, 0 when one has another value; empty when none has a value."""
    if any(label.state in POSITIVE_VALUES for label in members):
        return "1"
    return "0" if any(isinstance(label.state, Value) for label in members) else ""


def _urgency_cell(members: list[CellLabel]) -> str:
    """Highest urgency of the positive members."""
    urgencies = [label.urgency for label in members if label.urgency is not None and label.state in POSITIVE_VALUES]
    return str(max(urgencies)) if urgencies else ""


def read(source: Source, *, schema: Schema, rater: str) -> LabelTable:
    """Label sets over `merged_schema(schema)`. Raises `TableError` when the columns are of another schema."""
    columns = columns_by_name(source)
    cell_of_column = _cells_of_columns(source, schema)
    id_of = _id_reader(columns)
    label_of = LabelsByText(_label)

    def read_row(raw: RawRow) -> Part:
        report_id = id_of(raw)
        kind = field_of(raw, columns["type_annotation"])
        if kind not in (LABELS, URGENCY):
            raise RowError(f"report {report_id!r}: type_annotation is {kind[:40]!r}, expected is labels or urgency")
        what = f"report {report_id!r}"
        cells = {
            cell: label_of(field_of(raw, column), kind, f"{what}, {column}") for column, cell in cell_of_column.items()
        }
        return Part(Key(report_id, field_of(raw, columns.get("labeler"), rater)), (kind,), cells)

    return gather(source, schema=merged_schema(schema), format_name=FORMAT_NAME, id_of=id_of, read=read_row)


def _cells_of_columns(source: Source, schema: Schema) -> dict[str, Cell]:
    cells = {name.casefold(): cell for name, cell, _ in _columns(schema)}
    labels = [column for column in source.columns if column.casefold() not in _ID_COLUMNS]
    unknown = [column for column in labels if column.casefold() not in cells]
    if unknown:
        raise TableError(f"column {unknown[0][:80]!r} is no target and finding of schema {schema.name}")
    return {column: cells[column.casefold()] for column in labels}


def _id_reader(columns: dict[str, str]) -> Callable[[RawRow], str]:
    if "image1" in columns:
        return lambda raw: field_of(raw, columns["image1"])

    def undoubled(raw: RawRow) -> str:
        pair = field_of(raw, columns[ID_COLUMN])
        return undoubled_id(pair) or pair

    return undoubled


def _label(text: str, kind: str, what: str) -> CellLabel:
    if kind == URGENCY:
        return replace(NOT_ASKED, urgency=read_urgency(text, what=what))
    number = read_integer(text, what=what, allowed=(0, 1))
    if number is None:
        return NOT_ASKED
    return CellLabel(Value.PRESENT if number else Value.ABSENT)
