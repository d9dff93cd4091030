"""XLSX workbooks, honest and hostile."""

import datetime as dt
import io
import time
import tracemalloc
import zipfile

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from labeling.core.intake import IntakeError, Limits, ReportRow, inspect_file
from tests.labeling.core.intake_tools import outcomes, read, texts


def workbook_of(*rows: list[object], title: str = "Reports") -> bytes:
    """An XLSX file with one sheet."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert isinstance(sheet, Worksheet)
    sheet.title = title
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def with_part(content: bytes, name: str, part: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The workbook with one part of its archive replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", method) as new:
        for info in old.infolist():
            if info.filename != name:
                new.writestr(info.filename, old.read(info))
        new.writestr(name, part)
    return out.getvalue()


def part_of(content: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(name)


SHEET = "xl/worksheets/sheet1.xml"
PLAIN = workbook_of(["id", "report"], ["1", "Liver normal."])


def test_cells_become_text_as_a_reader_sees_them() -> None:
    moment = dt.datetime.fromisoformat("2024-02-29 13:05")
    content = workbook_of(
        ["Report ID", "Report", "Patient ID", "date", "time", "flag", "ratio"],
        [
            12.0,
            'Line 1\nline 2, "q"',
            7,
            dt.date(2024, 2, 29),
            moment,
            True,
            0.25,
        ],
    )
    (row,) = read(content, "r.xlsx")
    assert isinstance(row, ReportRow)
    assert (row.row, row.report_id, row.text, row.patient_id) == (2, "12", 'Line 1\nline 2, "q"', "7")
    assert dict(row.extra) == {"date": "2024-02-29", "time": "2024-02-29 13:05:00", "flag": "TRUE", "ratio": "0.25"}


SHARED = b"""<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<si><t>id</t></si><si><t>report</t></si><si><t xml:space="preserve"> Liver
normal. </t></si><si><r><t>No </t></r><r><rPr><b/></rPr><t>tumour</t></r></si></sst>"""
SHARED_SHEET = b"""<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>
<row r="2"><c r="A2"><v>1</v></c><c r="B2" t="s"><v>2</v></c></row>
<row r="3"><c r="A3"><v>2</v></c><c r="B3" t="s"><v>3</v></c></row></sheetData></worksheet>"""


def test_shared_strings_as_excel_writes_them_are_read() -> None:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    entry = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'.encode()
    types = part_of(PLAIN, "[Content_Types].xml").replace(b"</Types>", entry)
    content = with_part(with_part(PLAIN, SHEET, SHARED_SHEET), "xl/sharedStrings.xml", SHARED)
    content = with_part(content, "[Content_Types].xml", types)
    assert texts(read(content, "r.xlsx")) == {"1": " Liver\nnormal. ", "2": "No tumour"}


def test_string_that_is_not_in_the_shared_strings_refuses_the_workbook() -> None:
    with pytest.raises(IntakeError, match="damaged"):
        read(with_part(PLAIN, SHEET, SHARED_SHEET), "r.xlsx")


def test_rows_have_the_numbers_that_the_spreadsheet_shows() -> None:
    content = workbook_of([], ["id", "report"], ["1", "a"], [], ["2", None], [None, "b"], ["3", "c", "beyond"])
    assert outcomes(read(content, "r.xlsx")) == {3: "read", 5: "blank_text", 6: "missing_id", 7: "too_many_fields"}


@pytest.mark.parametrize("number", [1234567890123456789, 1.234567890123456e18])
def test_number_that_a_spreadsheet_cannot_hold_exactly_is_no_id(number: float) -> None:
    assert outcomes(read(workbook_of(["id", "report"], [number, "a"]), "r.xlsx")) == {2: "damaged_id"}


def test_workbook_under_another_name_is_read_with_a_note() -> None:
    assert texts(read(PLAIN, "r.csv")) == {"1": "Liver normal."}
    (note,) = inspect_file(io.BytesIO(PLAIN), filename="r.csv").notes
    assert "whatever its name says" in note


def test_first_shown_sheet_is_read_and_named() -> None:
    workbook = openpyxl.Workbook()
    hidden = workbook.active
    assert isinstance(hidden, Worksheet)
    hidden.sheet_state = "hidden"
    sheet = workbook.create_sheet("Second")
    sheet.append(["id", "report"])
    sheet.append(["1", "x"])
    out = io.BytesIO()
    workbook.save(out)
    assert texts(read(out.getvalue(), "r.xlsx")) == {"1": "x"}
    (note,) = inspect_file(out, filename="r.xlsx").notes
    assert "2 sheets; 'Second' is read" in note


def test_formulas_are_never_evaluated_and_read_as_blank() -> None:
    assert outcomes(read(workbook_of(["id", "report"], ["1", "=1+1"]), "r.xlsx")) == {2: "blank_text"}


def test_empty_workbook_is_refused() -> None:
    with pytest.raises(IntakeError, match="the sheet is empty"):
        read(workbook_of(), "r.xlsx")


@pytest.mark.parametrize("dimension", [b"A1:XFD1048576", b"A1:A1", b"A1"])
def test_declared_dimensions_are_not_believed(dimension: bytes) -> None:
    sheet = part_of(PLAIN, SHEET).replace(b'ref="A1:B2"', b'ref="' + dimension + b'"')
    assert dimension in sheet
    start = time.process_time()
    assert texts(read(with_part(PLAIN, SHEET, sheet), "r.xlsx")) == {"1": "Liver normal."}
    assert time.process_time() - start < 2


def test_cell_at_the_far_end_of_the_sheet_is_bounded() -> None:
    sheet = part_of(PLAIN, SHEET).replace(
        b"</sheetData>", b'<row r="1048576"><c r="XFD1048576" t="str"><v>far</v></c></row></sheetData>'
    )
    start = time.process_time()
    rows = read(with_part(PLAIN, SHEET, sheet), "r.xlsx", limits=Limits(max_rows=2_000_000))
    assert outcomes(rows) == {2: "read"}
    assert time.process_time() - start < 10


def test_too_many_rows_and_columns_are_refused() -> None:
    content = workbook_of(["id", "report"], *(["x", "y"] for _ in range(20)))
    with pytest.raises(IntakeError, match="more than 10 rows"):
        read(content, "r.xlsx", limits=Limits(max_rows=10))
    with pytest.raises(IntakeError, match="more than 5 columns"):
        read(workbook_of(["id", "report", *"abcdef"]), "r.xlsx", limits=Limits(max_columns=5))


ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c SYSTEM "file:///etc/passwd">]>
<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>&b;&c;</t></si></sst>"""


