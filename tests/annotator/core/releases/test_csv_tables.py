"""Gold as CSV."""

import csv
import io

import pytest

from annotator.core.releases.csv_tables import LONG_COLUMNS, long_lines, read_long, wide_lines
from annotator.core.releases.records import ReleaseError
from labeling.core.schema import Cell
from labeling.core.schema_yaml import load_preset, preset_source
from labeling.core.tables import read_labels
from labeling.core.values import Missing, Value
from tests.annotator.core.releases.samples import CELLS, SCHEMA, case, contents


def written(tmp_path, made):
    path = tmp_path / "gold-long.csv"
    path.write_text("".join(long_lines(made)), encoding="utf-8", newline="")
    return path


def test_long_table_reads_back_what_was_released(tmp_path):
    rows = list(read_long(written(tmp_path, contents())))
    assert len(rows) == 3 * len(CELLS)
    first, undecided, evil = rows[0], rows[2], rows[4]
    assert (first.report_id, first.cell, first.value, first.urgency) == ("R1", Cell("liver", "focal"), "present", 2)
    assert (first.evidence, first.split, first.patient_key) == (((16, 26),), "train", "p1")
    assert (first.origin, first.n_voices, first.n_agreeing) == ("double blind", 2, 2)
    assert (undecided.value, undecided.urgency, undecided.origin) == (None, None, "undecided")
    assert evil.report_id == "=cmd|'/c calc'!A1"


def test_label_imports_read_a_long_table_without_undecided_cells(tmp_path):
    made = contents(case("R1", values="+0?.", origins="dsdd"))
    table = read_labels(written(tmp_path, made), schema=SCHEMA, filename="gold-long.csv", rater="gold")
    assert table.problems == ()
    labels = table.reports[0].labels
    said = [labels[cell].state for cell in SCHEMA.cells]
    assert said == [Value.PRESENT, Value.ABSENT, Value.POSSIBLE, Value.NOT_MENTIONED]
    assert [tuple(span) for span in labels[SCHEMA.cells[0]].evidence] == [(16, 26)]


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "\uff1dx", "'=x", "a;=x"])
def test_no_cell_of_a_table_is_a_formula(start, tmp_path):
    made = contents(case(start, patient_key=start))
    for lines in (long_lines(made), wide_lines(made)):
        for line in csv.reader(io.StringIO("".join(lines), newline="")):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d")) for cell in line)
    row = next(read_long(written(tmp_path, made)))
    assert (row.report_id, row.patient_key) == (start, start)


def test_table_that_is_none_is_refused(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\r\n", encoding="utf-8")
    with pytest.raises(ReleaseError, match="columns are others"):
        list(read_long(path))
    path.write_text(",".join(LONG_COLUMNS) + "\r\nR1,liver\r\n", encoding="utf-8")
    with pytest.raises(ReleaseError, match="row 2: 2 fields"):
        list(read_long(path))


def test_wide_table_leaves_a_merged_column_open_where_a_member_is_undecided():
    schema = load_preset("abdomen-ct")
    index = {str(cell): number for number, cell in enumerate(schema.cells)}

    def said(key, **codes):
        vector = ["0"] * len(index)
        for name, code in codes.items():
            vector[index[f"liver|{name}"]] = code
        n_cells = len(vector)
        urgencies = "".join("1" if code == "+" else "_" for code in vector)
        blank = {"origins": "d" * n_cells, "n_voices": "2" * n_cells, "n_agreeing": "2" * n_cells, "evidence": {}}
        return case(key, values="".join(vector), urgencies=urgencies, **blank)

    cases = said("a", enlarged="_", atrophy="0"), said("b", enlarged="_", atrophy="+"), said("c")
    made = contents(*cases, schema=schema, schema_source=preset_source("abdomen-ct"))
    rows = list(csv.DictReader(io.StringIO("".join(wide_lines(made)), newline="")))
    labels, urgencies = rows[0::2], rows[1::2]
    assert [row["liver_enlarged_atrophy"] for row in labels] == ["", "1", "0"]
    assert [row["liver_enlarged_atrophy"] for row in urgencies] == ["", "1", ""]
    assert {row["liver_focal"] for row in labels} == {"0"}
    assert {row["labeler"] for row in rows} == {"gold"}


def test_wide_table_reads_back_as_what_readers_of_leavs_filled(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("".join(wide_lines(contents())), encoding="utf-8", newline="")
    table = read_labels(path, schema=SCHEMA, filename="wide.csv")
    assert table.problems == ()
    labels = table.reports[0].labels
    assert labels[Cell("liver", "focal")].state is Value.PRESENT
    assert labels[Cell("liver", "focal")].urgency == 2
    assert labels[Cell("spleen", "focal")].state is Missing.NOT_ASKED
