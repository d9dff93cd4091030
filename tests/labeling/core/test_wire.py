"""HTTP as servers and what stands before them speak it: lengths, chunks, connections that end."""

import asyncio
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from labeling.core.backends.wire import BrokenConnection, NoConnection, Response, TooMuch, Untrusted, Wire
from tests.conftest import need_program

Use = Callable[[Wire], Awaitable[Response]]


def ask(*replies: bytes, use: Use | None = None, stays_open: bool = False) -> tuple[Response, list[bytes]]:
    """The answer to GET /v1, and the heads that were sent; each connection gives one reply after another."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in replies:
            try:
                heads.append(await reader.readuntil(b"\r\n\r\n"))
            except asyncio.IncompleteReadError:
                break
            writer.write(reply)
            await writer.drain()
        if stays_open:
            await reader.read()
        writer.close()

    async def run() -> Response:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            wire = Wire(
                f"http://127.0.0.1:{port}/llm",
                headers={"authorization": "Bearer k"},
                connect_timeout_s=5,
                max_body_bytes=20,
            )
            try:
                return await (use(wire) if use else wire.ask("GET", "/v1"))
            finally:
                await wire.close()

    return asyncio.run(run()), heads


def test_request_names_host_path_and_key_and_asks_for_plain_json() -> None:
    _, [head] = ask(b"HTTP/1.1 204 No Content\r\n\r\n")
    first, *fields = head.decode().strip().split("\r\n")
    assert first == "GET /llm/v1 HTTP/1.1"
    assert {"accept: application/json", "accept-encoding: identity", "authorization: Bearer k"} < set(fields)


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nA: b\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    ],
)
def test_body_has_a_length_or_comes_in_chunks_or_ends_with_the_connection(reply: bytes) -> None:
    response, _ = ask(reply)
    assert (response.status, response.body) == (200, b"hello")


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel",
        b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
        b"SSH-2.0 hello\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"x" * 200_000,
    ],
)
def test_what_is_no_complete_answer_is_a_broken_connection(reply: bytes) -> None:
    with pytest.raises(BrokenConnection):
        ask(reply)


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 21\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n15\r\n" + b"x" * 21 + b"\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 21,
    ],
)
def test_body_beyond_the_bound_is_not_read(reply: bytes) -> None:
    with pytest.raises(TooMuch):
        ask(reply)


def test_server_that_answered_a_moment_ago_is_still_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    async def see(wire: Wire) -> Response:
        assert not wire.has_lasted()
        answer = await wire.ask("GET", "/1")
        assert wire.has_lasted()
        monkeypatch.setattr("labeling.core.backends.wire.KEEP_ALIVE_S", 0)
        assert not wire.has_lasted()
        return answer

    ask(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", use=see)


@pytest.mark.parametrize(("field", "n_connections"), [("keep-alive", 1), ("close", 2)])
def test_connection_is_used_again_unless_the_server_closes_it(field: str, n_connections: int) -> None:
    reply = f"HTTP/1.1 200 OK\r\nconnection: {field}\r\ncontent-length: 0\r\n\r\n".encode()

    async def twice(wire: Wire) -> Response:
        await wire.ask("GET", "/1")
        return await wire.ask("GET", "/2")

    # A connection here ends after as many answers as it has replies.
    replies = [reply] * (2 if n_connections == 1 else 1)
    _, heads = ask(*replies, use=twice)
    assert [head.split()[1] for head in heads] == [b"/llm/1", b"/llm/2"]


def test_certificate_is_checked_and_an_authority_of_the_house_can_be_named(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [
        need_program("openssl", package="openssl"),
        *["req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=localhost"],
    ]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")

    async def run(ca_file: str | None) -> bytes:
        async with await asyncio.start_server(serve, "localhost", 0, ssl=context) as server:
            url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
            wire = Wire(url, headers={}, connect_timeout_s=5, max_body_bytes=20, ca_file=ca_file)
            try:
                return (await wire.ask("GET", "/")).body
            finally:
                await wire.close()

    assert asyncio.run(run(str(certificate))) == b"hello"
    with pytest.raises(Untrusted):
        asyncio.run(run(None))


def test_nobody_there_is_no_connection() -> None:
    async def nobody() -> None:
        wire = Wire("http://127.0.0.1:9", headers={}, connect_timeout_s=5, max_body_bytes=20)
        try:
            await wire.ask("GET", "/")
        finally:
            await wire.close()

    with pytest.raises(NoConnection):
        asyncio.run(nobody())
