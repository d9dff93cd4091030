"""A database that other processes see too, real Celery workers on it, and a language-model server that they ask."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection, connections

from tests.labeling.llm_servers import LlmServer, Request

ROOT = Path(__file__).resolve().parents[2]
KEPT = {"PATH", "HOME", "LANG", "VIRTUAL_ENV"}
GIVE_UP_S = 120
LEASE_S = 3


def copy_database(path: Path) -> None:
    """Copy the test database out of memory into a file; for SQLite."""
    source = connections["default"]
    source.ensure_connection()
    with closing(sqlite3.connect(path)) as copy:
        source.connection.backup(copy)


@contextmanager
def file_database(path: Path) -> Iterator[None]:
    """Copy the test database out of memory into a file, and use that one; for SQLite."""
    copy_database(path)
    source = connections["default"]
    other = connections.create_connection("default")
    other.settings_dict = {**source.settings_dict, "NAME": str(path)}
    connections["default"] = other
    try:
        yield
    finally:
        other.close()
        connections["default"] = source


def database_url() -> str:
    """The address of the database that this test uses."""
    values = connections["default"].settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    host = quote(str(values["HOST"]), safe="")
    port = f":{values['PORT']}" if values["PORT"] else ""
    secret = f":{quote(values['PASSWORD'], safe='')}" if values["PASSWORD"] else ""
    return f"postgres://{quote(values['USER'], safe='')}{secret}@{host}{port}/{values['NAME']}"


@dataclass(frozen=True)
class Instance:
    """A local instance on the test's database, whose commands run in processes of their own."""

    folder: Path
    broker: str | None
    python: Path | str = sys.executable
    more: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """What its processes know."""
        kept = {name: value for name, value in os.environ.items() if name in KEPT}
        kept |= {
            "DJANGO_SETTINGS_MODULE": "annotator.settings.dev",
            "DATABASE_URL": database_url(),
            "OVERREAD_DATA": str(self.folder),
            "OVERREAD_RUN_LEASE_S": str(LEASE_S),
            "OVERREAD_RUN_SWEEP_S": "1",
            "OVERREAD_RUN_CHUNK_REPORTS": "3",
            "OVERREAD_LLM_RESTART_S": "1",
        }
        return kept | ({"OVERREAD_BROKER_URL": self.broker} if self.broker else {}) | self.more

    def manage(self, *command: str, within_s: float = GIVE_UP_S) -> subprocess.CompletedProcess[str]:
        """Run a management command to its end."""
        return subprocess.run(
            [self.python, "manage.py", *command],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )

    @contextmanager
    def process(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Python with these arguments; killed at the end with its children."""
        with (
            (self.folder / "worker.log").open("ab") as log,
            subprocess.Popen(
                [self.python, *command],
                cwd=ROOT,
                env=self.environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            ) as process,
        ):
            try:
                yield process
            finally:
                kill(process)

    @contextmanager
    def worker(
        self, *pool: str, queues: str = "default,llm", concurrency: int = 1
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A Celery worker of one process, unless `pool` says otherwise."""
        options = (f"--concurrency={concurrency}", f"--queues={queues}", "--loglevel=INFO", *pool)
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        with self.process("-m", "celery", "-A", "annotator", "worker", *options, *quiet) as process:
            yield process

    def log(self) -> str:
        """What its workers said."""
        return (self.folder / "worker.log").read_text(errors="replace")


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill -9 of a process and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(condition: Callable[[], bool], instance: Instance, *, within_s: float = GIVE_UP_S) -> None:
    """Look every 50 ms whether it holds; fail with the log of the workers when it never does."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"it did not come about within {within_s} s:\n{instance.log()[-3000:]}")
        time.sleep(0.05)


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """The address of a private Redis that keeps nothing."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed: sudo apt-get install --no-install-recommends redis-server")
    path = folder / "redis.sock"
    options = ["--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no", "--dir", str(folder)]
    with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + GIVE_UP_S
            while not is_listening(path):
                assert time.monotonic() < deadline, "Redis did not start"
                time.sleep(0.05)
            yield f"redis+socket://{path}"
        finally:
            process.terminate()


def is_listening(path: Path) -> bool:
    """Whether somebody answers at this socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def engine(delay_s: float = 0.0) -> LlmServer:
    """A server that says yes to every question, after a while."""
    return LlmServer("vllm", logprobs={"yes": -0.1, "no": -2.4}, delay_s=delay_s)


def questions(server: LlmServer) -> list[str]:
    """What labelers asked it, as opposed to what a backend asks to see what it offers."""
    return [conversation(each) for each in list(server.requests) if is_question(each)]


def is_question(request: Request) -> bool:
    """Whether a report is in it."""
    return request.path == "/v1/chat/completions" and "Report R" in conversation(request)


def conversation(request: Request) -> str:
    """All turns."""
    return "\n".join(turn["content"] for turn in request.body["messages"])
