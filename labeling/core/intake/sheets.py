"""XLSX workbooks: the first sheet that is shown, read by openpyxl after its XML was measured.

openpyxl keeps a node for each element that it skips, so the elements are counted first, and a document type, which is
where XML entities come from, is refused.
"""

import datetime as dt
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Final
from xml.etree.ElementTree import ParseError
from xml.parsers import expat

from labeling.core.intake.archives import DAMAGE, is_encrypted, is_plainly_packed
from labeling.core.intake.columns import unique_columns
from labeling.core.intake.records import IntakeError, Limits, ProblemCode, RawRow, RowProblem, Source

_MAX_DEPTH: Final = 64
_MAX_TAG_BYTES: Final = 256 * 1024
_CHUNK_BYTES: Final = 64 * 1024
_EXACT_INTEGER: Final = 10**15
_XML_SUFFIXES: Final = (".xml", ".rels")

# What openpyxl raises for a workbook that does not keep to the format; it has no error class of its own for that.
_OPENPYXL_FAULTS: Final = (*DAMAGE, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, ParseError)


def open_workbook(stream: IO[bytes], *, archive: zipfile.ZipFile, filename: str, limits: Limits) -> Source:
    """The first shown sheet of the workbook in `stream`; its first filled row is the header."""
    _require_harmless(archive, limits)
    with _faults():
        import openpyxl  # noqa: PLC0415 - takes a quarter of a second

        # openpyxl warns of features that do not matter here, and quotes cells in some warnings.
        warnings.filterwarnings("ignore", module=r"openpyxl\.")
        stream.seek(0)
        workbook = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
    shown = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"] or workbook.worksheets
    if not shown:
        raise IntakeError("the workbook has no sheet of cells", code="empty_file")
    sheet = shown[0]
    header_row, header = _header(sheet, limits)
    columns = unique_columns(header)
    notes = []
    if not filename.casefold().endswith((".xlsx", ".xlsm")):
        notes.append("The file is an XLSX workbook, whatever its name says; it is read as one.")
    if len(workbook.sheetnames) > 1:
        notes.append(f"The workbook has {len(workbook.sheetnames)} sheets; {sheet.title!r} is read.")
    return Source(
        format="xlsx",
        columns=columns,
        rows=lambda: _data_rows(sheet, columns=columns, header_row=header_row, limits=limits),
        notes=tuple(notes),
    )


@contextmanager
def _faults() -> Iterator[None]:
    """What openpyxl raises for a damaged workbook becomes `IntakeError`."""
    try:
        yield
    except IntakeError:
        raise
    except _OPENPYXL_FAULTS as error:
        raise IntakeError(
            f"the workbook is damaged or not XLSX ({type(error).__name__}); save it again or export it as CSV",
            code="damaged_workbook",
        ) from error


def _require_harmless(archive: zipfile.ZipFile, limits: Limits) -> None:
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    if unpacked > limits.max_workbook_bytes:
        raise IntakeError(
            f"the workbook unpacks to {unpacked:,} bytes, at most {limits.max_workbook_bytes:,} are allowed; "
            "export it as CSV",
            code="archive_too_large",
        )
    if any(is_encrypted(member) or not is_plainly_packed(member) for member in members):
        raise IntakeError("the workbook is encrypted or packed in an unusual way", code="damaged_workbook")
    budget = limits.max_xml_elements
    for member in members:
        budget -= _count_elements(archive, member, budget)


def _count_elements(archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: int) -> int:
    """Number of XML elements in a part; raises `IntakeError` beyond `budget`, or for what no workbook has.

    Every part is measured, since a sheet may stand under any name; one that is no XML counts up to where that shows.
    """
    count = depth = 0

    def start(_name: str, _attributes: dict[str, str]) -> None:
        nonlocal count, depth
        count += 1
        depth += 1
        if count > budget or depth > _MAX_DEPTH:
            raise IntakeError("the workbook has too many cells; export it as CSV", code="too_many_cells")

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_: Any) -> None:
        raise IntakeError("the workbook declares XML entities, which no workbook needs", code="xml_entities")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = doctype
    try:
        _parse(parser, archive, member)
    except expat.ExpatError as error:
        if member.filename.casefold().endswith(_XML_SUFFIXES):
            raise IntakeError("the workbook is damaged", code="damaged_workbook") from error
    except DAMAGE as error:
        raise IntakeError("the workbook is damaged", code="damaged_workbook") from error
    return count


def _parse(parser: expat.XMLParserType, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Feed a part to `parser`. An unfinished tag is looked at anew with each chunk: hours for one of 200 megabytes."""
    n_read = 0
    with archive.open(member) as part:
        while chunk := part.read(_CHUNK_BYTES):
            parser.Parse(chunk, False)
            n_read += len(chunk)
            if n_read - parser.CurrentByteIndex > _MAX_TAG_BYTES:
                raise IntakeError("the workbook is damaged: a tag does not end", code="damaged_workbook")
    parser.Parse(b"", True)


def _header(sheet: Any, limits: Limits) -> tuple[int, list[str]]:
    with _faults():
        rows = sheet.iter_rows(min_row=1, max_row=limits.max_rows, max_col=limits.max_columns + 1, values_only=True)
        for row, values in enumerate(rows, start=1):
            names = [_cell_text(value) for value in values]
            while names and not names[-1].strip():
                names.pop()
            if len(names) > limits.max_columns:
                raise IntakeError(f"the sheet has more than {limits.max_columns:,} columns", code="too_many_columns")
            if names:
                return row, names
    raise IntakeError("the sheet is empty", code="empty_file")


def _data_rows(
    sheet: Any, *, columns: tuple[str, ...], header_row: int, limits: Limits
) -> Iterator[RawRow | RowProblem]:
    width = len(columns)
    last_row = header_row + limits.max_rows + 1
    with _faults():
        rows = sheet.iter_rows(min_row=header_row + 1, max_row=last_row, max_col=width + 1, values_only=True)
        for row, values in enumerate(rows, start=header_row + 1):
            if not any(value is not None for value in values):
                continue
            if row == last_row:
                raise IntakeError(f"the sheet has more than {limits.max_rows:,} rows", code="too_many_rows")
            if len(values) > width and values[width] is not None:
                message = f"the row has more cells than the header, which has {width}"
                yield RowProblem(row, ProblemCode.TOO_MANY_FIELDS, message)
                continue
            texts = [_cell_text(value) for value in values[:width]]
            yield RawRow(row, dict(zip(columns, texts, strict=False)))


def _cell_text(value: Any) -> str:
    """A cell as text: whole numbers without a point, dates as ISO 8601, a number beyond 15 digits as it is stored."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value) if abs(value) < _EXACT_INTEGER else f"{value:.14E}"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _EXACT_INTEGER else repr(value).upper()
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return str(value)
