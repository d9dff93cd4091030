"""Which engines a run may name, and that the web server loads none."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from labeling import engines, tasks
from labeling.engines import allowed_urls, close_engine, is_allowed, local_engine, look_at, model_at, root
from labeling.exceptions import UserError
from labeling.models import Run
from labeling.services import start_model_run
from labeling.services.here import carry_here
from labeling.services.model_runs import RunExists, require_allowed
from labeling.services.trying import try_plan
from tests.factories import CaseFactory, ProjectFactory
from tests.labeling.llm_servers import LlmServer, in_thread
from tests.labeling.run_tools import Engine, carry_on, plan

ROOT = Path(__file__).resolve().parents[2]
LOCAL = "transformers:/models/tiny"


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.LLM_URLS = ["http://vllm:8000/v1", LOCAL, "vllm:Qwen/Qwen2.5-7B-Instruct"]


@pytest.fixture
def project(db):
    project = ProjectFactory(slug="lumbar")
    CaseFactory.create_batch(2, project=project)
    return project


@pytest.mark.parametrize(
    "url", [LOCAL, "transformers:/models/tiny/", "vllm:Qwen/Qwen2.5-7B-Instruct", "http://vllm:8000"]
)
def test_listed_engines_are_allowed(url):
    assert is_allowed(url)
    require_allowed(url)


@pytest.mark.parametrize(
    "url",
    [
        "vllm:/models/tiny",
        "transformers:/models/tiny2",
        "transformers:/models",
        "transformers:/models/tiny/sub",
        "transformers:/models/tiny/../other",
        "transformers:models/tiny",
        "vllm:Qwen/Qwen2.5-72B-Instruct",
    ],
)
def test_another_folder_or_kind_is_not(url):
    with pytest.raises(UserError, match="is not one of the engines in OVERREAD_LLM_URLS"):
        require_allowed(url)


def test_what_is_no_address_is_explained():
    with pytest.raises(UserError, match="followed by the full path of a folder"):
        root("vllm:../models/x")
    with pytest.raises(UserError, match="the address of a server looks like"):
        root("file:/models/x")
    assert allowed_urls()[1] == LOCAL


def test_an_engine_with_one_model_has_its_name():
    for name in ("", "tiny", "/models/tiny"):
        assert model_at(LOCAL, name) == "tiny"
    with pytest.raises(UserError, match="name it tiny, or leave the name out"):
        model_at(LOCAL, "huge")
    with pytest.raises(UserError, match="no model was named"):
        model_at("http://vllm:8000", " ")


def test_looking_at_an_engine_in_the_worker_loads_nothing_and_claims_nothing():
    view = look_at(LOCAL, "tiny")
    assert (view.is_known, view.fingerprint, view.lacks) == (False, {}, ())


def test_a_server_that_answers_too_slowly_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(engines, "MOST_LOOK_S", 0.2)
    with in_thread(LlmServer("vllm", delay_s=2)) as server, pytest.raises(UserError) as raised:
        look_at(server.url, "tiny")
    assert "did not say what it is within 0.2 seconds" in str(raised.value)
    assert str(raised.value).startswith(root(server.url))


def test_a_dry_run_of_it_is_left_to_the_worker_s_machine(project):
    with pytest.raises(UserError, match=rf"manage.py label lumbar --labeler direct-query --url {LOCAL} --dry-run"):
        try_plan(project=project, plan=plan(url=LOCAL, model=""))
    trial = try_plan(project=project, plan=plan(url=LOCAL, model=""), backend=Engine())
    assert len(trial.results) == 2


def test_a_run_begins_without_word_of_the_engine_and_the_first_worker_says_what_it_is(project):
    run = start_model_run(project=project, plan=plan(url=LOCAL + "/", model=""), actor=None, engine=look_at(LOCAL, ""))
    assert (run.request["url"], run.request["model"], run.manifest["model"]) == (LOCAL, "tiny", "tiny")
    assert "backend" not in run.manifest
    assert "backend_lacks" not in run.manifest
    carry_on(run, Engine(lacks=("Something is lacking.",)))
    assert run.state == "complete"
    assert run.manifest["backend"]["engine"] == "scripted"
    assert run.manifest["backend_lacks"] == ["Something is lacking."]


def test_the_same_engine_again_is_refused_and_other_weights_or_devices_are_not(project):
    start_model_run(project=project, plan=plan(url=LOCAL, model=""), actor=None)
    with pytest.raises(RunExists):
        start_model_run(project=project, plan=plan(url=LOCAL, model="tiny"), actor=None)
    for changes in ({"revision": "v2"}, {"device": "cpu"}):
        start_model_run(project=project, plan=plan(url=LOCAL, model="", **changes), actor=None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"url": LOCAL, "model": "huge"}, "name it tiny"),
        ({"url": LOCAL, "device": "tpu"}, "no device 'tpu'"),
        ({"url": "vllm:Qwen/Qwen2.5-7B-Instruct", "model": "", "device": "cuda"}, "transformers only"),
        ({"url": "http://vllm:8000", "model": "tiny", "device": "cuda"}, "for an engine in the worker only"),
    ],
)
def test_a_plan_that_the_engine_cannot_do_is_explained(project, changes, message):
    with pytest.raises(UserError, match=message):
        start_model_run(project=project, plan=plan(**{"model": ""} | changes), actor=None)
    assert not Run.objects.exists()


def test_messages_for_it_go_to_workers_that_can_load_it(project, settings, monkeypatch):
    settings.RUN_CHUNK_REPORTS = 1
    sent = []
    monkeypatch.setattr(
        tasks.label_chunk, "apply_async", lambda args, **more: sent.append((args[0], more.get("queue")))
    )
    monkeypatch.setattr(tasks.label_chunk, "delay", lambda chunk_id: sent.append((chunk_id, None)))
    local = start_model_run(project=project, plan=plan(url=LOCAL, model=""), actor=None)
    remote = start_model_run(project=project, plan=plan(url="http://vllm:8000"), actor=None)
    tasks.wake(local)
    tasks.wake(remote)
    first, second = local.chunks.order_by("number").values_list("pk", flat=True)
    # One for the first, since nobody may ever take it; both of the other.
    assert sent == [
        (first, "llm-local"),
        *((pk, None) for pk in remote.chunks.order_by("number").values_list("pk", flat=True)),
    ]
    carry_on(local, Engine(), chunks=1)
    tasks.sweep_chunks()
    assert sent[-1] == (second, "llm-local")


@pytest.mark.skipif(bool(find_spec("torch")), reason="torch is installed here: what it lacks cannot be shown")
@pytest.mark.parametrize(("url", "package"), [("vllm:/models/tiny", "vllm"), (LOCAL, "torch, transformers")])
def test_a_worker_without_the_packages_fails_the_run_and_names_them(project, settings, url, package):
    settings.LLM_URLS = [url]
    run = start_model_run(project=project, plan=plan(url=url, model=""), actor=None)
    carry_here(run)
    close_engine()
    assert run.state == "failed"
    assert run.reason.startswith(package)
    assert "is not installed here: install requirements-gpu.txt" in run.reason


def test_nothing_that_the_web_server_asks_of_an_engine_loads_it():
    code = """
import sys, os, django
django.setup()
from labeling import engines
for url in engines.allowed_urls():
    assert engines.is_allowed(url) and engines.local_engine(url)
    engines.look_at(url, "")
    engines.root(url)
import labeling.tasks
import threading
assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
print(*sorted({"torch", "transformers", "vllm", "safetensors", "huggingface_hub"} & set(sys.modules)))
"""
    env = {
        "DJANGO_SETTINGS_MODULE": "annotator.settings.test",
        "OVERREAD_LLM_URLS": "vllm:/models/qwen,transformers:/models/tiny",
    }
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == []


def test_servers_have_no_engine_in_the_worker():
    assert local_engine("http://vllm:8000") is None
