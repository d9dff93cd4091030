"""The worker beside the web server, with short programs in its place."""

import os
import time

import pytest

from annotator import beside

PATIENCE_S = 20


@pytest.fixture
def started(monkeypatch, tmp_path, settings):
    """What the programs said; `run(code)` makes it the worker's program."""
    settings.CELERY_BROKER_URL = "filesystem://"
    said = tmp_path / "said"
    said.touch()
    monkeypatch.setattr(beside, "RESTART_S", 0.01)

    def run(code):
        monkeypatch.setattr(beside, "COMMAND", ("-c", f"import os, time; f = open({str(said)!r}, 'a'); {code}"))
        return said

    return run


def until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_worker_that_ends_by_itself_is_followed_by_another(started):
    said = started("print(os.getpid(), file=f)")
    with beside.worker_beside():
        until(lambda: len(said.read_text().split()) >= 2)
    assert len(set(said.read_text().split())) >= 2


def test_the_worker_ends_with_the_block_and_no_other_follows(started):
    said = started("print(os.getpid(), file=f, flush=True); time.sleep(600)")
    with beside.worker_beside():
        until(lambda: said.read_text().endswith("\n"))
    (pid,) = said.read_text().split()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_with_a_broker_of_its_own_the_worker_is_not_ours(started, settings):
    said = started("print(1, file=f)")
    settings.CELERY_BROKER_URL = "redis://localhost"
    with beside.worker_beside():
        pass
    assert not said.read_text()
