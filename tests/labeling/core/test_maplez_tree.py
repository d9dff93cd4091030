"""The decision tree of MAPLEZ: METHODS B gives values, questions and their number for every way through it."""

import asyncio

import pytest

from labeling.core.asking import Asker, MemoryStore, Purpose, UnreadableAnswer
from labeling.core.backends import Answer, Choice
from labeling.core.backends.scripted import ScriptedBackend
from labeling.core.maplez.tree import Judgement, TreeConfig, judge, read_percent
from labeling.core.nodes import LONGEST_REASON
from labeling.core.prompts import prompt_source
from labeling.core.values import Value
from tests.labeling.core.maplez_tools import nodes_asked, tree_backend

REPORT = "The cyst in the liver is unchanged. The spleen is normal."
LABEL_ONLY = TreeConfig()
LABEL = "liver, focal: a focal finding (inside the organ)"


def walk(
    backend: ScriptedBackend,
    *,
    use_cot: bool = False,
    start: str = "N0",
    config: TreeConfig = LABEL_ONLY,
    store: MemoryStore | None = None,
) -> Judgement:
    purpose = Purpose("certainty", "liver", "focal")
    return asyncio.run(
        judge(
            Asker(backend, store),
            REPORT,
            LABEL,
            purpose=purpose,
            use_cot=use_cot,
            start="N2" if start == "N2" else "N0",
            config=config,
        )
    )


def percent(text: str) -> int:
    return read_percent(Answer(text, is_cut=False))


# Answers, value, number of questions; METHODS B: "2 (N0 yes), 3, 3 or 4".
WAYS = [
    ({"n0": "yes", "observed": "90% likely"}, Value.PRESENT, 2),
    ({"n0": "yes", "observed": "89% likely"}, Value.POSSIBLE, 2),
    ({"n0": "no", "n2": "no", "n3": "yes"}, Value.ABSENT, 3),
    ({"n0": "no", "n2": "no", "n3": "no"}, Value.NOT_MENTIONED, 3),
    ({"n0": "no", "n2": "yes", "n4": "yes"}, Value.PRESENT, 3),
    ({"n0": "no", "n2": "yes", "n4": "no", "n5": "yes"}, Value.ABSENT, 4),
    ({"n0": "no", "n2": "yes", "n4": "no", "n5": "no"}, Value.AMBIGUOUS, 4),
]


@pytest.mark.parametrize(("answers", "value", "n_questions"), WAYS)
def test_every_way_through_the_tree(answers: dict[str, str], value: Value, n_questions: int) -> None:
    backend = tree_backend(**answers)
    found = walk(backend)
    assert found.value is value
    assert nodes_asked(backend) == list(answers)
    assert len(backend.calls) == n_questions
    assert found.probability is None


# METHODS A.10: a type that was chosen costs 3, 6 or 8 calls with reasoning.
@pytest.mark.parametrize(
    ("way", "n_calls"), [(WAYS[0], 3), (WAYS[1], 3), (WAYS[2], 6), (WAYS[3], 6), (WAYS[4], 6), (WAYS[5], 8)]
)
def test_reasoning_doubles_the_calls_of_yes_no_nodes_only(way: tuple[dict[str, str], Value, int], n_calls: int) -> None:
    backend = tree_backend(**way[0])
    assert walk(backend, use_cot=True).value is way[1]
    assert len(backend.calls) == n_calls


