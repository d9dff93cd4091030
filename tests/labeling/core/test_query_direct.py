"""The labeler `direct-query`: one question for each cell, scored by the logits of its two answers (METHODS D)."""

import asyncio
import json
import math
from dataclasses import replace

import pytest

from labeling.core.backends import BackendError, Trouble
from labeling.core.backends.scripted import Call, ScriptedBackend
from labeling.core.prompts import quoted
from labeling.core.query import Config, direct
from labeling.core.records import LabelSet, ReportText, StoredLabels
from labeling.core.schema import Cell
from labeling.core.schema_yaml import load_preset
from labeling.core.sections import SectionKind
from labeling.core.values import Missing, Value
from tests.labeling.core.query_tools import forwards, generations, query_backend

SPINE = load_preset("spine-mri")
CANCER = Cell("spine", "cancer")
REPORT = (
    "MRI lumbar spine.\n\nClinical Information: ?mets from breast.\n\n"
    "FINDINGS: Mild stenosis at L4-L5.\n\nIMPRESSION: No metastasis."
)


def run(backend: ScriptedBackend, *, text: str = REPORT, config: Config | None = None) -> LabelSet:
    report = ReportText("r1", text)
    return asyncio.run(direct.label(report, backend=backend, schema=SPINE, config=config or Config()))


def test_the_preset_has_the_five_conditions_and_three_levels() -> None:
    """METHODS D.1: five conditions; stenosis also at L3-L4, L4-L5 and L5-S1."""
    conditions = {"cancer", "stenosis", "spondylolisthesis", "cauda equina compression", "herniation"}
    assert {cell.finding for cell in SPINE.cells if cell.target == "spine"} == conditions
    levels = [cell.target for cell in SPINE.cells if cell.finding == "stenosis"]
    assert levels == ["spine", "L3-L4", "L4-L5", "L5-S1"]
    assert {finding.name for finding in SPINE.findings if "history" in finding.exclude_sections} == {"cancer"}


def test_a_cell_costs_one_call_and_nothing_is_written() -> None:
    backend = query_backend()
    run(backend)
    assert len(forwards(backend)) == len(SPINE.cells) == 8
    assert generations(backend) == []


def test_the_score_is_the_unrounded_logit_difference() -> None:
    label = run(query_backend((20.123456789, 17.5)))[CANCER]
    assert label.state is Value.PRESENT
    assert label.logit_difference == 20.123456789 - 17.5
    assert label.probability == pytest.approx(1 / (1 + math.exp(-2.623456789)))


def test_scores_keep_their_order_where_probabilities_do_not() -> None:
    """METHODS I: at a difference of 40 the probability is 1.0 exactly."""
    first = run(query_backend((40.0, 0.0)))[CANCER]
    second = run(query_backend((40.5, 0.0)))[CANCER]
    assert first.probability == second.probability == 1.0
    assert first.logit_difference is not None
    assert second.logit_difference is not None
    assert first.logit_difference < second.logit_difference


@pytest.mark.parametrize("difference", [1000.0, -1000.0])
def test_a_score_of_any_size_has_a_probability(difference: float) -> None:
    assert run(query_backend((difference, 0.0)))[CANCER].probability == (1.0 if difference > 0 else 0.0)


def test_scores_are_stored_as_they_are() -> None:
    labels = run(query_backend((40.123456789012345, 0.1)))
    stored = StoredLabels.encode(labels, SPINE)
    stored = replace(stored, body=json.loads(json.dumps(stored.body)))
    assert stored.decode(SPINE) == labels


def test_a_tie_is_not_present() -> None:
    """METHODS D.1: yes logit > no logit; D.2: strict."""
    assert run(query_backend((3.0, 3.0)))[CANCER].state is Value.ABSENT


def test_thresholds_are_those_of_the_cell_then_of_the_finding() -> None:
    config = Config(threshold=1.0, thresholds={"stenosis": 3.0, "L4-L5|stenosis": 1.5})
    labels = run(query_backend((2.0, 0.0)), config=config)
    present = {str(cell) for cell in SPINE.cells if labels[cell].state is Value.PRESENT}
    assert present == {str(cell) for cell in SPINE.cells if cell.finding != "stenosis"} | {"L4-L5|stenosis"}


def test_a_published_threshold_is_its_logit() -> None:
    """METHODS D.2: cancer above 0.93012, which is a difference of ln(0.93012 / 0.06988) = 2.58851."""
    config = Config(thresholds={"cancer": math.log(0.93012 / 0.06988)})
    assert run(query_backend((2.5885, 0.0)), config=config)[CANCER].state is Value.ABSENT
    assert run(query_backend((2.5886, 0.0)), config=config)[CANCER].state is Value.PRESENT


