"""Label tables: written and read back, safe in a spreadsheet, complete or not there."""

import csv
import io
import json
import os
import re
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.core.intake import IntakeError
from labeling.core.records import CellLabel, LabelSet
from labeling.core.schema import Cell, Schema
from labeling.core.schema_yaml import load_preset
from labeling.core.spans import Span
from labeling.core.tables import (
    FORMATS,
    LabeledReport,
    LabelMeta,
    LabelTable,
    TableError,
    atomic_output,
    merged_schema,
    read_labels,
    write_labels,
)
from labeling.core.tables.cells import neutralise, restore
from labeling.core.tables.leavs import doubled_id, undoubled_id
from labeling.core.values import CODE_OF_STATE, Missing, Value
from tests.shared_data import shared_data

ABDOMEN, SPINE = load_preset("abdomen-ct"), load_preset("spine-mri")

NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]\d+)?")
NASTY = st.text(
    st.one_of(
        st.sampled_from(list("=+-@'\"\t\r\n;,|_\u2028\uff1d\0 ")),
        st.characters(blacklist_categories=["Cs"]),
    ),
    max_size=12,
)
NASTY_ID = NASTY.filter(bool)


def written(reports: list[LabeledReport], schema: Schema, format: str, *, bom: bool = False) -> str:
    out = io.StringIO(newline="")
    assert write_labels(out, reports, schema=schema, format=format, bom=bom) == len(reports)
    return out.getvalue()


def read_back(content: str, schema: Schema, **options: Any) -> LabelTable:
    return read_labels(io.BytesIO(content.encode()), schema=schema, filename="labels.csv", **options)


@st.composite
def cell_labels(draw: Callable[..., Any], *, is_full: bool) -> CellLabel:
    """A cell label with everything that a form without loss keeps."""
    state = draw(st.sampled_from(list(CODE_OF_STATE)))
    urgency = draw(st.sampled_from([None, 0, 1, 2, 3]))
    if not is_full:
        return CellLabel(state, urgency)
    spans = draw(st.lists(st.tuples(st.integers(0, 9999), st.integers(0, 99)), max_size=3))
    return CellLabel(
        state=state,
        urgency=urgency,
        probability=draw(st.none() | st.floats(0, 1)),
        logit_difference=draw(st.none() | st.floats(allow_nan=False, allow_infinity=False)),
        evidence=tuple(Span(start, start + length) for start, length in spans),
        reason=draw(NASTY),
        flags=tuple(draw(st.lists(st.sampled_from(["image_disagrees", "=flag", "x-y"]), max_size=2))),
        image_value=draw(st.none() | st.sampled_from(list(Value))),
    )


@st.composite
def labeled_reports(draw: Callable[..., Any], schema: Schema, *, is_full: bool) -> list[LabeledReport]:
    """Some reports with different ids; cells that are not drawn are not asked."""
    reports = []
    for report_id in draw(st.lists(NASTY_ID, max_size=3, unique=True)):
        cells = draw(st.lists(st.sampled_from(schema.cells), max_size=6, unique=True))
        labels = LabelSet({cell: draw(cell_labels(is_full=is_full)) for cell in cells})
        meta = LabelMeta(
            text_sha256=draw(st.sampled_from([None, "ab12"])),
            revision=draw(st.none() | st.integers(0, 99)),
            active_seconds=draw(st.none() | st.floats(0, 1e6)),
            submitted_at=draw(st.sampled_from([None, "2025-01-02T03:04:05+00:00"])),
            extra=draw(st.sampled_from([{}, {"arm": "blank"}, {"arm": "prefilled"}])),
        )
        reports.append(LabeledReport(report_id, draw(NASTY_ID), labels, meta if is_full else LabelMeta()))
    return reports


def assert_same_cells(first: list[LabeledReport], second: LabelTable, schema: Schema) -> None:
    """Equal labels in every cell; a cell that is left out is one that was not asked."""
    assert second.problems == ()
    assert [report.report_id for report in second.reports] == [report.report_id for report in first]
    for one, other in zip(first, second.reports, strict=True):
        for cell in schema.cells:
            assert other.labels[cell] == one.labels[cell]


