"""Runs whose engine is in the worker: real Celery workers, run by a Python that has torch and vLLM.

The project's own packages come from the environment of the tests; versions agree (requirements-vllm.in).
"""

import signal
import sysconfig
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from django.db import connection

from labeling.models import MachineLabel, Run, StoredCall
from tests.factories import CaseFactory, ProjectFactory
from tests.labeling.claims import QUIET
from tests.labeling.run_tools import N_CELLS
from tests.labeling.vllm_server import ROOT, VENV, make_checkpoint, need_vllm
from tests.labeling.worker_tools import Instance, file_database, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.vllm]

N_REPORTS = 9  # three chunks
START_S = 420  # vLLM takes half a minute, on a busy machine several
QUESTIONS = ("--labeler", "direct-query", "--config", "yes=Yes", "no=No")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need_vllm()
    return make_checkpoint(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def instance(tmp_path, transactional_db):
    """An instance on this database; its commands have no torch."""
    in_file = nullcontext() if connection.vendor == "postgresql" else file_database(tmp_path / "shared.sqlite3")
    with in_file:
        CaseFactory.create_batch(N_REPORTS, project=ProjectFactory(slug="lumbar"))
        yield Instance(tmp_path, None)


@pytest.fixture
def gpu_machine(instance):
    """The same instance, on a machine that has torch and vLLM."""
    packages = {"PYTHONPATH": f"{ROOT}:{sysconfig.get_path('purelib')}", "VLLM_CONFIGURE_LOGGING": "0"}
    return replace(instance, python=VENV / "bin" / "python", more=QUIET | packages)


def start(instance, backend, checkpoint):
    answer = instance.manage("label", "lumbar", *QUESTIONS, "--backend", backend, "--model", str(checkpoint))
    assert answer.returncode == 0, answer.stderr
    assert "9 reports are queued for the workers of the queue llm-local" in answer.stdout
    return Run.objects.get()


@pytest.mark.parametrize(
    ("backend", "pool"), [("transformers", ["--pool=solo"]), ("vllm", ["--pool=threads"])], ids=["solo", "threads"]
)
def test_a_worker_loads_the_engine_once_for_all_chunks_and_lets_it_go_when_it_ends(
    instance, gpu_machine, checkpoint, backend, pool
):
    run = start(instance, backend, checkpoint)
    with gpu_machine.worker(*pool, queues="llm-local", concurrency=2) as worker:
        ends = lambda: Run.objects.get().state in ("complete", "failed")  # noqa: E731
        wait_until(ends, gpu_machine, within_s=START_S)
        run.refresh_from_db()
        assert run.state == "complete", run.reason
        family = psutil.Process(worker.pid).children(recursive=True)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(120) == 0
        _, alive = psutil.wait_procs(family, timeout=20)
        assert alive == []
    labeled = list(MachineLabel.objects.filter(run=run).values_list("report_id", flat=True))
    assert len(labeled) == len(set(labeled)) == N_REPORTS
    assert StoredCall.objects.filter(run=run).count() == N_REPORTS * N_CELLS
    assert run.manifest["backend"]["engine"] == backend
    assert run.manifest["backend"]["weights"].startswith("sha256:")
    address, log = f"{backend}:{checkpoint}", gpu_machine.log()
    assert log.count(f"loading {address}") == 1
    assert log.count(f"{address} was let go") == 1
    assert log.count(": done") == 3  # chunks
    assert "Report R" not in log


def test_under_the_prefork_pool_a_run_of_vllm_fails_and_says_how_to_start_the_worker(instance, gpu_machine, checkpoint):
    run = start(instance, "vllm", checkpoint)
    with gpu_machine.worker("--pool=prefork", queues="llm-local"):
        wait_until(lambda: Run.objects.get().state == "failed", gpu_machine, within_s=START_S)
    run.refresh_from_db()
    assert "start the worker with --pool threads or --pool solo" in run.reason
    assert StoredCall.objects.count() == 0


def test_a_dry_run_and_a_run_here_load_the_engine_in_the_command(instance, gpu_machine, checkpoint):
    here = replace(gpu_machine, more=gpu_machine.more | {"OVERREAD_RUN_CHUNK_REPORTS": "5"})
    options = ["label", "lumbar", *QUESTIONS, "--url", f"transformers:{checkpoint}", "--device", "cpu"]
    tried = here.manage(*options, "--dry-run", "2", within_s=START_S)
    assert tried.returncode == 0, tried.stderr
    assert f"2 reports: {2 * N_CELLS} calls" in tried.stdout
    assert not Run.objects.exists()
    ran = here.manage(*options, "--here", within_s=START_S)
    assert ran.returncode == 0, ran.stderr
    assert f"is complete: 9 of 9 reports labeled, {9 * N_CELLS} calls" in ran.stdout
    assert Run.objects.get().request["device"] == "cpu"