# METHODS A.10 and B: a type that was not chosen starts at N2, with 2, 2 or 3 nodes (4 or 6 calls with reasoning), and
# can be present.
@pytest.mark.parametrize(
    ("answers", "value", "n_calls"),
    [
        ({"n2": "no", "n3": "no"}, Value.NOT_MENTIONED, 4),
        ({"n2": "no", "n3": "yes"}, Value.ABSENT, 4),
        ({"n2": "yes", "n4": "yes"}, Value.PRESENT, 4),
        ({"n2": "yes", "n4": "no", "n5": "no"}, Value.AMBIGUOUS, 6),
        ({"n2": "yes", "n4": "no", "n5": "yes"}, Value.ABSENT, 6),
    ],
)
def test_a_finding_that_was_not_chosen_starts_at_n2(answers: dict[str, str], value: Value, n_calls: int) -> None:
    backend = tree_backend(**answers)
    assert walk(backend, use_cot=True, start="N2").value is value
    assert nodes_asked(backend) == list(answers)
    assert len(backend.calls) == n_calls


def test_the_published_stub_run_has_its_calls_and_limits() -> None:
    """METHODS I: all "No" with the tree is 237 calls and a cap of 218 691 tokens.

    The stages before it are 9 lists of 4000, 42 sentences of 1601 (2 calls each) and 3 choices of 1660 (2 calls): 99
    calls, 108 222 tokens. So 138 calls and 110 469 tokens are left for 3 organs of 1 chosen type and 10 others.
    """
    n_calls = n_tokens = 0
    for start in ["N0", *["N2"] * 10] * 3:
        backend = tree_backend(n0="No", n2="No", n3="No")
        walk(backend, use_cot=True, start=start)
        n_calls += len(backend.calls)
        n_tokens += sum(call.sampling.max_tokens for call in backend.calls if call.sampling)
    assert (n_calls, n_tokens) == (237 - 99, 218_691 - 108_222)


def test_answers_are_bounded_and_constrained() -> None:
    backend = tree_backend(n0="yes", observed="97% likely")
    walk(backend)
    yes_no, likely = backend.calls
    assert yes_no.sampling
    assert likely.sampling
    assert (yes_no.sampling.max_tokens, likely.sampling.max_tokens) == (1, 80)
    assert yes_no.constraint == Choice(("yes", "no"))
    assert likely.constraint is not None


# Subtree Q of METHODS B for what was observed, and its counterpart for what was not. 101 is no probability.
@pytest.mark.parametrize(
    ("answers", "probability"),
    [
        ({"n0": "yes", "observed": "95% likely", "n2": "no", "plain": "93% likely"}, 93),
        ({"n0": "yes", "observed": "95% likely", "n2": "yes", "n4": "yes"}, 95),
        ({"n0": "yes", "observed": "95% likely", "n2": "yes", "n4": "no", "n5": "yes", "absent": "7% likely"}, 7),
        ({"n0": "yes", "observed": "95% likely", "n2": "yes", "n4": "no", "n5": "no"}, None),
        ({"n0": "no", "n2": "no", "n3": "yes", "plain": "3% likely"}, 3),
        ({"n0": "no", "n2": "no", "n3": "no", "plain": "0% likely"}, 0),
        ({"n0": "no", "n2": "yes", "n4": "yes", "observed": "88% likely"}, 88),
        ({"n0": "no", "n2": "yes", "n4": "no", "n5": "yes", "absent": "2% likely"}, 2),
        ({"n0": "no", "n2": "yes", "n4": "no", "n5": "no"}, None),
    ],
)
def test_the_probability_is_asked_as_the_tree_was_answered(answers: dict[str, str], probability: int | None) -> None:
    backend = tree_backend(**answers)
    found = walk(backend, config=TreeConfig(with_probability=True))
    assert found.probability == probability
    assert nodes_asked(backend) == list(answers)
    assert found.flags == ()


def test_the_probability_does_not_change_the_value() -> None:
    backend = tree_backend(n0="yes", observed="95% likely", n2="no", plain="12% likely")
    found = walk(backend, config=TreeConfig(with_probability=True))
    assert (found.value, found.observed_percent, found.probability) == (Value.PRESENT, 95, 12)


