"""An engine in this process is loaded once, asked from many event loops, and gives way to another when it is idle."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from labeling.core.backends import BackendError, Message, Sampling, Trouble
from labeling.core.backends.held import Holder
from labeling.core.backends.scripted import Call, ScriptedBackend

ASK = [Message("user", "Cyst?")]
GIVE_UP_S = 20


@dataclass
class Engine(ScriptedBackend):
    """A scripted engine that remembers on which loops it was used, and may refuse to load."""

    script: Any = lambda call: "yes"
    name: str = "one"
    lacks: tuple[str, ...] = ("nothing much",)
    told: list[str] = field(default_factory=list)
    loops: set[asyncio.AbstractEventLoop] = field(default_factory=set)
    refusal: BackendError | None = None
    may_load: threading.Event | None = None
    may_close: threading.Event | None = None
    is_stuck: bool = False

    async def look(self) -> None:
        self.told.append(f"load {self.name}")
        if self.may_load is not None:
            await asyncio.to_thread(self.may_load.wait, GIVE_UP_S)
        if self.refusal:
            raise self.refusal

    async def aclose(self) -> None:
        if self.may_close is not None:
            self.told.append(f"closing {self.name}")
            await asyncio.to_thread(self.may_close.wait, GIVE_UP_S)
        self.told.append(f"close {self.name}")
        if self.is_stuck:
            raise RuntimeError("does not end")

    async def _said(self, call: Call) -> Any:
        self.loops.add(asyncio.get_running_loop())
        return await super()._said(call)


class World:
    """A holder and all that it opened."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.options: dict[str, Any] = {}
        self.opened: list[Engine] = []
        self.holder: Holder[str] = Holder(self.open)

    def open(self, name: str) -> Engine:
        engine = Engine(name=name, told=self.told, **self.options)
        self.opened.append(engine)
        return engine

    def work(self, name: str = "one") -> str:
        """What a chunk does: a lease on an event loop of its own."""

        async def ask() -> str:
            async with self.holder.lease(name, concurrency=4) as backend:
                assert backend.lacks == ("nothing much",)
                assert backend.fingerprint["engine"] == "scripted"
                await backend.look()
                return (await backend.generate(ASK, Sampling(5))).text

        return asyncio.run(ask())


@pytest.fixture
def world() -> Iterator[World]:
    """Closed at the end, so that no thread is left."""
    world = World()
    yield world
    world.holder.close()
    assert "engine" not in {thread.name for thread in threading.enumerate()}


async def settle(world: World) -> None:
    """Let the engine's event loop go round until nothing more happens there by itself."""
    for _ in range(50):
        await asyncio.sleep(0)
        await world.holder.run(asyncio.sleep(0))


def test_engine_is_loaded_once_for_all_pieces_of_work_and_lives_on_one_event_loop(world: World) -> None:
    assert [world.work() for _ in range(3)] == ["yes"] * 3
    assert world.told == ["load one"]
    assert len(world.opened[0].loops) == 1
    world.holder.close()
    assert world.told == ["load one", "close one"]


def test_another_engine_takes_the_place_of_the_first(world: World) -> None:
    for name in ("one", "two", "one"):
        world.work(name)
    assert world.told == ["load one", "close one", "load two", "close two", "load one"]


def test_two_pieces_of_work_share_an_engine_and_who_wants_another_waits_for_both_and_is_next(world: World) -> None:
    order: list[str] = []

    async def use(name: str, began: asyncio.Event, end: asyncio.Event) -> None:
        async with world.holder.lease(name, concurrency=4):
            order.append(name)
            began.set()
            await end.wait()

    async def main() -> None:
        began, end = [asyncio.Event() for _ in range(4)], [asyncio.Event() for _ in range(4)]
        work = [asyncio.create_task(use("one", began[n], end[n])) for n in range(2)]
        await began[0].wait()
        await began[1].wait()
        work += [asyncio.create_task(use("two", began[2], end[2]))]
        await settle(world)
        work += [
            asyncio.create_task(use("one", began[3], end[3]))
        ]  # would be served at once if it could jump the queue
        end[0].set()
        await settle(world)
        assert order == ["one", "one"]
        for each in end:
            each.set()
        await asyncio.gather(*work)

    asyncio.run(asyncio.wait_for(main(), GIVE_UP_S))
    assert order == ["one", "one", "two", "one"]


