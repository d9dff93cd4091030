"""Questions to a model are asked once, read strictly, and leave a trace."""

import asyncio
from collections.abc import Sequence

import pytest

from labeling.core.asking import Asker, CallRecord, MemoryStore, Purpose, UnreadableAnswer
from labeling.core.backends import Answer, BackendError, Choice, ChoiceLogits, Message, Sampling, Trouble, Usage
from labeling.core.backends.scripted import Call, Script, ScriptedBackend
from labeling.core.nodes import Question, put, read_option
from labeling.core.prompts import fill, prompt_hashes, prompt_source, quoted

TURNS = [Message("system", "Read."), Message("user", "Is it so?")]
SHORT = Sampling(max_tokens=4)
WHY = Purpose("check", target="liver")


def answering(*answers: str | Sequence[float]) -> ScriptedBackend:
    """Gives these answers in turn, then none."""
    left = list(answers)
    return ScriptedBackend(lambda call: left.pop(0) if left else None)


def yes_or_no(answer: Answer) -> str:
    return read_option(answer, ("Yes", "No"))


def test_what_was_answered_is_not_asked_again_by_a_later_asker():
    store = MemoryStore()
    backend = answering("yes")
    first = Asker(backend, store)
    assert asyncio.run(first.ask(TURNS, SHORT, purpose=WHY)).text == "yes"
    later = Asker(answering(), MemoryStore(list(store.records.values())))
    assert asyncio.run(later.ask(TURNS, SHORT, purpose=WHY)).text == "yes"
    assert (first.n_asked, later.n_asked, len(backend.calls)) == (1, 0, 1)


@pytest.mark.parametrize(
    ("turns", "sampling", "constraint"),
    [
        ([*TURNS[:1], Message("user", "Is it not so?")], SHORT, None),
        ([Message("user", "Read."), TURNS[1]], SHORT, None),
        (TURNS, Sampling(max_tokens=5), None),
        (TURNS, Sampling(max_tokens=4, seed=1), None),
        (TURNS, SHORT, Choice(("Yes", "No"))),
    ],
)
def test_another_question_is_another_call(turns, sampling, constraint):
    asker = Asker(answering("yes", "no"))
    asyncio.run(asker.ask(TURNS, SHORT, purpose=WHY))
    assert asyncio.run(asker.ask(turns, sampling, purpose=WHY, constraint=constraint)).text == "no"


def test_another_model_is_asked_anew():
    class Other(ScriptedBackend):
        @property
        def fingerprint(self):
            return {"engine": "scripted", "model": "other"}

    def script(call: Call) -> str:
        return "yes"

    store = MemoryStore()
    asyncio.run(Asker(ScriptedBackend(script), store).ask(TURNS, SHORT, purpose=WHY))
    other = Asker(Other(script), store)
    asyncio.run(other.ask(TURNS, SHORT, purpose=WHY))
    assert other.n_asked == 1


def test_unreadable_answer_is_put_back_once_with_the_complaint():
    backend = answering("perhaps", "**No**.")
    asker = Asker(backend)
    assert asyncio.run(asker.ask_for(TURNS, SHORT, purpose=WHY, read=yes_or_no)) == "No"
    again = backend.calls[1].messages
    assert [(turn.role, turn.content) for turn in again[2:]] == [
        ("assistant", "perhaps"),
        ("user", "Answer with one of these and nothing else: Yes, No."),
    ]
    kept = list(asker.store.records.values())  # type: ignore[attr-defined]
    assert [(record.answer, record.read, record.purpose.attempt) for record in kept] == [
        ("perhaps", "unreadable", 1),
        ("**No**.", "No", 2),
    ]


def test_second_unreadable_answer_is_the_end():
    asker = Asker(answering("perhaps", "possibly", "yes"))
    with pytest.raises(UnreadableAnswer):
        asyncio.run(asker.ask_for(TURNS, SHORT, purpose=WHY, read=yes_or_no))
    assert asker.n_asked == 2


def test_call_without_an_answer_is_not_kept():
    def script(call: Call) -> BackendError:
        return BackendError(Trouble.TIMEOUT, "no answer in 60 s")

    asker = Asker(ScriptedBackend(script))
    with pytest.raises(BackendError, match="60 s") as caught:
        asyncio.run(asker.ask(TURNS, SHORT, purpose=WHY))
    assert caught.value.is_passing
    assert not asker.store.records  # type: ignore[attr-defined]


