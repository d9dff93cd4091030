"""Keeps an engine in this process between the pieces of work that ask it, for loading takes minutes."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import TimeoutError as TooLate
from contextlib import suppress
from typing import Any, Final, Generic, Protocol, TypeVar

from labeling.core.backends.opening import Opened
from labeling.core.backends.records import (
    Answer,
    Backend,
    BackendError,
    ChoiceLogits,
    Constraint,
    Message,
    Sampling,
    Trouble,
)

Wanted = TypeVar("Wanted")
Result = TypeVar("Result")

CLOSE_S: Final = 60.0
logger = logging.getLogger(__name__)


class Engine(Backend, Protocol):
    """What can be kept."""

    @property
    def lacks(self) -> tuple[str, ...]:
        """What it cannot do."""
        ...

    async def look(self) -> Any:
        """Load it. Raises `BackendError`."""
        ...

    async def aclose(self) -> None:
        """Let it go."""
        ...


class _Loaded(Generic[Wanted]):
    """An engine that was asked for, and who uses it."""

    def __init__(self, wanted: Wanted, engine: Engine) -> None:
        self.wanted = wanted
        self.engine = engine
        self.loading = asyncio.ensure_future(engine.look())
        self.users: set[Lease[Wanted]] = set()
        self.is_broken = False

    @property
    def is_usable(self) -> bool:
        """Whether it is loaded, or may yet be, and has not ended by itself."""
        failed = self.loading.done() and (self.loading.cancelled() or self.loading.exception() is not None)
        return not failed and not self.is_broken


class Holder(Generic[Wanted]):
    """One engine at a time, the one that was asked for last. It lives on an event loop in a thread of its own.

    Who wants another engine waits until nobody uses this one, and nobody comes before those who wait.
    """

    def __init__(self, open_engine: Callable[[Wanted], Engine]) -> None:
        self._open_engine = open_engine
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._turn: asyncio.Lock | None = None
        self._idle: asyncio.Event | None = None
        self._loaded: _Loaded[Wanted] | None = None
        self._closing: asyncio.Task[None] | None = None

    def lease(self, wanted: Wanted, *, concurrency: int) -> "Lease[Wanted]":
        """A backend for one piece of work, with at most `concurrency` calls in flight; nothing is loaded yet."""
        return Lease(self, wanted, concurrency)

    def close(self) -> None:
        """Let the engine go, whoever uses it. A later lease loads it again."""
        with self._starting:
            loop, self._loop = self._loop, None
            if loop is None or self._thread is None:
                return
            try:
                with suppress(TooLate):
                    asyncio.run_coroutine_threadsafe(self._drop(), loop).result(CLOSE_S)
            finally:
                loop.call_soon_threadsafe(loop.stop)
                self._thread.join(CLOSE_S)

    async def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do this on the engine's event loop; when it is cancelled here, it is cancelled there."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._running()))

    async def take(self, lease: "Lease[Wanted]") -> Engine:
        """The engine that the lease wants, loaded; on the engine's event loop. Raises `BackendError`."""
        assert self._turn is not None and self._idle is not None  # noqa: S101, PT018 - set before the loop runs
        async with self._turn:
            loaded = self._loaded
            if loaded is None or loaded.wanted != lease.wanted or not loaded.is_usable:
                while self._loaded is not None and self._loaded.users:
                    self._idle.clear()
                    await self._idle.wait()
                await self._drop()
                logger.info("loading %s", lease.wanted)
                loaded = self._loaded = _Loaded(lease.wanted, self._open_engine(lease.wanted))
            loaded.users.add(lease)
        await asyncio.shield(loaded.loading)
        return loaded.engine

    async def give_back(self, lease: "Lease[Wanted]", *, is_broken: bool) -> None:
        """The lease has ended; the engine stays."""
        loaded = self._loaded
        if loaded is None or lease not in loaded.users:
            return
        loaded.users.discard(lease)
        loaded.is_broken |= is_broken
        if not loaded.users and self._idle is not None:
            self._idle.set()

    async def _drop(self) -> None:
        """No engine is left afterwards. One that is being closed is closed to the end, whoever stops waiting for it.

        Raises what the closing raises, once: the next engine is not kept waiting for it.
        """
        if self._loaded is not None:
            loaded, self._loaded = self._loaded, None
            self._closing = asyncio.create_task(self._let_go(loaded))
        closing = self._closing
        if closing is not None:
            try:
                await asyncio.shield(closing)
            finally:
                if closing.done():
                    self._closing = None

    async def _let_go(self, loaded: _Loaded[Wanted]) -> None:
        await asyncio.wait([loaded.loading])  # a thread that loads cannot be stopped
        if not loaded.loading.cancelled():
            loaded.loading.exception()  # whoever waited for it has been told
        await loaded.engine.aclose()
        logger.info("%s was let go", loaded.wanted)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._turn, self._idle, self._closing = asyncio.Lock(), asyncio.Event(), None
                self._thread = threading.Thread(target=_run, args=[self._loop], name="engine", daemon=True)
                self._thread.start()
            return self._loop


class Lease(Opened, Generic[Wanted]):
    """The engine of a holder, for one event loop. To close it leaves the engine loaded."""

    def __init__(self, holder: Holder[Wanted], wanted: Wanted, concurrency: int) -> None:
        self.wanted = wanted
        self._holder = holder
        self._slots = asyncio.Semaphore(concurrency)
        self._engine: Engine | None = None
        self._is_taken = False
        self._is_broken = False

    async def look(self) -> None:
        """Load the engine, unless it is. Raises `BackendError`."""
        if self._engine is None:
            self._is_taken = True
            self._engine = await self._holder.run(self._holder.take(self))

    async def aclose(self) -> None:
        """Use the engine no more."""
        self._engine = None
        if self._is_taken:
            self._is_taken = False
            await self._holder.run(self._holder.give_back(self, is_broken=self._is_broken))

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """That of the engine."""
        if self._engine is None:
            raise RuntimeError("the engine has not been loaded: await look() first")
        return self._engine.fingerprint

    @property
    def lacks(self) -> tuple[str, ...]:
        """What the engine cannot do. Empty before `look`."""
        return self._engine.lacks if self._engine else ()

    async def generate(
        self, messages: Sequence[Message], sampling: Sampling, constraint: Constraint | None = None
    ) -> Answer:
        """The model's answer. Raises `BackendError`."""
        return await self._asked(lambda engine: engine.generate(messages, sampling, constraint))

    async def choice_logits(self, messages: Sequence[Message], choices: Sequence[str]) -> ChoiceLogits:
        """Logits of the first token of each choice. Raises `BackendError`."""
        return await self._asked(lambda engine: engine.choice_logits(messages, choices))

    async def _asked(self, ask: Callable[[Engine], Coroutine[Any, Any, Result]]) -> Result:
        await self.look()
        assert self._engine is not None  # noqa: S101 - it was looked at
        try:
            async with self._slots:
                return await self._holder.run(ask(self._engine))
        except BackendError as error:
            # An engine in this process that is out of reach has ended, and does not come back by itself.
            self._is_broken |= error.trouble is Trouble.UNREACHABLE
            raise


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()
