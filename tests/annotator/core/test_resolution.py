"""Gold of cells and how it came about. Expected values are counted by hand from the lines."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.core.disputes import URGENCY_DISPUTED, find_disputes
from annotator.core.resolution import Decisions, Origin, evidence_of, resolve
from annotator.core.voices import NO_CODE, Rules, Voices, Way
from tests.annotator.core.spoken import rows, text, voices

MAJORITY = Rules(way=Way.MAJORITY, at_least=2)


def nothing(said):
    return Decisions.none(said.values.shape[1:])


def decided(values, *, is_blind):
    codes = np.array([[NO_CODE if code == " " else ord(code) for code in values]], np.uint8)
    return Decisions(codes, np.full(codes.shape, 2, np.int8), np.full(codes.shape, is_blind))


def gold(said, rules=MAJORITY, decisions=None):
    found = resolve(said, rules, decisions or nothing(said))
    numbers = list(zip(found.n_agree[0].tolist(), found.n_voices[0].tolist(), strict=True))
    return text(found.values), text(found.origins), numbers


@pytest.mark.parametrize(
    ("lines", "rules", "value", "origin", "counted"),
    [
        (["B +"], Rules(), "+", "s", (1, 1)),
        (["B +"], MAJORITY, " ", "u", (0, 1)),
        (["B +", "B ?"], Rules(), "?", "d", (2, 2)),
        (["B +", "B 0"], Rules(), " ", "u", (0, 2)),
        (["B +", "B +", "B 0"], MAJORITY, "+", "m", (2, 3)),
        (["P +"], Rules(), "+", "a", (1, 1)),
        # It stands without the pre-filled voice, which then does not count.
        (["B +", "B +", "P +"], MAJORITY, "+", "d", (2, 2)),
        (["B +", "B +", "P 0"], MAJORITY, "+", "d", (2, 2)),
        (["B +", "P +", "P +"], Rules(), "+", "s", (1, 1)),
        # The pre-filled voice makes the majority.
        (["B +", "B 0", "P +"], MAJORITY, "+", "a", (2, 3)),
        # It would stand otherwise without them.
        (["B +", "B +", "P 0", "P 0", "P 0"], MAJORITY, "0", "a", (3, 5)),
        # Unanimity is of all voices: a pre-filled one that differs is heard.
        (["B +", "B +", "P 0"], Rules(), " ", "u", (0, 3)),
    ],
)
def test_a_cell_says_how_it_came_about(lines, rules, value, origin, counted):
    assert gold(voices(*lines), rules) == (value, origin, [counted])


def test_a_decision_is_gold_whatever_voices_say():
    said = voices("B +0", "B 00")
    assert gold(said, Rules(), decided("+ ", is_blind=True)) == ("+0", "jd", [(1, 2), (2, 2)])
    assert resolve(said, Rules(), decided("+ ", is_blind=True)).levels[0].tolist() == [2, -1]


@pytest.mark.parametrize(
    ("lines", "is_blind", "origin"),
    [
        (["B +", "B 0"], False, Origin.ADJUDICATED_ASSISTED),
        (["B +", "P 0"], True, Origin.ADJUDICATED_ASSISTED),
    ],
)
def test_a_decision_is_assisted_when_a_voice_or_the_adjudicator_saw_machine_labels(lines, is_blind, origin):
    said = voices(*lines)
    assert gold(said, Rules(), decided("+", is_blind=is_blind))[1] == origin


def test_urgency_of_a_blind_cell_is_that_of_blind_voices():
    said = voices("B + 1", "B + 1", "P + 3", "P + 3", "P + 3")
    assert resolve(said, MAJORITY, nothing(said)).levels[0].tolist() == [1]


def test_a_cell_without_a_value_has_no_urgency():
    said = voices("B + 2", "B ? 2")
    found = resolve(said, Rules(by_certainty=True), nothing(said))
    assert (text(found.values), found.levels[0].tolist()) == (" ", [-1])


def test_a_cell_disputed_in_urgency_alone_keeps_its_value():
    said, rules = voices("B + 1", "B + 3"), Rules(by_urgency=True)
    found = resolve(said, rules, nothing(said), disputes=find_disputes(said, rules))
    assert (text(found.values), text(found.origins), found.levels[0].tolist()) == ("+", "d", [-1])
    assert found.is_urgency_open.tolist() == [[True]]


def test_an_urgency_that_another_voice_disputes_is_open_though_readers_agree():
    said, disputes = voices("B + 2", "B + 2"), np.array([[URGENCY_DISPUTED]], np.int8)
    found = resolve(said, Rules(by_urgency=True), nothing(said), disputes=disputes)
    assert (text(found.values), found.levels[0].tolist(), found.is_urgency_open.tolist()) == ("+", [-1], [[True]])


def test_an_urgency_that_pre_filled_voices_settle_makes_the_cell_assisted():
    # Two of three say 2; of the blind ones one says 2, one 3.
    said, rules = voices("B + 2", "B + 3", "P + 2"), Rules(way=Way.MAJORITY, at_least=2, by_urgency=True)
    found = resolve(said, rules, nothing(said), disputes=find_disputes(said, rules))
    assert (text(found.values), found.levels[0].tolist(), text(found.origins)) == ("+", [2], "a")
    assert found.is_urgency_open.tolist() == [[False]]


def test_a_decision_closes_an_open_urgency():
    said, rules = voices("B + 1", "B + 3"), Rules(by_urgency=True)
    assert resolve(said, rules, nothing(said)).is_urgency_open.tolist() == [[True]]
    assert resolve(said, rules, decided("+", is_blind=True)).is_urgency_open.tolist() == [[False]]


def test_the_middle_urgency_is_that_of_the_weight():
    # Weights 1, 1 and 3 of readers 1 to 3: half of 5 is reached by the 1 of the third alone. Unweighted it is 2.
    said = voices("B + 3", "B + 2", "B + 1")
    weighted = Rules(way=Way.WEIGHTED, weights={3: 3.0})
    assert resolve(said, weighted, nothing(said)).levels[0].tolist() == [1]
    assert resolve(said, Rules(), nothing(said)).levels[0].tolist() == [2]


def test_a_voice_without_weight_neither_gives_nor_lacks_an_urgency():
    # Of the weight 1.2 that counts, 1 gave an urgency; of three voices one did.
    said = voices("B + 2", "B + _", "B + _")
    weighted = Rules(way=Way.WEIGHTED, weights={2: 0.2, 3: 0.0})
    assert resolve(said, weighted, nothing(said)).levels[0].tolist() == [2]


def test_evidence_is_that_of_the_voices_that_agree_unless_somebody_decided():
    said = voices("B ++", "B ?0", "B 0+")
    bodies = [
        {"cells": {"a": {"evidence": [[0, 4], [9, 12]]}, "b": {"evidence": [[5, 6]]}}},
        {"cells": {"a": {"evidence": [[9, 12]]}}},
        {"cells": {"a": {"evidence": [[20, 30]]}, "b": {}}},
    ]
    found = resolve(said, MAJORITY, nothing(said))
    of_case = {"case": 0, "cells": ["a", "b"]}
    assert evidence_of(found, bodies, **of_case, decided={}) == {"a": [[0, 4], [9, 12]], "b": [[5, 6]]}
    assert evidence_of(found, bodies, **of_case, decided={"a": [[1, 2]], "b": []}) == {"a": [[1, 2]]}


# Properties

VALUES = st.sampled_from("+?0.~")
LINES = st.lists(st.tuples(st.sampled_from("BP"), VALUES, st.sampled_from("0123_")), min_size=1, max_size=6)
RULES = st.builds(
    Rules,
    way=st.sampled_from(Way),
    at_least=st.integers(1, 4),
    share=st.sampled_from([0.5, 0.6, 0.75]),
    weights=st.dictionaries(st.integers(1, 7), st.sampled_from([0.5, 1.0, 2.0]), max_size=3),
    by_certainty=st.booleans(),
    by_urgency=st.booleans(),
)


def of(lines, readers=None):
    made = rows(*(" ".join(line) for line in lines))
    made.reader[:] = readers or range(1, len(lines) + 1)
    return Voices.of_rows(made, n_cases=1)


def outcome(said, rules):
    found = resolve(said, rules, nothing(said))
    return [
        each.tolist() for each in (found.values, found.levels, found.origins, found.n_voices, found.n_agree)
    ], found.is_urgency_open.tolist()


@given(LINES, RULES, st.randoms(use_true_random=False))
def test_the_order_of_readers_changes_nothing(lines, rules, random):
    order = random.sample(range(len(lines)), len(lines))
    shuffled = of([lines[place] for place in order], [place + 1 for place in order])
    assert outcome(shuffled, rules) == outcome(of(lines), rules)


@given(LINES, RULES, st.sampled_from("BP"))
def test_a_voice_that_agrees_never_makes_a_cell_undecided_nor_changes_it(lines, rules, arm):
    before = resolve(of(lines), rules, nothing(of(lines)))
    value = int(before.values[0, 0])
    if value == NO_CODE:
        return
    more = of([*lines, (arm, chr(value), "_")])
    assert resolve(more, rules, nothing(more)).values[0, 0] == value


@given(LINES, RULES)
def test_a_blind_cell_is_what_it_would_be_without_pre_filled_voices(lines, rules):
    found = resolve(of(lines), rules, nothing(of(lines)))
    blind = [(number, line) for number, line in enumerate(lines, 1) if line[0] == "B"]
    if chr(found.origins[0, 0]) in "sdm":
        alone = of([line for _, line in blind], [number for number, _ in blind])
        other = resolve(alone, rules, nothing(alone))
        assert found.values.tolist() == other.values.tolist()
        assert (found.n_voices.tolist(), found.n_agree.tolist()) == (other.n_voices.tolist(), other.n_agree.tolist())


@given(st.lists(LINES, min_size=1, max_size=4), RULES)
def test_cases_do_not_touch_each_other(cases, rules):
    parts = [rows(*(" ".join(line) for line in lines)) for lines in cases]
    for place, part in enumerate(parts):
        part.case[:] = place
    joined = type(parts[0])(*(np.concatenate([getattr(part, name) for part in parts]) for name in part.__slots__))
    together = resolve(*(said := Voices.of_rows(joined, n_cases=len(cases)), rules), nothing(said))
    for place, lines in enumerate(cases):
        alone = resolve(of(lines), rules, nothing(of(lines)))
        assert together.values[place].tolist() == alone.values[0].tolist()
        assert together.origins[place].tolist() == alone.origins[0].tolist()
        assert together.levels[place].tolist() == alone.levels[0].tolist()
