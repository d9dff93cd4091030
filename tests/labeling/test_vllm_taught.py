"""From notes to scores with everything real: a model that learned to answer, vLLM, a broker, a Celery worker.

A model of 100,000 weights learns in seconds what templated notes say, from the very prompts of `direct-query`. A vLLM
server on the CPU serves it, and a worker labels held-out notes through it. So small a model knows a few words and no
medicine; what is shown is that every question reaches the engine with the sections that its finding may see, and that
the answer becomes value and score of the right cell of the right report.
"""

import asyncio
import json
import random
import subprocess
from collections import defaultdict
from collections.abc import Iterator

import pytest

from labeling.core.backends.scripted import Call, ScriptedBackend
from labeling.core.query import Config, direct
from labeling.core.records import ReportText, StoredLabels
from labeling.core.schema import Cell
from labeling.core.values import Value
from labeling.models import MachineLabel, Run, StoredCall
from tests.factories import CaseFactory, LabelSchemaFactory, ProjectFactory, ReportFactory
from tests.labeling.templated_notes import SCHEMA_SOURCE, Note, Said, make_note, schema
from tests.labeling.vllm_server import MODEL, ROOT, VENV, VllmServer, need_vllm, vllm_server
from tests.labeling.worker_tools import Instance, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.vllm]

N_LEARNED, N_HELD_OUT = 480, 40
PROBABILITY: dict[Said, float] = {"present": 1.0, "equivocal": 0.5, "absent": 0.0}
TEACHING_S = 1200  # half a minute by itself
SCHEMA = schema()


def asked_about(note: Note) -> list[Call]:
    """What `direct-query` asks about a note, in the order of the cells."""
    backend = ScriptedBackend(lambda call: (0.0, 0.0))
    asyncio.run(direct.label(ReportText("R1", note.text), backend=backend, schema=SCHEMA, config=Config()))
    return backend.calls


def lesson(note: Note) -> str:
    """The questions about a note with their answers, as a line."""
    turns = [[{"role": turn.role, "content": turn.content} for turn in call.messages] for call in asked_about(note)]
    answers = [PROBABILITY[note.says[cell]] for cell in SCHEMA.cells]
    asked = [{"turns": each, "yes": yes} for each, yes in zip(turns, answers, strict=True)]
    return json.dumps(asked) + "\n"


def lessons() -> str:
    """Notes to learn from."""
    rng = random.Random(1)
    return "".join(lesson(make_note(rng)) for _ in range(N_LEARNED))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    """A real vLLM with the model that has learned."""
    need_vllm()
    folder = tmp_path_factory.mktemp("taught")
    command = [VENV / "bin" / "python", "-m", "tests.labeling.taught_checkpoint", folder / "model"]
    taught = subprocess.run(command, cwd=ROOT, input=lessons(), capture_output=True, text=True, timeout=TEACHING_S)
    assert taught.returncode == 0, taught.stderr[-3000:]
    with vllm_server(folder, folder / "model") as server:
        yield server


def held_out_notes() -> dict[str, Note]:
    rng = random.Random(2)
    return {f"N{number:02}": make_note(rng, is_held_out=True) for number in range(N_HELD_OUT)}


def test_a_worker_finds_in_held_out_notes_what_they_say_and_orders_them_by_score(
    server: VllmServer, instance: Instance
) -> None:
    notes = held_out_notes()
    stored = LabelSchemaFactory(name=SCHEMA.name, version=SCHEMA.version, hash=SCHEMA.hash, source=SCHEMA_SOURCE)
    project = ProjectFactory(slug="notes", schema=stored)
    for report_id, note in notes.items():
        CaseFactory(project=project, report=ReportFactory(project=project, report_id=report_id, text=note.text))
    command = ("label", "notes", "--labeler", "direct-query", "--url", f"{server.root}/v1", "--model", MODEL)
    with instance.worker():
        started = instance.manage(*command, "--concurrency", "16")
        assert started.returncode == 0, started.stderr
        wait_until(lambda: Run.objects.get().state == "complete", instance, within_s=600)
    assert StoredCall.objects.count() == N_HELD_OUT * len(SCHEMA.cells)

    scores: dict[tuple[Cell, Said], list[float]] = defaultdict(list)
    for label in MachineLabel.objects.select_related("report"):
        found = StoredLabels(label.values, label.urgencies, label.body).decode(SCHEMA)
        for cell, said in notes[label.report.report_id].says.items():
            score = found[cell].logit_difference
            assert score is not None
            scores[cell, said].append(score)
            if said != "equivocal":
                assert found[cell].state is Value(said), (label.report.report_id, cell)
    for cell in SCHEMA.cells:
        present, equivocal, absent = (scores[cell, said] for said in PROBABILITY)
        assert min(map(len, (present, equivocal, absent))) >= 3
        # Every pair is in order: the AUROC of each cell is 1, also against the equivocal ones, which lie in between.
        assert min(present) > max(equivocal)
        assert min(equivocal) > max(absent)
