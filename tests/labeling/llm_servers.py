"""A language-model server in this process that speaks the OpenAI API over real sockets, and can misbehave.

It has the manners of one engine: which fields it obeys, which it ignores, how it names things and puts errors. They
were taken down from vLLM 0.32 (`test_vllm.py` asks a real one), for the others from their manuals.

    async with LlmServer("vllm", answer=lambda request: "present") as server:
        backend = OpenAIBackend(server.url, "tiny")

For code that is not async, `with in_thread(LlmServer("vllm")) as server:`.
"""

import asyncio
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Literal

Manners = Literal["vllm", "sglang", "llama.cpp", "ollama", "plain"]
OWNERS = {"vllm": "vllm", "sglang": "sglang", "llama.cpp": "llamacpp", "ollama": "library", "plain": "someone"}
OBEYED = {
    "vllm": {"structured_outputs", "response_format"},
    "sglang": {"regex", "response_format"},
    "llama.cpp": {"grammar", "response_format"},
    "ollama": {"response_format"},
    "plain": set(),
}


@dataclass(frozen=True)
class Request:
    """A request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any

    @property
    def said(self) -> str:
        """The last turn."""
        return str(self.body["messages"][-1]["content"])


@dataclass(frozen=True)
class Fault:
    """An answer that is none: this status and body, no answer at all, or a broken connection."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: Literal["answer", "hang", "break"] = "answer"


def error_of(status: int, message: str, **more: Any) -> Fault:
    """An error in OpenAI's shape."""
    return Fault(status, json.dumps({"error": {"message": message, "code": status, **more}}).encode())


HANG = Fault(kind="hang")
BREAK = Fault(kind="break")


@dataclass
class LlmServer:
    """`faults` are given to the next completions, one each. `logprobs` are of the texts of the first token."""

    manners: Manners = "vllm"
    answer: Callable[[Request], str] = lambda request: "hello"
    logprobs: Mapping[str, float] | None = None
    model: str = "tiny"
    version: str = "0.32.0"
    delay_s: float = 0.0
    max_model_len: int = 2048
    release: asyncio.Event | None = None  # answers wait for it
    faults: deque[Fault] = field(default_factory=deque)
    port: int = 0
    keep: bool = True

    requests: list[Request] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    n_aborted: int = 0

    @property
    def url(self) -> str:
        """As a user gives it."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def asked(self) -> list[Any]:
        """Bodies of the completions that were asked for."""
        return [request.body for request in self.requests if request.path == "/v1/chat/completions"]

    def forget(self) -> None:
        """Begin to record anew."""
        self.requests.clear()
        self.most_in_flight = 0

    async def start(self) -> None:
        """Listen, on the same port as before if it was stopped."""
        loop = asyncio.get_running_loop()
        self._connections: set[Connection] = set()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Break every connection and listen no more."""
        self._server.close()
        for connection in list(self._connections):
            connection.abort()
        await self._server.wait_closed()

    async def __aenter__(self) -> "LlmServer":
        await self.start()
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.stop()

    async def respond(self, request: Request) -> Fault:
        """What is sent back."""
        if self.keep:
            self.requests.append(request)
        if request.path == "/v1/chat/completions":
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            try:
                if self.faults:
                    fault = self.faults.popleft()
                    if fault.kind == "hang":
                        await asyncio.sleep(3600)
                    return fault
                if self.release is not None:
                    await self.release.wait()
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                return self._completion(request)
            except asyncio.CancelledError:
                self.n_aborted += 1
                raise
            finally:
                self.in_flight -= 1
        values = self._page(request)
        return error_of(404, "not found") if values is None else Fault(body=json.dumps(values).encode())

    def _page(self, request: Request) -> Any:
        line = {"id": self.model, "object": "model", "owned_by": OWNERS[self.manners]}
        if self.manners == "vllm":
            line |= {"root": "/models/" + self.model, "created": len(self.requests)}
        if self.manners == "llama.cpp":
            line |= {"meta": {"n_params": 107072, "size": 428288}}
        pages: dict[str, dict[str, Any]] = {
            "vllm": {"/version": {"version": self.version}},
            "sglang": {"/get_server_info": {"version": self.version, "api_key": "sk-of-the-server"}},
            "llama.cpp": {"/props": {"build_info": self.version}},
            "ollama": {
                "/api/version": {"version": self.version},
                "/api/tags": {"models": [{"name": self.model, "digest": "sha256:beef"}]},
            },
            "plain": {},
        }
        if request.path == "/tokenize" and self.manners == "vllm":
            return {"tokens": [ord(character) for character in request.body["prompt"]]}
        return (pages[self.manners] | {"/v1/models": {"object": "list", "data": [line]}}).get(request.path)

    def _completion(self, request: Request) -> Fault:
        body = request.body
        n_prompt = sum(len(turn["content"].split()) for turn in body["messages"])
        names = (self.model, self.model.removesuffix(":latest") if self.manners == "ollama" else self.model)
        if body["model"] not in names and self.manners != "llama.cpp":
            return error_of(404, f"The model `{body['model']}` does not exist. Valid aliases: {self.model}.")
        if n_prompt + body["max_tokens"] > self.max_model_len and self.manners != "ollama":
            return error_of(400, too_long(self.manners, n_prompt, self.max_model_len))
        words = self._text(request).split(" ")
        cut = len(words) > body["max_tokens"]
        usage: dict[str, Any] = {"prompt_tokens": n_prompt, "completion_tokens": min(len(words), body["max_tokens"])}
        if self.manners in ("vllm", "sglang"):
            usage["prompt_tokens_details"] = {"cached_tokens": 0}
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": " ".join(words[: body["max_tokens"]])},
            "logprobs": self._first_token(body) if body.get("logprobs") else None,
            "finish_reason": "length" if cut else "stop",
        }
        return Fault(body=json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage}).encode())

    def _text(self, request: Request) -> str:
        """The answer, or the simplest text that a constraint allows when the answer is not such a text."""
        said = self.answer(request)
        obeyed = {name: value for name, value in request.body.items() if name in OBEYED[self.manners]}
        limits = obeyed.get("structured_outputs", {})
        schema = limits.get("json") or schema_of(obeyed.get("response_format"))
        if schema is not None:
            return said if is_json(said) else json.dumps(instance(schema))
        regex = limits.get("regex") or obeyed.get("regex") or regex_of_grammar(obeyed.get("grammar"))
        if "choice" in limits:
            regex = "|".join(re.escape(option) for option in limits["choice"])
        return said if regex is None or re.fullmatch(regex, said) else simplest(parser.parse(regex))

    def _first_token(self, body: Any) -> Any:
        if self.logprobs is None or self.manners == "ollama":
            return None
        names = {text: text for text in self.logprobs}
        if body.get("return_tokens_as_token_ids"):
            names = {text: f"token_id:{ord(text[0])}" for text in self.logprobs}
        listed = [{"token": names[text], "logprob": value} for text, value in self.logprobs.items()]
        return {"content": [{**listed[0], "top_logprobs": listed[: body["top_logprobs"]]}]}


