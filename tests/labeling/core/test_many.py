"""Many reports with a language model: order, how much is in flight, what fails and what ends the run."""

import asyncio
import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest

from labeling.core.asking import Asker, CallStore, MemoryStore, Purpose
from labeling.core.backends import Answer, Backend, BackendError, Message, Sampling, Trouble, Usage
from labeling.core.backends.scripted import Call, ScriptedBackend
from labeling.core.many import EngineGone, Failure, Pace, Result, Tally, label_many
from labeling.core.records import CellLabel, LabelSet, ReportText
from labeling.core.schema import Cell
from labeling.core.values import Value

CELL = Cell("liver", "cyst")
N_AT_ONCE = 3
DEFAULT_PACE = Pace()


async def label_gathered(report: ReportText, *, backend: Backend, store: CallStore | None) -> LabelSet:
    """Three questions at the same time, then one more."""
    asker = Asker(backend, store)
    await asyncio.gather(*(ask(asker, f"{report.text} {number}") for number in range(N_AT_ONCE)))
    return LabelSet({CELL: CellLabel(Value.PRESENT, reason=await ask(asker, report.text))})


async def label_grouped(report: ReportText, *, backend: Backend, store: CallStore | None) -> LabelSet:
    """Three questions at the same time in a task group, whose errors come as a group."""
    asker = Asker(backend, store)
    async with asyncio.TaskGroup() as group:
        for number in range(N_AT_ONCE):
            group.create_task(ask(asker, f"{report.text} {number}"))
    return LabelSet({CELL: CellLabel(Value.PRESENT)})


async def ask(asker: Asker, question: str) -> str:
    return (await asker.ask([Message("user", question)], Sampling(8), purpose=Purpose("test"))).text


def reports(count: int) -> Iterator[ReportText]:
    return (ReportText(f"P{number}", f"report {number}") for number in range(count))


def label_all(
    count: int,
    backend: Backend,
    *,
    labeler: Callable[..., object] = label_gathered,
    pace: Pace = DEFAULT_PACE,
    tally: Tally | None = None,
    store_of: Callable[[ReportText], CallStore | None] = lambda _: None,
) -> list[Result]:
    """The results for `count` reports."""
    results: list[Result] = []

    async def run() -> None:
        many = label_many(
            reports(count),
            label_one=labeler,  # type: ignore[arg-type]
            backend=backend,
            store_of=store_of,
            tally=tally or Tally(),
            pace=pace,
        )
        async with aclosing(many):
            async for result in many:
                results.append(result)

    asyncio.run(run())
    return results


def failing(which: Callable[[str], bool], trouble: Trouble) -> ScriptedBackend:
    """Answers yes, or fails where the question is one of `which`."""

    def script(call: Call) -> str | BackendError:
        return BackendError(trouble, f"seen {trouble}") if which(call.question) else "yes"

    return ScriptedBackend(script)


@dataclass
class SlowBackend:
    """Answers after as many turns of the event loop as `turns` says for a question; counts what is in flight."""

    turns: Callable[[str], int]
    in_flight: int = 0
    most_in_flight: int = 0
    n_cancelled: int = 0
    asked: list[str] = field(default_factory=list)
    fingerprint = {"engine": "slow"}

    async def generate(self, messages: Sequence[Message], _sampling: Sampling, _constraint: object = None) -> Answer:
        self.asked.append(messages[-1].content)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            for _ in range(self.turns(messages[-1].content)):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.n_cancelled += 1
            raise
        finally:
            self.in_flight -= 1
        return Answer("yes", is_cut=False, usage=Usage(10, 1, 4))

    async def choice_logits(self, _messages: Sequence[Message], _choices: Sequence[str]) -> None:  # type: ignore[empty-body]
        """Is not asked."""


def test_every_report_has_its_result_in_the_order_of_the_input() -> None:
    backend = SlowBackend(lambda question: 50 - int(question.split()[1]))
    results = label_all(40, backend)  # type: ignore[arg-type]
    assert [result.report.report_id for result in results] == [f"P{number}" for number in range(40)]
    assert all(isinstance(result.labels, LabelSet) for result in results)


