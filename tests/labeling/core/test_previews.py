"""What would be asked is seen without a model, and what was asked is seen again, to the letter."""

import asyncio
from functools import cache

import pytest

from labeling.core import previews
from labeling.core.asking import MemoryStore
from labeling.core.backends import Choice, JsonForm, Pattern, Sampling
from labeling.core.backends.scripted import ScriptedBackend
from labeling.core.conversations import answer_form, conversations, sampling_words, sentences_asked
from labeling.core.excerpts import NoReport
from labeling.core.labelers import MODEL_LABELERS, labeler_called
from labeling.core.placeholders import SUPPOSED, WRITTEN, Placeholders
from labeling.core.previews import preview, replay
from labeling.core.records import ReportText
from labeling.core.schema import Cell
from labeling.core.schema_yaml import load_preset, parse_schema
from labeling.core.values import Value

ABDOMEN = ReportText(
    "A-1",
    "HISTORY: Pain.\n\nFINDINGS: The liver contains a 2 cm hypodense lesion. The spleen is normal. "
    "The kidneys are unremarkable.\n\nIMPRESSION: Hepatic cyst.",
)
SPINE = ReportText(
    "S-1", "HISTORY: Known breast cancer.\n\nL4-5: disc protrusion with severe canal stenosis. No fracture."
)
WORLDS = {
    "abdomen-ct": (ABDOMEN, Cell("liver", "focal")),
    "spine-mri": (SPINE, Cell("spine", "stenosis")),
}
LEAVS = ["fast", "sentence-reasoning", "sentence", "findings-reasoning", "findings"]
LEAVS += ["certainty-reasoning", "certainty", "urgency-reasoning", "urgency"]
TREE = ["tree-N0", "tree-percent-observed", "tree-N2", "tree-N4", "tree-N5", "tree-percent-absent", "tree-N3"]
TREE += ["tree-percent-plain"]
# Labeler, options, and the stages that come up in the order in which they do.
EVERY = [
    ("leavs", [], LEAVS),
    ("leavs", ["use_cot=false"], [stage for stage in LEAVS if "reasoning" not in stage]),
    ("leavs", ["split_report=no"], LEAVS[3:]),
    ("leavs", ["split_report=fast"], LEAVS[:1] + LEAVS[3:]),
    ("leavs", ["split_report=extensive"], LEAVS[1:]),
    ("leavs", ["definition=individual"], LEAVS[:3] + LEAVS[5:]),
    ("leavs-fast", [], ["select", "recall", "values", "support"]),
    ("leavs-fast", ["recall=false", "reasons=false"], ["select", "values", "support"]),
    ("maplez", [], TREE),
    ("direct-query", [], ["answer"]),
    ("summary-query", [], ["summary", "answer"]),
]


def seen(name, options=(), *, preset="abdomen-ct", cell=None, report=None):
    return seen_once(name, tuple(options), preset, cell, report)


@cache  # the same is looked at by several tests
def seen_once(name, options, preset, cell, report):
    schema, labeler = load_preset(preset), labeler_called(name)
    config = labeler.configure(options, schema)
    found = preview(
        report or WORLDS[preset][0], labeler=labeler, schema=schema, config=config, cell=cell or WORLDS[preset][1]
    )
    return asyncio.run(found)


@pytest.mark.parametrize("preset", WORLDS)
@pytest.mark.parametrize(("name", "options", "stages"), EVERY)
def test_every_stage_of_every_labeler_comes_up(name, options, stages, preset):
    if preset == "spine-mri":  # no urgency in this schema
        stages = [stage for stage in stages if "urgency" not in stage]
    found = seen(name, options, preset=preset)
    assert list(dict.fromkeys(call.purpose.stage for call in found.calls)) == stages
    assert found.is_whole
    assert {call.purpose.attempt for call in found.calls} == {1}


def test_every_labeler_has_a_preview():
    assert {name for name, *_ in EVERY} == set(MODEL_LABELERS)


@pytest.mark.parametrize("preset", WORLDS)
@pytest.mark.parametrize(("name", "options", "stages"), EVERY)
@pytest.mark.parametrize("value", SUPPOSED)
def test_a_run_with_the_same_answers_asks_the_same_to_the_letter(name, options, stages, preset, value):
    (report, cell), schema, labeler = WORLDS[preset], load_preset(preset), labeler_called(name)
    supposed = Placeholders.of(report, schema=schema, cell=cell, value=value)

    def script(call):
        return supposed.answer(call.messages, call.constraint) if call.sampling else list(supposed.logits(call.choices))

    engine = ScriptedBackend(script)
    config = labeler.configure(options, schema)
    labels = asyncio.run(labeler.label(report, backend=engine, schema=schema, config=config))
    asked = {(call.messages, call.sampling, repr(call.constraint), call.choices) for call in engine.calls}
    calls = [call for call in seen(name, options, preset=preset).calls if value in dict(call.answers)]
    assert calls
    for call in calls:
        assert (call.messages, call.sampling, repr(call.constraint), call.choices) in asked
    # The answers say what is supposed: a query knows no more than present or absent.
    is_query = name.endswith("-query")
    assert labels[cell].state == (value if not is_query or value is Value.PRESENT else Value.ABSENT)


