"""Tables of two labelers: which cells differ after correction, and what is too little to tell."""

import pytest

from annotator.core.compared_tables import compared_tables
from annotator.core.figure_tables import COMPARED_COLUMNS, csv_lines


def compared(name, metric="f1", *, difference=0.1, holm=1.0, p=0.5, mcnemar=None, n_positive=30):
    first, low, high = (None if difference is None else difference + shift for shift in (0.5, -0.1, 0.1))
    return {
        **{"row": name, "metric": metric, "first": first, "second": 0.5},
        **{"first_low": low, "first_high": high, "second_low": 0.4, "second_high": 0.6},
        **{"difference": difference, "low": low, "high": high},
        **{"n": 40, "n_positive": n_positive, "p_bootstrap": p, "p_permutation": p, "p_mcnemar": mcnemar},
        **{"holm_bootstrap": holm, "holm_permutation": holm, "holm_mcnemar": mcnemar},
    }


def counts(name, scope="cell"):
    target, _, finding = name.partition(" ")
    right = {"both_right": 20, "first_only": 7, "second_only": 3, "both_wrong": 10}
    return {"row": name, "scope": scope, "target": target, "finding": finding} | right


def tables(*rows, metric="f1", n_resamples=1000):
    names = dict.fromkeys(row["row"] for row in rows)
    result = {"compared": rows, "counts": [counts(name, "all" if name == "micro" else "cell") for name in names]}
    return compared_tables(result, metric=metric, n_resamples=n_resamples)


def test_cells_that_differ_after_correction_are_counted_for_the_higher_side():
    found = tables(
        compared("liver focal", holm=0.049),
        compared("liver diffuse", difference=-0.2, holm=0.01),
        compared("spleen focal", holm=0.05),
        compared("micro", holm=None),
    )
    assert [line.differs for line in found.cells] == ["A", "B", ""]
    assert (found.n_differ, found.n_first, found.n_second, found.n_tested) == (2, 1, 1, 3)


def test_a_cell_in_which_one_side_is_undefined_is_listed_and_not_tested():
    found = tables(compared("liver focal", difference=None, holm=None, p=None), compared("liver diffuse"))
    assert [line.finding for line in found.cells] == ["focal", "diffuse"]
    assert (found.cells[0].difference.text, found.cells[0].holm, found.n_tested) == ("–", "–", 1)
    assert found.cells[0].difference.why


def test_the_difference_has_a_sign_and_its_interval():
    line = tables(compared("liver focal", difference=-0.05)).cells[0]
    assert (line.difference.text, line.difference.interval) == ("−0.050", "−0.150 to +0.050")


def test_both_sides_have_their_intervals():
    line = tables(compared("liver focal", difference=0.2)).cells[0]
    assert (line.first.interval, line.second.interval) == ("0.100 to 0.300", "0.400 to 0.600")


def test_being_right_is_tested_whatever_figure_is_shown():
    line = tables(compared("liver focal"), compared("liver focal", "accuracy", mcnemar=0.344)).cells[0]
    assert (line.p_mcnemar, line.first_only, line.second_only) == ("0.344", 7, 3)


@pytest.mark.parametrize(("n_resamples", "can_tell"), [(60, True), (59, False)])
def test_too_few_resamples_for_so_many_cells_are_said(n_resamples, can_tell):
    # The least p of n permutations is 1 / (n + 1), times three cells: 3/61 is below 0.05, 3/60 is not.
    found = tables(*(compared(f"liver {name}") for name in "abc"), n_resamples=n_resamples)
    assert found.can_tell is can_tell


def test_few_positives_and_few_negatives_are_marked():
    # Of 40 pairs.
    found = tables(*(compared(f"liver {n}", n_positive=n) for n in (9, 10, 30, 31)))
    assert [line.scarce for line in found.cells] == ["positives", "", "", "negatives"]


def test_the_csv_of_a_comparison_has_its_own_columns_and_undefined_is_empty():
    lines = list(csv_lines({"compared": [compared("liver focal", difference=None, holm=None, p=None)]}))
    assert lines[0].rstrip("\r\n") == ",".join(COMPARED_COLUMNS)
    assert lines[1].rstrip("\r\n") == "liver focal,f1,,,,0.5,0.4,0.6,,,,40,30,,,,,,"
