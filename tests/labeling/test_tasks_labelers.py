"""Labelers of many kinds of question over a Celery worker and HTTP: constrained JSON, choices, free text.

The engine answers from gold labels. The second implementation is the same labeler in this process, without HTTP,
worker and database.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.gold_model import GoldModel, gold_of
from labeling.core.backends import Choice, Constraint, JsonForm, Message, Pattern, Sampling
from labeling.core.backends.scripted import Call, ScriptedBackend
from labeling.core.labelers import labeler_called
from labeling.core.records import LabelSet, ReportText, StoredLabels
from labeling.core.schema_yaml import load_preset
from labeling.models import MachineLabel, Run, StoredCall
from tests.factories import CaseFactory, LabelSchemaFactory, ProjectFactory, ReportFactory
from tests.labeling.llm_servers import LlmServer, Request, in_thread
from tests.labeling.worker_tools import Instance, wait_until

SCHEMA = load_preset("abdomen-ct")
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "abdomen_reports_a.jsonl"
ROWS = [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]
MODELS = [GoldModel(ReportText(row["id"], row["report"]), SCHEMA, gold_of(row)) for row in ROWS]
ANSWER_OF = {"leavs-fast": GoldModel.answer_leavs_fast, "leavs": GoldModel.answer_leavs}
NUMBERS = re.compile(r"\[\d+\] ")


def call_of(request: Request) -> Call:
    """The question that came over HTTP, as a backend is asked it."""
    limits = request.body.get("structured_outputs", {})
    constraint: Constraint | None = None
    if "json" in limits:
        constraint = JsonForm(limits["json"])
    elif "choice" in limits:
        constraint = Choice(tuple(limits["choice"]))
    elif "regex" in limits:
        constraint = Pattern(limits["regex"])
    turns = tuple(Message(turn["role"], turn["content"]) for turn in request.body["messages"])
    return Call(turns, Sampling(request.body["max_tokens"]), constraint)


def engine(labeler: str, models: Sequence[GoldModel]) -> LlmServer:
    """A server that knows the reports; with more than one, by the whole text that each prompt shows."""

    def answer(request: Request) -> str:
        call = call_of(request)
        shown = NUMBERS.sub("", call.messages[-1].content if len(call.messages) == 1 else call.messages[1].content)
        if "Say hello." in shown:
            return "hello"
        known = models if len(models) == 1 else [model for model in models if model.report.text in shown]
        return ANSWER_OF[labeler](known[0], call)

    return LlmServer("vllm", answer=answer, max_model_len=16384)


def in_this_process(labeler: str, options: Sequence[str], model: GoldModel) -> tuple[LabelSet, int]:
    """Labels, and the number of calls, of the labeler without a worker."""
    made = labeler_called(labeler)
    backend = ScriptedBackend(lambda call: ANSWER_OF[labeler](model, call))
    labels = made.label(model.report, backend=backend, schema=SCHEMA, config=made.configure(options, SCHEMA))
    return asyncio.run(labels), len(backend.calls)


@pytest.mark.parametrize(
    ("labeler", "options", "n_reports"),
    [("leavs-fast", (), 4), ("leavs", ("targets=liver,gallbladder,left kidney",), 1)],
)
@pytest.mark.parametrize("instance", ["filesystem"], indirect=True)
def test_a_labeler_of_many_questions_completes_over_a_worker_with_its_evidence(
    instance: Instance, labeler: str, options: tuple[str, ...], n_reports: int
) -> None:
    models = MODELS[:n_reports]
    project = ProjectFactory(slug="abdomen", schema=LabelSchemaFactory(preset="abdomen-ct"))
    for model in models:
        CaseFactory(
            project=project,
            report=ReportFactory(project=project, report_id=model.report.report_id, text=model.report.text),
        )
    with in_thread(engine(labeler, models)) as server, instance.worker():
        config = ["--config", *options] if options else []
        command = ("label", "abdomen", "--labeler", labeler, "--url", server.url, "--model", "tiny", *config)
        started = instance.manage(*command)
        assert started.returncode == 0, started.stderr
        run = Run.objects.get()
        wait_until(lambda: Run.objects.get(pk=run.pk).state == "complete", instance)
    expected = {model.report.report_id: in_this_process(labeler, options, model) for model in models}
    stored = {label.report.report_id: label for label in MachineLabel.objects.select_related("report")}
    assert {
        report_id: StoredLabels(label.values, label.urgencies, label.body) for report_id, label in stored.items()
    } == {report_id: StoredLabels.encode(labels, SCHEMA) for report_id, (labels, _) in expected.items()}
    assert StoredCall.objects.count() == sum(n_calls for _, n_calls in expected.values())
    assert set(StoredCall.objects.values_list("attempt", flat=True)) == {1}  # none was unreadable
    for report_id, label in stored.items():
        text = label.report.text
        entries = label.body["cells"].values()
        quoted = [text[start:end] for entry in entries for start, end in entry.get("evidence", ())]
        assert len(quoted) >= 5, report_id
        assert all(quote.strip() for quote in quoted)
