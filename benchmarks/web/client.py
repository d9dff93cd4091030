"""One reader at work: sign in, then next case, reading page, autosave and submit, each timed from outside."""

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

ACTIONS = ("next case", "reading page", "autosave", "submit")


@dataclass
class Reader:
    """A browser without the browser: one kept connection, its cookies, and seconds per action."""

    address: tuple[str, int]
    name: str
    password: str
    slug: str
    seconds: dict[str, list[float]] = field(default_factory=lambda: {action: [] for action in ACTIONS})

    def __post_init__(self) -> None:
        self.connection = HTTPConnection(*self.address, timeout=60)
        self.cookies: SimpleCookie = SimpleCookie()

    def send(self, method: str, path: str, *, body: str = "", content_type: str = "") -> tuple[int, bytes]:
        """One request; cookies kept."""
        headers = {"Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())}
        if body:
            headers |= {"Content-Type": content_type, "X-CSRFToken": self.cookies["csrftoken"].value}
        self.connection.request(method, path, body=body.encode() or None, headers=headers)
        response = self.connection.getresponse()
        payload = response.read()
        for header in response.headers.get_all("Set-Cookie") or []:
            self.cookies.load(header)
        return response.status, payload

    def sign_in(self) -> None:
        """Through the sign-in page, as everybody."""
        self.send("GET", "/login/")
        form = {
            "username": self.name,
            "password": self.password,
            "csrfmiddlewaretoken": self.cookies["csrftoken"].value,
        }
        status, _ = self.send("POST", "/login/", body=urlencode(form), content_type="application/x-www-form-urlencoded")
        assert status == 302, f"sign-in of {self.name} answered {status}"

    def timed(self, action: str, method: str, path: str, *, body: dict[str, Any] | None = None) -> bytes:
        """One request under the clock; anything but success ends the benchmark."""
        text = json.dumps(body) if body is not None else ""
        start = time.perf_counter()
        status, payload = self.send(method, path, body=text, content_type="application/json")
        self.seconds[action].append(time.perf_counter() - start)
        assert status in {200, 201}, f"{action} {path} answered {status}: {payload[:300]!r}"
        return payload

    def read_cases(self, count: int) -> None:
        """Read `count` cases one after the other: find, open, correct (one save), submit."""
        after = ""
        for _ in range(count):
            answer = json.loads(self.timed("next case", "GET", f"/api/projects/{self.slug}/next{after}"))
            case = answer["case"]
            self.timed("reading page", "GET", case["urls"]["page"])
            work = {
                "version": 0,
                "values": "0" + case["prefill"]["values"][1:],
                "urgencies": "_" + case["prefill"]["urgencies"][1:],
                "body": {"cells": {}},
                "active_seconds_delta": 9,
                "client_id": self.name,
                "prefill_run": case["prefill"]["run"],
            }
            saved = json.loads(self.timed("autosave", "PUT", case["urls"]["draft"], body=work))
            submission = work | {"version": saved["version"], "submission_id": str(uuid.uuid4()), "acknowledged": []}
            self.timed("submit", "POST", case["urls"]["submit"], body=submission)
            after = f"?after={case['case']['position']}"


def read_together(port: int, slug: str, names: list[str], password: str, rounds: int) -> dict[str, list[float]]:
    """All readers at once, one thread each; seconds per action of all of them."""
    readers = [Reader(("127.0.0.1", port), name, password, slug) for name in names]
    for reader in readers:
        reader.sign_in()
        reader.send("GET", f"/api/projects/{slug}/next")
        reader.connection.close()  # idle while the others sign in; it opens again by itself
    with ThreadPoolExecutor(len(readers)) as pool:
        list(pool.map(lambda reader: reader.read_cases(rounds), readers))
    return {action: [second for reader in readers for second in reader.seconds[action]] for action in ACTIONS}
