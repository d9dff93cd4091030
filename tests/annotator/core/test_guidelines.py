"""Versions of guidelines, and the past cells a new one may affect."""

import numpy as np
import pytest

from annotator.core.guidelines import (
    AffectedCell,
    DiffLine,
    Read,
    affected_cells,
    check_shown,
    check_shown_exist,
    check_text,
    line_changes,
    news,
)
from annotator.core.refusals import VectorError


def test_a_diff_shows_every_line_once_with_what_became_of_it():
    before = "Count cysts.\nIgnore scars.\nMeasure."
    after = "Count cysts from 5 mm.\nMeasure.\nNote the level."
    assert line_changes(before, after) == [
        DiffLine("-", "Count cysts."),
        DiffLine("-", "Ignore scars."),
        DiffLine("+", "Count cysts from 5 mm."),
        DiffLine(" ", "Measure."),
        DiffLine("+", "Note the level."),
    ]


@pytest.mark.parametrize("shown", [[], {"focal": 0}, {"focal": "1"}, {"focal": True}, {"x" * 65: 1}, {"a\x00": 1}])
def test_versions_that_are_none_are_refused(shown):
    with pytest.raises(VectorError, match="guidelines"):
        check_shown(shown)


def test_a_version_that_was_never_written_was_not_shown():
    check_shown_exist({"focal": 2, "": 1}, latest={"focal": 2, "": 3})
    with pytest.raises(VectorError, match="'focal' has 2 versions, not 3"):
        check_shown_exist({"focal": 3}, latest={"focal": 2})
    with pytest.raises(VectorError, match="'diffuse' has 0 versions, not 1"):
        check_shown_exist({"diffuse": 1}, latest={})


@pytest.mark.parametrize(("text", "what_changed"), [("x" * 20_001, ""), ("a\x00", ""), ("fine", "x" * 501)])
def test_words_that_cannot_be_kept_are_refused(text, what_changed):
    with pytest.raises(VectorError):
        check_text(text, what_changed=what_changed)


def test_news_are_versions_later_than_those_of_the_last_reading():
    latest = {"": 1, "focal": 3, "diffuse": 1}
    assert news(latest, last_read={"": 1, "focal": 2}) == ["focal", "diffuse"]
    assert news(latest, last_read={}) == ["", "focal", "diffuse"]
    assert news(latest, last_read=None) == []


def read(*rows):
    """Readings as (case, codes, whether older)."""
    values = np.array([[ord(code) for code in codes] for _, codes, _ in rows], np.uint8)
    return Read(np.array([row[0] for row in rows]), values, np.array([row[2] for row in rows]))


def test_cells_read_before_the_guideline_and_called_anything_but_not_there_are_affected():
    found = affected_cells(read((7, "+0.", True), (7, "?..", True), (8, "0~0", True), (9, "+++", False)))
    # Worked out by hand: of case 7 the first cell, of case 8 the second; case 9 was read under the new words.
    assert list(found) == [AffectedCell(7, 0, "+?", differs=True), AffectedCell(8, 1, "~", differs=False)]


def test_a_cell_on_which_an_earlier_and_a_later_reader_differ_is_affected():
    found = affected_cells(read((7, "0", True), (8, ".", True), (7, "+", False), (8, "0", False)))
    assert list(found) == [AffectedCell(7, 0, "+0", differs=True)]


def test_a_guideline_before_all_readings_affects_none():
    assert list(affected_cells(Read(np.array([], int), np.zeros((0, 3), np.uint8), np.array([], bool)))) == []
