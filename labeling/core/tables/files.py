"""Write and read label tables by the name of their format, to files that are complete or not there at all."""

import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Final, TextIO

from labeling.core.intake.delimited import open_delimited
from labeling.core.intake.encoding import Encoding, bounded_lines, detect_encoding, text_of
from labeling.core.intake.json_stream import JsonReader
from labeling.core.intake.records import DEFAULT_LIMITS, FileSource, IntakeError, Limits, Source
from labeling.core.intake.sniffing import is_zip
from labeling.core.schema import Schema
from labeling.core.tables import doccano, jsonl, label_studio, leavs, long, wide
from labeling.core.tables.records import LabeledReport, LabelTable, TableError
from labeling.core.tables.studio_names import NO_MAPPING, StudioMapping


@dataclass(frozen=True, slots=True)
class TableFormat:
    """How one format is written. A table of `one_rater` has no column that would tell raters apart."""

    header: Callable[[Schema], str]
    render: Callable[[LabeledReport, Schema], str]
    one_rater: bool


FORMATS: Final = {
    "leavs": TableFormat(leavs.header, leavs.render, one_rater=True),
    "leavs-wide": TableFormat(wide.header, wide.render, one_rater=False),
    "long": TableFormat(long.header, long.render, one_rater=True),
    "long-raters": TableFormat(
        partial(long.header, with_rater=True), partial(long.render, with_rater=True), one_rater=False
    ),
    "jsonl": TableFormat(jsonl.header, jsonl.render, one_rater=False),
}


def write_labels(
    out: str | os.PathLike[str] | TextIO,
    reports: Iterable[LabeledReport],
    *,
    schema: Schema,
    format: str,
    bom: bool = False,
) -> int:
    """Write a label table and return the number of label sets; a path is replaced when all is written.

    `bom` puts a byte-order mark before the text, which some spreadsheet programs need to see that it is UTF-8.
    Raises `TableError` when a report stands twice in a format that cannot tell the two apart.
    """
    if format not in FORMATS:
        raise TableError(f"{format!r} is not one of {', '.join(FORMATS)}")
    table = FORMATS[format]
    with ExitStack() as stack:
        stream = stack.enter_context(atomic_output(out)) if isinstance(out, (str, os.PathLike)) else out
        stream.write(("\ufeff" if bom else "") + table.header(schema))
        seen: set[str] = set()
        count = 0
        for report in reports:
            if table.one_rater:
                if report.report_id in seen:
                    raise TableError(
                        f"report {report.report_id!r} has labels of more than one rater, which the format {format} "
                        "cannot tell apart; choose long-raters or jsonl"
                    )
                seen.add(report.report_id)
            stream.write(table.render(report, schema))
            count += 1
        return count


def read_labels(
    path_or_fileobj: FileSource,
    *,
    schema: Schema,
    filename: str,
    rater: str = "imported",
    mapping: StudioMapping = NO_MAPPING,
    limits: Limits = DEFAULT_LIMITS,
) -> LabelTable:
    """Read a label table of any of `FORMATS`, of Label Studio or of doccano, told by its content.

    `rater` stands for whoever made the labels where the file does not say, `mapping` says what names in a file of Label
    Studio or doccano mean. A file object can seek. Raises `IntakeError` when the file is no label table, `TableError`
    when it is one of another schema.
    """
    with ExitStack() as stack:
        if isinstance(path_or_fileobj, (str, os.PathLike)):
            try:
                stream: IO[bytes] = stack.enter_context(Path(path_or_fileobj).open("rb"))
            except OSError as error:
                raise IntakeError(f"{filename}: {error.strerror}", code="cannot_open") from error
        else:
            stream = path_or_fileobj
        others = doccano.Reader(schema, mapping, rater=rater, limits=limits)
        if is_zip(stream):
            return others.archive(stream)
        encoding = detect_encoding(stream)
        begin, is_of_doccano = _begin(stream, encoding, limits)
        if is_of_doccano:
            return others.file(stream, encoding=encoding)
        if begin == "{":
            with text_of(stream, encoding) as text:
                return jsonl.read(bounded_lines(text, max_chars=limits.max_record_chars), schema=schema)
        if begin == "[":
            return label_studio.read(
                stream, encoding=encoding, schema=schema, rater=rater, mapping=mapping, limits=limits
            )
        source = open_delimited(stream, encoding=encoding, filename=filename, limits=limits, keep_uneven=True)
        return _reader_of(source)(source, schema=schema, rater=rater)


def _begin(stream: IO[bytes], encoding: Encoding, limits: Limits) -> tuple[str, bool]:
    """The first character of the text, and whether its first JSON object is an entry of doccano."""
    with text_of(stream, encoding) as text:
        begin = text.read(4096).lstrip()[:1]
    if begin not in ("{", "["):
        return begin, False
    with text_of(stream, encoding) as text:
        if begin == "{":
            lines = bounded_lines(text, max_chars=limits.max_record_chars)
            return begin, doccano.is_line(next((line for line in lines if line.strip()), ""))
        reader = JsonReader(text, max_value_chars=limits.max_record_chars)
        first = next((reader.value() for _ in reader.array()), None)
        return begin, doccano.is_entry(first)


def _reader_of(source: Source) -> Callable[..., LabelTable]:
    names = {column.casefold() for column in source.columns}
    if {leavs.ID_COLUMN, "organ", "type_annotation"} <= names:
        return leavs.read
    if {"type_annotation", "labeler"} <= names and names & {leavs.ID_COLUMN, "image1"}:
        return wide.read
    if set(long.COLUMNS[:4]) <= names:
        return long.read
    raise IntakeError(
        "this is not a label table: expected are the columns of docs/labels.md, such as "
        f"{', '.join(long.COLUMNS[:4])}, or {leavs.ID_COLUMN}, organ, type_annotation",
        code="not_a_label_table",
    )


@contextmanager
def atomic_output(path: str | os.PathLike[str]) -> Iterator[TextIO]:
    """A text file that takes the place of `path` when the block ends well, and vanishes when it does not.

    A link is followed; what is no plain file, such as a pipe or a device, is written directly.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        with target.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        return
    # Named before it is made, so that an interrupt at any moment finds what to take away.
    unfinished = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.part")
    try:
        with open(unfinished, "x", encoding="utf-8", newline="", opener=_open_for_owner) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(unfinished, _mode_for(target))
        os.replace(unfinished, target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _open_for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _mode_for(target: Path) -> int:
    """Permissions of the file that is replaced; of a new one, read and write for its owner only: it is patient data."""
    return stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o600
