"""What makes a row a report that can be imported, whatever file it stands in."""

import pytest

from labeling.core.intake import Limits, ProblemCode, RowProblem
from tests.labeling.core.intake_tools import outcomes, read, texts


def test_identical_row_that_stands_twice_is_imported_once() -> None:
    rows = read("id,report\n1,same\n2,other\n1,same\n")
    assert outcomes(rows) == {2: "read", 3: "read", 4: "duplicate"}


@pytest.mark.parametrize("second", ["1,another,P1", "1,same,P2"])
def test_id_of_different_reports_imports_none_of_them(second: str) -> None:
    rows = read(f"id,report,patient_id\n1,same,P1\n2,other,P1\n{second}\n1,same,P1\n")
    assert outcomes(rows) == {2: "conflicting_id", 3: "read", 4: "conflicting_id", 5: "conflicting_id"}


@pytest.mark.parametrize("text", ["", "   ", "nan", "NaN", "None", "NULL", " null ", "N/A", '"\n \n"'])
def test_blank_report_and_written_out_missing_value_are_not_imported(text: str) -> None:
    assert outcomes(read(f"id,report\n1,{text}\n2,x\n")) == {2: "blank_text", 3: "read"}


def test_row_of_empty_fields_is_passed_over() -> None:
    assert outcomes(read("id,report,x\n,,\n1,a,b\n,,\n")) == {3: "read"}


@pytest.mark.parametrize(
    ("report_id", "code"),
    [
        ("", "missing_id"),
        ("  ", "missing_id"),
        ("nan", "missing_id"),
        ("x" * 201, "bad_id"),
        ("1\x002", "bad_id"),
        ('"1\n2"', "bad_id"),
        ("1.23457E+11", "damaged_id"),
        ("1,23457e+11", "damaged_id"),
    ],
)
def test_row_without_a_usable_id_is_refused(report_id: str, code: str) -> None:
    quoted = f'"{report_id}"' if "," in report_id else report_id
    assert outcomes(read(f"id,report\n{quoted},text\n2,x\n"))[2] == code


def test_blanks_around_an_id_do_not_count() -> None:
    assert outcomes(read("id,report\n 1 ,a\n1,a\n")) == {2: "read", 3: "duplicate"}


def test_nul_in_text_or_another_column_is_refused_with_its_position() -> None:
    rows = read("id,report,note\n1,ab\0c,x\n2,ok,y\0\n3,ok,z\n")
    assert outcomes(rows) == {2: "unstorable_character", 3: "unstorable_character", 4: "read"}
    assert "a NUL character at position 2" in str(rows[0])
    assert "column 'note'" in str(rows[1])


def test_patient_study_and_modality_are_as_short_as_ids() -> None:
    rows = read(f"id,report,mrn\n1,a,{'x' * 201}\n2,b,{'x' * 200}\n")
    assert outcomes(rows) == {2: "bad_value", 3: "read"}


def test_column_names_that_cannot_be_stored_refuse_their_rows() -> None:
    rows = read('{"id": 1, "report": "x", "a\\u0000": "y"}\n{"id": 2, "report": "x", "b": "y"}\n', "r.jsonl")
    assert outcomes(rows) == {1: "unstorable_character", 2: "read"}


def test_problem_never_carries_an_id_or_message_that_cannot_be_stored() -> None:
    for report_id in ("a\0", "\udcff", "x" * 201):
        assert RowProblem(1, ProblemCode.BAD_ID, "m", report_id).report_id is None
    assert len(RowProblem(1, ProblemCode.BAD_ID, "m" * 9_999).message) < 600


def test_text_beyond_the_limit_is_refused_not_cut() -> None:
    limits = Limits(max_text_chars=10)
    rows = read(f"id,report\n1,{'x' * 11}\n2,{'x' * 10}\n", limits=limits)
    assert outcomes(rows) == {2: "text_too_long", 3: "read"}
    assert "11 characters, at most 10" in str(rows[0])


def test_messages_name_the_report_and_never_quote_it() -> None:
    secret = "SECRETTEXT"
    content = f'id,report\nR1,{secret}\0\nR2,{secret},{secret}\nR3,{secret}\nR3,{secret}2\nR4,"{secret}"{secret}\n'
    rows = read(content)
    assert len(rows) == 5
    assert not texts(rows)
    for row in rows:
        assert secret not in str(row)
        assert secret not in repr(row)


def test_report_row_does_not_show_its_text_when_printed() -> None:
    assert "SECRET" not in repr(read("id,report,x\n1,SECRET,SECRET\n"))


@pytest.mark.parametrize("unseen", ["\u202e", "\u200b", "\u2066", "\x85", "\u2028", "\ufeff"])
def test_id_with_a_character_nobody_sees_is_refused(unseen: str) -> None:
    content = f"id,report\nA{unseen}1,text one\nA1,text two\n".encode()
    rows = read(content)
    assert [getattr(row, "code", row.report_id) for row in rows] == ["bad_id", "A1"]
