"""What changed between two releases."""

import csv
import io

import pytest

from annotator.core.releases.differences import FindingChanges, compare, difference_json, difference_lines
from annotator.core.releases.records import ReleaseError
from tests.annotator.core.releases.samples import SCHEMA, case

BEFORE = [case("R1"), case("R2"), case("=R3", split="train")]
AFTER = [case("R2"), case("=R3", split="test"), case("R4")]


def test_cases_that_came_went_and_moved_are_named():
    found = compare(BEFORE, AFTER, schema=SCHEMA)
    assert (found.added, found.removed, found.moved) == (("R4",), ("R1",), (("=R3", "train", "test"),))
    assert (found.n_shared, found.changes) == (2, ())


def test_changed_cells_are_counted_by_finding():
    # Liver focal: urgency only. Spleen focal: undecided becomes present, a flip. Liver diffuse: absent, not mentioned.
    after = case(values="+.+.", urgencies="3_1_")
    found = compare([case()], [after], schema=SCHEMA)
    assert found.by_finding() == [
        FindingChanges(finding="focal", n_changed=2, n_values=1, n_flips=1, n_urgencies=2),
        FindingChanges(finding="diffuse", n_changed=1, n_values=1, n_flips=0, n_urgencies=0),
    ]
    assert {
        "report_id": "R1",
        "cell": "spleen|focal",
        "value": ["undecided", "present"],
        "urgency": [None, 1],
    } in difference_json(found)["changes"]


def test_table_of_a_difference_is_safe_in_a_spreadsheet():
    after = [*AFTER, case("R1", values="00_.", urgencies="____")]
    rows = list(
        csv.DictReader(io.StringIO("".join(difference_lines(compare(BEFORE, after, schema=SCHEMA))), newline=""))
    )
    assert [(row["report_id"], row["change"]) for row in rows] == [("R4", "added"), ("'=R3", "split"), ("R1", "cell")]
    assert (rows[2]["value_before"], rows[2]["value_after"], rows[2]["urgency_before"]) == ("present", "absent", "2")


def test_releases_with_other_cells_are_not_compared():
    with pytest.raises(ReleaseError, match="different cells"):
        compare([case()], [case(values="+0")], schema=SCHEMA)
