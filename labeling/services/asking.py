"""The half of the work on a chunk that asks: an event loop in a thread, which never touches the database."""

import asyncio
import threading
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from typing import Any, Protocol

from labeling.core.asking import CallRecord, CallStore
from labeling.core.backends import Backend, BackendError, Trouble
from labeling.core.labelers import Labeler
from labeling.core.many import Failure, Pace, Result, Tally, label_many
from labeling.core.records import LabelSet, ReportText, StoredLabels
from labeling.core.schema import Schema
from labeling.models import ReportFailure
from labeling.services.outbox import Outbox, ReportResult


class OpenedBackend(Backend, Protocol):
    """A backend that is looked at first and closed at the end."""

    @property
    def lacks(self) -> tuple[str, ...]:
        """What the server cannot do."""
        ...

    async def look(self) -> Any:
        """See what the server is. Raises `BackendError`."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


@dataclass(frozen=True, slots=True)
class Work:
    """Reports by primary key, the calls about them that were answered before, and how they are labeled."""

    reports: Mapping[int, ReportText]
    known: Mapping[int, list[CallRecord]]
    labeler: Labeler
    schema: Schema
    config: Any
    pace: Pace


class Asking:
    """Asks about all reports of some work, once the engine has been admitted.

    `error` is what ended it early: CancelledError when it was stopped.
    """

    def __init__(self, work: Work, backend: OpenedBackend) -> None:
        self.outbox = Outbox()
        self.tally = Tally()
        self.fingerprint: Mapping[str, str] | None = None
        self.lacks: tuple[str, ...] = ()
        self.is_admitted = False
        self.error: BaseException | None = None
        self._work = work
        self._backend = backend
        self._pk_of = {report.report_id: pk for pk, report in work.reports.items()}
        self._broke: dict[str, str] = {}
        self._news = threading.Event()
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, name="asking", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._admitted: asyncio.Event | None = None

    def start(self) -> None:
        """Begin to look at the engine."""
        self._thread.start()
        self._begun.wait()

    def is_over(self, timeout_s: float) -> bool:
        """Whether it has ended; waits for that, or for news of the engine, at most so long."""
        self._news.wait(timeout_s)
        self._news.clear()
        return not self._thread.is_alive()

    def admit(self) -> None:
        """The engine may be asked."""
        self.is_admitted = True
        if self._admitted is not None:
            self._call(self._admitted.set)

    def stop(self) -> None:
        """End it, if it is not over. No call is under way afterwards."""
        if self._task is not None:
            self._call(self._task.cancel)
        self._thread.join()

    def _call(self, what: Any) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(what)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self.error = error
        finally:
            self._begun.set()
            self._news.set()

    async def _main(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._admitted = asyncio.Event()
        self._begun.set()
        try:
            await self._backend.look()
            self.lacks, self.fingerprint = self._backend.lacks, dict(self._backend.fingerprint)
            self._news.set()
            await self._admitted.wait()
            await self._label_all()
        finally:
            await self._backend.aclose()

    async def _label_all(self) -> None:
        results = label_many(
            self._work.reports.values(),
            label_one=self._label,
            backend=self._backend,
            store_of=self._store_of,
            tally=self.tally,
            pace=self._work.pace,
        )
        async with aclosing(results):
            async for result in results:
                self.outbox.put_result(self._result(result))

    def _store_of(self, report: ReportText) -> CallStore:
        pk = self._pk_of[report.report_id]
        return self.outbox.store_of(pk, self._work.known.get(pk, ()))

    async def _label(self, report: ReportText, *, backend: Backend, store: CallStore | None) -> LabelSet:
        """Labels of a report. A fault of the labeler fails this report and no other."""
        work = self._work
        try:
            return await work.labeler.label(
                report, backend=backend, schema=work.schema, config=work.config, store=store
            )
        except BackendError:
            raise
        except Exception as error:
            if isinstance(error, ExceptionGroup) and error.split(BackendError)[1] is None:
                raise
            self._broke[report.report_id] = where = _place(error)
        raise BackendError(Trouble.REFUSED, f"the labeler ended with {where}")

    def _result(self, result: Result) -> ReportResult:
        report_id = result.report.report_id
        pk = self._pk_of[report_id]
        if isinstance(result.labels, Failure):
            if report_id in self._broke:
                return ReportResult(pk, None, ReportFailure.Kind.LABELER_ERROR, result.labels.message)
            return ReportResult.failed(pk, result.labels)
        return ReportResult(pk, StoredLabels.encode(result.labels, self._work.schema))


def _place(error: BaseException) -> str:
    """Kind and place of an error, without its message, which may quote a report."""
    frames = extract_tb(error.__traceback__)
    return type(error).__name__ + (f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "")
