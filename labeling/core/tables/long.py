"""The long table: one row per report and cell, with value names, for people and statistics programs.

`header` and `render` write the seven columns of one rater; with `with_rater` they add who said it, when and why, and
the table holds any number of raters and revisions. Evidence is written as `start-end` pairs joined by semicolons.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from labeling.core.intake.records import RawRow, Source
from labeling.core.records import CellLabel
from labeling.core.schema import Cell, Schema
from labeling.core.spans import Span
from labeling.core.tables.cells import csv_line, number_cell, text_cell
from labeling.core.tables.records import Key, LabeledReport, LabelMeta, LabelTable, TableError
from labeling.core.tables.rows import (
    Part,
    RowError,
    columns_by_name,
    field_of,
    gather,
    optional,
    read_count,
    read_number,
    read_urgency,
)
from labeling.core.values import state_of_name, value_of_name

COLUMNS: Final = ("report_id", "target", "finding", "value", "urgency", "probability", "evidence")
RATER_COLUMNS: Final = (
    *("rater", "revision", "logit_difference", "reason", "flags", "image_value"),
    *("text_sha256", "active_seconds", "created_at", "submitted_at", "arm", "prefill_run", "round"),
)
_Fields = Callable[[str], str]
MAX_REVISION: Final = 10**9
MAX_ROUND: Final = 2**15 - 1
# More would be no place in a text that is ever read, and Python refuses to read thousands.
_MAX_OFFSET_DIGITS: Final = 9
_FLAG: Final = re.compile(r"[^;\s]+")


def header(_schema: Schema, *, with_rater: bool = False) -> str:
    """First line of the table."""
    return csv_line([*COLUMNS, *(RATER_COLUMNS if with_rater else ())])


def render(report: LabeledReport, schema: Schema, *, with_rater: bool = False) -> str:
    """Lines of one report, one for each cell of `schema`, also for those that were not asked."""
    report_id = text_cell(report.report_id)
    lines = []
    for cell in schema.cells:
        label = report.labels[cell]
        cells = [
            report_id,
            text_cell(cell.target),
            text_cell(cell.finding),
            str(label.state),
            number_cell(label.urgency, what="urgency"),
            number_cell(label.probability, what=f"report {report.report_id!r}, {cell}: probability"),
            text_cell(";".join(f"{span.start}-{span.end}" for span in label.evidence)),
        ]
        if with_rater:
            cells += _rater_cells(report, label)
        lines.append(csv_line(cells))
    return "".join(lines)


def _rater_cells(report: LabeledReport, label: CellLabel) -> Iterator[str]:
    meta = report.meta
    for flag in label.flags:
        if not _FLAG.fullmatch(flag):
            raise TableError(f"report {report.report_id!r}: flag {flag!r} holds a blank or a semicolon")
    yield text_cell(report.rater)
    yield number_cell(meta.revision, what="revision")
    yield number_cell(label.logit_difference, what=f"report {report.report_id!r}: logit_difference")
    yield text_cell(label.reason)
    yield text_cell(";".join(label.flags))
    yield str(label.image_value or "")
    yield text_cell(meta.text_sha256 or "")
    yield number_cell(meta.active_seconds, what="active_seconds")
    yield text_cell(meta.created_at or "")
    yield text_cell(meta.submitted_at or "")
    yield text_cell(str(meta.extra.get("arm") or ""))
    yield text_cell(str(meta.extra.get("prefill_run") or ""))
    yield number_cell(meta.round, what="round")


def read(source: Source, *, schema: Schema, rater: str) -> LabelTable:
    """Label sets of a file; `rater` is taken where it has no column of that name or of `reader`."""
    columns = columns_by_name(source)
    rater_column = columns.get("rater") or columns.get("reader")

    def id_of(raw: RawRow) -> str:
        return field_of(raw, columns["report_id"])

    def read_row(raw: RawRow) -> Part:
        report_id = id_of(raw)
        target, finding = field_of(raw, columns["target"]), field_of(raw, columns["finding"])
        cell = Cell(target, finding)
        if cell not in schema.index_of_cell:
            raise RowError(f"report {report_id!r}: schema {schema.name} has no cell {str(cell)[:120]!r}")

        def value(name: str) -> str:
            return field_of(raw, columns.get(name))

        what = f"report {report_id!r}, {cell}"
        revision = read_count(value("revision"), what=f"{what}: revision", high=MAX_REVISION)
        number = read_count(value("round"), what=f"{what}: round", high=MAX_ROUND)
        key = Key(report_id, field_of(raw, rater_column, rater), number or 1, revision)
        meta = replace(_meta(value, what), round=number, revision=revision)
        return Part(key, (target, finding), {cell: _label(value, what)}, meta)

    return gather(source, schema=schema, format_name="long", id_of=id_of, read=read_row)


def _label(value: _Fields, what: str) -> CellLabel:
    try:
        state = state_of_name(value("value").strip())
        shown = value("image_value").strip()
        image_value = value_of_name(shown) if shown else None
    except ValueError as error:
        raise RowError(f"{what}: {error}") from error
    return CellLabel(
        state=state,
        urgency=read_urgency(value("urgency"), what=what),
        probability=read_number(value("probability"), what=f"{what}: probability", low=0, high=1),
        logit_difference=read_number(value("logit_difference"), what=f"{what}: logit_difference"),
        evidence=tuple(_spans(value("evidence"), what)),
        reason=value("reason"),
        flags=tuple(flag for flag in value("flags").split(";") if flag),
        image_value=image_value,
    )


def _meta(value: _Fields, what: str) -> LabelMeta:
    return LabelMeta(
        text_sha256=optional(value("text_sha256")),
        active_seconds=read_number(value("active_seconds"), what=f"{what}: active_seconds", low=0),
        created_at=optional(value("created_at")),
        submitted_at=optional(value("submitted_at")),
        extra={name: said for name in ("arm", "prefill_run") if (said := value(name).strip())},
    )


def _spans(text: str, what: str) -> Iterator[Span]:
    for pair in text.split(";") if text.strip() else ():
        start, dash, end = pair.strip().partition("-")
        is_pair = bool(dash) and all(each.isdecimal() and len(each) <= _MAX_OFFSET_DIGITS for each in (start, end))
        if not (is_pair and int(start) <= int(end)):
            raise RowError(f"{what}: evidence {pair[:40]!r} is not a range of characters such as 12-40")
        yield Span(int(start), int(end))