class Connection(asyncio.Protocol):
    """One connection, which may ask one thing after another."""

    def __init__(self, server: LlmServer) -> None:
        self.server = server
        self.received = bytearray()
        self.answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.server._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.server._connections.discard(self)
        if self.answering is not None:
            self.answering.cancel()

    def abort(self) -> None:
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, rest = self.received.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        method, path, _ = first.split(" ")
        self.received = bytearray(rest[length:])
        body = json.loads(rest[:length]) if length else None
        self.answering = asyncio.ensure_future(self.answer_to(Request(method, path, headers, body)))

    async def answer_to(self, request: Request) -> None:
        reply = await self.server.respond(request)
        if reply.kind == "break":
            self.transport.abort()
            return
        headers = {"content-type": "application/json", "content-length": str(len(reply.body)), **reply.headers}
        if self.server.manners == "llama.cpp":
            headers["server"] = "llama.cpp"
        lines = [f"HTTP/1.1 {reply.status} X", *(f"{name}: {value}" for name, value in headers.items())]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + reply.body)


@contextmanager
def in_thread(server: LlmServer) -> Iterator[LlmServer]:
    """Run the server in a thread of its own, for tests that are not async."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
        asyncio.run_coroutine_threadsafe(_let_tasks_end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _let_tasks_end() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def too_long(manners: Manners, n_prompt: int, limit: int) -> str:
    """The sentence with which an engine refuses a prompt."""
    if manners == "llama.cpp":
        return f"the request exceeds the available context size ({limit} tokens), try increasing it"
    return (
        f"This model's maximum context length is {limit} tokens. However, your prompt contains {n_prompt} input "
        "tokens. Please reduce the length of the input prompt."
    )


def schema_of(response_format: Any) -> Any:
    """The JSON schema of a `response_format`; any object for a plain one."""
    if response_format is None:
        return None
    wrapped = response_format.get("json_schema", {}).get("schema")
    return wrapped or response_format.get("schema") or {"type": "object"}


def is_json(text: str) -> bool:
    with suppress(ValueError):
        return isinstance(json.loads(text), dict)
    return False


def instance(schema: Mapping[str, Any]) -> Any:
    """The simplest value of a schema."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: instance(schema["properties"][name]) for name in schema.get("required", ())}
    return {"array": [], "integer": 0, "number": 0, "boolean": False, "string": ""}[schema["type"]]


def simplest(nodes: Any) -> str:
    """The simplest text of a regular expression: first alternative, fewest repeats."""
    text = ""
    for code, value in nodes:
        if code is op.LITERAL:
            text += chr(value)
        elif code is op.IN:
            text += first_of(*value[0])
        elif code is op.BRANCH:
            text += simplest(value[1][0])
        elif code is op.SUBPATTERN:
            text += simplest(value[3])
        elif code in (op.MAX_REPEAT, op.MIN_REPEAT):
            text += simplest(value[2]) * value[0]
        else:
            text += "x"
    return text


def first_of(code: Any, value: Any) -> str:
    """A character of a class; of a class that shuts some out, one that is rarely shut out."""
    if code is op.RANGE:
        return chr(value[0])
    return chr(value) if code is op.LITERAL else "7"


def regex_of_grammar(grammar: str | None) -> str | None:
    """The regular expression of a one-rule grammar of llama.cpp."""
    if grammar is None:
        return None
    pieces = re.findall(r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|[^"\[\s]+', grammar.removeprefix("root ::="))
    return "".join(re.escape(json.loads(piece)) if piece.startswith('"') else piece for piece in pieces)
