"""Celery carries runs: real workers on the file-system broker and on Redis, killed, paused and woken."""

import signal
from collections import Counter

import psutil
import pytest
from django.utils import timezone
from kombu.exceptions import OperationalError

from labeling import tasks
from labeling.models import MachineLabel, Run, RunChunk, StoredCall
from labeling.services import cancel_run, pause_run, resume_run, start_model_run
from labeling.services.carrying import Ending
from tests.factories import CaseFactory, ProjectFactory
from tests.labeling.llm_servers import in_thread
from tests.labeling.run_tools import N_CELLS, plan
from tests.labeling.worker_tools import engine, kill, questions, wait_until

N_REPORTS = 9


@pytest.fixture
def project(shared):
    project = ProjectFactory(slug="lumbar")
    CaseFactory.create_batch(N_REPORTS, project=project)
    return project


def start(instance, server, *more):
    answer = instance.manage(
        *("label", "lumbar", "--labeler", "direct-query", "--url", server.url, "--model", "tiny"),
        *("--concurrency", "2", "--config", "yes=yes", "no=no", *more),
    )
    assert answer.returncode == 0, answer.stderr
    assert "9 reports are queued" in answer.stdout
    return Run.objects.get()


def state_of(run):
    return Run.objects.values_list("state", flat=True).get(pk=run.pk)


def test_a_worker_that_is_killed_in_the_middle_loses_no_label_and_no_stored_answer(project, instance):
    n_calls = N_REPORTS * N_CELLS
    with in_thread(engine(delay_s=0.05)) as server:
        run = start(instance, server, "--prefill")
        with instance.worker() as first:
            wait_until(lambda: StoredCall.objects.count() >= n_calls // 3, instance)
            kill(first)
        stored = StoredCall.objects.count()
        assert n_calls // 3 <= stored < n_calls
        assert state_of(run) == "running"
        server.forget()
        server.delay_s = 0
        with instance.worker():
            wait_until(lambda: state_of(run) == "complete", instance)
        again = questions(server)
    assert len(again) == len(set(again)) == n_calls - stored
    assert StoredCall.objects.count() == n_calls
    labeled = Counter(MachineLabel.objects.values_list("report", flat=True))
    assert labeled == dict.fromkeys(project.reports.values_list("pk", flat=True), 1)
    run.refresh_from_db()
    assert (run.manifest["n_out"], run.manifest["n_failed"], run.is_prefill) == (N_REPORTS, {}, True)
    assert "Report R" not in instance.log()


@pytest.mark.parametrize("instance", ["filesystem"], indirect=True)
def test_a_run_pauses_resumes_and_is_cancelled_under_a_worker(project, instance):
    # 72 calls, two at a time: nine seconds in which to pause it.
    with in_thread(engine(delay_s=0.25)) as server:
        run = start(instance, server)
        with instance.worker():
            wait_until(lambda: StoredCall.objects.exists(), instance)
            pause_run(run=run, actor=None)
            wait_until(lambda: not RunChunk.objects.filter(state="leased").exists(), instance)
            stored = StoredCall.objects.count()
            n_asked = len(questions(server))
            assert n_asked - stored <= 2  # those that were in flight when it stopped
            resume_run(run=run, actor=None)
            wait_until(lambda: StoredCall.objects.count() > stored, instance)
            cancel_run(run=run, actor=None)
            wait_until(lambda: server.in_flight == 0, instance)
            n_labels = MachineLabel.objects.count()
            assert n_labels < N_REPORTS
            assert Run.objects.get().manifest["n_out"] == n_labels


@pytest.mark.parametrize("instance", ["filesystem"], indirect=True)
def test_the_shell_waits_for_a_run_that_workers_carry(project, instance):
    with in_thread(engine()) as server, instance.worker():
        answer = instance.manage(
            *("label", "lumbar", "--labeler", "direct-query", "--url", server.url, "--model", "tiny"),
            *("--config", "yes=yes", "no=no", "--wait"),
        )
    assert answer.returncode == 0, answer.stderr
    assert f"is complete: 9 of 9 reports labeled, {N_REPORTS * N_CELLS} calls" in answer.stdout


@pytest.mark.parametrize("instance", ["filesystem"], indirect=True)
def test_serve_brings_a_worker_and_takes_it_along_when_it_stops(project, instance):
    with in_thread(engine()) as server:
        run = start(instance, server)
        with instance.process("manage.py", "serve", "--port", "0") as web:
            wait_until(lambda: state_of(run) == "complete", instance)
            family = psutil.Process(web.pid).children(recursive=True)
            assert any("celery" in " ".join(each.cmdline()) for each in family)
            web.send_signal(signal.SIGTERM)
            assert web.wait(20) == 0
            _, alive = psutil.wait_procs(family, timeout=5)
            assert alive == []


@pytest.fixture
def run(db, settings):
    settings.RUN_CHUNK_REPORTS = 2
    project = ProjectFactory()
    CaseFactory.create_batch(4, project=project)
    return start_model_run(project=project, plan=plan(), actor=None, only_allowed=False)


@pytest.fixture
def sent(monkeypatch):
    """Messages that would have been sent."""
    sent = []
    monkeypatch.setattr(tasks.label_chunk, "delay", sent.append)
    return sent


def test_a_message_that_comes_twice_is_worked_on_once(run, sent, monkeypatch):
    carried = []

    def carry(claim):
        carried.append(claim.chunk.pk)
        return Ending.DONE

    monkeypatch.setattr(tasks, "carry", carry)
    first = RunChunk.objects.first()
    tasks.label_chunk(first.pk)
    tasks.label_chunk(first.pk)
    tasks.label_chunk(first.pk + 1000)
    assert carried == [first.pk]


def test_a_chunk_that_ends_sends_for_the_next_one(run, sent, monkeypatch):
    monkeypatch.setattr(tasks, "carry", lambda claim: Ending.DONE)
    first, second = RunChunk.objects.values_list("pk", flat=True)
    tasks.label_chunk(first)
    assert sent == [second]


def test_starting_sends_a_message_for_each_chunk_and_the_sweep_repeats_none_of_them(run, sent):
    assert tasks.wake(run)
    assert sent == list(RunChunk.objects.values_list("pk", flat=True))
    tasks.sweep_chunks()
    assert len(sent) == 2
    RunChunk.objects.update(woken_at=timezone.now() - timezone.timedelta(minutes=10))
    tasks.sweep_chunks()
    assert len(sent) == 4


def test_a_broker_that_is_down_leaves_the_run_queued_for_the_sweep(run, monkeypatch):
    def refuse(chunk_id):
        raise OperationalError("connection refused")

    monkeypatch.setattr(tasks.label_chunk, "delay", refuse)
    assert tasks.wake(run) is False
    assert state_of(run) == "queued"