@pytest.mark.parametrize(
    "part", ["xl/sharedStrings.xml", "xl/workbook.xml", SHEET, "[Content_Types].xml", "docProps/x.xml"]
)
def test_xml_entities_are_refused(part: str) -> None:
    with pytest.raises(IntakeError, match="declares XML entities") as caught:
        read(with_part(PLAIN, part, ENTITIES), "r.xlsx")
    assert caught.value.code == "xml_entities"


def test_sheet_under_a_name_that_is_not_xml_is_measured_too() -> None:
    content = with_part(PLAIN, "xl/media/picture.png", b"\x89PNG\r\n\x1a\n")
    assert texts(read(content, "r.xlsx")) == {"1": "Liver normal."}
    with pytest.raises(IntakeError, match="declares XML entities"):
        read(with_part(PLAIN, "xl/media/picture.png", ENTITIES), "r.xlsx")


def test_workbook_that_unpacks_to_too_much_is_refused() -> None:
    content = with_part(PLAIN, "xl/sharedStrings.xml", b"<sst>" + b"<si/>" * 3_000_000 + b"</sst>")
    with pytest.raises(IntakeError, match="times its size"):
        read(content, "r.xlsx")


def test_workbook_of_too_many_elements_is_refused_in_little_memory() -> None:
    content = with_part(PLAIN, "xl/sharedStrings.xml", b"<sst>" + b"<si/>" * 300_000 + b"</sst>")
    tracemalloc.start()
    with pytest.raises(IntakeError, match="too many cells"):
        read(content, "r.xlsx", limits=Limits(max_xml_elements=200_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("tag", [b"<a " + b'b="x" ' * 100_000 + b"/>", b"<!--" + b"x" * 9_000_000 + b"-->"])
def test_endless_tag_is_refused_at_once(tag: bytes) -> None:
    start = time.process_time()
    with pytest.raises(IntakeError, match="damaged"):
        read(with_part(PLAIN, SHEET, b"<worksheet>" + tag + b"</worksheet>"), "r.xlsx")
    assert time.process_time() - start < 1


def test_deeply_nested_xml_is_refused() -> None:
    with pytest.raises(IntakeError, match="too many cells"):
        read(with_part(PLAIN, SHEET, b"<a>" * 5_000 + b"</a>" * 5_000), "r.xlsx")


@pytest.mark.parametrize(
    ("part", "content"),
    [
        (SHEET, b"<not xml"),
        (SHEET, b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'),
        (
            SHEET,
            b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="x">'
            b'<c r="?" t="s"><v>99</v></c></row></sheetData></worksheet>',
        ),
        ("xl/workbook.xml", b"<workbook/>"),
        ("[Content_Types].xml", b"<Types/>"),
    ],
)
def test_damaged_workbook_is_refused_with_a_message(part: str, content: bytes) -> None:
    with pytest.raises(IntakeError):
        read(with_part(PLAIN, part, content), "r.xlsx")


def test_workbook_packed_without_bounds_is_refused() -> None:
    with pytest.raises(IntakeError, match="packed in an unusual way"):
        read(with_part(PLAIN, "xl/extra.xml", b"<x/>", zipfile.ZIP_LZMA), "r.xlsx")


def test_binary_workbook_is_refused() -> None:
    with pytest.raises(IntakeError, match="XLSB"):
        read(with_part(PLAIN, "xl/workbook.bin", b"x"), "r.xlsb")
