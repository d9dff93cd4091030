"""Planted errors by reader, by hand."""

import pytest

from annotator.core.arms.planted import PlantedReading, by_finding, missed, tallies
from annotator.core.planting import Debriefed, Kind, Outcome, PlantedError

OMISSION, INVENTION = PlantedError("liver|focal", "+1", "0_"), PlantedError("spleen|size", "0_", "+1")


def reading(reader, patient, *outcomes):
    errors = (OMISSION, INVENTION)
    said = {Outcome.CAUGHT: ("+", "0"), Outcome.MISSED: ("0", "+"), Outcome.DOUBTED: ("~", "~")}
    found = [Debriefed(errors[at], said[outcome][at], outcome) for at, outcome in enumerate(outcomes)]
    return PlantedReading(reader, patient, f"case of {patient}", tuple(found))


READINGS = [
    reading("ann", "p1", Outcome.CAUGHT, Outcome.MISSED),
    reading("ann", "p2", Outcome.CAUGHT, Outcome.DOUBTED),
    reading("bea", "p1", Outcome.MISSED),
]


def test_each_reader_and_all_of_them_have_their_errors_counted():
    everyone, ann, bea = tallies(READINGS)
    assert (everyone.row, everyone.n, everyone.n_readings, everyone.caught.value) == ("all readers", 5, 3, 0.4)
    assert (ann.n, ann.caught.value, ann.outcomes[Outcome.DOUBTED]) == (4, 0.5, 1)
    assert (ann.missed[Kind.OMISSION], ann.missed[Kind.INVENTION]) == (0, 2)
    assert (bea.n, bea.caught.value, bea.missed[Kind.OMISSION]) == (1, 0.0, 1)


def test_one_reader_has_one_line():
    assert [each.row for each in tallies(READINGS[:2])] == ["ann"]


def test_findings_that_are_missed_most_come_first():
    assert [(each.row, each.n, each.n_readings) for each in by_finding(READINGS)] == [("size", 2, 2), ("focal", 3, 3)]
    assert by_finding(READINGS)[1].caught.value == pytest.approx(2 / 3)


def test_what_was_not_caught_is_listed():
    assert [(each.reader, each.debriefed.outcome) for each in missed(READINGS)] == [
        ("ann", Outcome.MISSED),
        ("ann", Outcome.DOUBTED),
        ("bea", Outcome.MISSED),
    ]


def test_nobody_has_no_lines():
    assert tallies([]) == by_finding([]) == missed([]) == []