def test_an_unreadable_probability_leaves_the_value_and_says_so() -> None:
    backend = tree_backend(n0="no", n2="no", n3="yes", plain="70-80")
    found = walk(backend, config=TreeConfig(with_probability=True))
    assert (found.value, found.probability, found.flags) == (Value.ABSENT, None, ("probability unreadable",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("85% likely", 85), ("85%", 85), (" **85 % likely**.", 85), ("0% likely", 0), ("100 percent likely", 100)],
)
def test_a_percentage_is_read_as_it_stands(text: str, expected: int) -> None:
    assert percent(text) == expected


# METHODS B: the published parser joins all digits ("70-80" is 7080) and takes no digit for a positive label.
@pytest.mark.parametrize(
    "text",
    [
        "70-80",
        "70-80% likely",
        "very likely",
        "",
        "101% likely",
        "85",
        "0.85",
        "8.5% likely",
        "-5%",
        "<5%",
        "1 in 20, 5%",
    ],
)
def test_what_is_no_percentage_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableAnswer):
        percent(text)


@pytest.mark.parametrize("wrong", ["70-80", "quite likely"])
def test_an_unreadable_percentage_is_no_positive_label(wrong: str) -> None:
    backend = tree_backend(n0="yes", observed=wrong)
    with pytest.raises(UnreadableAnswer):
        walk(backend)
    assert nodes_asked(backend) == ["n0", "observed", "observed"]


def test_an_unreadable_answer_is_put_back_once_with_the_complaint() -> None:
    said = iter(["perhaps", "yes", "91% likely"])
    backend = ScriptedBackend(lambda _call: next(said))
    assert walk(backend).value is Value.PRESENT
    assert "yes, no" in backend.calls[1].question
    assert len(backend.calls) == 3


@pytest.mark.parametrize("said", ["Yes.", "**Yes**", "YES", "(yes)"])
def test_marks_around_an_answer_do_not_matter(said: str) -> None:
    assert walk(tree_backend(n0=said, observed="95% likely")).value is Value.PRESENT


def test_the_rationale_is_the_reason_and_nothing_is_asked_twice_for_it() -> None:
    backend = tree_backend("The cyst has not changed, so yes.", n0="no", n2="yes", n4="yes")
    found = walk(backend, use_cot=True)
    assert found.reason == "observed: no, unchanged: yes, may be present: yes. The cyst has not changed, so yes."
    assert len(backend.calls) == 6


def test_a_long_rationale_is_bounded() -> None:
    found = walk(tree_backend("word " * 1000, n0="no", n2="no", n3="no"), use_cot=True)
    assert len(found.reason) <= LONGEST_REASON


def test_the_report_stands_quoted_before_finding_and_question() -> None:
    backend = tree_backend(n0="no", n2="no", n3="no")
    walk(backend)
    for call in backend.calls:
        assert call.question.index(f"<report>\n{REPORT}\n</report>") < call.question.index(LABEL)
        assert call.messages[0].content == prompt_source("system")


@pytest.mark.parametrize(("is_specific", "n_times"), [(True, 2), (False, 0)])
def test_stable_and_normal_are_asked_specifically_when_wanted(*, is_specific: bool, n_times: int) -> None:
    backend = tree_backend(n0="no", n2="yes", n4="no", n5="no")
    walk(backend, config=TreeConfig(specifically=is_specific))
    assert sum("specifically" in call.question for call in backend.calls) == n_times


def test_an_unchanged_device_is_present_without_being_asked() -> None:
    backend = tree_backend(n0="no", n2="yes")
    assert walk(backend, config=TreeConfig(is_device=True)).value is Value.PRESENT


def test_calls_name_their_node() -> None:
    store = MemoryStore()
    walk(tree_backend(n0="yes", observed="95% likely"), use_cot=True, store=store)
    stages = [record.purpose.stage for record in store.records.values()]
    assert stages == ["certainty-N0-reasoning", "certainty-N0", "certainty-percent-observed"]
    assert {record.purpose.target for record in store.records.values()} == {"liver"}