def test_only_calls_that_bear_on_the_cell_are_shown_and_each_once():
    for name in MODEL_LABELERS:
        calls = seen(name).calls
        assert {call.purpose.target for call in calls} <= {"", "liver"}
        assert {call.purpose.finding for call in calls} <= {"", "focal"}
        assert len({call.key for call in calls}) == len(calls)


def test_every_cell_of_a_schema_of_ones_own_has_a_preview():
    schema = parse_schema(
        "format: 1\nname: own\nversion: 1\ntitle: Own\nmodality: CT\n"
        "targets:\n  - name: left lung\n  - name: aorta\n"
        "findings:\n  - {name: nodule, definition: a nodule}\n  - {name: wide, definition: too wide}\n"
        "cells:\n  nodule: [left lung]\n  wide: [aorta]\n"
    )
    report = ReportText("X", "A nodule of 4 mm in the left lung. The aorta is not dilated.")
    for name in MODEL_LABELERS:
        labeler = labeler_called(name)
        config = labeler.configure([], schema)
        for cell in schema.cells:
            found = preview(report, labeler=labeler, schema=schema, config=config, cell=cell)
            assert asyncio.run(found).calls, (name, cell)


def test_a_target_that_is_switched_off_is_not_asked_about():
    assert seen("leavs", ["targets=spleen"]).calls == ()
    assert seen("leavs", ["targets=spleen"], cell=Cell("spleen", "focal")).calls


@pytest.mark.parametrize("name", MODEL_LABELERS)
def test_a_report_without_text_has_no_preview(name):
    with pytest.raises(NoReport):
        seen(name, report=ReportText("A-2", " nan "))


def test_a_report_that_is_too_much_gives_as_much_as_there_is_room_for(monkeypatch):
    whole = seen("maplez")
    seen_once.cache_clear()
    one = whole.calls[0].n_characters
    monkeypatch.setattr(previews, "MOST_CHARACTERS", 300 * one)  # 99 cells, two to eight calls each, four times
    part = seen("maplez")
    seen_once.cache_clear()
    assert not part.is_whole
    assert 0 < len(part.calls) < len(whole.calls)


def test_reasoning_and_its_close_are_one_conversation_in_which_the_placeholder_stands():
    found = conversations(seen("leavs").calls)
    assert [each.stage for each in found] == ["fast", "sentence", "findings", "certainty", "certainty", "urgency"]
    certainty = found[3]
    assert [call.purpose.stage for call in certainty.calls] == ["certainty-reasoning", "certainty"]
    assert [turn.role for turn in certainty.turns] == ["system", "user", "assistant", "user", "assistant"]
    assert certainty.turns[2].text == WRITTEN
    assert certainty.turns[2].call is certainty.calls[0]
    assert [turn.text for turn in certainty.turns[:-1]] == [each.content for each in certainty.calls[-1].messages]
    # Chosen by stage 2: A absent, B not mentioned, D present, E ambiguous; not chosen: A absent.
    assert certainty.calls[-1].answers == ((Value.PRESENT, "D"), (Value.AMBIGUOUS, "E"))
    assert found[4].calls[-1].answers == ((Value.ABSENT, "A"),)


def test_values_and_support_of_leavs_fast_are_one_conversation_for_each_supposition():
    found = [each for each in conversations(seen("leavs-fast").calls) if each.stage == "support"]
    assert [each.supposed for each in found] == [(Value.PRESENT,), (Value.ABSENT,), (Value.AMBIGUOUS,)]
    assert [len(each.calls) for each in found] == [2, 1, 1]
    assert (
        found[0].title == "The values of all findings of the target, then: Sentences and urgency of what is mentioned"
    )


def test_sentences_are_shown_one_at_a_time_and_the_others_counted():
    calls = seen("leavs").calls
    indexes = sentences_asked(calls)
    assert indexes == (0, 1, 2, 3, 4)  # of a report of five sentences: "Pain." is the first
    [shown] = [each for each in conversations(calls, sentence=3) if each.stage == "sentence"]
    assert (shown.sentence, shown.n_alike) == (3, 4)
    [first] = [each for each in conversations(calls, sentence=99) if each.stage == "sentence"]
    assert first.sentence is not None


def test_what_came_out_of_the_report_is_marked_in_the_questions():
    [shown] = conversations(seen("direct-query", preset="spine-mri").calls)
    quoted = [piece.text for turn in shown.turns for piece in turn.pieces if piece.is_report]
    assert quoted == [SPINE.text]
    assert shown.turns[2].text == "ANSWER:"


