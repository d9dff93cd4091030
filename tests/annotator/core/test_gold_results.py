"""What the gold set still needs."""

import csv

import pytest

from annotator.core.gold_results import by_need, need_lines, need_of


def row(name="liver focal", **changes):
    fields = {"row": name, "metric": "recall", "value": 0.8, "low": 0.7, "high": 0.9, "n": 200, "n_positive": 25}
    return fields | changes


def test_half_the_width_takes_four_times_as_many_positives():
    need = need_of(row(), wished=0.05)
    # By hand: half width 0.1 at 25 positives; 0.05 takes 25 * (0.1 / 0.05)**2 = 100, which are 75 more. One case in
    # eight is positive: 75 * 8 = 600 cases.
    assert need.half_width == pytest.approx(0.1)
    assert (need.more, need.more_cases, need.share) == (75, 600, 0.25)


def test_a_narrow_interval_needs_nothing():
    need = need_of(row(low=0.79, high=0.81), wished=0.05)
    assert (need.more, need.more_cases, need.share) == (0, 0, 1.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"n_positive": 0, "value": None, "low": None, "high": None},
        {"value": 1.0, "low": 1.0, "high": 1.0},
        {"low": None, "high": None},
    ],
    ids=["no positive", "all resamples alike", "no interval"],
)
def test_what_cannot_be_told_is_none_and_not_0(changes):
    need = need_of(row(**changes), wished=0.05)
    assert (need.more, need.more_cases, need.share) == (None, None, None)


def test_cells_without_positives_come_first_then_those_that_need_most():
    rows = [
        row("near", low=0.78, high=0.82),
        row("far"),
        row("unseen", n_positive=0, value=None, low=None, high=None),
        row("alike", value=1.0, low=1.0, high=1.0),
        row("farther", low=0.5, high=0.9),
    ]
    found = by_need([need_of(each, wished=0.05) for each in rows])
    assert [need.row for need in found] == ["unseen", "alike", "farther", "far", "near"]


def test_the_table_as_csv_leaves_what_is_undefined_empty():
    needs = [
        need_of(row(), wished=0.05),
        need_of(row("=unseen", n_positive=0, value=None, low=None, high=None), wished=0.05),
    ]
    known, unseen = csv.DictReader("".join(need_lines(needs)).splitlines())
    assert (known["more_positives"], known["more_cases"], known["wished_half_width"]) == ("75", "600", "0.05")
    # A cell that a spreadsheet would take for a formula gets an apostrophe.
    assert unseen["row"] == "'=unseen"
    assert [unseen[name] for name in ("value", "half_width", "more_positives", "more_cases")] == [""] * 4
