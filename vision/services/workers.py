"""Processes that decode pixels: a decoder that dies takes its process along, and nothing else."""

import errno
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from multiprocessing import get_context, parent_process
from typing import Final, ParamSpec, TypeVar

from vision.core.refusals import ImageRefused
from vision.core.silence import silence_pydicom

P = ParamSpec("P")
T = TypeVar("T")
_OUTPUTS: Final = (1, 2)


class Workers:
    """A few processes, started with the first job, and anew after one has died. `close` ends them.

    Jobs are functions of modules that need no Django. The processes end with the one that started them, however that
    ends, and have no hold on its output.
    """

    def __init__(self, n_processes: int) -> None:
        self._n_processes = n_processes
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Begin a job; its future raises `BrokenProcessPool` when a process dies before it is done."""
        if self._pool is None:
            self._pool = _pool(self._n_processes)
        try:
            return self._pool.submit(job, *args, **kwargs)
        except BrokenProcessPool:
            self._pool.shutdown()
            self._pool = _pool(self._n_processes)
            return self._pool.submit(job, *args, **kwargs)

    def close(self) -> None:
        """End the processes; jobs that have not begun are left out."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


class Apart:
    """One process that does one job at a time, so that it is known of which job it died. `close` ends it."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `job` returns or raises.

        Raises `ImageRefused` (`decoder_died`) when its process dies of it, and `OSError` when none can be started:
        that is no fault of the file.
        """
        pool = self._living() or self._living()
        if pool is None:
            raise OSError(errno.EAGAIN, "no process can be started to decode pixels")
        try:
            return pool.submit(job, *args, **kwargs).result()
        except BrokenProcessPool as error:
            self.close()
            raise ImageRefused("its pixels end the process that decodes them", code="decoder_died") from error

    def close(self) -> None:
        """End the process."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _living(self) -> ProcessPoolExecutor | None:
        """The process, if it answers; another is started after one that does not."""
        self._pool = self._pool or _pool(1)
        try:
            self._pool.submit(os.getpid).result()
        except BrokenProcessPool:
            self.close()
        return self._pool


def run_apart(job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `job` returns or raises, run in a process of its own; raises as `Apart.run`."""
    with closing(Apart()) as apart:
        return apart.run(job, *args, **kwargs)


def _pool(n_processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(n_processes, mp_context=get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """What a process does first. What it says otherwise may quote patients' data, and a pipe it held would not end."""
    silence_pydicom()
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for output in _OUTPUTS:
        os.dup2(nowhere, output)
    os.close(nowhere)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A process that was killed cannot tell its workers, which wait for jobs on a pipe that they hold open."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