def test_engine_that_does_not_load_says_why_each_time_and_is_tried_anew(world: World) -> None:
    world.options = {"refusal": BackendError(Trouble.REFUSED, "no such model")}
    for _ in range(2):
        with pytest.raises(BackendError, match="no such model"):
            world.work()
    world.options = {}
    assert world.work() == "yes"
    assert world.told == ["load one", "close one"] * 2 + ["load one"]


def test_engine_that_ended_is_loaded_anew_by_the_next_piece_of_work(world: World) -> None:
    world.options = {"script": lambda call: BackendError(Trouble.UNREACHABLE, "the engine has ended")}
    with pytest.raises(BackendError, match="has ended"):
        world.work()
    world.options = {"script": lambda call: BackendError(Trouble.TOO_LONG, "too long")}
    for _ in range(2):  # a report that is too long says nothing about the engine
        with pytest.raises(BackendError, match="too long"):
            world.work()
    assert world.told == ["load one", "close one", "load one"]


def test_work_that_is_stopped_while_the_model_loads_leaves_it_to_the_next(world: World) -> None:
    may_load = threading.Event()
    world.options = {"may_load": may_load}

    async def stopped() -> None:
        lease = world.holder.lease("one", concurrency=4)
        looking = asyncio.create_task(lease.look())
        while not world.told:
            await asyncio.sleep(0.01)
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
        await lease.aclose()

    asyncio.run(asyncio.wait_for(stopped(), GIVE_UP_S))
    may_load.set()
    assert world.work() == "yes"
    assert world.told == ["load one"]


def test_an_engine_that_is_being_closed_is_closed_to_the_end_before_another_is_loaded(world: World) -> None:
    may_close = threading.Event()
    world.options = {"may_close": may_close}
    world.work("one")
    world.options = {}

    async def main() -> None:
        impatient = world.holder.lease("two", concurrency=4)
        looking = asyncio.create_task(impatient.look())
        while "closing one" not in world.told:
            await asyncio.sleep(0.01)
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        await impatient.aclose()
        async with asyncio.TaskGroup() as group:
            lease = world.holder.lease("three", concurrency=4)
            group.create_task(lease.look())
            await settle(world)
            assert world.told == ["load one", "closing one"]
            may_close.set()
        await lease.aclose()

    asyncio.run(asyncio.wait_for(main(), GIVE_UP_S))
    assert world.told == ["load one", "closing one", "close one", "load three"]


def test_an_engine_that_cannot_be_closed_is_told_once_and_another_is_loaded_then(world: World) -> None:
    world.options = {"is_stuck": True}
    world.work("one")
    world.options = {}
    with pytest.raises(RuntimeError, match="does not end"):
        world.work("two")
    assert world.work("two") == "yes"
    assert world.told == ["load one", "close one", "load two"]


def test_a_holder_whose_engine_cannot_be_closed_leaves_no_thread_and_can_be_used_again(world: World) -> None:
    world.options = {"is_stuck": True}
    world.work()
    world.options = {}
    with pytest.raises(RuntimeError, match="does not end"):
        world.holder.close()
    assert "engine" not in {thread.name for thread in threading.enumerate()}
    assert world.work() == "yes"


def test_a_cancelled_call_is_cancelled_in_the_engine_and_no_more_are_in_flight_than_were_allowed(world: World) -> None:
    flying: list[int] = []
    most = 0

    async def hang(call: Call) -> str:
        nonlocal most
        flying.append(1)
        most = max(most, len(flying))
        try:
            await asyncio.Event().wait()
        finally:
            flying.pop()
        return "never"

    async def main() -> None:
        async with world.holder.lease("one", concurrency=3) as backend:
            world.opened[0]._said = hang  # type: ignore[method-assign]
            calls = [asyncio.create_task(backend.generate(ASK, Sampling(5))) for _ in range(9)]
            while len(flying) < 3:
                await asyncio.sleep(0.01)
            await settle(world)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            while flying:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(main(), GIVE_UP_S))
    assert most == 3