@settings(deadline=None)
@given(labeled_reports(SPINE, is_full=True), st.booleans())
def test_json_lines_lose_nothing(reports: list[LabeledReport], bom: bool) -> None:
    table = read_back(written(reports, SPINE, "jsonl", bom=bom), SPINE) if reports else None
    assert table is None or (list(table.reports) == reports and table.problems == ())


@settings(deadline=None)
@given(labeled_reports(SPINE, is_full=True), st.booleans())
def test_long_table_with_raters_loses_nothing(reports: list[LabeledReport], bom: bool) -> None:
    table = read_back(written(reports, SPINE, "long-raters", bom=bom), SPINE)
    assert_same_cells(reports, table, SPINE)
    for one, other in zip(reports, table.reports, strict=True):
        assert (one.rater, one.meta) == (other.rater, other.meta)


@settings(deadline=None)
@given(labeled_reports(SPINE, is_full=True))
def test_long_table_keeps_values_urgency_probability_and_evidence(reports: list[LabeledReport]) -> None:
    kept = [
        replace(
            report,
            labels=LabelSet(
                {
                    cell: replace(label, logit_difference=None, reason="", flags=(), image_value=None)
                    for cell, label in report.labels.cells.items()
                }
            ),
        )
        for report in reports
    ]
    assert_same_cells(kept, read_back(written(reports, SPINE, "long"), SPINE), SPINE)


@settings(deadline=None)
@given(labeled_reports(ABDOMEN, is_full=False))
def test_leavs_table_loses_only_that_an_answer_was_unreadable(reports: list[LabeledReport]) -> None:
    kept = [
        replace(
            report,
            labels=LabelSet(
                {
                    cell: replace(label, state=Missing.NOT_ASKED) if label.state is Missing.UNREADABLE else label
                    for cell, label in report.labels.cells.items()
                }
            ),
        )
        for report in reports
    ]
    assert_same_cells(kept, read_back(written(reports, ABDOMEN, "leavs"), ABDOMEN), ABDOMEN)


@settings(deadline=None)
@given(labeled_reports(ABDOMEN, is_full=False))
def test_wide_table_read_and_written_again_stays_the_same(reports: list[LabeledReport]) -> None:
    content = written(reports, ABDOMEN, "leavs-wide")
    table = read_back(content, ABDOMEN)
    assert table.problems == ()
    rows = list(csv.reader(io.StringIO(content, newline="")))[1:]
    merged = merged_schema(ABDOMEN)
    for report, labels, urgency in zip(table.reports, rows[::2], rows[1::2], strict=True):
        cells = [report.labels[cell] for cell in merged.cells]
        expected = {Value.PRESENT: "1", Value.ABSENT: "0", Missing.NOT_ASKED: ""}
        assert labels[4:] == [expected[label.state] for label in cells]
        assert urgency[4:] == ["" if label.urgency is None else str(label.urgency) for label in cells]


@settings(deadline=None)
@given(NASTY)
def test_neutralised_text_begins_no_formula_and_is_restored(text: str) -> None:
    safe = neutralise(text)
    assert restore(safe) == text
    for piece in safe.replace(";", "\t").split("\t"):
        assert not piece.startswith(("=", "+", "-", "@", "\r", "\n", "\uff1d"))


