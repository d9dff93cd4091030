"""What labeling with a language model costs beside the model: share of the ideal rate, and memory.

An engine that answers every call after `--delay-ms` and takes `--in-flight` at once gives in-flight / delay answers a
second. Measured is the whole way from a table of reports to a table of labels and a file of calls: over HTTP to a
server process on this machine, and with the same engine simulated inside the process, which leaves HTTP out. `bare`
sends as many requests of the same length and does nothing else: no client in Python reaches more on this machine.

    python -m benchmarks.labeling_overhead --reports 200
    python -m benchmarks.labeling_overhead --delay-ms 200
    python -m benchmarks.labeling_overhead --memory --reports 10000
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from benchmarks.rules_speed import GOLD, other_digits
from labeling.core.backends import Answer, ChoiceLogits, Message, Sampling, Usage
from labeling.core.backends.openai_http import OpenAIBackend
from labeling.core.batch import Outcome
from labeling.core.call_files import CallFile
from labeling.core.intake import ReportRow
from labeling.core.labelers import labeler_called
from labeling.core.many import Pace
from labeling.core.model_batch import ModelBatch
from labeling.core.schema_yaml import load_preset

BUDGET: Final = 0.9
LABELER: Final = "direct-query"
_BARE_CHARS: Final = 3500  # as long as the average prompt of the labeler
_SERVE: Final = "--serve"
_LOGPROBS: Final = (("token_id:1", -0.2), ("token_id:2", -1.8), ("token_id:3", -4.0))


class Connection(asyncio.Protocol):
    """A server that answers every completion after `delay_s` and reads no more of a request than its length."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._received = b""
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer when a request is complete."""
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        _, _, after = self._received[:end].lower().partition(b"content-length:")
        length = int(after.split(b"\r\n", 1)[0] or 0)
        if len(self._received) < end + 4 + length:
            return
        path = self._received.split(b" ", 2)[1].decode("ascii")
        token = 2 if b'" no"' in self._received[end:] else 1
        self._received = b""
        if path == "/v1/chat/completions":
            self._loop.call_later(self._delay_s, self._transport.write, _COMPLETION)
        else:
            self._transport.write(_reply("200 OK", _PAGES.get(path) or {"tokens": [token]}))


def _reply(status: str, values: Any) -> bytes:
    body = json.dumps(values).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


# As vLLM says it, which is asked for the tokens of " yes" and " no".
_PAGES: Final = {
    "/v1/models": {"object": "list", "data": [{"id": "bench", "object": "model", "owned_by": "vllm"}]},
    "/version": {"version": "0"},
}
_COMPLETION: Final = _reply(
    "200 OK",
    {
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "yes"},
                "finish_reason": "stop",
                "logprobs": {
                    "content": [
                        {
                            "token": "token_id:1",
                            "logprob": -0.2,
                            "top_logprobs": [{"token": token, "logprob": value} for token, value in _LOGPROBS],
                        }
                    ]
                },
            }
        ],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 1, "total_tokens": 1001},
    },
)


async def serve(delay_s: float) -> None:
    """Print the port and serve until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(delay_s), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def served(delay_s: float) -> Iterator[str]:
    """Address of a server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.labeling_overhead", _SERVE, "--delay-ms", str(1000 * delay_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.terminate()


class Simulated:
    """The same engine inside this process."""

    fingerprint: Mapping[str, str] = {"engine": "simulated"}

    def __init__(self, delay_s: float, in_flight: int) -> None:
        self._delay_s = delay_s
        self._slots = asyncio.Semaphore(in_flight)

    async def generate(self, _messages: Sequence[Message], _sampling: Sampling, _limit: object = None) -> Answer:
        """Says yes."""
        async with self._slots:
            await asyncio.sleep(self._delay_s)
        return Answer("yes", is_cut=False, usage=Usage(1000, 1))

    async def choice_logits(self, _messages: Sequence[Message], choices: Sequence[str]) -> ChoiceLogits:
        """The first choice is likelier."""
        async with self._slots:
            await asyncio.sleep(self._delay_s)
        return ChoiceLogits(tuple(-1.0 * index for index in range(len(choices))), usage=Usage(1000, 1))


def rows(n_reports: int) -> Iterator[ReportRow]:
    """Reports that are all different."""
    lines = [line for gold in GOLD for line in gold.read_text(encoding="utf-8").splitlines()]
    texts = [json.loads(line)["report"] for line in lines]
    for index in range(n_reports):
        text = f"Number {index}. " + other_digits(texts[index % len(texts)], index // len(texts))
        yield ReportRow(index + 2, f"R{index}", text)


async def ask_barely(url: str, options: argparse.Namespace, *, n_calls: int) -> tuple[int, float, float]:
    """Calls, wall seconds and processor seconds of requests without anything around them."""
    body = json.dumps({"model": "bench", "messages": [{"role": "user", "content": "x" * _BARE_CHARS}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\ncontent-length: {len(body)}\r\n\r\n"
    left = iter(range(n_calls))

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
        for _ in left:
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            json.loads(await reader.readexactly(int(answer.partition(b"content-length: ")[2].split(b"\r")[0])))
        writer.close()

    start_s, cpu_s = time.perf_counter(), time.process_time()
    await asyncio.gather(*(ask() for _ in range(options.in_flight)))
    return n_calls, time.perf_counter() - start_s, time.process_time() - cpu_s


@asynccontextmanager
async def engine(url: str | None, options: argparse.Namespace) -> AsyncIterator[Any]:
    """The server at `url`, or the simulated engine."""
    if url is None:
        yield Simulated(options.delay_ms / 1000, options.in_flight)
        return
    async with OpenAIBackend(url, "bench", concurrency=options.in_flight) as backend:
        yield backend


async def label_all(url: str | None, options: argparse.Namespace, *, schema_name: str) -> tuple[int, float, float]:
    """Calls, wall seconds and processor seconds of labeling all reports."""
    labeler, schema = labeler_called(LABELER), load_preset(schema_name)
    config = labeler.configure([], schema)
    with (
        tempfile.TemporaryDirectory() as folder,
        CallFile(Path(folder) / "calls.jsonl") as calls,
        (Path(folder) / "labels.jsonl").open("w", encoding="utf-8") as out,
    ):
        async with engine(url, options) as backend:
            batch = ModelBatch(labeler, config, schema, backend, format="jsonl", outcome=Outcome())
            n_first, growth = 0, Growth()
            start_s, cpu_s = time.perf_counter(), time.process_time()
            lines = batch.lines(
                rows(options.reports), store_of=calls.calls_of, pace=Pace(concurrency=options.in_flight)
            )
            async for line in lines:
                out.write(line)
                n_first += 1
                if options.memory and n_first % (options.reports // 10) == 0:
                    growth.note(n_first, n_held=batch.tally.most_reports)
            took = time.perf_counter() - start_s, time.process_time() - cpu_s
    assert batch.tally.n_labelled == options.reports, batch.tally.failed
    return batch.tally.n_calls, *took


class Growth:
    """Resident memory while reports are labeled."""

    def note(self, n_reports: int, *, n_held: int) -> None:
        """Print it."""
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        mib = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        print(f"  {n_reports:>7,} reports: {mib:,.1f} MiB resident, at most {n_held:,} reports in flight", flush=True)


def report(name: str, measured: tuple[int, float, float], options: argparse.Namespace) -> None:
    """Print one line."""
    n_calls, wall_s, cpu_s = measured
    ideal = 1000 * options.in_flight / options.delay_ms
    rate = n_calls / wall_s
    print(
        f"{name}: {n_calls:,} calls in {wall_s:.1f} s, {rate:,.0f}/s of the ideal {ideal:,.0f}/s: {rate / ideal:.1%} "
        f"(budget {BUDGET:.0%}); {1e6 * cpu_s / n_calls:.0f} us of one processor a call",
        flush=True,
    )


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--reports", type=int, default=200)
    parser.add_argument("--delay-ms", type=float, default=20.0)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--memory", action="store_true", help="print resident memory, with a schema of eight cells")
    parser.add_argument("--only", choices=["bare", "simulated", "http"])
    parser.add_argument(_SERVE, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.delay_ms / 1000))
        return
    schema_name = "spine-mri" if options.memory else "abdomen-ct"
    print(f"{LABELER}, {schema_name}, {options.reports:,} reports, {options.in_flight} calls in flight")
    n_calls = options.reports * len(load_preset(schema_name).cells)
    for name in ("bare", "simulated", "http"):
        if options.only not in (None, name):
            continue
        with served(options.delay_ms / 1000) as url:
            if name == "bare":
                measured = asyncio.run(ask_barely(url, options, n_calls=n_calls))
            else:
                measured = asyncio.run(label_all(url if name == "http" else None, options, schema_name=schema_name))
        report(name, measured, options)


if __name__ == "__main__":
    main()