def test_the_answer_comes_after_the_marker() -> None:
    backend = query_backend()
    run(backend)
    for call in backend.calls:
        assert [message.role for message in call.messages] == ["system", "user", "assistant"]
        assert call.messages[-1].content == "ANSWER:"
        assert call.choices == (" yes", " no")


def test_the_question_has_report_definition_and_place_in_this_order() -> None:
    backend = query_backend()
    run(backend)
    stenosis = SPINE.finding_by_name["stenosis"].long_definition
    whole, *levels = [call.question for call in forwards(backend, "stenosis")]
    assert whole.index(quoted(REPORT)) < whole.index(stenosis)
    assert "place" not in whole
    for question, level in zip(levels, ["L3-L4", "L4-L5", "L5-S1"], strict=True):
        assert question.index(stenosis) < question.index(f"at this place: {level}?")


def test_the_history_is_left_out_for_cancer_only_and_nothing_else_is_lost() -> None:
    backend = query_backend()
    run(backend)
    (cancer,) = forwards(backend, "cancer")
    rest = "MRI lumbar spine.\n\nFINDINGS: Mild stenosis at L4-L5.\n\nIMPRESSION: No metastasis."
    assert quoted(rest) in cancer.question
    others = [call for call in backend.calls if call != cancer]
    assert all(quoted(REPORT) in call.question for call in others)


def test_sections_can_be_left_out_for_every_condition() -> None:
    backend = query_backend()
    run(backend, config=Config(exclude_sections=(SectionKind.HISTORY,)))
    assert not any("breast" in call.question for call in backend.calls)


def test_a_condition_without_any_evidence_to_read_is_not_asked() -> None:
    backend = query_backend()
    labels = run(backend, text="CLINICAL HISTORY: breast cancer, back pain for three weeks")
    assert labels[CANCER].state is Missing.NOT_ASKED
    assert "no text" in labels[CANCER].reason
    assert len(backend.calls) == 7


@pytest.mark.parametrize("logits", [(math.nan, 0.0), (math.inf, 0.0), (-math.inf, -math.inf)])
def test_a_score_that_is_no_number_is_unreadable(logits: tuple[float, float]) -> None:
    label = run(query_backend(logits))[CANCER]
    assert (label.state, label.logit_difference, label.probability) == (Missing.UNREADABLE, None, None)


def test_the_words_of_the_answer_can_be_others() -> None:
    backend = query_backend()
    run(backend, config=Config(yes="Ja", no="Nein", marker="ANTWORT: "))
    assert all(call.choices == ("Ja", "Nein") for call in backend.calls)
    assert all("Ja or Nein." in call.question for call in backend.calls)


def test_an_engine_error_is_raised_as_it_is() -> None:
    backend = ScriptedBackend(lambda _call: BackendError(Trouble.NOT_SUPPORTED, "no logprobs"))
    with pytest.raises(BackendError, match="no logprobs"):
        run(backend)


def test_scores_follow_their_cells() -> None:
    def logits(call: Call) -> tuple[float, float]:
        return (5.0, 0.0) if "at this place: L5-S1?" in call.question else (0.0, 5.0)

    labels = run(query_backend(logits))
    assert [str(cell) for cell in SPINE.cells if labels[cell].state is Value.PRESENT] == ["L5-S1|stenosis"]


@pytest.mark.parametrize("name", ["cancr", "L1-L2|stenosis"])
def test_a_threshold_for_what_the_schema_does_not_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="has no finding or cell"):
        run(query_backend(), config=Config(thresholds={name: 1.0}))


def test_a_configuration_that_cannot_decide_is_refused() -> None:
    with pytest.raises(ValueError, match="two different words"):
        Config(yes="a", no="a")
    with pytest.raises(ValueError, match="no finite number"):
        Config(thresholds={"cancer": math.nan})


def test_the_manifest_names_prompts_and_switches() -> None:
    made = json.loads(json.dumps(direct.manifest(SPINE, Config(thresholds={"cancer": 2.5}))))
    assert (made["labeler"], made["schema"]["hash"]) == ("direct-query", SPINE.hash)
    assert set(made["prompts"]) == {"system", "query_role", "query_report", "query_question"}
    assert made["switches"]["thresholds"] == {"cancer": 2.5}
