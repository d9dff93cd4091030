"""CSV and its relatives: columns, delimiters, quoting, encodings."""

import codecs
import csv
import io
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.core.intake import ColumnMapping, IntakeError, Limits, ReportRow, inspect_file, read_reports
from tests.labeling.core.intake_tools import outcomes, read, texts
from tests.shared_data import shared_data


@pytest.mark.parametrize(
    ("header", "id_column", "text_column"),
    [
        ("image1,anonymized_report", "image1", "anonymized_report"),
        ("pat_id,report", "pat_id", "report"),
        ("Patient ID,Report ID,REPORT_TEXT", "Report ID", "REPORT_TEXT"),
        ("accession number,note", "accession number", "note"),
        ("id,Text", "id", "Text"),
        ("subject_id,study_id,text", "study_id", "text"),
        ("image1,image2,split,anonymized_report", "image1", "anonymized_report"),
    ],
)
def test_columns_of_published_tools_are_recognised(header: str, id_column: str, text_column: str) -> None:
    mapping = inspect_file(io.BytesIO(header.encode() + b"\n"), filename="a.csv").mapping
    assert mapping is not None
    assert (mapping.report_id, mapping.text) == (id_column, text_column)


def test_patient_column_is_also_the_report_id_when_there_is_no_other() -> None:
    (row,) = read("pat_id,report\n17,Normal.\n")
    assert isinstance(row, ReportRow)
    assert (row.report_id, row.patient_id) == ("17", "17")


def test_findings_and_impression_become_one_text_under_their_names() -> None:
    rows = read("id,findings,impression\n1,Liver normal.,No tumour.\n2,Spleen normal.,\n")
    assert texts(rows) == {
        "1": "FINDINGS:\nLiver normal.\n\nIMPRESSION:\nNo tumour.",
        "2": "FINDINGS:\nSpleen normal.",
    }


def test_other_columns_are_kept_as_extra() -> None:
    (row,) = read("id,report,study_id,modality,scanner\n1,Normal.,S1,CT,Vendor A\n")
    assert isinstance(row, ReportRow)
    assert (row.study_id, row.modality, dict(row.extra)) == ("S1", "CT", {"scanner": "Vendor A"})


def test_columns_that_are_not_recognised_refuse_the_file_without_quoting_text() -> None:
    with pytest.raises(IntakeError, match="no column of report ids and no column of report texts") as caught:
        read("A patient of 56 years with a history of jaundice,some other long text that is no name\n1,2\n")
    assert caught.value.code == "columns_not_recognised"
    assert "jaundice" not in str(caught.value)


def test_given_mapping_is_used_and_its_columns_must_be_there() -> None:
    mapping = ColumnMapping(report_id="a", text="b")
    assert texts(read("a,b,report\n1,this,that\n", mapping=mapping)) == {"1": "this"}
    with pytest.raises(IntakeError, match="there is no column 'b'"):
        read("a,report\n1,that\n", mapping=mapping)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found(delimiter: str) -> None:
    content = delimiter.join(["id", "report"]) + "\n" + delimiter.join(["1", '"a, b; c | d\te"']) + "\n"
    assert texts(read(content)) == {"1": "a, b; c | d\te"}


def test_delimiter_is_found_where_text_is_full_of_commas() -> None:
    assert texts(read("id;report\n1;a, b, c\n2;d, e, f\n")) == {"1": "a, b, c", "2": "d, e, f"}


def test_quotes_commas_and_line_ends_in_text_are_kept_exactly() -> None:
    text = 'First "quoted", line\nsecond\r\nthird\rfourth\u2028fifth\x0bsixth '
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["id", "report"], ["1", text], ["2", "x"]])
    assert texts(read(out.getvalue())) == {"1": text, "2": "x"}


