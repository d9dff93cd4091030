"""The labeler `summary-query`: a summary for each condition, then a question by it for each cell (METHODS D)."""

import asyncio

import pytest

from labeling.core.asking import MemoryStore
from labeling.core.backends import BackendError, Trouble
from labeling.core.backends.scripted import Call, ScriptedBackend
from labeling.core.prompts import quoted
from labeling.core.query import Config, summary
from labeling.core.records import LabelSet, ReportText
from labeling.core.schema import Cell
from labeling.core.schema_yaml import load_preset
from labeling.core.values import Missing, Value
from tests.labeling.core.query_tools import forwards, generations, query_backend

SPINE = load_preset("spine-mri")
CANCER = Cell("spine", "cancer")
STENOSIS = [cell for cell in SPINE.cells if cell.finding == "stenosis"]
REPORT = "HISTORY: known myeloma.\nFINDINGS: Narrow canal at L4-L5."


def run(backend: ScriptedBackend, *, config: Config | None = None, store: MemoryStore | None = None) -> LabelSet:
    report = ReportText("r1", REPORT)
    return asyncio.run(summary.label(report, backend=backend, schema=SPINE, config=config or Config(), store=store))


def test_the_levels_of_a_condition_share_its_summary() -> None:
    """Five conditions: five summaries; eight cells: eight questions. METHODS D.1 counts one of each per condition."""
    backend = query_backend()
    run(backend)
    assert (len(generations(backend)), len(forwards(backend))) == (5, 8)
    beginnings = {call.messages[:3] for call in forwards(backend, "stenosis")}
    assert len(forwards(backend, "stenosis")) == 4
    assert len(beginnings) == 1


def test_the_summary_is_drawn_as_published() -> None:
    backend = query_backend()
    run(backend)
    for call in generations(backend):
        assert call.sampling
        assert (call.sampling.max_tokens, call.sampling.repetition_penalty, call.sampling.temperature) == (
            1024,
            1.15,
            0,
        )


def test_the_definition_is_in_the_question_and_not_in_the_request_for_a_summary() -> None:
    backend = query_backend()
    run(backend)
    definition = SPINE.finding_by_name["cancer"].long_definition
    (request,) = [call for call in generations(backend) if "cancer can be" in call.question]
    assert definition not in request.question
    (question,) = forwards(backend, "cancer")
    assert definition in question.question


def test_the_question_follows_the_summary_and_the_report_stays_in_view() -> None:
    backend = query_backend(summary="  The canal is narrow.\n")
    run(backend)
    for call in forwards(backend):
        assert [message.role for message in call.messages] == ["system", "user", "assistant", "user", "assistant"]
        assert call.messages[2].content == "The canal is narrow."
        assert "your summary" in call.question
        assert call.messages[-1].content == "ANSWER:"
    assert all(quoted(REPORT) in call.messages[1].content for call in forwards(backend, "stenosis"))


def test_the_history_reaches_neither_summary_nor_question_of_cancer() -> None:
    backend = query_backend()
    run(backend)
    about_cancer = [call for call in backend.calls if any("cancer" in turn.content for turn in call.messages)]
    assert len(about_cancer) == 2
    assert not any("myeloma" in turn.content for call in about_cancer for turn in call.messages)


def test_a_label_has_score_and_summary() -> None:
    label = run(query_backend((1.25, 3.0), summary="No tumour."))[CANCER]
    assert (label.state, label.logit_difference) == (Value.ABSENT, -1.75)
    assert (label.reason, label.flags) == ("No tumour.", ())


def test_a_summary_that_was_cut_is_used_and_flagged() -> None:
    """The scripted backend cuts at words: 3 of 4."""
    label = run(query_backend(summary="one two three four"), config=Config(summary_tokens=3))[CANCER]
    assert (label.reason, label.flags) == ("one two three", ("summary cut",))


def test_a_long_summary_is_kept_in_part() -> None:
    label = run(query_backend(summary="word " * 1000))[CANCER]
    assert len(label.reason) <= summary.LONGEST_REASON


def test_a_condition_without_a_summary_is_unreadable_and_the_others_are_not() -> None:
    def script(call: Call) -> str | tuple[float, float]:
        if call.sampling is None:
            return (1.0, 0.0)
        return " \n" if any("stenosis can be" in turn.content for turn in call.messages) else "Slipped."

    labels = run(ScriptedBackend(script))
    assert {labels[cell].state for cell in STENOSIS} == {Missing.UNREADABLE}
    assert {labels[cell].state for cell in set(SPINE.cells) - set(STENOSIS)} == {Value.PRESENT}


def test_a_missing_summary_is_asked_for_once_more() -> None:
    said = iter(["", *["Narrow."] * 5])
    backend = ScriptedBackend(lambda call: (1.0, 0.0) if call.sampling is None else next(said))
    labels = run(backend)
    assert {labels[cell].state for cell in SPINE.cells} == {Value.PRESENT}
    assert len(generations(backend)) == 6


def test_what_was_answered_is_not_asked_again() -> None:
    store = MemoryStore()
    first = run(query_backend((0.1, 0.3)), store=store)
    assert {record.read for record in store.records.values()} == {"summary", "logits"}
    silent = ScriptedBackend(lambda _call: None)
    assert run(silent, store=store) == first
    assert silent.calls == []


def test_an_engine_error_is_raised_as_it_is() -> None:
    backend = ScriptedBackend(lambda _call: BackendError(Trouble.TOO_LONG, "9000 tokens, 8192 fit"))
    with pytest.raises(BackendError, match="8192 fit"):
        run(backend)


def test_the_manifest_names_the_prompt_of_the_summary() -> None:
    made = summary.manifest(SPINE, Config())
    assert made["labeler"] == "summary-query"
    assert "query_summary" in made["prompts"]
