"""Label many reports with a language model: hundreds of calls in flight, a bounded number of reports in memory.

Reports are started as long as fewer calls wait for an answer than the engine works on at the same time, and a few more:
a labeler that asks much at once has few reports in flight, so that an engine finds their beginnings in its prefix
cache, and one that asks one thing after the other has many. Results come in the order of the input.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, TypeVar

from labeling.core.asking import CallStore
from labeling.core.backends import (
    PASSING,
    Answer,
    Backend,
    BackendError,
    ChoiceLogits,
    Constraint,
    Message,
    Sampling,
    Trouble,
    Usage,
)
from labeling.core.prompts.controls import has_controls
from labeling.core.records import LabelSet, ReportText
from labeling.core.values import Missing

Answered = TypeVar("Answered", Answer, ChoiceLogits)

CONTROL_WORDS: Final = "control_words"
_MAX_MESSAGE_CHARS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is going on at once. `concurrency` is the number of calls that the backend has in flight.

    After `give_up_after` reports in a row that the engine did not answer the run ends. No report starts that is
    `window` behind the first one without a result.
    """

    concurrency: int = 256
    give_up_after: int = 10

    @property
    def enough_calls(self) -> int:
        """Calls under way with which no report is started: more than are in flight, so that the engine never waits."""
        return self.concurrency + max(8, self.concurrency // 4)

    @property
    def window(self) -> int:
        """Reports that are held at most."""
        return 4 * self.enough_calls


@dataclass(slots=True)
class Tally:
    """What was done so far. Tokens are those that the engine counted; `counted` names the kinds that it counts.

    `n_calls` were begun and not given up: `waiting` of them have no end yet, the others were answered or failed.

    `n_remembered` reports were labelled without asking, from calls that had been answered before.
    """

    n_labelled: int = 0
    n_remembered: int = 0
    failed: dict[Trouble, int] = field(default_factory=dict)
    n_calls: int = 0
    n_calls_failed: int = 0
    waiting: int = 0
    most_waiting: int = 0
    most_reports: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0
    counted: set[str] = field(default_factory=set)
    samplings: set[Sampling] = field(default_factory=set)

    @property
    def n_failed(self) -> int:
        """Reports without labels."""
        return sum(self.failed.values())

    def add(self, usage: Usage) -> None:
        """Count the tokens of one call."""
        self.prompt_tokens += usage.prompt or 0
        self.cached_tokens += usage.cached or 0
        self.generated_tokens += usage.generated or 0
        self.counted |= {name for name in ("prompt", "cached", "generated") if getattr(usage, name) is not None}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a report has no labels. `message` holds nothing of its text."""

    trouble: Trouble
    message: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one report: its labels, or why there are none."""

    report: ReportText
    labels: LabelSet | Failure


class EngineGone(Exception):
    """So many reports in a row went without an answer that the others would too. The message is meant for users."""


class LabelOne(Protocol):
    """A labeler whose schema and configuration are set."""

    def __call__(self, report: ReportText, *, backend: Backend, store: CallStore | None) -> Awaitable[LabelSet]:
        """Labels of one report. Raises `BackendError`, also in an exception group."""
        ...


async def label_many(
    reports: Iterable[ReportText],
    *,
    label_one: LabelOne,
    backend: Backend,
    store_of: Callable[[ReportText], CallStore | None],
    tally: Tally,
    pace: Pace = Pace(),
) -> AsyncGenerator[Result, None]:
    """The result of each report in the order of `reports`; `tally` is kept up to date.

    A report that a `BackendError` ends has a `Failure`, and the others go on. Raises `EngineGone` after too many of
    them in a row; whatever else a labeler raises ends the run as well. However it ends, also by being closed or
    cancelled, no call is under way afterwards.
    """
    run = _Run(backend, label_one, store_of, tally, pace)
    source = iter(reports)
    held: deque[asyncio.Task[Result]] = deque()
    is_read = False
    try:
        while True:
            run.changed.clear()
            while not is_read and run.has_room and len(held) < pace.window:
                if (report := next(source, None)) is not None:
                    held.append(run.start(report))
                    # The report asks its first questions before it is decided whether another one starts.
                    await asyncio.sleep(0)
                is_read = report is None
            run.raise_if_gone()
            if held and held[0].done():
                yield held.popleft().result()
            elif held:
                await run.changed.wait()
            elif is_read:
                return
    finally:
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)