def test_calls_reports_and_tokens_are_counted() -> None:
    tally = Tally()
    label_all(5, SlowBackend(lambda _: 2), tally=tally)  # type: ignore[arg-type]
    # Four questions a report; the backend says 10 tokens asked, 4 of them cached, 1 generated.
    assert (tally.n_labelled, tally.n_calls, tally.n_failed, tally.waiting) == (5, 20, 0, 0)
    assert (tally.prompt_tokens, tally.cached_tokens, tally.generated_tokens) == (200, 80, 20)
    assert tally.samplings == {Sampling(8)}


@pytest.mark.parametrize("concurrency", [1, 40])
def test_as_many_calls_are_under_way_as_the_engine_takes_and_few_more(concurrency: int) -> None:
    backend, tally, pace = SlowBackend(lambda _: 20), Tally(), Pace(concurrency=concurrency)
    label_all(200, backend, tally=tally, pace=pace)  # type: ignore[arg-type]
    # The last report that starts brings three calls at once, and another one may have started before it asked.
    assert concurrency <= tally.most_waiting == backend.most_in_flight <= pace.enough_calls + 2 * N_AT_ONCE
    assert tally.most_reports <= pace.enough_calls


def test_input_is_read_no_further_than_needed() -> None:
    pace = Pace(concurrency=4)
    read = 0

    def counted() -> Iterator[ReportText]:
        nonlocal read
        for report in reports(10_000):
            read += 1
            yield report

    async def run() -> list[int]:
        backend = SlowBackend(lambda question: 0 if question.startswith("report 9") else 3)
        many = label_many(
            counted(),
            label_one=label_gathered,
            backend=backend,  # type: ignore[arg-type]
            store_of=lambda _: None,
            tally=Tally(),
            pace=pace,
        )
        ahead = []
        async with aclosing(many):
            async for result in many:
                ahead.append(read - int(result.report.report_id[1:]))
                if len(ahead) == 300:
                    break
        return ahead

    # One report may be slow as long as `window` others are done.
    assert max(asyncio.run(run())) <= pace.window
    assert read < 300 + pace.window


def test_one_slow_report_holds_the_others_back_only_when_the_window_is_full() -> None:
    pace = Pace(concurrency=2)
    backend = SlowBackend(lambda question: 2_000 if question.startswith("report 0") else 0)
    tally = Tally()
    results = label_all(100, backend, pace=pace, tally=tally)  # type: ignore[arg-type]
    assert [result.report.report_id for result in results] == [f"P{number}" for number in range(100)]
    first_again = backend.asked.index("report 0")
    assert len({question.split()[1] for question in backend.asked[:first_again]}) == pace.window


def test_results_are_not_kept_after_they_were_given_out() -> None:
    async def run() -> list[int]:
        alive = []
        many = label_many(
            reports(2_000),
            label_one=label_gathered,
            backend=SlowBackend(lambda _: 1),  # type: ignore[arg-type]
            store_of=lambda _: MemoryStore(),
            tally=Tally(),
            pace=Pace(concurrency=8),
        )
        async with aclosing(many):
            async for result in many:
                if result.report.report_id.endswith("500"):
                    del result
                    gc.collect()
                    alive.append(sum(isinstance(each, (Result, MemoryStore)) for each in gc.get_objects()))
        return alive

    counts = asyncio.run(run())
    assert len(counts) == 2
    assert max(counts) <= Pace(concurrency=8).window


@pytest.mark.parametrize("labeler", [label_gathered, label_grouped])
@pytest.mark.parametrize("trouble", list(Trouble))
def test_report_without_an_answer_fails_with_a_reason_and_the_others_go_on(
    labeler: Callable[..., object], trouble: Trouble
) -> None:
    tally = Tally()
    backend = failing(lambda question: question.startswith("report 2"), trouble)
    results = label_all(6, backend, labeler=labeler, tally=tally)
    assert results[2].labels == Failure(trouble, f"seen {trouble}")
    assert [isinstance(result.labels, LabelSet) for result in results] == [True, True, False, True, True, True]
    assert (tally.n_labelled, tally.failed) == (5, {trouble: 1})