@settings(deadline=None)
@given(labeled_reports(SPINE, is_full=True), st.sampled_from(sorted(FORMATS)))
def test_no_text_cell_of_any_csv_begins_a_formula(reports: list[LabeledReport], format: str) -> None:
    if format == "jsonl":
        return
    for row in csv.reader(io.StringIO(written(reports, SPINE, format), newline="")):
        for cell in row:
            assert NUMBER.fullmatch(cell) or not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_labels_stay_numbers() -> None:
    labels = LabelSet({Cell("liver", "focal"): CellLabel(Value.POSSIBLE, 2)})
    lines = written([LabeledReport("=1+1", "rules", labels)], ABDOMEN, "leavs").splitlines()
    assert lines[0] == (
        "subjectid_studyid,organ,type_annotation,normal,absent,adjacent,quality,postsurgical,anatomy,device,enlarged,"
        "atrophy,diffuse,focal"
    )
    assert "'=1+1_=1+1,liver,labels,,,,,,,,,,,-1" in lines
    assert "'=1+1_=1+1,liver,urgency,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,2" in lines


def test_long_table_has_exactly_its_seven_columns() -> None:
    labels = LabelSet(
        {Cell("L4-L5", "stenosis"): CellLabel(Value.PRESENT, None, 0.25, None, (Span(0, 5), Span(9, 12)))}
    )
    lines = written([LabeledReport('a,"b"', "rules", labels)], SPINE, "long").split("\r\n")
    assert lines[0] == "report_id,target,finding,value,urgency,probability,evidence"
    assert '"a,""b""",L4-L5,stenosis,present,,0.25,"0-5;9-12"' in lines
    assert '"a,""b""",spine,cancer,not_asked,,,' in lines


def test_json_line_quotes_its_evidence_when_it_has_the_text() -> None:
    labels = LabelSet({Cell("spine", "stenosis"): CellLabel(Value.PRESENT, evidence=(Span(4, 12),))})
    report = LabeledReport("R1", "rules", labels, text="The stenosis.")
    entry = json.loads(written([report], SPINE, "jsonl"))
    assert entry["cells"]["spine|stenosis"]["evidence"] == [{"start": 4, "end": 12, "quote": "stenosis"}]
    assert entry["schema"] == {"name": "spine-mri", "version": 1, "hash": SPINE.hash}


@pytest.mark.parametrize(
    ("report_id", "pair"), [("a", "a_a"), ("a_a", "a_a_a_a"), ("./x/y.gz", "./x/y.gz_./x/y.gz"), ("_", "___")]
)
def test_published_id_is_the_id_twice(report_id: str, pair: str) -> None:
    assert doubled_id(report_id) == pair
    assert undoubled_id(pair) == report_id


def test_ids_that_are_not_all_pairs_are_kept_as_they_stand() -> None:
    header = "subjectid_studyid,organ,type_annotation,focal\r\n"
    table = read_back(header + "a_a,liver,labels,1\r\nb,liver,labels,0\r\n", ABDOMEN)
    assert [report.report_id for report in table.reports] == ["a_a", "b"]


def test_two_raters_need_a_form_that_tells_them_apart() -> None:
    reports = [LabeledReport("R1", rater, LabelSet()) for rater in ("A", "B")]
    for format in ("leavs", "long"):
        with pytest.raises(TableError, match="labels of more than one rater"):
            written(reports, SPINE, format)
    for format in ("long-raters", "leavs-wide", "jsonl"):
        assert {report.rater for report in read_back(written(reports, SPINE, format), SPINE).reports} == {"A", "B"}


def test_revisions_of_one_reader_stay_apart() -> None:
    reports = [LabeledReport("R1", "A", LabelSet(), LabelMeta(revision=revision)) for revision in (1, 2)]
    for format in ("long-raters", "jsonl"):
        found = read_back(written(reports, SPINE, format), SPINE).reports
        assert [report.meta.revision for report in found] == [1, 2]


