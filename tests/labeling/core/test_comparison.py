"""Two raters cell by cell: counted by hand on a few reports, and for every pair of codes."""

import itertools

import numpy as np
import pytest

from labeling.core.comparison import (
    COMPARED,
    DIFFERENCES,
    KINDS,
    LISTED,
    Kind,
    Labels,
    Selection,
    Tally,
    kind_of,
)
from labeling.core.values import STATE_CODES, URGENCY_CODES

# Three cells, five reports. By hand, cell by cell:
#   cell 1: ++ same, +? certainty, +0 A only, .+ B only, !+ unreadable
#   cell 2: ++ with urgency 1 and 3, .. same, 0. negative, __ not asked, !! unreadable
#   cell 3: ++ with urgency 2 and none: same; all others 00
PAIRS = [
    (Labels("+++", "_12"), Labels("+++", "_3_")),
    (Labels("+.0", "___"), Labels("?.0", "___")),
    (Labels("+00", "___"), Labels("0.0", "___")),
    (Labels("._0", "___"), Labels("+_0", "___")),
    (Labels("!!0", "___"), Labels("+!0", "___")),
]
FIRST, SECOND, THIRD = range(3)


@pytest.fixture
def tally():
    tally = Tally(3)
    tally.add(PAIRS)
    return tally


def of_each(counts):
    return {str(kind): counts.of(kind) for kind in KINDS if counts.of(kind)}


def test_each_pair_is_counted_as_one_kind(tally):
    assert of_each(tally.counts([FIRST])) == {"same": 1, "certainty": 1, "a_only": 1, "b_only": 1, "unreadable": 1}
    assert of_each(tally.counts([SECOND])) == {"urgency": 1, "same": 1, "negative": 1, "not_asked": 1, "unreadable": 1}
    assert of_each(tally.counts([THIRD])) == {"same": 5}
    # Sums of the three lines above.
    assert of_each(tally.counts()) == {
        **{"same": 7, "certainty": 1, "a_only": 1, "b_only": 1, "negative": 1},
        **{"urgency": 1, "unreadable": 2, "not_asked": 1},
    }


def test_agreement_is_over_pairs_in_which_both_gave_a_value(tally):
    first, second, both = (tally.counts(cells) for cells in ([FIRST], [SECOND], [FIRST, SECOND]))
    # Cell 1: 1 of 4 the same; cell 2: 2 of 3, since another urgency is the same value.
    assert (first.n_same, first.n_other, first.n_compared) == (1, 3, 4)
    assert (second.n_same, second.n_other, second.n_compared) == (2, 1, 3)
    assert (both.n_same, both.n_other, both.n_compared) == (3, 4, 7)
    # Positive in both: ++ and +? in cell 1; in one only: +0 and .+; the unreadable one is in neither.
    assert (first.n_both_positive, first.n_either_positive) == (2, 4)


def test_values_are_counted_a_by_b(tally):
    states = tally.counts([FIRST]).states
    seen = {STATE_CODES[a] + STATE_CODES[b]: int(states[a, b]) for a, b in np.argwhere(states)}
    assert seen == {"++": 1, "+?": 1, "+0": 1, ".+": 1, "!+": 1}


def test_urgencies_are_counted_where_both_are_positive(tally):
    urgencies = tally.counts().urgencies
    seen = {URGENCY_CODES[a] + URGENCY_CODES[b]: int(urgencies[a, b]) for a, b in np.argwhere(urgencies)}
    # Report 1 has three positive pairs, with urgencies __, 13 and 2_; report 2 has one, with __.
    assert seen == {"__": 2, "13": 1, "2_": 1}


@pytest.mark.parametrize("other", STATE_CODES)
@pytest.mark.parametrize("missing", "!_")
def test_unreadable_and_not_asked_neither_agree_nor_differ(missing, other):
    for a, b in ((missing, other), (other, missing)):
        tally = Tally(1)
        tally.add([(Labels(a, "_"), Labels(b, "_"))])
        counts = tally.counts()
        assert (counts.n_compared, counts.n_same, counts.n_other, counts.n_either_positive) == (0, 0, 0, 0)
        assert counts.of(Kind.UNREADABLE if "!" in (a, b) else Kind.NOT_ASKED) == 1


def test_table_says_the_same_as_the_rule_for_every_pair_of_codes():
    for a, b, urgency_a, urgency_b in itertools.product(STATE_CODES, STATE_CODES, URGENCY_CODES, URGENCY_CODES):
        [[place]] = Tally(1).add([(Labels(a, urgency_a), Labels(b, urgency_b))])
        assert KINDS[place] == kind_of(a, b, urgency_a, urgency_b)


def test_swapping_the_raters_swaps_the_one_sided_kinds_alone():
    swapped = {Kind.A_ONLY: Kind.B_ONLY, Kind.B_ONLY: Kind.A_ONLY}
    for a, b in itertools.product(STATE_CODES, STATE_CODES):
        kind = kind_of(a, b, "1", "2")
        assert kind_of(b, a, "2", "1") == swapped.get(kind, kind)


def test_kinds_are_divided_without_rest():
    assert {*COMPARED, Kind.UNREADABLE, Kind.NOT_ASKED} == set(KINDS)
    assert set(LISTED) == set(KINDS) - {Kind.SAME}
    assert set(DIFFERENCES) < set(LISTED)


def test_batches_add_up(tally):
    by_one = Tally(3)
    for pair in PAIRS:
        by_one.add([pair])
    assert by_one.n_reports == tally.n_reports == 5
    assert (by_one.counts().states == tally.counts().states).all()
    assert (by_one.counts().kinds == tally.counts().kinds).all()


def test_nothing_added_is_nothing_counted():
    counts = Tally(3).counts()
    assert (counts.n_compared, counts.n_both_positive, int(counts.states.sum())) == (0, 0, 0)


@pytest.mark.parametrize(
    ("selection", "per_report"),
    [
        (Selection(), [1, 1, 2, 1, 0]),  # urgency; certainty; A only and negative; B only; nothing
        (Selection.named("unreadable", cell=None), [0, 0, 0, 0, 2]),
        (Selection.named("", cell=FIRST), [0, 1, 1, 1, 0]),
        (Selection.named("", cell=SECOND), [1, 0, 1, 0, 0]),
        (Selection.named("a_only", cell=FIRST), [0, 0, 1, 0, 0]),
        (Selection.named("a_only", cell=SECOND), [0, 0, 0, 0, 0]),
    ],
)
def test_selection_counts_the_wanted_pairs_of_each_report(selection, per_report):
    assert selection.per_report(Tally(3).add(PAIRS)).tolist() == per_report


@pytest.mark.parametrize(
    ("values", "urgencies"), [("++", "___"), ("++++", "____"), ("++x", "___"), ("++é", "___"), ("+++", "__9")]
)
def test_vector_that_is_none_of_this_schema_is_refused(values, urgencies):
    with pytest.raises(ValueError, match="label vector"):
        Tally(3).add([(Labels(values, urgencies), Labels("+++", "___"))])
