"""Read reports from a file: look at it first, or stream its rows."""

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import IO, Final

from labeling.core.intake.archives import open_archive, zip_kind
from labeling.core.intake.columns import read_row, require_mapping, suggest_mapping
from labeling.core.intake.delimited import is_table, open_delimited
from labeling.core.intake.encoding import detect_encoding, text_of
from labeling.core.intake.folders import open_folder, open_text_file, open_zip_of_texts
from labeling.core.intake.json_files import open_json
from labeling.core.intake.records import (
    DEFAULT_LIMITS,
    ColumnMapping,
    FileInspection,
    FileSource,
    IntakeError,
    Limits,
    ProblemCode,
    RawRow,
    ReportRow,
    RowProblem,
    Source,
)
from labeling.core.intake.sheets import open_workbook
from labeling.core.intake.sniffing import is_zip, looks_like_json

_SPOOL_BYTES: Final = 8 * 1024**2
_CHUNK_BYTES: Final = 1024**2
_HEAD_CHARS: Final = 4096


def inspect_file(path_or_fileobj: FileSource, *, filename: str, limits: Limits = DEFAULT_LIMITS) -> FileInspection:
    """A first look at a file: what it is, its columns, what they are likely to be, and its first rows.

    Raises `IntakeError` when the file cannot be read at all. Only the first rows are judged; `read_reports` judges
    all.
    """
    with _opened(path_or_fileobj, filename, limits) as source:
        mapping, missing = suggest_mapping(source.columns)
        preview: list[RawRow] = []
        problems: list[RowProblem] = []
        for raw in source.rows():
            if isinstance(raw, RowProblem):
                problems.append(raw)
            else:
                preview.append(raw)
                row = read_row(raw, mapping=mapping, limits=limits) if mapping else raw
                problems += [row] if isinstance(row, RowProblem) else []
            if len(preview) + len(problems) >= 2 * limits.preview_rows or len(preview) == limits.preview_rows:
                break
        return FileInspection(
            filename=filename,
            format=source.format,
            encoding=source.encoding,
            delimiter=source.delimiter,
            columns=source.columns,
            mapping=mapping,
            missing=missing,
            preview=tuple(raw.fields for raw in preview),
            notes=source.notes,
            problems=tuple(problems),
        )


def read_reports(
    path_or_fileobj: FileSource,
    *,
    filename: str,
    mapping: ColumnMapping | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[ReportRow | RowProblem]:
    """Every row of a file in order: a report that can be imported, or why it cannot.

    The file is read twice, once to check all of it, so that whatever refuses the whole file (`IntakeError`) is
    raised before the first row is returned. One row is held at a time, and 16 bytes and the id of each. A file object
    is binary; one that cannot seek is copied to a temporary file.

    Rows with the same id and the same text: the first is returned, the others are duplicates. Rows with the same id
    and another text, patient or study: none is returned, because nothing tells which of them is right.
    """
    with _opened(path_or_fileobj, filename, limits) as source:
        mapping = require_mapping(source.columns, mapping)
        digests, conflicts = _survey(source, mapping=mapping, limits=limits)
        for row in _judged(source, mapping=mapping, limits=limits):
            if isinstance(row, RowProblem):
                yield row
            elif row.report_id in conflicts:
                yield _conflict(row)
            elif digests.pop(row.report_id, None) is None:
                yield _duplicate(row)
            else:
                yield row


def _survey(source: Source, *, mapping: ColumnMapping, limits: Limits) -> tuple[dict[str, bytes], set[str]]:
    """Digest of the report behind each id, and the ids that stand for more than one report."""
    digests: dict[str, bytes] = {}
    conflicts: set[str] = set()
    n_rows = 0
    for row in _judged(source, mapping=mapping, limits=limits):
        n_rows += 1
        if n_rows > limits.max_rows:
            raise IntakeError(
                f"the file has more than {limits.max_rows:,} rows; divide it into smaller files", code="too_many_rows"
            )
        if isinstance(row, RowProblem):
            continue
        digest = _digest(row)
        if digests.setdefault(row.report_id, digest) != digest:
            conflicts.add(row.report_id)
    return digests, conflicts


def _judged(source: Source, *, mapping: ColumnMapping, limits: Limits) -> Iterator[ReportRow | RowProblem]:
    try:
        for raw in source.rows():
            yield raw if isinstance(raw, RowProblem) else read_row(raw, mapping=mapping, limits=limits)
    except UnicodeDecodeError as error:
        raise IntakeError("the file changed while it was read", code="changed") from error


def _digest(row: ReportRow) -> bytes:
    content = "\0".join((row.text, row.patient_id or "", row.study_id or "", row.modality or ""))
    return blake2b(content.encode(), digest_size=16).digest()


def _duplicate(row: ReportRow) -> RowProblem:
    message = f"report {row.report_id!r} stands in an earlier row with the same text; it is imported once"
    return RowProblem(row.row, ProblemCode.DUPLICATE, message, row.report_id)


def _conflict(row: ReportRow) -> RowProblem:
    message = f"id {row.report_id!r} stands for different reports in this file; none of them is imported"
    return RowProblem(row.row, ProblemCode.CONFLICTING_ID, message, row.report_id)


@contextmanager
def _opened(path_or_fileobj: FileSource, filename: str, limits: Limits) -> Iterator[Source]:
    with ExitStack() as stack:
        if isinstance(path_or_fileobj, (str, os.PathLike)):
            path = Path(path_or_fileobj)
            if path.is_dir():
                yield open_folder(path, limits=limits)
                return
            try:
                opened: IO[bytes] = stack.enter_context(path.open("rb"))
            except OSError as error:
                raise IntakeError(f"{filename}: {error.strerror}", code="cannot_open") from error
        else:
            opened = path_or_fileobj
        yield _identify(stack.enter_context(seekable(opened, limits=limits)), filename, limits)


@contextmanager
def seekable(stream: IO[bytes], *, limits: Limits = DEFAULT_LIMITS) -> Iterator[IO[bytes]]:
    """`stream` itself, or a copy of one that cannot go back, such as a pipe."""
    if stream.seekable():
        yield stream
        return
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as copy:
        n_read = 0
        while chunk := stream.read(_CHUNK_BYTES):
            n_read += len(chunk)
            if n_read > limits.max_file_bytes:
                raise _too_large(limits.max_file_bytes)
            copy.write(chunk)
        yield copy


def _too_large(max_bytes: int) -> IntakeError:
    return IntakeError(f"the file is larger than {max_bytes:,} bytes, the most that is read", code="file_too_large")


def _identify(stream: IO[bytes], filename: str, limits: Limits) -> Source:
    """What `stream` holds, by its content."""
    if stream.seek(0, io.SEEK_END) > limits.max_file_bytes:
        raise _too_large(limits.max_file_bytes)
    if is_zip(stream):
        archive = open_archive(stream, limits=limits)
        if zip_kind(archive) == "xlsx":
            return open_workbook(stream, archive=archive, filename=filename, limits=limits)
        return open_zip_of_texts(archive, limits=limits)
    encoding = detect_encoding(stream)
    with text_of(stream, encoding) as text:
        head = text.read(_HEAD_CHARS)
    if looks_like_json(head, filename):
        return open_json(stream, encoding=encoding, filename=filename, limits=limits)
    if filename.casefold().endswith(".txt") and not is_table(head):
        return open_text_file(stream, encoding=encoding, filename=filename)
    return open_delimited(stream, encoding=encoding, filename=filename, limits=limits)