LEAVS_HEADER = "subjectid_studyid,organ,type_annotation,focal,diffuse\r\n"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("R1,liver,labels,2,0", "'2', expected is one of 1, -1, 0, -2, -3"),
        ("R1,liver,labels,yes,0", "'yes', expected is one of"),
        ("R1,liver,urgency,8,0", "urgency is '8', expected is one of 0, 1, 2, 3, -1"),
        ("R1,heart,labels,1,0", "'heart' is not one of spleen, liver"),
        ("R1,liver,severity,1,0", "type_annotation is 'severity'"),
        ("R1,liver,labels,1", "4 fields, the header has 5"),
        ("R1,liver,labels,1,0,0", "more fields, the header has 5"),
        ("R1,spleen,labels,0,0", "two rows say different things"),
        ("R1,liver,labels,nan,0", "'nan', expected is one of"),
    ],
)
def test_report_with_a_row_that_cannot_be_read_is_left_out(row: str, message: str) -> None:
    content = LEAVS_HEADER + f"R1,spleen,labels,1,0\r\nR2,liver,labels,1.0,0.0\r\n{row}\r\n"
    table = read_back(content, ABDOMEN)
    assert [report.report_id for report in table.reports] == ["R2"]
    (problem,) = table.problems
    assert (problem.row, problem.report_id) == (4, "R1")
    assert message in problem.message


def test_report_with_a_doubled_id_is_left_out_as_a_whole() -> None:
    table = read_back(LEAVS_HEADER + "R1_R1,spleen,labels,1,0\r\nR1_R1,liver,labels,7,0\r\n", ABDOMEN)
    assert table.reports == ()
    assert [problem.report_id for problem in table.problems] == ["R1"]


def test_table_with_broken_quotes_is_refused() -> None:
    with pytest.raises(IntakeError, match="is never closed"):
        read_back(LEAVS_HEADER + 'R1,liver,labels,1,0\r\n"R2,liver,labels,1,0\r\n', ABDOMEN)


def test_row_that_stands_twice_is_reported_and_counted_once() -> None:
    table = read_back(LEAVS_HEADER + "R1,liver,labels,1,0\r\nR1,liver,labels,1,0\r\n", ABDOMEN)
    assert [problem.code for problem in table.problems] == ["duplicate"]
    assert len(table.reports) == 1


def test_cell_that_the_schema_does_not_have_is_a_problem_when_it_says_something() -> None:
    header = "subjectid_studyid,organ,type_annotation,cancer\r\n"
    table = read_back(header + "R1,L4-L5,labels,\r\nR2,L4-L5,labels,1\r\n", SPINE)
    assert [report.report_id for report in table.reports] == ["R1"]
    assert "has no such cell" in table.problems[0].message


LONG_HEADER = "report_id,target,finding,value,urgency,probability,evidence\r\n"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("R1,spine,cancer,maybe,,,", "'maybe' is not one of present, possible"),
        ("R1,spine,cancer,present,,1.5,", "probability is '1.5', expected is a number from 0 to 1"),
        ("R1,spine,cancer,present,,nan,", "probability is 'nan'"),
        ("R1,spine,cancer,present,,,5", "evidence '5' is not a range"),
        ("R1,spine,cancer,present,,,9-5", "evidence '9-5' is not a range"),
        ("R1,neck,cancer,present,,,", "has no cell 'neck|cancer'"),
        ("R1,spine,cancer,present,4,,", "urgency is '4'"),
    ],
)
def test_long_row_that_cannot_be_read_says_what_was_seen(row: str, message: str) -> None:
    table = read_back(LONG_HEADER + row + "\r\n", SPINE)
    assert table.reports == ()
    assert message in table.problems[0].message


def test_long_row_with_an_image_value_that_is_none_is_left_out() -> None:
    content = LONG_HEADER.replace("evidence", "evidence,image_value") + "R1,spine,cancer,present,,,,not_asked\r\n"
    table = read_back(content, SPINE)
    assert table.reports == ()
    assert "'not_asked' is not one of present, possible, absent" in table.problems[0].message


