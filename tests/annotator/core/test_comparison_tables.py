"""The counts of a comparison on a page: grid, shares with their n, cross tables."""

import pytest

from annotator.core.comparison_tables import (
    NO_DATA,
    SIGNS,
    CountLine,
    heat_map,
    shade,
    share,
    states_table,
    urgencies_table,
)
from labeling.core.comparison import Labels, Tally
from labeling.core.schema_yaml import load_preset
from labeling.core.values import STATE_CODES

SPINE = load_preset("spine-mri")  # eight cells, without urgency
NONE = "_" * 8


def tally_of(*pairs):
    tally = Tally(8)
    tally.add([(Labels(a, NONE), Labels(b, NONE)) for a, b in pairs])
    return tally


@pytest.mark.parametrize(
    ("n", "total", "said"),
    [
        (0, 0, NO_DATA),
        (0, 5, "0 %"),
        (5, 5, "100 %"),
        (1, 3, "33.3 %"),
        (1, 2, "50.0 %"),
        (9999, 10000, "> 99.9 %"),
        (1, 10000, "< 0.1 %"),
        (9994, 10000, "99.9 %"),
    ],
)
def test_share_is_never_all_or_none_unless_it_is(n, total, said):
    assert share(n, total) == said


@pytest.mark.parametrize(
    ("n_different", "level"), [(0, 0), (1, 1), (2, 2), (5, 3), (10, 4), (20, 5), (21, 6), (100, 6)]
)
def test_shade_says_how_much_of_a_hundred_differs(n_different, level):
    pairs = [("+" * 8, "0" * 8)] * n_different + [("+" * 8, "+" * 8)] * (100 - n_different)
    assert shade(tally_of(*pairs).counts()) == level


def test_where_nothing_was_compared_there_is_no_share_and_no_shade():
    line = CountLine("liver, focal", tally_of(("!" * 8, "+" * 8), ("_" * 8, "_" * 8)).counts([0]))
    assert (line.percent, line.shade, line.is_compared, line.n) == (NO_DATA, None, False, "0")
    assert line.sentence == (
        "liver, focal: no report where both gave a value; 1 unreadable in A or B; 1 not asked in A or B"
    )


def test_grid_has_the_cells_of_the_schema_and_sums_around_them():
    # The first cell differs in one of two reports; all others agree in both.
    found = heat_map(tally_of(("+" * 8, "+" * 8), ("+" + "0" * 7, "0" * 8)), SPINE)
    lines = [line for row in found.rows for line in row.cells if line]
    assert [line.key for line in lines] == [str(cell) for cell in SPINE.cells]
    assert sum(line is None for row in found.rows for line in row.cells) == 4 * 5 - 8
    assert (lines[0].percent, lines[0].n, lines[0].some) == ("50.0 %", "2", {"same": "1", "a_only": "1"})
    assert {line.percent for line in lines[1:]} == {"100 %"}
    # Sums: the row and the column of that cell, and all; n is a number of pairs, two for each cell.
    target, finding = SPINE.cells[0]
    n_of_target = sum(cell.target == target for cell in SPINE.cells)
    n_of_finding = sum(cell.finding == finding for cell in SPINE.cells)
    assert found.rows[0].together.n == str(2 * n_of_target)
    assert found.by_finding[0].n == str(2 * n_of_finding)
    assert found.by_finding[0].n_other == found.rows[0].together.n_other == found.together.n_other == "1"
    assert (found.together.n, found.together.percent) == ("16", "93.8 %")  # 15 of 16


def test_cross_table_marks_agreement_of_values_alone():
    table = states_table(tally_of(("+?0~.!__", "+0?~.!_+")).counts())
    marked = {row.title: number.n for row in table.rows for number in row.numbers if number.is_same}
    assert marked == {"present": "1", "possible": "0", "absent": "0", "ambiguous": "1", "not mentioned": "1"}
    assert (table.n, sum(int(total) for total in table.totals)) == ("8", 8)
    assert [row.total for row in table.rows] == ["1", "1", "1", "1", "1", "1", "2"]


def test_urgency_has_a_table_where_the_schema_has_urgency():
    abdomen = load_preset("abdomen-ct")
    tally = Tally(99)
    # Cell 1: urgency 2 and 3; cell 2: 1 and none; the others are absent and do not count.
    a = Labels("++" + "0" * 97, "21" + "_" * 97)
    b = Labels("?+" + "0" * 97, "3_" + "_" * 97)
    tally.add([(a, b)])
    table = urgencies_table(tally.counts(), abdomen)
    assert table is not None
    seen = {
        (row.title, column): number.n
        for row in table.rows
        for (_, column), number in zip(table.heads, row.numbers, strict=True)
        if number.n != "0"
    }
    assert seen == {("2 medium", "3 high"): "1", ("1 low", "not given"): "1"}
    assert urgencies_table(Tally(8).counts(), SPINE) is None


def test_every_state_has_a_sign_of_its_own():
    assert len({SIGNS[code] for code in STATE_CODES}) == len(STATE_CODES)
