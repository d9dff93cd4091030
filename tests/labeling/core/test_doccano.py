"""doccano's exports: what they say of cells, who said it, and what is refused rather than guessed.

The files are written here in the forms that doccano's export writes: JSON Lines of classification and of sequence
labeling, with and without relations, and a ZIP with a file for each member.
"""

import io
import json
import zipfile
from typing import Any

import pytest

from labeling.core.intake import IntakeError
from labeling.core.schema import Cell
from labeling.core.schema_yaml import load_preset
from labeling.core.spans import Span
from labeling.core.tables import LabelTable, parse_mapping, read_labels
from labeling.core.values import Missing, Value

ABDOMEN = load_preset("abdomen-ct")
LIVER = Cell("liver", "focal")
SPLEEN = Cell("spleen", "enlarged")
TEXT = "The liver has a cyst. Spleen normal."
PRESENT = {"selected": "present"}


def lines(*entries: Any) -> bytes:
    return b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)


def entry(report_id: str = "R1", **more: Any) -> dict[str, Any]:
    return {"id": 7, "text": TEXT, "report_id": report_id, **more, "Comments": more.get("Comments", [])}


def archive(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(f"{name}.jsonl", data)
    return content.getvalue()


def read(content: bytes, mapping: Any = None) -> LabelTable:
    chosen = parse_mapping(json.dumps(PRESENT if mapping is None else mapping))
    return read_labels(io.BytesIO(content), schema=ABDOMEN, filename="all.jsonl", mapping=chosen, rater="ann")


def refusal(content: bytes, mapping: Any = None) -> str:
    table = read(content, mapping)
    assert table.reports == ()
    (problem,) = table.problems
    return problem.message


def test_labels_of_a_text_are_values_of_cells() -> None:
    table = read(lines(entry(label=["liver|focal", "spleen__enlarged__absent"])))
    (report,) = table.reports
    assert (table.format, report.report_id, report.rater) == ("doccano", "R1", "ann")
    assert report.labels[LIVER].state is Value.PRESENT
    assert report.labels[SPLEEN].state is Value.ABSENT
    assert report.labels[Cell("pancreas", "focal")].state is Missing.NOT_ASKED


@pytest.mark.parametrize(
    "labels",
    [
        {"label": [[4, 20, "liver|focal"]]},
        {"entities": [{"id": 3, "label": "liver|focal", "start_offset": 4, "end_offset": 20}], "relations": []},
    ],
)
def test_spans_are_evidence_for_their_cells(labels: dict[str, Any]) -> None:
    (report,) = read(lines(entry(**labels))).reports
    assert report.labels[LIVER].evidence == (Span(4, 20),)  # "liver has a cyst"


def test_text_and_spans_may_be_labeled_together() -> None:
    (report,) = read(lines(entry(cats=["spleen|enlarged|absent"], entities=[[4, 20, "liver|focal"]]))).reports
    assert (report.labels[SPLEEN].state, report.labels[LIVER].state) == (Value.ABSENT, Value.PRESENT)


def test_each_file_of_an_archive_is_of_the_person_it_is_named_after() -> None:
    content = archive(bob=lines(entry(label=["liver|focal"])), eve=lines(entry(label=["spleen|enlarged"])), empty=b"")
    table = read(content)
    assert [(report.rater, *map(str, report.labels.cells)) for report in table.reports] == [
        ("bob", "liver|focal"),
        ("eve", "spleen|enlarged"),
    ]


def test_file_of_everybody_together_names_nobody() -> None:
    (report,) = read(archive(all=lines(entry(label=["liver|focal"])))).reports
    assert report.rater == "ann"


def test_array_of_entries_is_read_like_lines() -> None:
    (report,) = read(json.dumps([entry(label=["liver|focal"])]).encode()).reports
    assert report.labels[LIVER].state is Value.PRESENT


def test_cells_of_which_nothing_is_said_have_the_value_that_the_mapping_states() -> None:
    table = read(lines(entry(label=["liver|focal"]), entry("R2", label=[])), PRESENT | {"unsaid": "not_mentioned"})
    (report,) = table.reports
    assert [report.labels[cell].state for cell in ABDOMEN.cells].count(Value.NOT_MENTIONED) == len(ABDOMEN.cells) - 1
    assert table.notes == ("entries without a label, left out: 1",)


def test_entry_without_labels_counts_when_the_mapping_says_that_it_was_read() -> None:
    mapping = {"unsaid": "absent", "empty": True}
    (report,) = read(lines(entry(label=[])), mapping).reports
    assert {label.state for label in report.labels.cells.values()} == {Value.ABSENT}


def test_comments_are_kept_and_relations_counted() -> None:
    table = read(lines(entry(label=["liver|focal"], Comments=["Is it?", "Yes."], relations=[{"id": 1}])))
    assert table.reports[0].meta.extra == {"body": {"case": {"comment": "Is it?\nYes."}}}
    assert table.notes == ("entries with relations, which are not read: 1",)


def test_own_number_of_an_entry_is_no_report() -> None:
    message = refusal(lines({"id": 7, "text": TEXT, "label": ["liver|focal"]}))
    assert message == "entry 1: no field of its data names the report; there are: 'text'"


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (["heart|focal"], "the label 'heart|focal' is no cell of the schema"),
        ([[4, 20, "heart"]], "the label 'heart' is no cell of the schema"),
        ([[4, 90, "liver|focal"]], "the range 4 to 90 may lie in two places, or outside"),
        ([[4, 20]], "neither a name nor a start, an end and a name"),
        ([None], "neither a name nor a start, an end and a name"),
    ],
)
def test_label_that_cannot_be_read_refuses_the_entry_with_the_reason(labels: list[Any], reason: str) -> None:
    message = refusal(lines(entry(label=labels)))
    assert message.startswith("entry 1, report 'R1': ")
    assert reason in message


def test_label_without_a_value_is_refused() -> None:
    assert "nothing says which value it has" in refusal(lines(entry(label=["liver|focal"])), {})


def test_line_that_is_no_entry_is_refused_and_the_others_stay() -> None:
    table = read(lines(entry(label=["liver|focal"])) + b"{\n" + lines({"text": TEXT}))
    assert len(table.reports) == 1
    assert [problem.message for problem in table.problems] == [
        "entry 2 is no entry of doccano",
        "entry 3 is no entry of doccano",
    ]


def test_one_person_who_says_two_things_of_a_report_says_neither() -> None:
    table = read(lines(entry(label=["liver|focal"]), entry(label=["spleen|enlarged"])))
    assert table.reports == ()
    assert "different things" in table.problems[0].message


@pytest.mark.parametrize("content", [archive(), archive(bob=b"")])
def test_archive_without_entries_is_refused(content: bytes) -> None:
    with pytest.raises(IntakeError, match=r"holds no entries"):
        read(content)


def test_archive_of_other_files_is_refused() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("report.txt", TEXT)
    with pytest.raises(IntakeError, match=r"holds 'report\.txt'; .* doccano's exports only"):
        read(content.getvalue())