@settings(deadline=None)
@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1), max_size=5))
def test_any_text_comes_back_unchanged(reports: list[str]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows([["id", "report"], *enumerate(reports)])
    found = texts(read(out.getvalue()))
    blank = {"", "nan", "none", "null", "na", "n/a", "#n/a", "<na>", "nat"}
    assert found == {str(i): text for i, text in enumerate(reports) if text.strip().casefold() not in blank}


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_any_line_end_divides_rows(line_end: str) -> None:
    assert texts(read(line_end.join(["id,report", "1,a b", "2,c d", ""]))) == {"1": "a b", "2": "c d"}


def test_uneven_rows_are_refused_and_counted_as_a_spreadsheet_counts() -> None:
    rows = read("id,report,note\n1,a,b\n2,c\n3,d,e,f\n4,g,h,,\n\n5,i,j\n")
    assert outcomes(rows) == {2: "read", 3: "too_few_fields", 4: "too_many_fields", 5: "read", 7: "read"}
    assert "line 3: 2 fields, the header has 3" in str(rows[1])


def test_quote_that_is_not_doubled_refuses_its_row_only() -> None:
    rows = read('id,report\n1,"abc"def\n2,"the "big" one"\n3,fine "as is"\n')
    assert outcomes(rows) == {2: "bad_quoting", 3: "bad_quoting", 4: "read"}


def test_quote_that_is_never_closed_ends_the_reading() -> None:
    rows = read('id,report\n1,fine\n2,"open\n3,swallowed\n')
    assert outcomes(rows) == {2: "read", 3: "unclosed_quote"}
    assert "line 3" in str(rows[1])


def test_reading_ends_where_the_next_row_cannot_be_told() -> None:
    rows = read('id,report\n1,"two\nlines" and more\n2,"x\n')
    assert outcomes(rows) == {2: "bad_quoting"}
    assert "nothing after it was read" in str(rows[0])


def test_line_without_end_refuses_the_file() -> None:
    limits = Limits(max_record_chars=10_000)
    with pytest.raises(IntakeError, match="line 2 is longer than 10,000"):
        read("id,report\n1," + "x" * 20_000, limits=limits)


def test_field_limit_of_the_csv_module_does_not_apply() -> None:
    text = "word " * 60_000
    assert texts(read(f'id,report\n1,"{text}"\n')) == {"1": text}


def test_too_many_columns_refuse_the_file() -> None:
    with pytest.raises(IntakeError, match="1,500 columns, at most 1,000"):
        read("id,report," + ",".join(f"c{i}" for i in range(1498)) + "\n")


def test_too_many_rows_refuse_the_file_before_the_first_is_returned() -> None:
    rows = read_reports(io.BytesIO(b"id,report\n1,a\n2,b\n3,c\n"), filename="a.csv", limits=Limits(max_rows=2))
    with pytest.raises(IntakeError, match="more than 2 rows"):
        next(rows)


def test_columns_of_the_same_name_are_told_apart() -> None:
    inspection = inspect_file(io.BytesIO(b"id,report,report,\n1,a,b,c\n"), filename="a.csv")
    assert inspection.columns == ("id", "report", "report (2)", "column 4")


@pytest.mark.parametrize(
    ("codec", "mark", "title"),
    [
        ("utf-8", b"", "UTF-8"),
        ("utf-8", codecs.BOM_UTF8, "UTF-8"),
        ("utf-16-le", codecs.BOM_UTF16_LE, "UTF-16 (little-endian)"),
        ("utf-16-be", codecs.BOM_UTF16_BE, "UTF-16 (big-endian)"),
        ("utf-16-le", b"", "UTF-16 (little-endian)"),
        ("utf-16-be", b"", "UTF-16 (big-endian)"),
        ("utf-32-le", codecs.BOM_UTF32_LE, "UTF-32 (little-endian)"),
        ("cp1252", b"", "Windows-1252"),
    ],
)
def test_encodings_are_told_apart_and_stated(tmp_path: Path, codec: str, mark: bytes, title: str) -> None:
    path = tmp_path / "reports.csv"
    path.write_bytes(mark + 'id,report\n1,"Größe der Leber 14 cm – normal."\n'.encode(codec))
    inspection = inspect_file(path, filename=path.name)
    assert inspection.encoding == title
    assert bool(inspection.notes) is (codec == "cp1252")
    assert texts(list(read_reports(path, filename=path.name))) == {"1": "Größe der Leber 14 cm – normal."}


@pytest.mark.parametrize(
    ("content", "offset"),
    [
        ("id,report\n1,Größe ".encode() + b"\xe9\n", 20),
        (b"id,report\n1,word \x81 word\n", 17),
        (b"id,report\n1," + "Печень".encode("cp1251") + b"\n", 12),
        (b"\xef\xbb\xbfid,report\n1,\xff\n", 15),
        (codecs.BOM_UTF16_LE + "id,report\n".encode("utf-16-le") + b"1", 22),
    ],
)
def test_encoding_that_cannot_be_told_is_refused_with_the_offset(content: bytes, offset: int) -> None:
    with pytest.raises(IntakeError, match=f"the byte at offset {offset} is not") as caught:
        read(content)
    assert caught.value.code == "unknown_encoding"


def test_bad_byte_is_found_across_the_chunks_it_is_read_in() -> None:
    filler = b"a" * (1024 * 1024 - 11) + "é".encode()
    content = b"id,report\n" + filler + b"\xff\xff"
    with pytest.raises(IntakeError, match=f"offset {len(content) - 2:,}"):
        read(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n\n", "is empty"),
        (b"%PDF-1.7\n...", "a PDF file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "old Office file"),
        (b"\n<!DOCTYPE html><table><tr><td>id</td></tr></table>", "an HTML or XML page"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><r/>", "an HTML or XML page"),
        (codecs.BOM_UTF16_LE + "<html>".encode("utf-16-le"), "an HTML or XML page"),
        (b"\x1f\x8b\x08\0", "a gzip archive"),
        (b"\0" * 128 + b"DICM", "a DICOM file"),
        (b"\x89PNG\r\n", "an image"),
    ],
)
def test_file_of_another_kind_is_refused_by_its_content(content: bytes, message: str) -> None:
    with pytest.raises(IntakeError, match=message):
        read(content, "reports.csv")


def test_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(IntakeError, match="larger than 100 bytes"):
        read("id,report\n1," + "x" * 200, limits=Limits(max_file_bytes=100))


def test_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match="No such file"):
        next(read_reports(tmp_path / "none.csv", filename="none.csv"))


def test_pipe_is_read_and_bounded() -> None:
    def piped(limits: Limits) -> list[object]:
        reading, writing = os.pipe()
        content = b"id,report\n" + b"".join(b"%d,some text\n" % i for i in range(100))
        writer = threading.Thread(target=lambda: (os.write(writing, content), os.close(writing)))
        writer.start()
        with os.fdopen(reading, "rb") as stream:
            rows: list[object] = list(read_reports(stream, filename="pipe", limits=limits))
        writer.join()
        return rows

    assert len(piped(Limits())) == 100
    with pytest.raises(IntakeError, match="larger than 50 bytes"):
        piped(Limits(max_file_bytes=50))


def test_inspection_shows_first_rows_and_their_problems() -> None:
    content = "id,report\n" + "".join(f"{i},text {i}\n" for i in range(50)) + "\n"
    inspection = inspect_file(io.BytesIO(content.encode()), filename="a.csv", limits=Limits(preview_rows=3))
    assert [row["id"] for row in inspection.preview] == ["0", "1", "2"]
    inspection = inspect_file(io.BytesIO(b"id,report\n1,\n2,SECRET\n"), filename="a.csv")
    assert [problem.code for problem in inspection.problems] == ["blank_text"]
    assert "SECRET" not in repr(inspection)


def test_published_reading_table_is_no_report_table() -> None:
    inspection = inspect_file(shared_data("leavs/parsing_results_llm_test_amos.csv"), filename="labels.csv")
    assert (inspection.mapping, inspection.missing) == (None, ("text",))


def test_real_notes_are_read_with_their_exact_characters() -> None:
    path = shared_data("reports/lumbar_mri_notes.csv")
    with path.open(newline="", encoding="utf-8") as file:
        expected = {row["patient_id"]: row["report"] for row in csv.DictReader(file)}
    found = texts(list(read_reports(path, filename=path.name)))
    assert len(found) == 515
    assert found == {key: text for key, text in expected.items() if text.strip()}