def test_other_questions_of_a_failed_report_are_not_asked_on() -> None:
    backend = SlowBackend(lambda _: 1_000)

    async def label(report: ReportText, *, backend: Backend, store: CallStore | None) -> LabelSet:
        async def ask_twice() -> None:
            await ask(Asker(backend, store), "a")
            await ask(Asker(backend, store), "b")

        async def fail() -> None:
            await asyncio.sleep(0)
            raise BackendError(Trouble.TOO_LONG, "4,100 tokens")

        await asyncio.gather(ask_twice(), fail())
        raise AssertionError

    [result] = label_all(1, backend, labeler=label)  # type: ignore[arg-type]
    assert result.labels == Failure(Trouble.TOO_LONG, "4,100 tokens")
    assert (backend.asked, backend.n_cancelled) == (["a"], 1)


@pytest.mark.parametrize("trouble", [Trouble.UNREACHABLE, Trouble.BUSY, Trouble.TIMEOUT])
def test_engine_that_is_gone_ends_the_run(trouble: Trouble) -> None:
    tally = Tally()
    backend = failing(lambda question: int(question.split()[1]) >= 30, trouble)
    with pytest.raises(EngineGone, match=f"the last 10 reports went without an answer .{trouble}.: seen {trouble}"):
        label_all(1_000, backend, tally=tally, pace=Pace(concurrency=1))
    assert tally.n_labelled == 30
    assert tally.n_failed < 30


def test_engine_that_fails_now_and_then_does_not_end_the_run() -> None:
    backend = failing(lambda question: int(question.split()[1]) % 10 != 0, Trouble.TIMEOUT)
    results = label_all(100, backend, pace=Pace(concurrency=1, give_up_after=12))
    assert sum(isinstance(result.labels, LabelSet) for result in results) == 10


def test_reports_that_are_too_long_never_end_the_run() -> None:
    results = label_all(50, failing(lambda _: True, Trouble.TOO_LONG))
    assert {result.labels for result in results} == {Failure(Trouble.TOO_LONG, "seen too_long")}


def test_engine_that_refuses_everything_from_the_beginning_ends_the_run() -> None:
    with pytest.raises(EngineGone, match="refused"):
        label_all(1_000, failing(lambda _: True, Trouble.REFUSED))


def test_bug_in_a_labeler_is_no_failed_report() -> None:
    async def label_mixed(report: ReportText, *, backend: Backend, store: CallStore | None) -> LabelSet:
        raise ExceptionGroup("both", [BackendError(Trouble.BUSY, "busy"), KeyError("bug")])

    async def label_wrongly(report: ReportText, *, backend: Backend, store: CallStore | None) -> LabelSet:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        label_all(5, failing(lambda _: False, Trouble.BUSY), labeler=label_wrongly)
    with pytest.raises(ExceptionGroup):
        label_all(5, failing(lambda _: False, Trouble.BUSY), labeler=label_mixed)


def test_answers_that_are_stored_are_not_asked_again() -> None:
    stores = {f"P{number}": MemoryStore() for number in range(10)}
    tally, again = Tally(), Tally()
    backend = failing(lambda question: question == "report 7 1", Trouble.BUSY)
    first = label_all(10, backend, tally=tally, store_of=lambda report: stores[report.report_id])
    assert tally.failed == {Trouble.BUSY: 1}
    n_answered = sum(len(store.records) for store in stores.values())
    backend = failing(lambda _: False, Trouble.BUSY)
    results = label_all(10, backend, tally=again, store_of=lambda report: stores[report.report_id])
    # Four questions for each of ten reports.
    assert (len(backend.calls), again.n_remembered) == (40 - n_answered, 9)
    assert [result.labels for result in results if result.report.report_id != "P7"] == [
        result.labels for result in first if result.report.report_id != "P7"
    ]


def test_cancelled_run_leaves_no_call_under_way() -> None:
    backend = SlowBackend(lambda _: 10_000)
    tally = Tally()

    async def run() -> None:
        many = label_many(
            reports(50),
            label_one=label_gathered,
            backend=backend,  # type: ignore[arg-type]
            store_of=lambda _: None,
            tally=tally,
        )
        task = asyncio.create_task(anext(many))  # type: ignore[arg-type]
        while backend.in_flight < 100:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (backend.in_flight, tally.waiting) == (0, 0)
        assert tally.n_calls == 0  # none of them had an end
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())