def test_conversations_say_how_much_of_their_beginning_was_there_before():
    found = conversations(seen("maplez").calls)
    first, second = (each.calls[-1].messages for each in found[:2])
    assert found[0].n_shared == 0
    # System turn, report and definition; the questions begin differently ("Does", "Take").
    assert found[1].n_shared == len(first[0].content) + first[1].content.index("Does the report say")
    assert second[1].content[: first[1].content.index("Does the report say")] in first[1].content


def test_what_an_answer_may_be_is_said_in_words():
    assert answer_form(None) == "free text"
    assert answer_form(Choice(("Yes", "No"))) == "one of Yes, No"
    assert answer_form(Pattern("[0-9]%")) == "a text that matches [0-9]%"
    assert answer_form(JsonForm({"type": "object"})) == "JSON of a fixed form"
    assert answer_form(None, (" yes", " no")) == "the logits of ' yes' and ' no' as the next word; nothing is written"
    [summary] = [call for call in seen("summary-query").calls if call.purpose.stage == "summary"]
    assert summary.sampling == Sampling(1024, repetition_penalty=1.15)
    assert sampling_words(summary) == "at most 1,024 tokens, temperature 0 (greedy), repetition penalty 1.15"


# ---- after a run


def labelled(name, options=(), *, value=Value.PRESENT, spoiled=()):
    """A run of a labeler: its engine, and the calls it stored. Stages in `spoiled` are answered with rubbish."""
    schema, labeler = load_preset("abdomen-ct"), labeler_called(name)
    supposed = Placeholders.of(ABDOMEN, schema=schema, cell=WORLDS["abdomen-ct"][1], value=value)

    def script(call):
        if call.sampling is None:
            return [2.25, 1.0]
        if any(type(call.constraint).__name__ == kind for kind in spoiled):
            return "<b>perhaps</b>"
        said = supposed.answer(call.messages, call.constraint)
        return said.replace(WRITTEN, "Because the third sentence says so.")

    engine, store = ScriptedBackend(script), MemoryStore()
    config = labeler.configure(options, schema)
    asyncio.run(labeler.label(ABDOMEN, backend=engine, schema=schema, config=config, store=store))
    return engine, list(store.records.values())


def replayed(name, records, *, options=(), report=ABDOMEN, fingerprint=None):
    schema, labeler = load_preset("abdomen-ct"), labeler_called(name)
    found = replay(
        report,
        labeler=labeler,
        schema=schema,
        config=labeler.configure(options, schema),
        cell=WORLDS["abdomen-ct"][1],
        records=records,
        fingerprint=fingerprint or {"engine": "scripted", "model": "scripted"},
    )
    return asyncio.run(found).calls


def bearing(records):
    cell = WORLDS["abdomen-ct"][1]
    return [record for record in records if previews.concerns(record.purpose, cell)]


@pytest.mark.parametrize(("name", "options", "stages"), EVERY)
def test_the_conversations_of_a_run_are_put_together_again_to_the_letter(name, options, stages):
    engine, records = labelled(name, options)
    calls = replayed(name, records, options=options)
    assert {call.key: call.answer for call in calls} == {record.key: record.answer for record in bearing(records)}
    asked = {(call.messages, call.sampling, repr(call.constraint), call.choices) for call in engine.calls}
    assert {(each.messages, each.sampling, repr(each.constraint), each.choices) for each in calls} <= asked
    # What is stored of the cell is enough: other cells' answers are not needed.
    assert {call.key for call in replayed(name, bearing(records), options=options)} == {call.key for call in calls}


@pytest.mark.parametrize("name", ["leavs", "leavs-fast", "maplez"])
def test_an_unreadable_answer_is_put_together_with_the_complaint_and_the_second_answer(name):
    _, records = labelled(name, spoiled=("Choice", "JsonForm"))
    calls = replayed(name, records)
    assert len(calls) == len(bearing(records))
    second = next(call for call in calls if call.purpose.attempt == 2)
    [shown] = [each for each in conversations(calls) if each.calls[-1] is second]
    assert [turn.role for turn in shown.turns[-4:]] == ["user", "assistant", "user", "assistant"]
    assert shown.turns[-3].text == shown.turns[-1].text == "<b>perhaps</b>"
    assert "Answer with one of these" in shown.turns[-2].text or "JSON object" in shown.turns[-2].text


def test_another_text_other_switches_or_another_engine_give_no_conversation():
    _, records = labelled("maplez")
    assert replayed("maplez", records)
    changed = ReportText("A-1", ABDOMEN.text.replace("2 cm", "3 cm"))
    assert replayed("maplez", records, report=changed) == ()
    assert replayed("maplez", records, options=["wording=terms"]) == ()
    assert replayed("maplez", records, fingerprint={"engine": "vllm", "model": "scripted"}) == ()


def test_of_a_run_that_stopped_halfway_what_was_answered_is_put_together():
    _, records = labelled("maplez")
    half = [record for record in records if record.purpose.stage in ("tree-N0", "tree-percent-observed")]
    assert {call.purpose.stage for call in replayed("maplez", half)} == {"tree-N0", "tree-percent-observed"}