class _Run:
    """What the reports in flight share."""

    def __init__(
        self,
        backend: Backend,
        label_one: LabelOne,
        store_of: Callable[[ReportText], CallStore | None],
        tally: Tally,
        pace: Pace,
    ) -> None:
        self.backend = backend
        self.tally = tally
        self.changed = asyncio.Event()
        self.n_silent = 0
        self._label_one = label_one
        self._store_of = store_of
        self._pace = pace
        self._n_active = 0
        self._unanswered: list[Failure] = []
        self._broken: asyncio.Task[Result] | None = None

    @property
    def has_room(self) -> bool:
        """Whether another report may start. One that has not asked yet counts as one call."""
        return self.tally.waiting + self.n_silent < self._pace.enough_calls and self._n_active < self._pace.enough_calls

    def start(self, report: ReportText) -> asyncio.Task[Result]:
        """Begin to label a report."""
        self._n_active += 1
        self.tally.most_reports = max(self.tally.most_reports, self._n_active)
        task = asyncio.create_task(self._label(report))
        task.add_done_callback(self._end)
        return task

    def raise_if_gone(self) -> None:
        """Raise what ends the run, if anything does."""
        if self._broken is not None:
            self._broken.result()
        if len(self._unanswered) >= self._pace.give_up_after:
            last = self._unanswered[-1]
            raise EngineGone(
                f"the last {len(self._unanswered):,} reports went without an answer ({last.trouble}): {last.message}"
            )

    def call_ended(self) -> None:
        """Look whether another report can start."""
        if self.has_room:
            self.changed.set()

    async def _label(self, report: ReportText) -> Result:
        line = _Line(self)
        try:
            found = await self._label_one(report, backend=line, store=self._store_of(report))
            labels: LabelSet | Failure = _flagged(found, report)
        except BackendError as error:
            labels = _failure(error)
        except ExceptionGroup as group:
            labels = _failure(_only_backend_error(group))
        finally:
            await line.close()
        self._count(labels, n_calls=line.n_calls)
        return Result(report, labels)

    def _count(self, labels: LabelSet | Failure, *, n_calls: int) -> None:
        if isinstance(labels, LabelSet):
            self.tally.n_labelled += 1
            self.tally.n_remembered += not n_calls
            if n_calls:
                self._unanswered.clear()
            return
        self.tally.failed[labels.trouble] = self.tally.failed.get(labels.trouble, 0) + 1
        # A report that is too long, or refused among others that are not, says nothing about the engine.
        if labels.trouble in PASSING or (labels.trouble is not Trouble.TOO_LONG and not self.tally.n_labelled):
            self._unanswered.append(labels)

    def _end(self, task: asyncio.Task[Result]) -> None:
        self._n_active -= 1
        if not task.cancelled() and task.exception() is not None:
            self._broken = self._broken or task
        self.changed.set()


class _Line:
    """The backend as one report sees it: counts its calls, and ends those that are left when the report has ended.

    `asyncio.gather` leaves the other questions of a report running when one of them fails.
    """

    def __init__(self, run: _Run) -> None:
        self.n_calls = 0
        self._run = run
        self._tasks: set[asyncio.Task[object]] = set()
        self._is_closed = False
        run.n_silent += 1

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """That of the backend."""
        return self._run.backend.fingerprint

    async def generate(
        self, messages: Sequence[Message], sampling: Sampling, constraint: Constraint | None = None
    ) -> Answer:
        """The model's answer. Raises `BackendError`."""
        self._run.tally.samplings.add(sampling)
        return await self._counted(lambda: self._run.backend.generate(messages, sampling, constraint))

    async def choice_logits(self, messages: Sequence[Message], choices: Sequence[str]) -> ChoiceLogits:
        """Logits of the choices. Raises `BackendError`."""
        return await self._counted(lambda: self._run.backend.choice_logits(messages, choices))

    async def close(self) -> None:
        """End the calls that are still under way, and let none begin."""
        self._no_longer_silent()
        self._is_closed = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _counted(self, ask: Callable[[], Awaitable[Answered]]) -> Answered:
        task = asyncio.current_task()
        if self._is_closed or task is None:
            raise asyncio.CancelledError
        self._no_longer_silent()
        tally = self._run.tally
        self.n_calls += 1
        tally.n_calls += 1
        tally.waiting += 1
        tally.most_waiting = max(tally.most_waiting, tally.waiting)
        self._tasks.add(task)
        try:
            answered = await ask()
        except BackendError:
            tally.n_calls_failed += 1
            raise
        except asyncio.CancelledError:
            tally.n_calls -= 1  # most of these still waited for their turn
            raise
        finally:
            self._tasks.discard(task)
            tally.waiting -= 1
            self._run.call_ended()
        tally.add(answered.usage)
        return answered

    def _no_longer_silent(self) -> None:
        if not self.n_calls and not self._is_closed:
            self._run.n_silent -= 1


def _flagged(labels: LabelSet, report: ReportText) -> LabelSet:
    """The labels, flagged when the model did not see the report as it is: its control words were broken up."""
    if not has_controls(report.text):
        return labels
    flagged = {
        cell: label if label.state is Missing.NOT_ASKED else replace(label, flags=(*label.flags, CONTROL_WORDS))
        for cell, label in labels.cells.items()
    }
    return LabelSet(flagged)


def _failure(error: BackendError) -> Failure:
    return Failure(error.trouble, str(error)[:_MAX_MESSAGE_CHARS])


def _only_backend_error(group: ExceptionGroup[Exception]) -> BackendError:
    """One of the backend's errors in `group`; raises the group when there is something else in it."""
    errors, others = group.split(BackendError)
    if errors is None or others is not None:
        raise group
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    assert isinstance(first, BackendError)  # noqa: S101 - by `split`
    return first
