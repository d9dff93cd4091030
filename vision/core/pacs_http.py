"""HTTP to a PACS: only to listed addresses, without proxies, TLS verified, every answer bounded in bytes and seconds.

No message here holds a path or a query, since those can hold what a patient is known by.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests

_Answer = TypeVar("_Answer")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_REDIRECTS = 3
_ATTEMPTS = 3
_PAUSE_S = 0.25
_BUSY = {408, 429, 503, 504}
_TOO_LARGE = "the PACS sent more than the {limit:,} bytes that are allowed for one answer"
_TOO_SLOW = "the PACS took longer than the {limit:g} s that are allowed for one answer"


class PacsError(Exception):
    """The PACS cannot be asked, or its answer not used; `code` is a word for programs."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and a password, or a bearer token."""

    user: str = ""
    password: str = ""
    token: str = ""

    def __repr__(self) -> str:
        """Nothing that could reach a log."""
        return "Credentials(...)"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one answer may have."""

    max_bytes: int
    timeout_s: float


def is_allowed(url: str, allowed: Sequence[str]) -> bool:
    """Whether `url` lies at or below one of the addresses: same scheme, host and port, path compared by segments."""
    try:
        scheme, host, port, path = _parts_of(url)
        bases = [_parts_of(base) for base in allowed]
    except ValueError:
        return False
    return any(base[:3] == (scheme, host, port) and path[: len(base[3])] == base[3] for base in bases)


def host_of(url: str) -> str:
    """Host and port of an address, for messages."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.hostname or 'an address without a host'}{f':{port}' if port else ''}"


def open_session(*, credentials: Credentials | None, ca_file: Path | None) -> requests.Session:
    """A session that takes nothing from the environment: no proxy, no .netrc, no certificates but these."""
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = _MAX_REDIRECTS
    session.verify = str(ca_file) if ca_file else True
    session.headers["Accept-Encoding"] = "identity"
    if credentials and credentials.token:
        session.headers["Authorization"] = f"Bearer {credentials.token}"
    elif credentials and credentials.user:
        session.auth = (credentials.user, credentials.password)
    return session


def check_redirect(response: requests.Response, *, allowed: Sequence[str]) -> None:
    """Raise `PacsError` when the response leads to an address that is not on the list."""
    if response.is_redirect:
        target = urljoin(response.url, response.headers["location"])
        if not is_allowed(target.partition("?")[0], allowed):
            response.close()
            raise PacsError(
                f"{host_of(response.url)} redirects to {host_of(target)}, to an address that is not on the list",
                code="not_allowed",
            )


def bound_body(response: requests.Response, bounds: Bounds) -> None:
    """Make reading the body raise `PacsError` beyond the bounds, also when bytes only drip."""
    announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and int(announced) > bounds.max_bytes:
        response.close()
        raise PacsError(_TOO_LARGE.format(limit=bounds.max_bytes), code="too_large")
    unbounded = response.iter_content

    def iter_content(chunk_size: int | None = 1, decode_unicode: Any = False) -> Iterator[bytes]:
        del decode_unicode
        too_late = threading.Event()
        timer = threading.Timer(bounds.timeout_s, _cut_off, (response, too_late))
        timer.daemon = True
        timer.start()
        n_bytes = 0
        try:
            for chunk in unbounded(chunk_size):
                n_bytes += len(chunk)
                if n_bytes > bounds.max_bytes:
                    raise PacsError(_TOO_LARGE.format(limit=bounds.max_bytes), code="too_large")
                yield chunk
        finally:
            timer.cancel()
            response.close()  # what is not read to its end would hold the connection open
            if too_late.is_set():
                raise PacsError(_TOO_SLOW.format(limit=bounds.timeout_s), code="too_slow")

    response.iter_content = iter_content  # type: ignore[method-assign]


def ask(question: Callable[[], _Answer], *, host: str) -> _Answer:
    """The answer; a busy or absent server is asked again twice. Raises `PacsError` that says what went wrong."""
    for attempt in range(_ATTEMPTS):
        try:
            return question()
        except (requests.RequestException, OSError) as error:
            problem, may_pass = _problem(error, host)
            if not may_pass or attempt == _ATTEMPTS - 1:
                raise problem from None  # the cause would quote the address with its query
            time.sleep(_PAUSE_S * 2**attempt)
    raise AssertionError("the loop returns or raises")


def _parts_of(url: str) -> tuple[str, str, int, list[str]]:
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        raise ValueError("not a plain http or https address")
    segments = [segment for segment in parts.path.split("/") if segment]
    if {".", ".."} & set(segments) or {"%", "\\"} & set(parts.path):
        raise ValueError("the path is not plain")
    return parts.scheme, parts.hostname.lower(), parts.port or _DEFAULT_PORTS[parts.scheme], segments


def _cut_off(response: requests.Response, too_late: threading.Event) -> None:
    too_late.set()
    try:
        response.raw.shutdown()
    except (RuntimeError, ValueError, OSError):  # read to its end in the same moment
        return


def _problem(error: Exception, host: str) -> tuple[PacsError, bool]:
    """What to say, and whether asking again may help."""
    if isinstance(error, requests.HTTPError):
        return _refusal(error.response, host)
    if isinstance(error, requests.exceptions.SSLError):
        return PacsError(f"the certificate of {host} could not be verified", code="certificate"), False
    if isinstance(error, requests.TooManyRedirects):
        return PacsError(f"{host} redirects too often", code="not_allowed"), False
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return PacsError(f"{host} does not answer in DICOM JSON", code="bad_answer"), False
    if isinstance(error, requests.RequestException):
        return PacsError(f"{host} could not be reached: {type(error).__name__}", code="unreachable"), True
    reason = error.strerror if isinstance(error, OSError) else None
    return PacsError(f"the answer could not be kept: {reason or type(error).__name__}", code="not_kept"), False


def _refusal(response: Any, host: str) -> tuple[PacsError, bool]:
    response.close()
    status: int = response.status_code
    if status in (401, 403):
        words = "asks for a name and a password, or a token" if status == 401 else "does not allow this"
        return PacsError(f"{host} {words} (HTTP {status})", code="not_authorised"), False
    if status == 404:
        return PacsError(f"{host} has nothing at this address, or no such study (HTTP 404)", code="not_found"), False
    return PacsError(f"{host} answered with an error (HTTP {status})", code="refused"), status in _BUSY
