"""Requests to one server over one pool of connections: bounded in number, time and size, repeated when it may help.

Nothing of a request is logged or named in an error: neither prompt nor key. A cancelled call closes its connection, by
which engines notice and stop generating.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple, TypeVar

from labeling.core.backends.openai_errors import NoAnswer, refusal
from labeling.core.backends.records import Trouble
from labeling.core.backends.wire import BrokenConnection, NoConnection, Response, TooMuch, Untrusted, Wire

Read = TypeVar("Read")

MAX_BODY_BYTES: Final = 8 * 2**20


def utc_now() -> datetime:
    """The time, for dates in `Retry-After`."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call is tried.

    Each of `max_attempts` may end in a timeout, a busy server or a broken connection; between them it waits
    `first_wait_s`, doubled each time up to `longest_wait_s` and drawn from the upper half of that, or as long as the
    server asks for, up to `longest_wait_s`. A server that takes no connections, or is loading its model, is waited for
    `restart_s` in all.
    """

    timeout_s: float = 600.0
    connect_timeout_s: float = 10.0
    max_attempts: int = 6
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0
    restart_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Clock:
    """Waiting, time and chance, which tests replace."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    now: Callable[[], datetime] = utc_now
    draw: Callable[[], float] = random.SystemRandom().random


class Reply(NamedTuple):
    """JSON and header fields of an answer."""

    values: Any
    headers: Mapping[str, str]


class Transport:
    """GET and POST of JSON below `url`.

    `came_back` is called once before anything else is asked when the server may have been restarted: it was down, or no
    connection to it has lasted. It raises `BackendError` when the server is no longer what it was.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None,
        concurrency: int,
        patience: Patience,
        clock: Clock,
        ca_file: str | None,
        came_back: Callable[[], Awaitable[None]],
    ) -> None:
        self._key = api_key or ""
        self._patience = patience
        self._clock = clock
        self._came_back = came_back
        self._was_down = False
        self._check: asyncio.Future[None] | None = None
        self._wire = Wire(
            url,
            headers={"authorization": f"Bearer {api_key}"} if api_key else {},
            connect_timeout_s=patience.connect_timeout_s,
            max_body_bytes=MAX_BODY_BYTES,
            ca_file=ca_file,
        )
        self._slots = asyncio.Semaphore(concurrency)

    async def post(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        read: Callable[[Any], Read],
        secrets: tuple[str, ...] = (),
        retry_500: bool = True,
    ) -> Read:
        """What `read` finds in the JSON of the answer; it may raise `NoAnswer`. Raises `BackendError`.

        `secrets` are texts that no error may hold.
        """
        content = json.dumps(body).encode()

        async def attempt() -> Read:
            if self._was_down or not self._wire.has_lasted():
                await self._see_who_is_there()
            reply = await self._once("POST", path, content=content, secrets=secrets)
            return read(reply.values)

        async with self._slots:
            return await self._until_answered(attempt, retry_500=retry_500)

    async def get(self, path: str) -> Reply:
        """JSON and header fields at this path, tried once. Raises `BackendError`."""
        return await self._once("GET", path)

    async def get_patiently(self, path: str) -> Reply:
        """The same, tried for as long as a restart may take. Raises `BackendError`."""
        return await self._until_answered(lambda: self._once("GET", path), retry_500=False)

    async def close(self) -> None:
        """Close all connections; the next call opens new ones."""
        await self._wire.close()

    async def _until_answered(self, attempt: Callable[[], Awaitable[Read]], *, retry_500: bool = True) -> Read:
        attempts, waited_s = 0, 0.0
        while True:
            try:
                return await attempt()
            except NoAnswer as failure:
                seen = failure
            self._was_down |= seen.is_down
            attempts += seen.counts
            wait_s = self._wait_s(seen, attempts, waited_s)
            if wait_s is None or (seen.status == 500 and not retry_500):
                raise seen.finally_after(attempts, waited_s)
            await self._clock.sleep(wait_s)
            waited_s += 0.0 if seen.counts else wait_s

    def _wait_s(self, seen: NoAnswer, attempts: int, waited_s: float) -> float | None:
        """Seconds until the next try, None when there is none."""
        patience = self._patience
        is_over = attempts >= patience.max_attempts if seen.counts else waited_s >= patience.restart_s
        if not seen.is_passing or is_over:
            return None
        asked_s = _seconds(seen.retry_after, self._clock.now)
        if asked_s is not None:
            return min(asked_s, patience.longest_wait_s)
        step = max(attempts - 1, 0) if seen.counts else int(waited_s / patience.first_wait_s).bit_length()
        longest_s = min(patience.first_wait_s * float(2 ** min(step, 30)), patience.longest_wait_s)
        return longest_s * (0.5 + 0.5 * self._clock.draw())

    async def _see_who_is_there(self) -> None:
        """One call of `came_back` for all that wait for it; the server counts as down until it has gone well."""
        if self._check is None:
            self._check = asyncio.ensure_future(self._came_back())
            self._check.add_done_callback(self._checked)
        await asyncio.shield(self._check)

    def _checked(self, check: asyncio.Future[None]) -> None:
        self._check = None
        self._was_down = check.cancelled() or check.exception() is not None

    async def _once(self, method: str, path: str, *, content: bytes = b"", secrets: tuple[str, ...] = ()) -> Reply:
        try:
            async with asyncio.timeout(self._patience.timeout_s):
                response = await self._wire.ask(method, path, content)
        except TimeoutError:
            problem = NoAnswer(Trouble.TIMEOUT, f"no answer within {self._patience.timeout_s:g} s")
        except NoConnection as error:
            message = f"the server takes no connection ({error})"
            problem = NoAnswer(Trouble.UNREACHABLE, message, counts=False, is_down=True)
        except Untrusted:
            message = "the server's certificate is not trusted: give the file of the authority that it is from"
            problem = NoAnswer(Trouble.REFUSED, message)
        except BrokenConnection as error:
            message = f"the connection broke before the answer was there ({error})"
            problem = NoAnswer(Trouble.UNREACHABLE, message, is_down=True)
        except TooMuch:
            message = f"the server sends more than {MAX_BODY_BYTES} bytes, expected a short answer"
            problem = NoAnswer(Trouble.REFUSED, message)
        else:
            return _parsed(response, secrets=(*secrets, self._key))
        raise problem  # outside the handlers, so that it does not carry the request along as its context


def _parsed(response: Response, *, secrets: Iterable[str]) -> Reply:
    """The JSON of an answer. Raises `NoAnswer`."""
    status = response.status
    if status != 200:
        raise refusal(status, response.body, retry_after=response.headers.get("retry-after", ""), secrets=secrets)
    try:
        return Reply(json.loads(response.body), response.headers)
    except (ValueError, RecursionError):
        pass
    kind = response.headers.get("content-type", "nothing that it names").partition(";")[0][:60]
    raise NoAnswer(
        Trouble.REFUSED, f"the server answers with {kind}, expected JSON: is this its address?", status=status
    )


def _seconds(retry_after: str, now: Callable[[], datetime]) -> float | None:
    """What `Retry-After` asks for: seconds or a date (RFC 9110, 10.2.3). None where it cannot be read."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((date.replace(tzinfo=date.tzinfo or UTC) - now()).total_seconds(), 0.0)