RATERS_HEADER = LONG_HEADER.replace("evidence", "evidence,revision")


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (",1.5", "revision is '1.5', expected is a whole number from 0 to 1000000000"),
        (",-1", "revision is '-1'"),
        (",1e300", "revision is '1e300'"),
        (",nan", "revision is 'nan'"),
        (f"{'9' * 5000}-{'9' * 5001},1", "is not a range of characters"),
    ],
)
def test_bad_number_is_refused_in_little_memory(cells: str, message: str) -> None:
    tracemalloc.start()
    table = read_back(f"{RATERS_HEADER}R1,spine,cancer,present,,,{cells}\r\n", SPINE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert table.reports == ()
    assert message in table.problems[0].message
    assert peak < 5_000_000


@pytest.mark.parametrize(
    "line",
    [
        "5",
        '{"revision": ' + "9" * 5000 + "}",
        "[" * 100_000,
        '{"format": NaN}',
        '{"format": 1e999}',
    ],
)
def test_hostile_line_is_a_problem_and_the_next_is_read(line: str) -> None:
    table = read_back("{}\n" + line + "\n" + jsonl_line(report_id="R2"), SPINE)
    assert [report.report_id for report in table.reports] == ["R2"]
    assert [problem.row for problem in table.problems] == [1, 2]


@pytest.mark.parametrize("changes", [{"cells": []}, {"cells": {"spine|cancer": 5}}, {"extra": []}, {"schema": 1}])
def test_json_line_of_another_shape_is_a_problem(changes: dict[str, Any]) -> None:
    table = read_back(jsonl_line(**changes), SPINE)
    assert (table.reports, len(table.problems)) == ((), 1)


def jsonl_line(**changes: Any) -> str:
    labels = LabelSet({Cell("spine", "cancer"): CellLabel(Value.PRESENT)})
    entry = json.loads(written([LabeledReport("R1", "rules", labels)], SPINE, "jsonl"))
    return json.dumps({**entry, **changes}) + "\n"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "format is 2, this version reads 1"),
        ({"report_id": 5}, "report_id is int, expected is str"),
        ({"schema": {"name": "x", "version": 1, "hash": "0"}}, "made with schema 'x' version 1"),
        ({"cells": {"spine|gout": {"value": "present"}}}, "has no cell 'spine|gout'"),
        ({"cells": {"spine|cancer": {"value": "perhaps"}}}, "'perhaps' is not one of"),
        ({"cells": {"spine|cancer": {"value": "present", "urgency": 7}}}, "urgency is 7"),
        ({"cells": {"spine|cancer": {"value": "present", "urgency": True}}}, "urgency is True"),
        ({"cells": {"spine|cancer": {"value": "present", "mood": 1}}}, "unknown key 'mood'"),
        ({"cells": {"spine|cancer": {"value": "present", "image_value": "unreadable"}}}, "'unreadable' is not one of"),
        ({"cells": {"spine|cancer": {"value": "present", "image_value": 0}}}, "image_value is int, expected is str"),
        ({"cells": {"spine|cancer": {"value": "present", "evidence": [{"start": 3, "end": 1}]}}}, "from 3 to 1"),
        ({"active_seconds": "ten"}, "active_seconds is not a finite number"),
        ({"revision": 1.5}, "revision is 1.5"),
    ],
)
def test_json_line_that_cannot_be_read_says_what_was_seen(changes: dict[str, Any], message: str) -> None:
    table = read_back(jsonl_line(**changes) + jsonl_line(report_id="R2"), SPINE)
    assert [report.report_id for report in table.reports] == ["R2"]
    (problem,) = table.problems
    assert problem.row == 1
    assert message in problem.message


def test_json_line_that_stands_twice_counts_once_and_one_that_differs_not_at_all() -> None:
    other = jsonl_line(report_id="R2", cells={"spine|cancer": {"value": "absent"}})
    table = read_back(jsonl_line() * 2 + jsonl_line(report_id="R2") + other, SPINE)
    assert [report.report_id for report in table.reports] == ["R1"]
    assert [(problem.row, problem.code) for problem in table.problems] == [(2, "duplicate"), (4, "conflicting_id")]


def test_json_line_that_is_cut_off_is_reported() -> None:
    table = read_back(jsonl_line() + jsonl_line()[:40], SPINE)
    assert len(table.reports) == 1
    assert table.problems[0].code == "bad_json"


