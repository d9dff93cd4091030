"""Label sets as JSON Lines: one object per report and rater with everything that is known. Nothing is lost."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from labeling.core.intake.records import ProblemCode, RowProblem
from labeling.core.records import CellLabel, LabelSet
from labeling.core.schema import Cell, Schema
from labeling.core.spans import Span
from labeling.core.tables.records import Key, LabeledReport, LabelMeta, LabelTable, TableError
from labeling.core.values import URGENCY_LEVELS, state_of_name, value_of_name

FORMAT: Final = 1
_META_KEYS: Final = ("text_sha256", "round", "revision", "active_seconds", "created_at", "submitted_at")
_CELL_KEYS: Final = frozenset(
    {"value", "urgency", "probability", "logit_difference", "evidence", "reason", "flags", "image_value"}
)


def header(_schema: Schema) -> str:
    """JSON Lines have no header."""
    return ""


def render(report: LabeledReport, schema: Schema) -> str:
    """The line of one report and rater."""
    for cell in report.labels.cells:
        if cell not in schema.index_of_cell:
            raise TableError(f"report {report.report_id!r}: schema {schema.name} has no cell {cell}")
    meta = {key: value for key in _META_KEYS if (value := getattr(report.meta, key)) is not None}
    entry = {
        "format": FORMAT,
        "report_id": report.report_id,
        "rater": report.rater,
        "schema": {"name": schema.name, "version": schema.version, "hash": schema.hash},
        **meta,
        "cells": {str(cell): _entry(label, report.text) for cell, label in report.labels.cells.items()},
    }
    if report.meta.extra:
        entry["extra"] = report.meta.extra
    try:
        return json.dumps(entry, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    except ValueError as error:
        raise TableError(f"report {report.report_id!r}: a number is not finite") from error


def _entry(label: CellLabel, text: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"value": str(label.state)}
    for key in ("urgency", "probability", "logit_difference"):
        if getattr(label, key) is not None:
            entry[key] = getattr(label, key)
    if label.evidence:
        entry["evidence"] = [_span_entry(span, text) for span in label.evidence]
    if label.reason:
        entry["reason"] = label.reason
    if label.flags:
        entry["flags"] = list(label.flags)
    if label.image_value:
        entry["image_value"] = str(label.image_value)
    return entry


def _span_entry(span: Span, text: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"start": span.start, "end": span.end}
    if text is not None:
        entry["quote"] = text[span.start : span.end]
    return entry


def read(lines: Iterable[str], *, schema: Schema) -> LabelTable:
    """Label sets of a file; a line that was made with another schema is refused."""
    reports: dict[Key, LabeledReport] = {}
    conflicts: set[Key] = set()
    problems: list[RowProblem] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            report = _report(_parsed(line), schema)
            key = report.key
            if reports.setdefault(key, report) != report:
                conflicts.add(key)
                message = f"report {report.report_id!r}: two lines of one rater, round and revision differ"
                problems.append(RowProblem(number, ProblemCode.CONFLICTING_ID, message, report.report_id))
            elif reports[key] is not report:
                message = f"report {report.report_id!r}: the line stands twice"
                problems.append(RowProblem(number, ProblemCode.DUPLICATE, message, report.report_id))
        except json.JSONDecodeError as error:
            message = f"not JSON at column {error.colno}: {error.msg}"
            problems.append(RowProblem(number, ProblemCode.BAD_JSON, message))
        except _LineError as fault:
            problems.append(RowProblem(number, fault.code, str(fault)))
        except RecursionError:
            problems.append(RowProblem(number, ProblemCode.BAD_JSON, "values are nested too deeply"))
    kept = tuple(report for key, report in reports.items() if key not in conflicts)
    return LabelTable(format="jsonl", schema=schema, reports=kept, problems=tuple(problems))


class _LineError(ValueError):
    """One line cannot be read."""

    def __init__(self, message: str, *, code: ProblemCode = ProblemCode.BAD_VALUE) -> None:
        super().__init__(message)
        self.code = code


def _parsed(line: str) -> Any:
    """The JSON value of a line; its numbers are finite and have no more digits than Python reads."""
    try:
        entry = json.loads(line)
    except json.JSONDecodeError:
        raise
    except ValueError as error:  # a number with more digits than Python reads
        raise _LineError("a number has too many digits", code=ProblemCode.BAD_JSON) from error
    waiting = [entry]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, float) and not math.isfinite(value):
            raise _LineError("a number is not finite")
    return entry


def _report(entry: Any, schema: Schema) -> LabeledReport:
    entry = _typed(entry, dict, "the line")
    report_id = _typed(entry.get("report_id"), str, "report_id")
    where = f"report {report_id!r}"
    if entry.get("format") != FORMAT:
        raise _LineError(f"{where}: format is {entry.get('format')!r}, this version reads {FORMAT}")
    made_with = _typed(entry.get("schema"), dict, f"{where}: schema")
    if made_with.get("hash") != schema.hash:
        raise _LineError(
            f"{where}: made with schema {made_with.get('name')!r} version {made_with.get('version')!r}, which is not "
            f"{schema.name!r} version {schema.version} as it is here"
        )
    cells: dict[Cell, CellLabel] = {}
    for key, value in _typed(entry.get("cells"), dict, f"{where}: cells").items():
        try:
            cells[schema.cell_of(key)] = _label(_typed(value, dict, f"{where}, {key}"), f"{where}, {key}")
        except KeyError as error:
            raise _LineError(f"{where}: {error.args[0]}") from error
    return LabeledReport(report_id, _typed(entry.get("rater"), str, f"{where}: rater"), LabelSet(cells), _meta(entry))


def _meta(entry: Mapping[str, Any]) -> LabelMeta:
    where = f"report {entry['report_id']!r}"
    numbers = {key: entry.get(key) for key in ("round", "revision")}
    for key, number in numbers.items():
        if not (number is None or type(number) is int):
            raise _LineError(f"{where}: {key} is {number!r}, expected is a whole number")
    times = {
        key: None if entry.get(key) is None else _typed(entry[key], str, f"{where}: {key}")
        for key in ("text_sha256", "created_at", "submitted_at")
    }
    return LabelMeta(
        round=numbers["round"],
        revision=numbers["revision"],
        active_seconds=_number(entry, "active_seconds", where),
        extra=_typed(entry.get("extra", {}), dict, f"{where}: extra"),
        **times,
    )


def _label(entry: Mapping[str, Any], where: str) -> CellLabel:
    if unknown := set(entry) - _CELL_KEYS:
        raise _LineError(f"{where}: unknown key {min(unknown)!r}")
    try:
        state = state_of_name(_typed(entry.get("value"), str, f"{where}: value"))
        shown = entry.get("image_value")
        image_value = None if shown is None else value_of_name(_typed(shown, str, f"{where}: image_value"))
    except _LineError:
        raise
    except ValueError as error:
        raise _LineError(f"{where}: {error}") from error
    urgency = entry.get("urgency")
    if not (urgency is None or (type(urgency) is int and urgency in URGENCY_LEVELS)):
        raise _LineError(f"{where}: urgency is {urgency!r}, expected is 0, 1, 2 or 3")
    return CellLabel(
        state=state,
        urgency=urgency,
        probability=_number(entry, "probability", where),
        logit_difference=_number(entry, "logit_difference", where),
        evidence=tuple(_span(span, where) for span in _typed(entry.get("evidence", []), list, f"{where}: evidence")),
        reason=_typed(entry.get("reason", ""), str, f"{where}: reason"),
        flags=tuple(_typed(flag, str, f"{where}: flag") for flag in _typed(entry.get("flags", []), list, where)),
        image_value=image_value,
    )


def _span(entry: Any, where: str) -> Span:
    entry = _typed(entry, dict, f"{where}: evidence")
    start, end = entry.get("start"), entry.get("end")
    if type(start) is not int or type(end) is not int or not 0 <= start <= end:
        raise _LineError(f"{where}: evidence from {start!r} to {end!r} is no range of characters")
    return Span(start, end)


def _number(entry: Mapping[str, Any], key: str, where: str) -> float | None:
    value = entry.get(key)
    if value is None or (type(value) in (int, float) and math.isfinite(value)):
        return None if value is None else float(value)
    raise _LineError(f"{where}: {key} is not a finite number")


_T = TypeVar("_T")


def _typed(value: Any, kind: type[_T], what: str) -> _T:
    if not isinstance(value, kind):
        raise _LineError(f"{what} is {type(value).__name__}, expected is {kind.__name__}")
    return value
