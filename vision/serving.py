"""Answer requests for stored bytes: conditional and partial, handed to the kernel (RFC 9110, sections 13 and 14).

Callers check permission before they come here.
"""

import io
import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.http import content_disposition_header, parse_etags, quote_etag

_RANGE = re.compile(r"bytes=\s*([0-9]*)\s*-\s*([0-9]*)\s*", re.IGNORECASE)
_MAX_DIGITS = 18
CACHE = "private, no-cache"


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """A file, or `length` bytes of it from `offset`. `tag` changes with the content; `name` is for saving it."""

    path: Path
    tag: str
    content_type: str
    name: str
    offset: int = 0
    length: int | None = None


class _Part(io.FileIO):
    """A file that ends after `length` bytes. It keeps its descriptor, so that a server can send it by `sendfile`."""

    def __init__(self, path: Path, *, offset: int, length: int) -> None:
        super().__init__(path, "rb")
        super().seek(offset)
        self._end = offset + length

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes, none behind the end of the part."""
        left = max(0, self._end - self.tell())
        wanted = left if size is None or size < 0 else min(size, left)
        return super().read(wanted) or b""


def serve(request: HttpRequest, stored: StoredBytes) -> HttpResponseBase:
    """The bytes, the part of them that was asked for (206), or word that they are as they were (304).

    One range is answered; several are answered with the whole, as RFC 9110 allows. A range that the file does not
    have is refused (416).
    """
    etag = quote_etag(stored.tag)
    if _is_known(request, etag):
        return _finished(HttpResponse(status=HTTPStatus.NOT_MODIFIED), etag)
    size = stored.path.stat().st_size - stored.offset if stored.length is None else stored.length
    wanted = _wanted_range(request, etag, size)
    if wanted is not None and wanted[0] >= wanted[1]:
        return _finished(_unsatisfiable(size), etag)
    start, end = wanted or (0, size)
    response = _body(request, stored, start=start, end=end)
    response["Content-Length"] = str(end - start)
    response["Accept-Ranges"] = "bytes"
    if wanted is not None:
        response.status_code = HTTPStatus.PARTIAL_CONTENT
        response["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return _finished(response, etag)


def serve_json(request: HttpRequest, content: bytes, *, tag: str) -> HttpResponseBase:
    """JSON that a browser may keep and has to ask about."""
    etag = quote_etag(tag)
    if _is_known(request, etag):
        return _finished(HttpResponse(status=HTTPStatus.NOT_MODIFIED), etag)
    return _finished(HttpResponse(content, content_type="application/json"), etag)


def _body(request: HttpRequest, stored: StoredBytes, *, start: int, end: int) -> HttpResponseBase:
    if request.method == "HEAD":
        disposition = content_disposition_header(False, stored.name) or "inline"
        return HttpResponse(content_type=stored.content_type, headers={"Content-Disposition": disposition})
    part = _Part(stored.path, offset=stored.offset + start, length=end - start)
    return FileResponse(part, content_type=stored.content_type, filename=stored.name)


def _is_known(request: HttpRequest, etag: str) -> bool:
    """Whether the browser has this version already (weak comparison)."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return known == ["*"] or etag in [tag.removeprefix("W/") for tag in known]


def _wanted_range(request: HttpRequest, etag: str, size: int) -> tuple[int, int] | None:
    """Start and end of the bytes that are asked for; None for all, an empty range for one that does not exist."""
    if request.method != "GET" or request.headers.get("If-Range", etag) != etag:
        return None
    match = _RANGE.fullmatch(request.headers.get("Range", ""))
    if match is None or max(map(len, match.groups())) > _MAX_DIGITS or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    return int(first), min(size, int(last) + 1) if last else size


def _unsatisfiable(size: int) -> HttpResponse:
    error: dict[str, Any] = {"code": "range_not_satisfiable", "message": f"The file has {size} bytes.", "details": {}}
    response = JsonResponse({"error": error}, status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
    response["Content-Range"] = f"bytes */{size}"
    return response


def _finished(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    response["ETag"] = etag
    response["Cache-Control"] = CACHE
    response["X-Content-Type-Options"] = "nosniff"
    return response


def tag_of(*parts: object) -> str:
    """A tag made of parts that together name one version of a content."""
    return "-".join(str(part) for part in parts)
