"""The label table of LEAVS: two rows per report and target, with one column per finding (METHODS A.9).

`subjectid_studyid` is `id_id`, as the published program writes it in its CSV mode. Reading takes one half off where
every id of the file is such a pair. Cells that have no number in the published form, unreadable and not asked, are
empty fields, and so are cells that the schema does not have. Under a schema of merged findings (`merging.is_merged`)
the columns are merged as they are read, and those that go into none are passed over.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from labeling.core.intake.records import RawRow, Source
from labeling.core.records import NOT_ASKED, CellLabel
from labeling.core.schema import Cell, Schema
from labeling.core.tables.cells import csv_line, restore, text_cell
from labeling.core.tables.merging import column_of_finding, merged_label
from labeling.core.tables.records import Key, LabeledReport, LabelTable
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
from labeling.core.values import LEAVS_NUMBER_OF_VALUE, VALUE_OF_LEAVS_NUMBER, Missing, Value

ID_COLUMN: Final = "subjectid_studyid"
LABELS, URGENCY = "labels", "urgency"
_NO_URGENCY: Final = "-1"


def doubled_id(report_id: str) -> str:
    """The published id: subject and study, which are the same."""
    return f"{report_id}_{report_id}"


def undoubled_id(pair: str) -> str | None:
    """The id behind `doubled_id`; None when `pair` is none."""
    half, rest = divmod(len(pair), 2)
    return pair[:half] if rest and pair[half] == "_" and pair[:half] == pair[half + 1 :] else None


def header(schema: Schema) -> str:
    """First line of the table."""
    return csv_line([ID_COLUMN, "organ", "type_annotation", *(text_cell(finding.name) for finding in schema.findings)])


def render(report: LabeledReport, schema: Schema) -> str:
    """Lines of one report. A schema without urgency has no urgency lines."""
    report_id = text_cell(doubled_id(report.report_id))
    lines = []
    for target in schema.targets:
        name = text_cell(target.name)
        lines.append(csv_line([report_id, name, LABELS, *_numbers(report, target.name, schema)]))
        if schema.urgency is not None:
            lines.append(csv_line([report_id, name, URGENCY, *_urgencies(report, target.name, schema)]))
    return "".join(lines)


def _numbers(report: LabeledReport, target: str, schema: Schema) -> Iterator[str]:
    for finding in schema.findings:
        state = report.labels[Cell(target, finding.name)].state
        yield str(LEAVS_NUMBER_OF_VALUE[state]) if isinstance(state, Value) else ""


def _urgencies(report: LabeledReport, target: str, schema: Schema) -> Iterator[str]:
    for finding in schema.findings:
        cell = Cell(target, finding.name)
        urgency = report.labels[cell].urgency
        yield "" if cell not in schema.index_of_cell else _NO_URGENCY if urgency is None else str(urgency)


def read(source: Source, *, schema: Schema, rater: str) -> LabelTable:
    """Label sets of a file; columns of findings that the schema does not have must be empty.

    Under a schema of merged findings, a finding that goes into none of them is left out, and noted.
    """
    columns = columns_by_name(source)
    id_column, organ_column, type_column = (columns[name] for name in (ID_COLUMN, "organ", "type_annotation"))
    are_doubled = _all_doubled(source, id_column)
    targets = {target.name.casefold(): target.name for target in schema.targets}
    labels = [column for column in source.columns if column not in (id_column, organ_column, type_column)]
    finding_of, left_out = _findings_of(labels, schema)
    label_of = LabelsByText(_label)

    def id_of(raw: RawRow) -> str:
        pair = field_of(raw, id_column)
        return (undoubled_id(pair) or pair) if are_doubled else pair

    def read_row(raw: RawRow) -> Part:
        report_id = id_of(raw)
        organ, kind = field_of(raw, organ_column), field_of(raw, type_column)
        target = targets.get(organ.casefold())
        if target is None:
            raise RowError(f"report {report_id!r}: {organ[:80]!r} is not one of {', '.join(targets.values())}")
        if kind not in (LABELS, URGENCY):
            raise RowError(f"report {report_id!r}: type_annotation is {kind[:40]!r}, expected is labels or urgency")
        said = {
            column: label_of(field_of(raw, column), kind, f"report {report_id!r}, {target}, {column}")
            for column in finding_of
        }
        cells = _cells(said, finding_of, target=target, schema=schema, where=f"report {report_id!r}, {target}")
        return Part(Key(report_id, rater), (target, kind), cells)

    table = gather(source, schema=schema, format_name="leavs", id_of=id_of, read=read_row)
    notes = (f"findings that {schema.name} has no cells for, left out: {', '.join(left_out)}",) if left_out else ()
    return replace(table, notes=notes)


def _findings_of(columns: Sequence[str], schema: Schema) -> tuple[dict[str, str], list[str]]:
    """The finding of each column, and the columns that go into no finding of a merged schema."""
    names = {finding.name.casefold(): finding.name for finding in schema.findings}
    merged = column_of_finding(schema)
    finding_of = {column: merged.get(column.casefold()) or names.get(column.casefold(), column) for column in columns}
    left_out = [column for column, name in finding_of.items() if merged and name not in schema.finding_by_name]
    return {column: name for column, name in finding_of.items() if column not in left_out}, left_out


def _cells(
    said: Mapping[str, CellLabel], finding_of: Mapping[str, str], *, target: str, schema: Schema, where: str
) -> dict[Cell, CellLabel]:
    """What the columns say of the cells of a target."""
    by_cell: dict[Cell, list[CellLabel]] = {}
    for column, label in said.items():
        cell = Cell(target, finding_of[column])
        if cell in schema.index_of_cell:
            by_cell.setdefault(cell, []).append(label)
        elif label != NOT_ASKED:
            raise RowError(f"{where}, {column}: schema {schema.name} has no such cell")
    return {cell: labels[0] if len(labels) == 1 else merged_label(labels) for cell, labels in by_cell.items()}


def _label(text: str, kind: str, what: str) -> CellLabel:
    if kind == URGENCY:
        return CellLabel(Missing.NOT_ASKED, urgency=read_urgency(text, what=what))
    number = read_integer(text, what=what, allowed=tuple(VALUE_OF_LEAVS_NUMBER))
    return NOT_ASKED if number is None else CellLabel(VALUE_OF_LEAVS_NUMBER[number])


def _all_doubled(source: Source, id_column: str) -> bool:
    rows = (raw.fields for raw in source.rows() if isinstance(raw, RawRow))
    # A row of another length is refused; a comma in its id may have shifted what it holds.
    ids = (restore(fields.get(id_column, "")) for fields in rows if len(fields) == len(source.columns))
    return all(undoubled_id(pair) is not None for pair in ids)
