"""Tables of one labeler: figures beside their counts, marks on what says little, humans after correction."""

import pytest

from annotator.core.labeler_tables import COLUMNS, human_tables, labeler_tables

NONE = {"value": None, "low": None, "high": None, "n": None, "n_positive": None, "p": None}


def row(name, metric, value, **more):
    return NONE | {"row": name, "metric": metric, "value": value, "n": 40, "n_positive": 9} | more


def counts(name, scope, *, target="", finding="", tp=0, fp=0, fn=0, tn=0):
    return {"row": name, "scope": scope, "target": target, "finding": finding, "tp": tp, "fp": fp, "fn": fn, "tn": tn}


def labeler(**more):
    return {
        "rows": [
            row("liver focal", "f1", 0.75, low=0.5, high=0.9),
            row("liver diffuse", "f1", None),
            row("macro", "f1", 0.75, n=None),
            row("micro", "f1", 0.7),
        ],
        "counts": [
            counts("liver focal", "cell", target="liver", finding="focal", tp=9, fp=5, fn=1, tn=25),
            counts("liver diffuse", "cell", target="liver", finding="diffuse", tn=40),
            counts("target liver", "target", target="liver", tp=9, fp=5, fn=1, tn=65),
            counts("micro", "all", tp=9, fp=5, fn=1, tn=65),
        ],
    } | more


def test_a_cell_has_its_support_and_what_it_missed_and_invented():
    line = labeler_tables(labeler()).cells[0]
    assert (line.target, line.finding, line.n, line.n_positive, line.missed, line.invented) == (
        *("liver", "focal"),
        *(40, 10, 1, 5),
    )
    assert line.figures[COLUMNS.index("f1")].text == "0.750"


def test_a_cell_without_positives_is_listed_as_undefined_not_dropped():
    tables = labeler_tables(labeler())
    assert [line.finding for line in tables.cells] == ["focal", "diffuse"]
    assert tables.cells[1].figures[0].why


@pytest.mark.parametrize(
    ("n_positive", "n_negative", "scarce"),
    [(10, 190, ""), (9, 191, "positives"), (195, 5, "negatives"), (9, 9, "positives or negatives")],
)
def test_fewer_than_ten_positives_or_negatives_are_few(n_positive, n_negative, scarce):
    made = counts("kidneys any abnormality", "cell", tp=n_positive, fp=n_negative)
    tables = labeler_tables(labeler(counts=[made]))
    assert (tables.cells[0].scarce, tables.n_few) == (scarce, int(bool(scarce)))


def test_a_mean_over_cells_says_in_how_many_it_is_defined():
    tables = labeler_tables(labeler())
    assert (tables.macro[0].text, tables.defined[0]) == ("0.750", 1)
    assert tables.macro[COLUMNS.index("recall")].why


def test_targets_are_apart_from_cells():
    tables = labeler_tables(labeler())
    assert [line.row for line in tables.targets] == ["target liver"]
    assert (tables.micro and tables.micro.n) == 80


def beside(name, human, machine, p, **more):
    pairs = [(f"human {name}", human, p), (f"human {name} / labeler", machine, None)]
    return [row(each, metric, value, p=its_p, **more) for metric in COLUMNS[:-1] for each, value, its_p in pairs]


def humans(*rows, readers):
    about = {"n_by_reader": dict.fromkeys(readers, 5)}
    return human_tables({"rows": [each for group in rows for each in group], "about": about}, n_resamples=1000)


def test_humans_are_corrected_for_their_number_and_their_mean_is_not_counted():
    found = humans(
        beside("ann", 0.9, 0.8, 0.0),
        beside("bob", 0.7, 0.8, 0.03),
        beside("average", 0.8, 0.8, 0.5, n=None),
        readers=["ann", "bob"],
    )
    f1 = found[0]
    # By hand after Holm: 2 * 0.002 for a p below the least of 1,000 resamples, then 1 * 0.03.
    assert [(line.name, line.p, line.holm, line.verdict) for line in f1.lines] == [
        ("ann", "< 0.002", "< 0.004", "reader higher"),
        ("bob", "0.030", "0.030", "labeler higher"),
        ("average", "0.500", "", ""),
    ]
    assert f1.n_humans == 2


def test_a_difference_that_may_be_chance_is_not_called_one():
    found = humans(beside("ann", 0.9, 0.8, 0.06), readers=["ann"])
    assert found[0].lines[0].verdict == "no difference shown"


def test_an_undefined_human_gets_no_verdict():
    found = humans(beside("ann", None, 0.8, None), readers=["ann"])
    assert (found[0].lines[0].human.text, found[0].lines[0].verdict, found[0].lines[0].holm) == ("–", "", "–")


def test_where_nobody_can_be_judged_there_is_no_table():
    assert humans(readers=["ann"]) == ()