def test_other_files_are_no_label_tables() -> None:
    with pytest.raises(IntakeError, match="this is not a label table"):
        read_back("id,report\n1,x\n", SPINE)


def test_numbers_that_are_not_finite_are_not_written() -> None:
    labels = LabelSet({Cell("spine", "cancer"): CellLabel(Value.PRESENT, probability=float("nan"))})
    for format in ("long", "jsonl"):
        with pytest.raises(TableError, match="finite"):
            written([LabeledReport("R1", "m", labels)], SPINE, format)


def test_unknown_format_is_refused() -> None:
    with pytest.raises(TableError, match="'xls' is not one of leavs"):
        written([], SPINE, "xls")


def test_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("old")
    path.chmod(0o640)

    def write_half() -> None:
        with atomic_output(path) as out:
            out.write("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["labels.csv"]
    with atomic_output(path) as out:
        out.write("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["labels.csv"]


def test_output_follows_a_link_and_leaves_devices_alone(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    with atomic_output(tmp_path / "link.csv") as out:
        out.write("x")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "x"
    with atomic_output("/dev/null") as out:
        out.write("x")
    assert not Path("/dev/null").is_file()


def test_byte_order_mark_only_on_request(tmp_path: Path) -> None:
    for bom in (False, True):
        write_labels(tmp_path / "l.csv", [], schema=SPINE, format="long", bom=bom)
        assert (tmp_path / "l.csv").read_bytes().startswith(b"\xef\xbb\xbf") is bom


def test_published_table_is_read_and_written_without_loss() -> None:
    path = shared_data("leavs/parsing_results_llm_test_amos.csv")
    table = read_labels(path, schema=ABDOMEN, filename=path.name, rater="leavs")
    assert (len(table.reports), table.problems) == (200, ())
    assert table.reports[0].report_id == "./imagesVa/amos_5001.nii.gz"
    content = written(list(table.reports), ABDOMEN, "leavs")
    published = path.read_bytes().decode().splitlines(keepends=True)
    ours = content.splitlines(keepends=True)
    assert len(ours) == len(published) == 3601
    assert ours[0] == published[0]
    assert sorted(ours) == sorted(published)


def test_published_readings_are_read_and_written_without_loss() -> None:
    path = shared_data("leavs/amos_test_annotations.csv")
    table = read_labels(path, schema=ABDOMEN, filename=path.name)
    assert (len(table.reports), table.problems) == (600, ())
    assert len({report.report_id for report in table.reports}) == 200
    merged = merged_schema(ABDOMEN)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    out = list(csv.DictReader(io.StringIO(written_wide(table), newline="")))

    def content(row: dict[str, str]) -> dict[str, str]:
        return {column: value.removesuffix(".0") for column, value in row.items()}

    def key(row: dict[str, str]) -> tuple[str, str, str]:
        return row["image1"], row["labeler"], row["type_annotation"]

    assert len(merged.cells) == 45
    assert sorted(map(content, out), key=key) == sorted(map(content, rows), key=key)


def written_wide(table: LabelTable) -> str:
    """A wide table of what was read from one: the merged cells written under the names of the published columns."""
    members = {"postsurgical_absent": "postsurgical", "enlarged_atrophy": "enlarged"}
    reports = [
        replace(
            report,
            labels=LabelSet(
                {
                    Cell(cell.target, members.get(cell.finding, cell.finding)): label
                    for cell, label in report.labels.cells.items()
                }
            ),
        )
        for report in table.reports
    ]
    return written(reports, ABDOMEN, "leavs-wide")


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
@pytest.mark.parametrize("before", ["", "a;", "a\t", "'"])
def test_no_sign_opens_a_formula_wherever_a_spreadsheet_may_divide_the_cell(sign, before):
    text = f"{before}{sign}cmd"
    safe = neutralise(text)
    assert f"'{sign}cmd" in safe
    assert safe != text
    assert restore(safe) == text
