"""`leavs-fast`: gold labels as answers come back, and reports and schemas of other kinds."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labeling.core.backends import BackendError, Trouble
from labeling.core.backends.scripted import Call, ScriptedBackend
from labeling.core.excerpts import NoReport
from labeling.core.leavs_fast import Config, manifest
from labeling.core.leavs_fast.page import number_report
from labeling.core.records import CellLabel, ReportText
from labeling.core.schema import Cell
from labeling.core.schema_yaml import load_preset, parse_schema
from labeling.core.text import structure_report
from labeling.core.values import POSITIVE_VALUES, Value, value_of_name
from tests.labeling.core.leavs_fast_oracle import Oracle, form_of, stage_of
from tests.labeling.core.test_leavs_fast import ABDOMEN, TYPICAL, labels_of, stages

SPINE = load_preset("spine-mri")
GOLDEN = Path(__file__).parents[2] / "golden"


def gold_rows(letter: str) -> list[dict[str, Any]]:
    lines = (GOLDEN / f"abdomen_reports_{letter}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def gold_of(row: Mapping[str, Any]) -> dict[Cell, CellLabel]:
    labels = {
        Cell(target, finding): CellLabel(value_of_name(value), row.get("urgency", {}).get(target, {}).get(finding))
        for target, cells in row["cells"].items()
        for finding, value in cells.items()
    }
    return {
        cell: replace(said, urgency=(said.urgency or 0) if said.state in POSITIVE_VALUES else None)
        for cell, said in labels.items()
        if said.state is not Value.NOT_MENTIONED
    }


@pytest.mark.parametrize("letter", "abcd")
def test_answers_made_from_gold_labels_give_these_labels_back(letter: str) -> None:
    for place, row in enumerate(gold_rows(letter)[::3]):
        gold = gold_of(row)
        n_sentences = len(structure_report(row["report"]).sentences)
        targets = sorted({cell.target for cell in gold})
        sentences = {
            name: sorted({(place + 3 * index) % n_sentences + 1, (5 * index + 2) % n_sentences + 1})
            for index, name in enumerate(targets)
        }
        overlooked = frozenset(range(1, n_sentences + 1, 3))
        backend = Oracle(ABDOMEN, gold, sentences, overlooked).backend()
        labels = labels_of(row["report"], backend)
        assert len(backend.calls) <= 30
        spans = {
            name: number_report(ReportText("R1", row["report"])).evidence(numbers)
            for name, numbers in sentences.items()
        }
        for cell in ABDOMEN.cells:
            said = gold.get(cell, CellLabel(Value.NOT_MENTIONED))
            evidence = spans[cell.target] if cell in gold else ()
            found = labels[cell]
            assert (found.state, found.urgency, found.evidence) == (said.state, said.urgency, evidence), row["id"]


# Other reports and schemas


def test_a_long_report_is_sorted_in_portions() -> None:
    text = " ".join(f"Segment {number} is normal." for number in range(1, 151))
    numbers = [1, 59, 61, 122, 150]
    gold = {Cell("liver", "normal"): CellLabel(Value.PRESENT, 0)}
    backend = Oracle(ABDOMEN, gold, {"liver": numbers}, overlooked=frozenset({61, 150})).backend()
    labels = labels_of(text, backend)
    # 150 sentences are portions of 60, 60 and 30; what is left out, 147, of 60, 60 and 27.
    assert stages(backend.calls) == ["select"] * 3 + ["recall"] * 3 + ["values", "support"]
    words = [text[slice(*span)] for span in labels[Cell("liver", "normal")].evidence]
    assert words == [f"Segment {number} is normal." for number in numbers]


def test_history_is_no_evidence_where_the_schema_leaves_it_out() -> None:
    text = "HISTORY: Breast cancer with metastases.\n\nFINDINGS: Metastasis in L2. Canal narrowed at L4-L5."
    gold = {
        Cell("spine", "cancer"): CellLabel(Value.PRESENT),
        Cell("spine", "stenosis"): CellLabel(Value.PRESENT),
        Cell("L4-L5", "stenosis"): CellLabel(Value.POSSIBLE),
    }

    def honest(call: Call, said: Any) -> Any:
        if "cancer" in said["findings"]:
            said["findings"]["cancer"]["sentences"] = []
        return said

    oracle = Oracle(SPINE, gold, {"spine": [1, 2, 3], "L4-L5": [3]}, changed={"support": honest})
    backend = oracle.backend()
    labels = labels_of(text, backend, schema=SPINE)
    question = next(call.question for call in backend.calls if stage_of(call) == "values")
    assert "For cancer these sentences are no evidence: 1." in question
    assert labels[Cell("spine", "cancer")].flags == ("no_evidence",)
    assert labels[Cell("spine", "stenosis")].urgency is None
    assert [text[slice(*span)] for span in labels[Cell("L4-L5", "stenosis")].evidence] == ["Canal narrowed at L4-L5."]
    assert set(labels.cells) == set(SPINE.cells)


def test_a_finding_that_no_sentence_may_support_is_not_asked() -> None:
    text = "HISTORY: Breast cancer. Back pain."
    backend = Oracle(SPINE, {}, {"spine": [1, 2]}).backend()
    labels = labels_of(text, backend, schema=SPINE)
    values = next(call for call in backend.calls if stage_of(call) == "values")
    assert "cancer" not in form_of(values)["properties"]["values"]["properties"]
    assert labels[Cell("spine", "cancer")].state is Value.NOT_MENTIONED


def test_names_of_any_script_and_with_the_words_of_the_forms_work() -> None:
    schema = parse_schema(
        "format: 1\nname: odd\nversion: 1\nmodality: CT\n"
        "targets: [{name: values, title: The values}, {name: Lunge (rechts)}, {name: 肝}]\n"
        "findings: [{name: reason, definition: a reason}, {name: sentences, definition: sentences}]\n"
    )
    gold = {Cell("肝", "reason"): CellLabel(Value.PRESENT), Cell("values", "sentences"): CellLabel(Value.ABSENT)}
    labels = labels_of(
        "Eins. Zwei.",
        Oracle(schema, gold, {"肝": [1], "values": [2]}).backend(),
        schema=schema,
    )
    assert {cell: label.state for cell, label in labels.cells.items() if cell in gold} == {
        cell: label.state for cell, label in gold.items()
    }


@pytest.mark.parametrize("text", ["", " \n", "nan"])
def test_a_missing_report_is_not_labelled(text: str) -> None:
    with pytest.raises(NoReport, match="R1"):
        labels_of(text, ScriptedBackend(lambda call: None))


def test_trouble_of_the_engine_is_raised() -> None:
    with pytest.raises(BackendError):
        labels_of(TYPICAL, ScriptedBackend(lambda call: BackendError(Trouble.TIMEOUT, "no answer in 60 s")))


def test_the_manifest_changes_with_schema_and_switches_and_names_every_prompt() -> None:
    made = manifest(ABDOMEN, Config())
    assert made["labeler"] == "leavs-fast"
    assert made != manifest(SPINE, Config())
    assert made != manifest(ABDOMEN, Config(recall=False))
    folder = Path(__file__).parents[3] / "labeling/core/prompts"
    assert set(made["prompts"]) == {"system", *(path.stem for path in folder.glob("fast_*.txt"))}
