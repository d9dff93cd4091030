"""Tables with a delimiter: CSV, TSV, and files that use a semicolon or a bar.

Quoting is read strictly. A row whose quotes do not fit is refused; where that leaves open at which character the
next row begins, the rest of the file is refused with it rather than guessed at.
"""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import IO, Final

from labeling.core.intake.columns import suggest_mapping, unique_columns
from labeling.core.intake.encoding import Encoding, bounded_lines, text_of
from labeling.core.intake.records import IntakeError, Limits, ProblemCode, RawRow, RowProblem, Source

DELIMITER_NAMES: Final = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
MORE: Final = "\0more"
_SNIFFED_RECORDS: Final = 20


def open_delimited(
    stream: IO[bytes], *, encoding: Encoding, filename: str, limits: Limits, keep_uneven: bool = False
) -> Source:
    """The table in `stream`; its delimiter is the one under which header and first rows fit best.

    A row with more or fewer fields than the header is a problem. With `keep_uneven` it is a row that lacks some
    columns, or has one called `MORE` besides.
    """
    allow_fields_of(limits.max_record_chars)
    delimiter = _find_delimiter(stream, encoding=encoding, filename=filename, limits=limits)
    header = _header(stream, encoding=encoding, delimiter=delimiter, limits=limits)
    if len(header) > limits.max_columns:
        raise IntakeError(
            f"the file has {len(header):,} columns, at most {limits.max_columns:,} are allowed", code="too_many_columns"
        )
    columns = unique_columns(header)

    def rows() -> Iterator[RawRow | RowProblem]:
        with text_of(stream, encoding) as text:
            lines = _Lines(text, max_chars=limits.max_record_chars)
            yield from _data_rows(lines, columns=columns, delimiter=delimiter, keep_uneven=keep_uneven)

    return Source(
        format="tsv" if delimiter == "\t" else "csv",
        columns=columns,
        rows=rows,
        encoding=encoding.title,
        notes=encoding.notes,
        delimiter=delimiter,
    )


def is_table(head: str) -> bool:
    """Whether the text that begins with `head` has a header in which ids and texts are recognised."""
    return any(_fit(head, delimiter)[:2] == (True, 0) for delimiter in DELIMITER_NAMES)


def allow_fields_of(max_chars: int) -> None:
    """Raise the field size limit of `csv`, which holds for the whole process and is 131,072 by default."""
    if csv.field_size_limit() < max_chars:
        csv.field_size_limit(max_chars)


def _find_delimiter(stream: IO[bytes], *, encoding: Encoding, filename: str, limits: Limits) -> str:
    with text_of(stream, encoding) as text:
        head = "".join(islice(bounded_lines(text, max_chars=limits.max_record_chars), 200))
    preferred = "\t" if filename.casefold().endswith((".tsv", ".tab")) else ","
    candidates = sorted(DELIMITER_NAMES, key=lambda delimiter: delimiter != preferred)
    return max(candidates, key=lambda delimiter: _fit(head, delimiter))


def _fit(head: str, delimiter: str) -> tuple[bool, int, float]:
    """How well a delimiter fits: more than one column, how many of id and text are known, share of even rows."""
    records: list[list[str]] = []
    try:
        for record in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter, strict=True):
            if record:
                records.append(record)
            if len(records) == _SNIFFED_RECORDS:
                break
    except csv.Error:
        pass
    if not records:
        return False, 0, 0.0
    width = len(records[0])
    _, missing = suggest_mapping(unique_columns(records[0][:1000]))
    even = sum(len(record) == width for record in records) / len(records)
    return width > 1, -len(missing), even


def _header(stream: IO[bytes], *, encoding: Encoding, delimiter: str, limits: Limits) -> list[str]:
    with text_of(stream, encoding) as text:
        lines = bounded_lines(text, max_chars=limits.max_record_chars)
        try:
            for record in csv.reader(lines, delimiter=delimiter, strict=True):
                if any(name.strip() for name in record):
                    return record
        except csv.Error as error:
            raise IntakeError(f"the header cannot be read: {error}", code="bad_header") from error
    raise IntakeError("the file is empty", code="empty_file")


class _Lines:
    """Passes bounded lines on to `csv.reader` and remembers the last, to judge a row that fails."""

    def __init__(self, text: io.TextIOWrapper, *, max_chars: int) -> None:
        self._lines = bounded_lines(text, max_chars=max_chars)
        self.last = ""
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.last = line
            yield line
        self.ended = True


def _data_rows(
    lines: _Lines, *, columns: tuple[str, ...], delimiter: str, keep_uneven: bool
) -> Iterator[RawRow | RowProblem]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    row = 0
    in_data = False
    while True:
        first_line = reader.line_num + 1
        row += 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem, can_go_on = _quoting_problem(row, error, lines, (first_line, reader.line_num))
            yield problem
            if not can_go_on:
                return
            continue
        if in_data and any(record):
            checked = _row(row, record, columns=columns, first_line=first_line)
            if keep_uneven and isinstance(checked, RowProblem):
                checked = RawRow(row, dict(zip((*columns, MORE), record, strict=False)))
            yield checked
        in_data = in_data or any(name.strip() for name in record)


def _row(row: int, record: list[str], *, columns: tuple[str, ...], first_line: int) -> RawRow | RowProblem:
    if len(record) == len(columns):
        return RawRow(row, dict(zip(columns, record, strict=True)))
    if len(record) > len(columns) and not any(record[len(columns) :]):
        return RawRow(row, dict(zip(columns, record, strict=False)))
    code = ProblemCode.TOO_FEW_FIELDS if len(record) < len(columns) else ProblemCode.TOO_MANY_FIELDS
    message = f"line {first_line:,}: {len(record)} fields, the header has {len(columns)}"
    return RowProblem(row, code, message)


def _quoting_problem(row: int, error: csv.Error, lines: _Lines, numbers: tuple[int, int]) -> tuple[RowProblem, bool]:
    """What is wrong in the row between two line numbers, and whether the next line surely begins the next row."""
    first_line, last_line = numbers
    if lines.ended:
        message = f"a quote that opens in the row at line {first_line:,} is never closed; nothing after it was read"
        return RowProblem(row, ProblemCode.UNCLOSED_QUOTE, message), False
    if "field limit" in str(error):
        message = f"line {first_line:,}: a field is longer than any report; nothing after it was read"
        return RowProblem(row, ProblemCode.UNCLOSED_QUOTE, message), False
    if first_line == last_line and lines.last.count('"') % 2 == 0:
        message = f"line {first_line:,}: a quote inside a quoted field is not doubled"
        return RowProblem(row, ProblemCode.BAD_QUOTING, message), True
    message = (
        f"line {last_line:,}: a quote inside a quoted field is not doubled, and where the next row begins cannot be "
        "told; nothing after it was read"
    )
    return RowProblem(row, ProblemCode.BAD_QUOTING, message), False
