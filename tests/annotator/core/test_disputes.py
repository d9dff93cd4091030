import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from annotator.core.disputes import (
    MACHINE,
    answers_of,
    find_disputes,
    kind_of,
    letter,
    lettered,
    pattern_of,
)
from annotator.core.voices import NO_CODE, NO_READER, Rules, Voices, Way

SECRET = "a secret of the tests"


def voices_of(*columns: str, readers: tuple[int, ...] | None = None) -> Voices:
    """One case; a column is a cell, said by one voice after the other: value, then urgency, as in `+2 0_`."""
    said = [column.split() for column in columns]
    values = np.array([[ord(pair[0]) for pair in cell] for cell in said], np.uint8).T[:, np.newaxis, :]
    urgencies = np.array([[ord(pair[1]) for pair in cell] for cell in said], np.uint8).T[:, np.newaxis, :]
    keys = np.array(readers or range(1, len(values) + 1), np.int64)[:, np.newaxis]
    return Voices(values, urgencies, keys, np.ones(keys.shape, bool))


def kinds(voices: Voices, rules: Rules) -> list[str]:
    return [str(kind_of(int(code)) or "") for code in find_disputes(voices, rules)[0]]


def test_present_and_absent_differ_while_present_and_possible_do_not() -> None:
    said = voices_of("+_ 0_", "+_ ?_", "0_ ._", "+_ ~_", "0_ ~_", "._ ?_")
    assert kinds(said, Rules()) == ["presence", "", "", "presence", "presence", "presence"]


def test_certainty_counts_only_where_the_project_says_so() -> None:
    said = voices_of("+_ 0_", "+_ ?_", "0_ ._", "~_ ~_", "+_ +_")
    assert kinds(said, Rules(by_certainty=True)) == ["presence", "certainty", "certainty", "", ""]


def test_urgency_counts_among_those_who_call_it_positive_and_say_one() -> None:
    said = voices_of("+1 +2", "?1 +2", "+1 +_", "+1 0_", "+2 +2")
    assert kinds(said, Rules(by_urgency=True)) == ["urgency", "urgency", "", "presence", ""]
    both = Rules(by_urgency=True, by_certainty=True)
    assert kinds(said, both) == ["urgency", "certainty", "", "presence", ""]


def test_a_majority_spares_a_person_only_when_it_is_large_enough() -> None:
    said = voices_of("+_ +_ 0_", "+_ 0_ ~_", "+_ +_ +_")
    assert kinds(said, Rules(way=Way.MAJORITY, at_least=2)) == ["", "presence", ""]
    assert kinds(said, Rules(way=Way.MAJORITY, at_least=3)) == ["presence", "presence", ""]
    assert kinds(said, Rules(way=Way.UNANIMOUS)) == ["presence", "presence", ""]


def test_a_majority_of_those_who_call_it_positive_settles_certainty_and_urgency() -> None:
    said = voices_of("+1 +1 ?2", "+1 ?2 0_", "+1 ?2 ?3")
    rules = Rules(way=Way.MAJORITY, at_least=2, by_certainty=True, by_urgency=True)
    # Of the third cell two of three say possible, and no two give the same urgency.
    assert kinds(said, rules) == ["", "certainty", "urgency"]


def test_weights_decide_by_share() -> None:
    said = voices_of("+_ 0_ 0_", "+_ +_ 0_", readers=(7, 8, 9))
    # Weights 3, 1, 1: the first reader alone has 3/5, with the second 4/5.
    assert kinds(said, Rules(way=Way.WEIGHTED, share=0.6, weights={7: 3.0})) == ["", ""]
    assert kinds(said, Rules(way=Way.WEIGHTED, share=0.7, weights={7: 3.0})) == ["presence", ""]


def test_always_asks_for_whatever_somebody_calls_positive_or_ambiguous() -> None:
    said = voices_of("+_ +_", "0_ ._", "~_ ~_", "0_ +_")
    assert kinds(said, Rules(way=Way.ALWAYS)) == ["rule", "", "rule", "presence"]
    assert kinds(said, Rules(way=Way.ALWAYS, by_certainty=True)) == ["rule", "certainty", "rule", "presence"]


def test_one_voice_disputes_with_nobody() -> None:
    assert kinds(voices_of("+1", "0_"), Rules(way=Way.MAJORITY, at_least=2)) == ["", ""]


