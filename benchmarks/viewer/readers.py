"""Readers without a browser that load a volume at once, and the memory of the server meanwhile."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil

from benchmarks.viewer.world import PASSWORD, READER, SLUG, Server

PIECE_BYTES = 2 << 20
SAMPLE_S = 0.02


def load_at_once(server: Server, case_id: int, n_readers: int) -> tuple[float, float, float]:
    """MiB of all server processes before and at the peak, and seconds, while `n_readers` load the case at once."""
    clients = [_signed_in(server.url) for _ in range(n_readers)]
    _load(clients[0], case_id)
    before = _memory_mib(server.pid)
    peak = [before]
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(server.pid, peak, done))
    watch.start()
    start = time.perf_counter()
    with ThreadPoolExecutor(n_readers) as pool:
        sizes = set(pool.map(lambda client: _load(client, case_id), clients))
    took_s = time.perf_counter() - start
    done.set()
    watch.join()
    if len(sizes) != 1:
        raise SystemExit(f"the readers were sent different amounts: {sizes}")
    return before, peak[0], took_s


def _signed_in(url: str) -> httpx.Client:
    client = httpx.Client(base_url=url, follow_redirects=True, timeout=120, trust_env=False)
    client.get("/login/")
    form = {"username": READER, "password": PASSWORD, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
    client.post("/login/", data=form, headers={"Referer": f"{url}/login/"}).raise_for_status()
    return client


def _load(client: httpx.Client, case_id: int) -> int:
    """Ask for what the viewer asks for: the list, then the pack in pieces. Returns bytes."""
    images = client.get(f"/api/projects/{SLUG}/cases/{case_id}/images").raise_for_status().json()
    n_bytes = 0
    for series in images["series"]:
        client.get(series["preview"]["url"]).raise_for_status()
        for start in range(0, series["n_bytes"], PIECE_BYTES):
            end = min(start + PIECE_BYTES, series["n_bytes"]) - 1
            answer = client.get(series["url"], headers={"Range": f"bytes={start}-{end}"})
            if answer.status_code != 206:
                raise SystemExit(f"a range was answered with {answer.status_code}")
            n_bytes += len(answer.content)
    return n_bytes


def _watch(pid: int, peak: list[float], done: threading.Event) -> None:
    while not done.wait(SAMPLE_S):
        peak[0] = max(peak[0], _memory_mib(pid))


def _memory_mib(pid: int) -> float:
    root = psutil.Process(pid)
    return sum(process.memory_info().rss for process in [root, *root.children(recursive=True)]) / 2**20
