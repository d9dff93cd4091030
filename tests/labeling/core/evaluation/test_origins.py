"""Which readings count, and what is said of them."""

import pytest

from labeling.core.evaluation.origins import by_origin, reading_notes, truth_notes
from labeling.core.evaluation.ratings import RatingsError
from labeling.core.records import LabelSet
from labeling.core.tables.records import LabeledReport, LabelMeta


def reading(report, rater, arm=None):
    return LabeledReport(report, rater, LabelSet(), LabelMeta(extra={"arm": arm} if arm else {}))


MIXED = [
    reading("R1", "ann", "blank"),
    reading("R1", "ben", "prefilled"),
    reading("R2", "ann", "prefilled"),
    reading("R3", "cat"),
]


def kept(origin, reports=MIXED):
    found = by_origin(reports, origin)
    return [(each.report_id, each.rater) for each in found.reports], truth_notes(found)


def test_blind_readings_come_first_and_others_stand_in_for_them():
    found, notes = kept("blind-first")
    assert found == [("R1", "ann"), ("R2", "ann"), ("R3", "cat")]
    assert notes == [
        "1 readings are left out: they are not known to be made without machine labels",
        "the truth of 2 of 3 reports is assisted: no reading of them is known to be blind",
    ]


@pytest.mark.parametrize("origin", ["blind-first", "all"])
def test_repeats_and_planted_errors_never_count(origin):
    again = LabeledReport("R1", "ann", LabelSet(), LabelMeta(round=2, extra={"arm": "blank"}))
    found, notes = kept(origin, [reading("R1", "ann", "blank"), again, reading("R4", "ann", "seeded")])
    assert found == [("R1", "ann")]
    assert notes == ["2 readings are left out: they are repeats, or began with planted errors"]


def test_blind_readings_alone_can_be_asked_for():
    found, notes = kept("blind")
    assert found == [("R1", "ann")]
    assert notes == ["3 readings are left out: they are not known to be made without machine labels"]


def test_all_readings_are_taken_with_a_warning():
    found, notes = kept("all")
    assert len(found) == 4
    assert notes == ["the truth of 2 of 3 reports is assisted: no reading of them is known to be blind"]


@pytest.mark.parametrize("origin", ["blind-first", "all"])
def test_files_without_arms_are_taken_as_they_are(origin):
    assert kept(origin, [reading("R1", "ann"), reading("R1", "ben")]) == ([("R1", "ann"), ("R1", "ben")], [])


def test_a_rater_whose_readings_are_the_truth_stays_and_is_told_from_those_that_count():
    found = by_origin(MIXED, "blind-first", named="ben")
    assert ("R1", "ben") in [(each.report_id, each.rater) for each in found.reports]
    assert found.only_named == {("ben", "R1")}


def test_assisted_is_a_truth_whose_own_readings_are_not_blind():
    # R1 is read by ben, from machine labels, and blind by ann, who does not decide.
    notes = truth_notes(by_origin(MIXED, "blind-first", named="ben"), truth="ben")
    assert notes == [
        "1 readings of 'ben' are the truth for the labeler alone, not for humans: they are not known to be made "
        "without machine labels",
        "the truth of 1 of 1 reports is assisted: no reading that decides it is known to be blind",
    ]
    # Where the adjudicator read nothing (R2, R3) the others decide.
    notes = truth_notes(by_origin(MIXED, "blind-first", named="ben"), adjudicator="ben")
    assert notes[-1].startswith("the truth of 3 of 3 reports is assisted")
    notes = truth_notes(by_origin(MIXED, "blind-first", named="ann"), adjudicator="ann")
    assert notes[-1].startswith("the truth of 2 of 3 reports is assisted")


def test_readings_beside_each_other_are_counted_by_how_they_were_made():
    assert reading_notes(by_origin(MIXED, "all")) == ["3 of 4 readings are not known to be made without machine labels"]
    assert reading_notes(by_origin(MIXED, "blind")) == [
        "3 readings are left out: they are not known to be made without machine labels"
    ]
    assert reading_notes(by_origin([reading("R1", "ann")], "all")) == []


def test_blind_readings_that_are_not_there_are_not_made_up():
    with pytest.raises(RatingsError, match="no reading is known to be made without machine labels"):
        by_origin(MIXED[1:], "blind")
