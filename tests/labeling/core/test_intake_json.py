"""JSON Lines, JSON documents, and the layout of AMOS-MM."""

import io
import json
import tracemalloc
from collections.abc import Iterator

import pytest

from labeling.core.intake import IntakeError, Limits, ReportRow, inspect_file, read_reports
from labeling.core.intake.json_files import report_text
from tests.labeling.core.intake_tools import outcomes, read, texts


def test_json_lines_are_read_line_by_line() -> None:
    rows = read('{"id": "a", "report": "x\\ny"}\n\n{"id": 2, "report": "z", "age": 61}\n', "r.jsonl")
    assert texts(rows) == {"a": "x\ny", "2": "z"}
    assert isinstance(rows[1], ReportRow)
    assert (rows[1].row, dict(rows[1].extra)) == (3, {"age": "61"})


def test_line_that_is_not_json_refuses_that_line() -> None:
    rows = read('{"id": 1, "report": "x"}\n{"id": 2, "rep\n[1, 2]\n"text"\n{"id": 5, "report": "y"}', "r.jsonl")
    assert outcomes(rows) == {1: "read", 2: "bad_json", 3: "not_a_report", 4: "not_a_report", 5: "read"}


def test_json_lines_without_their_suffix_are_told_from_a_document() -> None:
    lines = '{"id": 1, "report": "x"}\n{"id": 2, "report": "y"}\n'
    assert inspect_file(io.BytesIO(lines.encode()), filename="reports.txt").format == "jsonl"
    assert inspect_file(io.BytesIO(b'{"id": 1, "report": "x"}'), filename="a.json").format == "jsonl"
    assert inspect_file(io.BytesIO(b'{"R1": "x"}'), filename="a.json").format == "json"


def test_array_of_objects_is_read() -> None:
    document = json.dumps([{"id": "a", "report": "x"}, {"id": "b", "report": None}, "text", {"id": "c"}], indent=1)
    assert outcomes(read(document, "r.json")) == {1: "read", 2: "blank_text", 3: "not_a_report", 4: "blank_text"}


def test_object_keyed_by_report_id_is_read() -> None:
    document = {
        "R1": "one",
        "R2": {"report": "two", "patient_id": "P"},
        "R3": {"findings": {"liver": "three"}},
        "R4": 5,
    }
    rows = read(json.dumps(document), "r.json")
    assert texts(rows) == {"R1": "one", "R2": "two", "R3": "findings:\n\nliver:\nthree\n\n", "R4": "5"}


def test_numbers_keep_their_digits() -> None:
    rows = read('[{"id": 12345678901234567890123, "report": "x"}, {"id": 7.10, "report": "y"}]', "r.json")
    assert texts(rows) == {"12345678901234567890123": "x", "7.10": "y"}


def test_lone_surrogate_cannot_be_stored() -> None:
    assert outcomes(read('[{"id": 1, "report": "a\\ud800b"}, {"id": 2, "report": "\\ud83d\\ude00"}]', "r.json")) == {
        1: "unstorable_character",
        2: "read",
    }


@pytest.mark.parametrize("missing", ["null", "NaN", '""', '"nan"', "[]", "{}", '{"findings": {"liver": ""}}'])
def test_missing_report_is_blank_and_never_the_word_nan(missing: str) -> None:
    assert outcomes(read(f'[{{"id": 1, "report": {missing}}}]', "r.json")) == {1: "blank_text"}


AMOS = {
    "name": "AMOS-MM",
    "labels": {"0": "background"},
    "numTraining": 2,
    "training": [
        {
            "image": "./imagesTr/amos_0001.nii.gz",
            "meta": {"sex": "M"},
            "labels": {
                "qa": [{"question": "?", "answer": "A"}],
                "report": {
                    "findings": {"chest": "", "abdomen": ["Liver normal.", "Spleen normal."], "pelvis": "No fluid."},
                    "impression": {"abdomen": "Normal."},
                },
            },
        },
        {"image": "./imagesTr/amos_0002.nii.gz"},
    ],
    "validation": [{"image": "./imagesVa/amos_5001.nii.gz", "labels": {"report": {"findings": {"abdomen": "x"}}}}],
    "testing": [{"image": "./imagesTs/amos_9001.nii.gz", "labels": {"report": None}}],
}


def test_amos_mm_becomes_the_text_that_leavs_makes_of_it() -> None:
    rows = read(json.dumps(AMOS), "dataset.json")
    assert outcomes(rows) == {1: "read", 2: "blank_text", 3: "read", 4: "blank_text"}
    # By hand from METHODS A.3 and convert_amos.py.
    assert texts(rows)["./imagesTr/amos_0001.nii.gz"] == (
        "findings:\n\nabdomen:\nLiver normal. Spleen normal.\npelvis:\nNo fluid.\n\n"
        "impression:\n\nabdomen:\nNormal.\n\n"
    )


def test_section_that_is_plain_text_is_kept() -> None:
    assert (
        report_text({"findings": "Liver normal.", "impression": None})
        == "findings:\n\nLiver normal.\n\nimpression:\n\n\n"
    )


@pytest.mark.parametrize(
    "document",
    ["[1, 2", '{"a": "b"', '{"a" "b"}', "[}", '[{"id": 1}] x', '{"R1": "x",}', "{'R1': 'x'}", "[" * 100_000],
)
def test_document_that_is_not_json_is_refused_with_its_place(document: str) -> None:
    with pytest.raises(IntakeError, match="not JSON that can be read: at character"):
        read(document, "r.json")


def test_deeply_nested_line_is_refused_alone() -> None:
    content = '{"id": 1, "report": "x"}\n' + "[" * 200_000 + "\n"
    assert outcomes(read(content, "r.jsonl")) == {1: "read", 2: "bad_json"}


def test_value_longer_than_a_record_is_refused() -> None:
    with pytest.raises(IntakeError, match="longer than 100,000 characters"):
        read('[{"id": 1, "report": "' + "x" * 300_000 + '"}]', "r.json", limits=Limits(max_record_chars=100_000))


def test_empty_document_is_refused() -> None:
    for document in ("[]", "{}", '{"training": []}'):
        with pytest.raises(IntakeError, match="holds no records"):
            read(document, "r.json")


def test_large_array_is_not_held_in_memory() -> None:
    content = json.dumps([{"id": i, "report": "word " * 300} for i in range(10_000)]).encode()
    tracemalloc.start()
    rows: Iterator[object] = read_reports(io.BytesIO(content), filename="r.json")
    assert sum(1 for _ in rows) == 10_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6_000_000 < len(content)