def test_unreadable_answers_and_missing_voices_are_no_voice() -> None:
    said = voices_of("+_ !_", "+_ 0_")
    assert kinds(said, Rules()) == ["", "presence"]
    nobody = Voices(
        np.array([[[ord("+")]], [[NO_CODE]]], np.uint8),
        np.array([[[ord("_")]], [[NO_CODE]]], np.uint8),
        np.array([[1], [NO_READER]]),
        np.ones((2, 1), bool),
    )
    assert kinds(nobody, Rules(by_certainty=True, by_urgency=True)) == [""]


def test_the_machine_never_outvotes_readers_who_differ() -> None:
    said = voices_of("+_ +_ +_ 0_", "+_ 0_ ~_ +_", "+_ +_ 0_ 0_", readers=(1, 2, 3, MACHINE))
    rules = Rules(way=Way.MAJORITY, at_least=2)
    # Third cell: two readers of three, and two voices of four.
    assert kinds(said, rules) == ["", "presence", "presence"]
    assert kinds(said, Rules()) == ["presence", "presence", "presence"]


@given(
    st.lists(st.tuples(st.sampled_from("+?0~."), st.sampled_from("_012")), min_size=1, max_size=5),
    st.sampled_from(list(Way)),
    st.randoms(use_true_random=False),
)
def test_the_order_of_voices_means_nothing(said: list[tuple[str, str]], way: Way, random: object) -> None:
    mixed = list(said)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    rules = Rules(way=way, by_certainty=True, by_urgency=True)
    columns = [" ".join(value + urgency for value, urgency in each) for each in (said, mixed)]
    assert kinds(voices_of(columns[0]), rules) == kinds(voices_of(columns[1]), rules)
    assert pattern_of(said) == pattern_of(mixed)


@given(st.lists(st.sampled_from(["+_", "?_", "0_", "~_", "._"]), min_size=1, max_size=5), st.integers(0, 4))
def test_repeating_what_all_say_disputes_nothing(said: list[str], times: int) -> None:
    rules = Rules(by_certainty=True)
    before = kinds(voices_of(" ".join(said)), rules)
    assert before == kinds(voices_of(" ".join(said + said[:1] * times)), rules)
    assert (before == [""]) == (len(set(said)) == 1)


def test_a_pattern_says_what_was_said_and_not_by_whom() -> None:
    assert pattern_of([("0", "_"), ("+", "2"), (".", "_"), ("+", "1"), ("!", "_")]) == "+1,+2,0_,._"
    assert answers_of("+1,0_") == [("+", "1"), ("0", "_")]
    assert answers_of("") == []


def test_letters_are_shuffled_in_each_cell_and_stay_as_they_are() -> None:
    first = lettered(["7", "8", "9"], secret=SECRET, place="1|liver|focal")
    assert list(first) == ["A", "B", "C"]
    assert first == lettered(["9", "7", "8"], secret=SECRET, place="1|liver|focal")
    leads = [lettered(["7", "8", "9"], secret=SECRET, place=f"{case}|liver|focal")["A"] for case in range(3000)]
    # Each of three leads in a third of 3,000 places; 120 is more than four standard deviations (26 each).
    assert all(abs(leads.count(voice) - 1000) < 120 for voice in "789")
    others = [lettered(["7", "8", "9"], secret="another", place=f"{case}|liver|focal")["A"] for case in range(3000)]
    assert abs(sum(one == other for one, other in zip(leads, others, strict=True)) - 1000) < 120


def test_letters_go_on_after_z() -> None:
    assert [letter(place) for place in (0, 25, 26, 27)] == ["A", "Z", "A2", "B2"]


def test_ten_thousand_cases_take_one_pass() -> None:
    rng = np.random.default_rng(6)
    shape = (3, 10_000, 99)
    values = rng.choice(np.frombuffer(b"+?0~.", np.uint8), shape, p=[0.05, 0.02, 0.3, 0.01, 0.62])
    urgencies = rng.choice(np.frombuffer(b"_012", np.uint8), shape)
    readers = np.broadcast_to(np.arange(1, 4)[:, np.newaxis], shape[:2]).copy()
    voices = Voices(values, urgencies, readers, np.ones(shape[:2], bool))
    started = time.perf_counter()
    found = find_disputes(voices, Rules(way=Way.MAJORITY, by_certainty=True, by_urgency=True))
    # About a second; a loop over a million cells takes minutes.
    assert time.perf_counter() - started < 20
    assert found.shape == shape[1:]
