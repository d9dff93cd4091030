"""JSON Lines, JSON arrays of objects, objects keyed by report id, and the layout of AMOS-MM.

AMOS-MM (its `dataset.json`): an object whose `training`, `validation` and `testing` hold lists of
`{"image": id, "labels": {"report": {section: {region: text or list of texts}}}}`. The report becomes one text as
LEAVS makes it (METHODS A.3; `src/convert_amos.py`); a missing one is blank.
"""

import json
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import chain, islice
from typing import IO, Any, Final

from labeling.core.intake.columns import normalise, suggest_mapping
from labeling.core.intake.encoding import Encoding, bounded_lines, text_of
from labeling.core.intake.json_stream import DECODER, JsonReader
from labeling.core.intake.records import IntakeError, Limits, ProblemCode, RawRow, RowProblem, Source

_SURVEYED_ROWS: Final = 200
_NESTED_TEXT: Final = frozenset({"report", "text", "anonymizedreport"})


def open_json(stream: IO[bytes], *, encoding: Encoding, filename: str, limits: Limits) -> Source:
    """Reports in JSON text; which of the layouts it has is told from its beginning."""
    lines = _is_json_lines(stream, encoding=encoding, filename=filename, limits=limits)

    def rows() -> Generator[RawRow | RowProblem, None, None]:
        with text_of(stream, encoding) as text:
            if lines:
                yield from _line_rows(bounded_lines(text, max_chars=limits.max_record_chars), limits)
            else:
                yield from _document_rows(JsonReader(text, max_value_chars=limits.max_record_chars), limits)

    with closing(rows()) as first_rows:
        head = list(islice(first_rows, _SURVEYED_ROWS))
    columns = dict.fromkeys(chain.from_iterable(row.fields for row in head if isinstance(row, RawRow)))
    if not head:
        raise IntakeError("the file holds no records", code="empty_file")
    return Source(
        format="jsonl" if lines else "json",
        columns=tuple(columns),
        rows=rows,
        encoding=encoding.title,
        notes=encoding.notes,
    )


def _is_json_lines(stream: IO[bytes], *, encoding: Encoding, filename: str, limits: Limits) -> bool:
    """By its name; else when the first line is a whole object and more follows, or is one record."""
    if filename.casefold().endswith((".jsonl", ".ndjson")):
        return True
    with text_of(stream, encoding) as text:
        filled = (line for line in bounded_lines(text, max_chars=limits.max_text_chars) if line.strip())
        try:
            first = next(filled, "")
            second = next(filled, "") if first.lstrip().startswith("{") else ""
        except IntakeError:
            return False
    try:
        record = json.loads(first)
    except (ValueError, RecursionError):
        return False
    if not isinstance(record, dict):
        return False
    return bool(second) or not suggest_mapping(record)[1]


def _line_rows(lines: Iterable[str], limits: Limits) -> Iterator[RawRow | RowProblem]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = DECODER.decode(line)
        except json.JSONDecodeError as error:
            yield RowProblem(number, ProblemCode.BAD_JSON, f"not JSON at column {error.colno}: {error.msg}")
        except RecursionError:
            yield RowProblem(number, ProblemCode.BAD_JSON, "values are nested too deeply")
        else:
            yield _entry_row(number, value, None, limits)


def _document_rows(reader: JsonReader, limits: Limits) -> Iterator[RawRow | RowProblem]:
    """Entries of one JSON value. In an object that holds a list, other values are about the file and skipped."""
    row = 0
    if reader.peek() == "[":
        for _ in reader.array():
            row += 1
            yield _entry_row(row, reader.value(), None, limits)
    elif reader.peek() == "{":
        in_lists = False
        for key in reader.object():
            if reader.peek() == "[":
                in_lists = True
                for _ in reader.array():
                    row += 1
                    yield _entry_row(row, reader.value(), None, limits)
                continue
            value = reader.value()
            if not (in_lists or _is_about_the_file(key, value)):
                row += 1
                yield _entry_row(row, value, key, limits)
    else:
        raise reader.error("an array or an object is expected")
    reader.require_end()


_FILE_KEYS: Final = frozenset(
    {
        *("name", "description", "author", "reference", "licence", "license", "release", "version", "modality"),
        *("labels", "date", "meta", "metadata", "info", "tensorimagesize"),
        *("numtraining", "numvalidation", "numtest", "numtesting"),
    }
)


def _is_about_the_file(key: str, value: Any) -> bool:
    is_entry = isinstance(value, dict) and bool(_NESTED_TEXT & {normalise(name) for name in value})
    return normalise(key) in _FILE_KEYS and not is_entry


def _entry_row(row: int, value: Any, key: str | None, limits: Limits) -> RawRow | RowProblem:
    """One report. `key` is its id in a file that is keyed by id."""
    if isinstance(value, str) or value is None:
        if key is None:
            return RowProblem(row, ProblemCode.NOT_A_REPORT, "a text alone has no id; an object is expected")
        return RawRow(row, {"id": key, "report": value or ""})
    if not isinstance(value, dict):
        return RowProblem(row, ProblemCode.NOT_A_REPORT, "a list is not a report; an object is expected", key)
    if value and all(isinstance(part, dict) for part in value.values()) and not _has_report(value):
        fields = {"report": report_text(value)}
    else:
        fields = _flat_fields(value)
    if key is not None:
        fields = {"id": key, **{name: field for name, field in fields.items() if name != "id"}}
    if len(fields) > limits.max_columns:
        message = f"{len(fields):,} fields, at most {limits.max_columns:,} are allowed"
        return RowProblem(row, ProblemCode.TOO_MANY_FIELDS, message, key)
    return RawRow(row, fields)


def _has_report(entry: Mapping[str, Any]) -> bool:
    labels = entry.get("labels")
    return "report" in entry or (isinstance(labels, dict) and "report" in labels)


def _flat_fields(entry: Mapping[str, Any]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in entry.items():
        if name == "labels" and isinstance(value, dict) and "report" in value:
            fields["report"] = report_text(value["report"])
        elif normalise(name) in _NESTED_TEXT:
            fields[name] = report_text(value)
        else:
            fields[name] = _field_text(value)
    if "labels" in entry or "image" in entry:
        fields.setdefault("report", "")
    return fields


def _field_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def report_text(report: Any) -> str:
    """One text of a report in sections and regions, exactly as LEAVS writes it; blank when no region has text.

    Deviation: a section that is a plain text, which LEAVS cannot read, is written as a region without a name.
    """
    if not isinstance(report, dict):
        return _joined(report)
    parts: list[str] = []
    has_text = False
    for section, regions in report.items():
        parts.append(f"{section}:\n")
        for region, content in regions.items() if isinstance(regions, dict) else [("", regions)]:
            text = _joined(content)
            if text:
                parts.append(f"\n{region}:\n{text}" if region else f"\n{text}")
                has_text = has_text or bool(text.strip())
        parts.append("\n\n")
    return "".join(parts) if has_text else ""


def _joined(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(_field_text(part) for part in content)
    return _field_text(content)
