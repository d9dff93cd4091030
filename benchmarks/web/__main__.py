"""Measure next case, reading page, autosave and submit with 1 and 8 readers at 10,000 and 100,000 cases.

    make bench-web                 # 10,000 and 100,000 cases
    CASES=10000 make bench-web     # one size

Times are taken by the readers, on the same two cores as server and database, one request at a time each and no pause
between them: queueing counts. Every answer is checked.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import django
import psutil

from benchmarks.web.client import read_together

ROUNDS = {1: 100, 8: 40}
BUDGET_MS = {"next case": 50, "reading page": 150, "autosave": 40, "submit": 60}
# Label Studio on PostgreSQL at 10,000, the same kind of machine, p50 in ms for 1 and 8 readers.
PEER_MS = {"next case": {1: 60, 8: 294}, "reading page": {1: 80, 8: 362}}


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(port: int) -> subprocess.Popen[bytes]:
    """The server of the Docker image: gunicorn with threads, two processes."""
    command = [sys.executable, "-m", "gunicorn", "annotator.wsgi:application", f"--bind=127.0.0.1:{port}"]
    options = ["--worker-class=gthread", "--workers=2", "--threads=8", "--log-level=error"]
    server = subprocess.Popen([*command, *options])
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.1)
    raise SystemExit("the server did not start")


def processes_of(server: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The server's own process and its workers."""
    parent = psutil.Process(server.pid)
    return [parent, *parent.children(recursive=True)]


def cpu_seconds(server: subprocess.Popen[bytes]) -> float:
    """CPU time of the whole server so far."""
    return sum(sum(process.cpu_times()[:2]) for process in processes_of(server))


def measure(server: subprocess.Popen[bytes], port: int, slug: str, names: list[str], password: str) -> dict[str, Any]:
    """One row: p50 and p95 per action in ms, CPU per request, memory of the server."""
    rounds = ROUNDS[len(names)]
    before = cpu_seconds(server)
    with get_context("spawn").Pool(1) as pool:
        seconds = pool.apply(read_together, (port, slug, names, password, rounds))
    requests = sum(len(values) for values in seconds.values())
    milliseconds = {action: [1000 * second for second in values] for action, values in seconds.items()}
    return {
        "p50": {action: statistics.median(values) for action, values in milliseconds.items()},
        "p95": {action: statistics.quantiles(values, n=20)[-1] for action, values in milliseconds.items()},
        "cpu_ms": 1000 * (cpu_seconds(server) - before) / requests,
        "rss_mb": sum(process.memory_info().rss for process in processes_of(server)) / 1e6,
    }


def show(n_cases: int, n_readers: int, row: dict[str, Any]) -> None:
    """Print one row beside the budget and the peer."""
    print(f"\n{n_cases:,} cases, {n_readers} reader{'s' if n_readers > 1 else ''} at once")
    print(f"  server CPU {row['cpu_ms']:.1f} ms a request, memory {row['rss_mb']:.0f} MB (all processes)")
    for action, p50 in row["p50"].items():
        peer = PEER_MS.get(action, {}).get(n_readers)
        against = f"   Label Studio p50 at 10,000: {peer} ms, {peer / p50:.1f} x" if peer else ""
        budget = f"   budget p95 {BUDGET_MS[action]} ms"
        print(f"  {action:13} p50 {p50:7.1f} ms   p95 {row['p95'][action]:7.1f} ms{budget}{against}")


def main() -> None:
    """Fill, serve, measure, print; also written to var/bench-web.json."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings.dev")
    os.environ.setdefault("OVERREAD_DATA", "var/bench")
    django.setup()
    from django.core.management import call_command

    from benchmarks.web.filling import PASSWORD, fill_project, readers

    call_command("migrate", verbosity=0)
    sizes = [int(size) for size in os.environ.get("CASES", "10000,100000").split(",")]
    names = readers(8)
    rows: dict[str, Any] = {}
    port = free_port()
    for n_cases in sizes:
        started = time.monotonic()
        slug = f"bench-{n_cases}-{int(started)}"
        fill_project(slug, n_cases=n_cases, names=names)
        print(f"filled {n_cases:,} cases in {time.monotonic() - started:.0f} s", flush=True)
        server = start_server(port)
        try:
            for count in ROUNDS:
                row = measure(server, port, slug, names[:count], PASSWORD)
                rows[f"{n_cases} cases, {count} readers"] = row
                show(n_cases, count, row)
        finally:
            server.terminate()
            server.wait()
    Path("var").mkdir(exist_ok=True)
    Path("var/bench-web.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
