"""Servers that are slow, busy, gone, wrong or talkative: what is repeated, what is told, what is kept to oneself."""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from labeling.core.backends import BackendError, Message, Sampling, Trouble
from labeling.core.backends.openai_errors import without_secrets
from labeling.core.backends.openai_http import OpenAIBackend
from labeling.core.backends.openai_transport import Clock
from tests.labeling.llm_servers import BREAK, HANG, Fault, LlmServer, Manners, error_of

REPORT = "Mrs Quimby, MRN 70319, has a hypodense lesion of the spleen."
ASK = [Message("user", REPORT)]
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
Use = Callable[[OpenAIBackend], Awaitable[Any]]


async def generate(backend: OpenAIBackend) -> str:
    return (await backend.generate(ASK, Sampling(5))).text


class Waits:
    """A clock that does not wait but notes what it was to wait; chance draws the whole wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.clock = Clock(sleep=self.sleep, now=lambda: NOON, draw=lambda: 1.0)
        self.then: Callable[[int], Awaitable[None]] | None = None

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        if self.then is not None:
            await self.then(len(self.seconds))
        await asyncio.sleep(0)


def ask(server: LlmServer, *faults: Fault, waits: Waits | None = None, use: Use = generate, **options: Any) -> Any:
    """What a backend gets that has looked at the server before the faults begin."""

    async def run() -> Any:
        clock = (waits or Waits()).clock
        async with server, OpenAIBackend(server.url, server.model, clock=clock, **options) as backend:
            server.forget()
            server.faults = deque(faults)
            return await use(backend)

    return asyncio.run(run())


def refused(server: LlmServer, *faults: Fault, **options: Any) -> BackendError:
    with pytest.raises(BackendError) as caught:
        ask(server, *faults, **options)
    return caught.value


def test_busy_server_is_asked_again_after_waits_that_double() -> None:
    waits, server = Waits(), LlmServer()
    assert ask(server, *[error_of(503, "overloaded")] * 4, waits=waits) == "hello"
    assert waits.seconds == [0.5, 1.0, 2.0, 4.0]
    assert len(server.asked) == 5


def test_waits_are_drawn_from_the_upper_half_and_bounded() -> None:
    for draw, expected in [(0.0, 0.25), (1.0, 0.5)]:
        waits = Waits()
        waits.clock = Clock(sleep=waits.sleep, draw=lambda draw=draw: draw)
        ask(LlmServer(), error_of(429, "slow down"), waits=waits)
        assert waits.seconds == [expected]
    waits = Waits()
    refused(LlmServer(), *[error_of(429, "slow down")] * 9, waits=waits, max_attempts=9)
    assert waits.seconds == [0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(
    ("asked", "waited_s"),
    [
        ("7", 7.0),
        ("Fri, 27 Nov 2026 12:00:20 GMT", 20.0),
        ("Fri, 27 Nov 2026 11:00:00 GMT", 0.0),
        ("86400", 30.0),  # no server makes a run wait for a day
        ("soon", 0.5),
        ("²", 0.5),
    ],
)
def test_server_says_how_long_to_wait(asked: str, waited_s: float) -> None:
    waits = Waits()
    busy = Fault(429, b"", {"retry-after": asked})
    assert ask(LlmServer(), busy, waits=waits) == "hello"
    assert waits.seconds == [waited_s]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 529])
def test_server_that_stays_busy_is_given_up_for_now(status: int) -> None:
    server = LlmServer()
    error = refused(server, *[error_of(status, "try later")] * 3, max_attempts=3)
    assert error.trouble is Trouble.BUSY
    assert error.is_passing
    assert str(status) in str(error)
    assert "3 attempts" in str(error)
    assert len(server.asked) == 3


def test_silent_server_times_out_and_is_asked_again() -> None:
    server = LlmServer()
    error = refused(server, HANG, HANG, timeout_s=0.05, max_attempts=2)
    assert error.trouble is Trouble.TIMEOUT
    assert "no answer within 0.05 s" in str(error)
    assert (len(server.asked), server.n_aborted) == (2, 2)


def test_connection_that_breaks_is_an_attempt() -> None:
    server = LlmServer()
    assert ask(server, BREAK) == "hello"
    error = refused(LlmServer(), BREAK, BREAK, max_attempts=2)
    assert error.trouble is Trouble.UNREACHABLE


def test_engine_that_gives_up_in_the_middle_is_asked_again() -> None:
    half = {"choices": [{"message": {"content": "hel"}, "finish_reason": "abort"}]}
    assert ask(LlmServer(), Fault(body=json.dumps(half).encode())) == "hello"


def test_engine_that_restarts_is_waited_for() -> None:
    waits, server = Waits(), LlmServer()

    async def restart(n_waits: int) -> None:
        if n_waits == 5:
            await server.start()

    async def stopped(backend: OpenAIBackend) -> str:
        await server.stop()
        waits.then = restart
        return await generate(backend)

    assert ask(server, waits=waits, use=stopped, max_attempts=2) == "hello"  # waiting is no attempt
    assert len(waits.seconds) == 5
    assert [request.path for request in server.requests] == ["/v1/models", "/version", "/v1/chat/completions"]


def test_engine_that_does_not_come_back_is_given_up_for_now() -> None:
    async def stopped(backend: OpenAIBackend) -> str:
        await server.stop()
        try:
            return await generate(backend)
        finally:
            await server.start()

    waits, server = Waits(), LlmServer()
    error = refused(server, waits=waits, use=stopped, restart_s=60)
    assert error.trouble is Trouble.UNREACHABLE
    assert 60 <= sum(waits.seconds) < 90  # the last wait may begin just before the limit


def test_engine_that_comes_back_with_another_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def restarted(backend: OpenAIBackend) -> list[Any]:
        await server.stop()
        monkeypatch.setattr("labeling.core.backends.wire.KEEP_ALIVE_S", 0)  # as long as an engine needs to start
        server.version = "0.33.0"
        await server.start()
        return await asyncio.gather(*(generate(backend) for _ in range(20)), return_exceptions=True)

    server = LlmServer()
    errors = ask(server, use=restarted)
    assert {error.trouble for error in errors} == {Trouble.REFUSED}
    assert "another version" in str(errors[0])
    assert server.asked == []


def test_hundreds_that_wait_for_a_restart_look_at_the_server_once() -> None:
    async def restarted(backend: OpenAIBackend) -> list[str]:
        server.faults = deque([BREAK] * 100)
        return await asyncio.gather(*(generate(backend) for _ in range(100)))

    server = LlmServer()
    assert set(ask(server, use=restarted, max_attempts=3)) == {"hello"}
    looks = [request.path for request in server.requests if request.path == "/v1/models"]
    assert 1 <= len(looks) <= 5


def test_model_that_is_still_loading_is_waited_for() -> None:
    loading = error_of(503, "Loading model", type="unavailable_error")
    assert ask(LlmServer("llama.cpp"), *[loading] * 8, max_attempts=2) == "hello"


@pytest.mark.parametrize("manners", ["vllm", "llama.cpp"])
def test_report_that_does_not_fit_is_too_long(manners: Manners) -> None:
    async def long(backend: OpenAIBackend) -> None:
        await backend.generate([Message("user", "cyst " * 2040)], Sampling(50))

    server = LlmServer(manners)
    error = refused(server, use=long)
    assert error.trouble is Trouble.TOO_LONG
    assert not error.is_passing
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "said",
    [
        # vLLM 0.32 as recorded
        "max_tokens=5000 cannot be greater than max_model_len=2048. Please request fewer output tokens.",
        "This model's maximum context length is 2048 tokens. However, your prompt contains 35050 characters",
        # llama.cpp, llama-cpp-python, Ollama, SGLang as in their sources
        "the request exceeds the available context size, try increasing it",
        "Requested tokens (4099) exceed context window of 2048",
        "input length exceeds maximum context length",
        "The input (3001 tokens) is longer than the model's context length (2048 tokens).",
    ],
)
def test_engines_say_in_many_ways_that_a_report_does_not_fit(said: str) -> None:
    assert refused(LlmServer(), error_of(400, said)).trouble is Trouble.TOO_LONG


@pytest.mark.parametrize("status", [400, 404, 405, 422])
def test_refusal_is_told_with_the_servers_reason_and_not_repeated(status: int) -> None:
    server = LlmServer()
    error = refused(server, error_of(status, "Requested sample logprobs of 30, which is greater than max allowed: 20"))
    assert error.trouble is Trouble.REFUSED
    assert str(error) == (
        f"the server answers {status}: Requested sample logprobs of 30, which is greater than max allowed: 20"
    )
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "quoted",
    [
        f"invalid message: {REPORT}",
        f"invalid message: {json.dumps(REPORT.upper())}",
        "cannot parse 'Mrs Quim...' at 3",
        "unexpected \\nQuimby\\n, \\u0051uimby, MRN\\t70319",
        json.dumps({"detail": [{"loc": ["body"], "input": {"messages": [{"content": REPORT}]}}]}),
    ],
)
@pytest.mark.parametrize("status", [400, 422, 503])
def test_error_holds_no_word_of_the_report_that_a_server_quotes(quoted: str, status: int) -> None:
    error = refused(LlmServer(), Fault(status, quoted.encode()), error_of(status, quoted), max_attempts=2)
    for word in ("uim", "70319", "mrn", "hypodense", "spleen"):
        assert word not in str(error).lower()


def test_message_without_secrets_keeps_engines_words_and_its_length_is_bounded() -> None:
    assert without_secrets("the model cannot hold Quimby", ["hold the Quimby"]) == "the model cannot …"
    assert len(without_secrets("word " * 1000, [])) == 300


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_key_is_named_as_the_reason_and_not_shown(status: int) -> None:
    error = refused(LlmServer(), error_of(status, "Incorrect API key provided: sk-secret"), api_key="sk-secret")
    assert error.trouble is Trouble.REFUSED
    assert str(error) == f"the server answers {status}: it does not take this key, or wants one"


def test_key_that_a_server_quotes_is_not_shown() -> None:
    error = refused(LlmServer(), error_of(400, "header Bearer sk-secret-1 is odd"), api_key="sk-secret-1")
    assert "secret" not in str(error)


def test_redirect_is_not_followed() -> None:
    server = LlmServer()
    error = refused(server, Fault(307, b"", {"location": "http://127.0.0.1:1/v1/chat/completions"}))
    assert error.trouble is Trouble.REFUSED
    assert "another address" in str(error)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>Welcome to Quimby</html>", "answers with text/html, expected JSON"),
        (b"", "expected JSON"),
        (b"[" * 100_000, "expected JSON"),
        (b'{"choices": []}', "without choices[0]"),
        (b'{"choices": [{"message": {"content": 5}}]}', "without choices[0].message.content"),
        (b'{"choices": [{"finish_reason": "content_filter"}]}', "a filter of the server"),
        (b"[]", "without choices[0]"),
        (b'{"error": "Quimby"}', "without choices[0]"),
    ],
)
def test_answer_that_is_no_completion_is_refused_in_words(body: bytes, said: str) -> None:
    error = refused(LlmServer(), Fault(200, body, {"content-type": "text/html; charset=utf-8"}))
    assert error.trouble is Trouble.REFUSED
    assert said in str(error)
    assert "Quimby" not in str(error)


def test_model_that_says_nothing_gave_an_empty_answer() -> None:
    empty = {"choices": [{"message": {"content": None}, "finish_reason": "length"}]}
    assert ask(LlmServer(), Fault(body=json.dumps(empty).encode())) == ""


def test_endless_answer_is_cut_off() -> None:
    error = refused(LlmServer(), Fault(200, b"x" * (8 * 2**20 + 1)))
    assert error.trouble is Trouble.REFUSED
    assert "more than 8388608 bytes" in str(error)


def test_cancelled_call_closes_its_connection_so_that_the_engine_stops() -> None:
    async def cancel(backend: OpenAIBackend) -> str:
        call = asyncio.create_task(generate(backend))
        while server.in_flight == 0:
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        while server.in_flight:
            await asyncio.sleep(0)
        return await generate(backend)

    server = LlmServer()
    assert ask(server, HANG, use=cancel, concurrency=1) == "hello"  # its place is free again
    assert server.n_aborted == 1


def test_error_carries_neither_report_nor_key_along() -> None:
    error: BaseException | None = refused(LlmServer(), BREAK, max_attempts=1, api_key="sk-secret")
    while error is not None:
        assert "Quimby" not in repr(vars(error))
        assert "secret" not in repr(vars(error))
        error = error.__context__ or error.__cause__


def test_log_holds_neither_report_nor_key(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        ask(LlmServer(), BREAK, error_of(500, REPORT), api_key="sk-secret")
    assert "Quimby" not in caplog.text
    assert "sk-secret" not in caplog.text


def test_model_that_the_server_has_not_is_named_with_those_it_has() -> None:
    async def look() -> None:
        async with LlmServer() as server, OpenAIBackend(server.url, "big"):
            pass

    with pytest.raises(BackendError, match="has no model big; it has: tiny") as caught:
        asyncio.run(look())
    assert caught.value.trouble is Trouble.REFUSED


def test_nobody_there_is_said_after_the_wait_for_a_restart() -> None:
    async def look() -> None:
        async with OpenAIBackend("http://127.0.0.1:9", "tiny", clock=Waits().clock):
            pass

    with pytest.raises(BackendError, match="takes no connection") as caught:
        asyncio.run(look())
    assert caught.value.trouble is Trouble.UNREACHABLE
