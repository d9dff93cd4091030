"""HTTP to one server: as much of aiohttp as JSON calls to an engine need.

Redirects are not followed, no proxy of the environment is used, no cookie is kept, nothing is logged. A cancelled call
closes its connection. Why not httpx: docs/dependencies.md.
"""

import ssl
import time
from dataclasses import dataclass
from typing import Final

import aiohttp

KEEP_ALIVE_S: Final = 3.0  # less than servers keep an idle connection, so that none closes one that is being used
_PIECE_BYTES: Final = 64 * 2**10


class NoConnection(Exception):
    """The server takes no connection."""


class Untrusted(Exception):
    """The server's certificate is not from an authority that is trusted."""


class BrokenConnection(Exception):
    """The connection ended, or what came was not HTTP, before the answer was complete."""


class TooMuch(Exception):
    """The answer is longer than it may be."""


@dataclass(frozen=True, slots=True)
class Response:
    """Names of header fields are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """Connections to the server at `url`, kept while they are used. Of one event loop."""

    def __init__(
        self,
        url: str,
        *,
        headers: dict[str, str],
        connect_timeout_s: float,
        max_body_bytes: int,
        ca_file: str | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = {"accept": "application/json", "accept-encoding": "identity", **headers}
        self._ca_file = ca_file
        self._connect_timeout_s = connect_timeout_s
        self._max_body_bytes = max_body_bytes
        self._session: aiohttp.ClientSession | None = None
        self._n_under_way = 0
        self._last_used_s = float("-inf")

    async def ask(self, method: str, path: str, content: bytes = b"") -> Response:
        """The server's answer. Raises `NoConnection`, `Untrusted`, `BrokenConnection` and `TooMuch`."""
        self._session = self._session or self._open()
        typed = {"content-type": "application/json"} if content else {}
        self._n_under_way += 1
        try:
            async with self._session.request(
                method, f"{self._url}{path}", data=content or None, headers=typed, allow_redirects=False
            ) as answer:
                body = await self._body(answer)
                headers = {name.lower(): value for name, value in answer.headers.items()}
                self._last_used_s = time.monotonic()
                return Response(answer.status, headers, body)
        except aiohttp.ClientConnectorCertificateError as error:
            raise Untrusted from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NoConnection(type(error).__name__) from error
        except (aiohttp.ClientError, OSError) as error:
            raise BrokenConnection(type(error).__name__) from None
        finally:
            self._n_under_way -= 1

    def has_lasted(self) -> bool:
        """Whether the server answers or did a moment ago: an engine takes longer than that to start anew."""
        return self._n_under_way > 0 or time.monotonic() - self._last_used_s < KEEP_ALIVE_S

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        tls = ssl.create_default_context(cafile=self._ca_file) if self._url.startswith("https:") else True
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S, ssl=tls),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_timeout_s),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        if (answer.content_length or 0) > self._max_body_bytes:
            answer.close()
            raise TooMuch
        body = bytearray()
        async for piece in answer.content.iter_chunked(_PIECE_BYTES):
            body += piece
            if len(body) > self._max_body_bytes:
                answer.close()
                raise TooMuch
        return bytes(body)
