"""Urgencies in words: counts of levels, and figures of order with the reason where there are none."""

import pytest

from annotator.core.agreement_tables import By
from annotator.core.figure_requests import RequestError
from annotator.core.figure_tables import csv_lines
from annotator.core.urgency_tables import METRICS, order_lines, pooled_lines, rater_shares, view_of

LEVELS = ("chronic", "low", "medium", "high")


def rows(row, *, value=0.5, n=12):
    return [
        {
            "row": row,
            "metric": metric,
            "value": value,
            "low": value,
            "high": value,
            "n": n,
            "n_positive": None,
            "p": None,
        }
        for metric in METRICS
    ]


def test_counts_of_levels_are_those_that_were_counted():
    # Of percentages with one decimal they would come out as 3,003 and 3,997.
    counts, percent = [3000, 0, 4000, 0], [42.9, 0.0, 57.1, 0.0]
    result = {
        "shares": [
            {"rater": "anna", "is_run": False, "n": 7000, "counts": counts, "percent": percent},
            {"rater": "d-4", "is_run": True, "n": 0, "counts": [0] * 4, "percent": None},
        ]
    }
    anna, run = rater_shares(result, LEVELS)
    assert [(share.words, share.count) for share in anna.shares] == [
        ("chronic", 3000),
        ("low", 0),
        ("medium", 4000),
        ("high", 0),
    ]
    assert (run.rater, run.n, run.shares) == ("the labeler", 0, ())


def test_lines_are_of_findings_targets_or_cells_and_all_together_stands_apart():
    names = ("liver focal", "finding focal", "target liver", "micro")
    result = {"urgency": [*(row for name in names for row in rows(name)), *rows("macro", n=None)]}
    assert {by: [(line.row, line.name) for line in order_lines(result, by)] for by in By} == {
        By.FINDING: [("finding focal", "focal")],
        By.TARGET: [("target liver", "liver")],
        By.CELL: [("liver focal", "liver focal")],
    }
    assert [(line.row, line.n) for line in pooled_lines(result)] == [("micro", 12), ("macro", None)]
    assert [figure.text for figure in pooled_lines(result)[0].figures] == ["0.500"] * 3
    assert pooled_lines({"urgency": []}) == []


@pytest.mark.parametrize(
    ("row", "n", "why"),
    [
        ("liver focal", 0, "nowhere did most readers and the labeler both give an urgency"),
        ("liver focal", 3, "the readers or the labeler gave one level only"),
        ("macro", None, "undefined in every cell"),
    ],
)
def test_an_undefined_order_says_why(row, n, why):
    result = {"urgency": [*rows("micro"), *rows(row, value=None, n=n)]}
    line = pooled_lines(result)[1] if row == "macro" else order_lines(result, By.CELL)[0]
    assert {(figure.text, figure.why) for figure in line.figures} == {("–", why)}


@pytest.mark.parametrize("query", [{"by": "reader"}, {"metric": "f1"}])
def test_words_that_the_figures_do_not_hold_are_refused(query):
    with pytest.raises(RequestError):
        view_of(query)


def test_csv_has_the_percentage_of_each_level_and_nothing_where_none_was_given():
    shares = [
        {"rater": "anna", "is_run": False, "n": 2, "percent": [50.0, 0.0, 50.0, 0.0]},
        {"rater": "d-4", "is_run": True, "n": 0, "percent": None},
    ]
    written = "".join(csv_lines({"rows": [], "urgency": [], "shares": shares})).splitlines()
    assert written[1:3] == ["human anna,urgency 0 %,50.0,,,2,,", "human anna,urgency 1 %,0.0,,,2,,"]
    assert written[5] == "labeler,urgency 0 %,,,,0,,"
    assert len(written) == 9
