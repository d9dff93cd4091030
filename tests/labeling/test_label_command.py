"""`manage.py label` with a labeler that asks a language model."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from annotator.management import run_steering
from labeling import tasks
from labeling.models import MachineLabel, Run, StoredCall
from labeling.services import pause_run
from tests.factories import CaseFactory, ProjectFactory
from tests.labeling.llm_servers import error_of, in_thread
from tests.labeling.run_tools import N_CELLS
from tests.labeling.worker_tools import engine, questions

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    project = ProjectFactory(slug="lumbar")
    CaseFactory.create_batch(4, project=project)
    return project


@pytest.fixture
def server():
    with in_thread(engine()) as server:
        yield server


@pytest.fixture
def sent(monkeypatch):
    sent = []
    monkeypatch.setattr(tasks.label_chunk, "delay", sent.append)
    return sent


def label(server, *more):
    options = ["--labeler", "direct-query", "--url", server.url, "--model", "tiny", "--config", "yes=yes", "no=no"]
    call_command("label", "lumbar", *options, *more)


def test_here_labels_in_this_process_and_says_what_it_cost(project, server, sent, capsys):
    label(server, "--here", "--prefill")
    run = Run.objects.get()
    assert (run.state, run.is_prefill, sent) == ("complete", True, [])
    assert MachineLabel.objects.filter(run=run).count() == 4
    assert run.manifest["method"]["switches"]["yes"] == "yes"
    assert run.manifest["backend"]["engine"] == "vllm"
    said = capsys.readouterr().out
    assert f"is complete: 4 of 4 reports labeled, {4 * N_CELLS} calls" in said


def test_without_here_the_run_waits_for_workers(project, server, sent, capsys):
    label(server)
    run = Run.objects.get()
    assert (run.state, len(sent), MachineLabel.objects.count()) == ("queued", 1, 0)
    assert f"run {run.run_id}: 4 reports are queued" in capsys.readouterr().out


def test_a_dry_run_stores_nothing_and_says_what_all_would_take(project, server, capsys):
    label(server, "--dry-run", "2")
    assert not Run.objects.exists()
    assert not StoredCall.objects.exists()
    said = capsys.readouterr().out
    assert f"2 reports: {2 * N_CELLS} calls" in said
    assert f"all 4 reports: about {4 * N_CELLS} calls" in said
    assert said.count("present 0.909") == 2 * N_CELLS  # sigmoid(-0.1 - -2.4) = 1 / (1 + exp(-2.3)) = 0.9089


def test_tokens_that_the_engine_does_not_count_are_unknown(project, server, monkeypatch, capsys):
    monkeypatch.setattr("labeling.core.many.Tally.add", lambda tally, usage: None)
    monkeypatch.setattr(run_steering, "known_tokens", lambda run: {"prompt_tokens": False, "generated_tokens": False})
    label(server, "--dry-run", "2")
    said = capsys.readouterr().out
    assert f"2 reports: {2 * N_CELLS} calls, unknown tokens read (unknown from the cache), unknown written" in said
    assert f"about {4 * N_CELLS} calls, unknown tokens read, unknown written" in said
    label(server, "--here")
    assert f"{4 * N_CELLS} calls, unknown tokens read, unknown written" in capsys.readouterr().out


def test_only_the_named_cases_are_labeled(project, server):
    keys = list(project.cases.values_list("key", flat=True)[:2])
    label(server, "--here", "--cases", *keys)
    assert sorted(MachineLabel.objects.values_list("report__report_id", flat=True)) == keys


def test_a_paused_run_is_gone_on_with_by_its_id(project, server, sent):
    label(server)
    run = Run.objects.get()
    pause_run(run=run, actor=None)
    with pytest.raises(CommandError, match="is paused with the same labeler, model and reports: resume it"):
        label(server)
    call_command("label", "lumbar", "--resume", str(run.run_id), "--here")
    run.refresh_from_db()
    assert run.state == "complete"


def test_an_engine_that_refuses_leaves_a_failed_run_that_can_be_resumed(project, server):
    server.faults.extend([])
    label_fails = server.respond

    async def refuse(request):
        if request.path == "/v1/chat/completions" and "Report R" in str(request.body):
            return error_of(400, "no such thing")
        return await label_fails(request)

    server.respond = refuse
    with pytest.raises(CommandError, match=r"is failed: 0 of 4 (.|\n)*no report was labeled: refused(.|\n)*--resume"):
        label(server, "--here")
    server.respond = label_fails
    run = Run.objects.get()
    call_command("label", "lumbar", "--resume", str(run.run_id), "--here")
    assert len(questions(server)) == 4 * N_CELLS
    assert MachineLabel.objects.count() == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "tiny"], "--url is needed"),
        (["--url", "http://127.0.0.1:1"], "--model is needed"),
        (["--backend", "openai", "--model", "tiny"], "--url is needed"),
        (["--backend", "vllm"], "--model is needed for --backend vllm: a folder, or a name"),
        (["--backend", "vllm", "--model", "m", "--url", "http://127.0.0.1:1"], "--backend vllm has none"),
        (["--backend", "vllm", "--model", "m", "--device", "cpu"], "a device can be chosen for transformers only"),
        (["--backend", "vllm", "--model", "no/such/folder"], "vllm: is followed by the full path of a folder"),
        (["--url", "http://127.0.0.1:1", "--model", "m", "--device", "cpu"], "for an engine in the worker only"),
        (["--resume", "x"], "'x' is not the id of a run"),
        (["--resume", "00000000-0000-4000-8000-000000000000"], "has no run 0000"),
    ],
)
def test_what_is_missing_is_named(project, options, message):
    with pytest.raises(CommandError, match=message):
        call_command("label", "lumbar", "--labeler", "direct-query", *options)


@pytest.mark.parametrize("named", ["backend", "url"])
def test_an_engine_in_the_worker_is_not_loaded_to_queue_a_run(project, monkeypatch, tmp_path, capsys, named):
    sent = []
    monkeypatch.setattr(tasks.label_chunk, "apply_async", lambda args, **more: sent.append(more["queue"]))
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    engine = {
        "backend": ["--backend", "transformers", "--model", "tiny", "--device", "cpu"],
        "url": ["--url", f"transformers:{tmp_path}/tiny", "--device", "cpu"],
    }[named]
    call_command("label", "lumbar", "--labeler", "direct-query", *engine)
    run = Run.objects.get()
    assert run.request["url"] == f"transformers:{tmp_path}/tiny"
    assert (run.request["model"], run.request["device"], run.state, sent) == ("tiny", "cpu", "queued", ["llm-local"])
    assert "for the workers of the queue llm-local" in capsys.readouterr().out


def test_a_model_that_the_server_has_not_is_named(project, server):
    with pytest.raises(CommandError, match="tiny"):
        call_command("label", "lumbar", "--labeler", "direct-query", "--url", server.url, "--model", "huge")
    assert not Run.objects.exists()


def test_a_run_of_workers_is_paused_resumed_and_cancelled_from_the_shell(project, server, sent, capsys):
    label(server)
    run = Run.objects.get()
    for option, state in (("--pause", "paused"), ("--resume", "queued"), ("--cancel", "cancelled")):
        call_command("label", "lumbar", option, str(run.run_id))
        run.refresh_from_db()
        assert run.state == state
    assert f"run {run.run_id} is cancelled: 0 of 4 reports labeled" in capsys.readouterr().out
    with pytest.raises(CommandError, match="is cancelled already"):
        call_command("label", "lumbar", "--cancel", str(run.run_id))
    with pytest.raises(CommandError, match="has no run"):
        call_command("label", "lumbar", "--pause", "00000000-0000-0000-0000-000000000000")


def test_watching_a_paused_run_says_how_far_it_is_and_ends(project, server, sent, capsys):
    label(server)
    run = Run.objects.get()
    pause_run(run=run, actor=None)
    call_command("label", "lumbar", "--watch", str(run.run_id))
    assert f"run {run.run_id} is paused: 0 of 4 reports labeled" in capsys.readouterr().out
