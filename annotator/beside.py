"""The worker that `serve` starts beside the web server of an embedded instance."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

PROCESSES = 2
# Calls to an engine are given up at once: what was answered is in the database.
STOP_S = 2.0
# Kombu reads a message that is just being written as no JSON, which ends a worker; the rows say what is left to do.
RESTART_S = 1.0
_PR_SET_PDEATHSIG = 1
COMMAND = (
    *("-m", "celery", "--quiet", "-A", "annotator", "worker", "--queues=default,llm", f"--concurrency={PROCESSES}"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING"),
)


def is_embedded() -> bool:
    """Whether messages go through files in the data folder, so that the worker is ours to start."""
    return str(settings.CELERY_BROKER_URL).startswith("filesystem:")


@contextmanager
def worker_beside() -> Iterator[None]:
    """A Celery worker while the block runs, where the instance is embedded; another one when it ends by itself.

    It ends with this process, even killed.
    """
    if not is_embedded():
        yield
        return
    owner, keeper = os.getpid(), _Keeper()
    keeper.start()
    try:
        yield
    finally:
        if os.getpid() == owner:  # the web server's workers leave this block as well
            keeper.stop()


class _Keeper(threading.Thread):
    """Starts workers, one after the other."""

    def __init__(self) -> None:
        super().__init__(name="worker-keeper", daemon=True)
        self._is_over = threading.Event()
        self._starting = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Until `stop`."""
        while True:
            with self._starting:
                if self._is_over.is_set():
                    return
                self._worker = worker = _start()
            worker.wait()
            self._is_over.wait(RESTART_S)

    def stop(self) -> None:
        """End the worker, and start no other."""
        self._is_over.set()
        with self._starting:
            worker = self._worker
        if worker is not None:
            _stop(worker)


def _start() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, *COMMAND],
        cwd=settings.BASE_DIR,
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for this process, which then stops it
        preexec_fn=_die_with_parent,
    )


def _stop(worker: "subprocess.Popen[bytes]") -> None:
    """A warm stop waits for the chunk at hand, so it is not waited for long: its lease runs out."""
    worker.terminate()
    try:
        worker.wait(STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)  # a cold stop: it waits for no chunk
