"""Findings that are told as one."""

from collections import Counter

from labeling.core.evaluation.ratings import plain_id
from labeling.core.records import CellLabel
from labeling.core.schema import Cell
from labeling.core.schema_yaml import load_preset
from labeling.core.tables import read_labels
from labeling.core.tables.merging import merged_label
from labeling.core.values import POSITIVE_VALUES, CellState, Missing, Value
from tests.shared_data import shared_data


def test_published_files_are_labels_of_one_schema_whose_findings_are_merged() -> None:
    wide = load_preset("abdomen-ct-wide")
    readings_path = shared_data("leavs/amos_test_annotations.csv")
    readings = read_labels(readings_path, schema=wide, filename="readings.csv")
    labels_path = shared_data("leavs/parsing_results_llm_test_amos.csv")
    labels = read_labels(labels_path, schema=wide, filename="labels.csv", rater="LEAVS")
    assert readings.schema is labels.schema is wide
    assert (len(readings.reports), len(labels.reports)) == (600, 200)
    left_out = "findings that abdomen-ct-wide has no cells for, left out: normal, adjacent, anatomy, device"
    assert labels.notes == (left_out,)
    cell = Cell("spleen", "enlarged_atrophy")
    votes = Counter(plain_id(each.report_id) for each in readings.reports if each.labels[cell].state is Value.PRESENT)
    said = [
        (votes[plain_id(each.report_id)] >= 2, each.labels[cell].state in POSITIVE_VALUES) for each in labels.reports
    ]
    # As the independent implementation counts it: expected_table1.json, row "spleen size", counts_tp_fp_fn_tn.
    places = ((True, True), (False, True), (True, False), (False, False))
    assert [said.count(place) for place in places] == [21, 1, 0, 178]


def test_merged_finding_says_the_highest_of_what_its_members_say() -> None:
    def merged(*labels: CellLabel) -> tuple[CellState, int | None]:
        label = merged_label(labels)
        return label.state, label.urgency

    nothing, unread = CellLabel(Missing.NOT_ASKED), CellLabel(Missing.UNREADABLE)
    # METHODS A.1: 1 > -1 > -3 > -2 > 0.
    assert merged(CellLabel(Value.ABSENT), CellLabel(Value.NOT_MENTIONED)) == (Value.NOT_MENTIONED, None)
    assert merged(CellLabel(Value.POSSIBLE, urgency=1), CellLabel(Value.AMBIGUOUS, urgency=2)) == (Value.POSSIBLE, 2)
    assert merged(CellLabel(Value.ABSENT), unread) == (Value.ABSENT, None)
    assert merged(nothing, unread) == (Missing.UNREADABLE, None)
    assert merged(nothing, nothing) == (Missing.NOT_ASKED, None)