def test_difference_of_logits_is_unrounded_and_kept():
    store = MemoryStore()
    difference = 40.000000000000014  # sigmoid of it is 1.0, the difference is not lost (METHODS D.2)
    asker = Asker(answering((difference, 0.0)), store)
    assert asyncio.run(asker.logit_difference(TURNS, ("yes", "no"), purpose=WHY)) == difference
    again = Asker(answering(), store)
    assert asyncio.run(again.logit_difference(TURNS, ("yes", "no"), purpose=WHY)) == difference


def test_choices_that_the_engine_did_not_list_have_no_difference():
    class Blind(ScriptedBackend):
        async def choice_logits(self, messages, choices):
            return ChoiceLogits((-9.0, -9.0), floor=frozenset({0, 1}))

    store = MemoryStore()
    with pytest.raises(UnreadableAnswer):
        asyncio.run(Asker(Blind(lambda call: None), store).logit_difference(TURNS, ("yes", "no"), purpose=WHY))
    assert [record.read for record in store.records.values()] == ["unreadable"]


def test_record_survives_its_json_form():
    record = CallRecord("k", Purpose("check", "liver", "focal", 3, 2), "yes", True, Usage(10, 1, None), "Yes")
    assert CallRecord.from_json(record.as_json()) == record


@pytest.mark.parametrize("said", ["Yes", "yes.", "**Yes**", " YES\n", '"Yes"', "(yes)"])
def test_option_is_read_whatever_its_dress(said):
    assert read_option(Answer(said, is_cut=False), ("Yes", "No")) == "Yes"


@pytest.mark.parametrize("said", ["", "Yes, there is", "A finding is positive: D", "I think (J)", "MRI", "Y", "None"])
def test_option_is_not_looked_for_in_a_sentence(said):
    with pytest.raises(UnreadableAnswer):
        read_option(Answer(said, is_cut=False), ("Yes", "No", "A", "C", "D", "I", "J", "M"))


def test_answer_cut_by_its_cap_counts_when_only_one_option_begins_so():
    assert read_option(Answer("ye", is_cut=True), ("Yes", "No")) == "Yes"
    with pytest.raises(UnreadableAnswer):
        read_option(Answer("no", is_cut=True), ("Not", "Normal"))


def test_result_is_asked_for_after_the_reasoning_and_only_it_is_read():
    backend = answering("The liver is said to be normal. No.", "Yes")
    question = Question("Is it so? Think first.", "Only yes or no.", 1, Choice(("Yes", "No")))
    assert asyncio.run(put(Asker(backend), question, purpose=WHY, read=yes_or_no)) == "Yes"
    reasoning, result = backend.calls
    assert [call.sampling.max_tokens for call in backend.calls if call.sampling] == [1600, 1]
    assert reasoning.constraint is None
    assert result.constraint == Choice(("Yes", "No"))
    assert [turn.role for turn in result.messages] == ["system", "user", "assistant", "user"]


def test_script_that_does_not_know_a_question_fails():
    with pytest.raises(BackendError, match="call 1 is not in the script"):
        asyncio.run(Asker(answering()).ask(TURNS, SHORT, purpose=WHY))


def test_scripted_answer_is_cut_at_the_cap():
    script: Script = lambda call: "one two three"  # noqa: E731
    answer = asyncio.run(ScriptedBackend(script).generate(TURNS, Sampling(max_tokens=2)))
    assert (answer.text, answer.is_cut, answer.usage.generated) == ("one two", True, 2)


@pytest.mark.parametrize(
    "text",
    ["plain", "ends </report> early", "<report1>\n</REPORT>", "<report> </report> <report1>", "</report2> $x {y}"],
)
def test_report_cannot_end_its_own_quotation(text):
    marked = quoted(text)
    opening, *middle, closing = marked.split("\n")
    assert "\n".join(middle) == text
    assert closing == opening.replace("<", "</")
    assert marked.lower().count(opening.lower()) == marked.lower().count(closing.lower()) == 1


def test_prompts_are_hashed_as_they_stand_and_filled_completely():
    [[name, digest]] = prompt_hashes("system").items()
    assert name == "system"
    assert len(digest) == 64
    assert "<report>" in prompt_source("system")
    assert fill("system") == prompt_source("system")


def test_half_a_character_in_an_answer_is_written_out_so_that_it_can_be_stored():
    asker = Asker(answering("liver \ud83d", "Yes"))
    assert asyncio.run(asker.ask_for(TURNS, SHORT, purpose=WHY, read=yes_or_no)) == "Yes"
    first = next(iter(asker.store.records.values()))  # type: ignore[attr-defined]
    assert first.answer == "liver \\ud83d"
