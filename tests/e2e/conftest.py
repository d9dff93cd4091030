"""A real server process on a folder of its own, and pages of a real browser on it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from playwright.sync_api import expect

from tests.e2e import pictures, world
from tests.e2e.screen import Screen
from tests.labeling.worker_tools import copy_database
from tests.shared_data import shared_data

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page
    from pytest_django import DjangoDbBlocker

ROOT = Path(__file__).resolve().parents[2]
KEPT = ("PATH", "HOME", "LANG")
# What is waited for comes; a slow machine takes longer than the five seconds that Playwright gives.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)
# A dead worker's part of a run is free again soon (the holder renews twice a second), and no run holds a worker for
# long after the test that started it and its engine are over.
SOON = {"OVERREAD_RUN_LEASE_S": "10", "OVERREAD_RUN_SWEEP_S": "2", "OVERREAD_LLM_RESTART_S": "2"}


class Server:
    """`manage.py serve` in a process that can be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        where = {"DJANGO_SETTINGS_MODULE": "annotator.settings.dev", "OVERREAD_DATA": str(folder)}
        self.environment = kept | where | SOON
        self.folder = folder
        self.log = folder / "server.log"
        self.process: subprocess.Popen[str] | None = None
        self.maker: subprocess.Popen[str] | None = None
        # Cookies of who has signed in, by name.
        self.sessions: dict[str, list[Any]] = {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def manage(self, *command: str) -> None:
        """Run `manage.py` to its end with the server's settings."""
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        if done.returncode:
            pytest.fail(f"manage.py {' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    def run(self, *program: str) -> None:
        """Run a Python program to its end on the server's database: a file, `-m` and a module, `-c` and a text."""
        if self.maker is None:
            self.maker = subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.maker"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        if self.maker.stdin is None or self.maker.stdout is None:
            raise AssertionError("the maker has no pipes")
        self.maker.stdin.write(json.dumps(program) + "\n")
        self.maker.stdin.flush()
        line = self.maker.stdout.readline()
        answer = json.loads(line) if line else {"is_done": False, "said": "the maker has died"}
        if not answer["is_done"]:
            pytest.fail(f"{' '.join(program)} did not end well:\n{answer['said']}")

    def start(self) -> None:
        """Start and wait until it answers."""
        with self.log.open("a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port)],
                cwd=ROOT,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        for line in self.process.stdout or []:
            if re.search(r"Overread is at http", line):
                return
        pytest.fail(f"the server did not start:\n{self.log.read_text(encoding='utf-8')}")

    def kill(self) -> None:
        """End the server and its workers at once, as a power cut would."""
        if self.process is None:
            return
        os.killpg(self.process.pid, 9)
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self.process = None

    def end(self) -> None:
        """End all that runs for it."""
        self.kill()
        if self.maker is not None:
            self.maker.communicate()
            self.maker = None


@dataclass
class Shelf:
    """Projects that no test has taken yet."""

    prefilled: Iterator[str]
    blank: Iterator[str]
    pictured: Iterator[str]


@pytest.fixture(scope="session")
def new_server(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Callable[[str], Server]]:
    """Makes servers, not started yet, on an empty database: a copy of the one that other tests here use, if any do."""
    made = []

    def make(name: str) -> Server:
        server = Server(tmp_path_factory.mktemp(name))
        with django_db_blocker.unblock():
            if connection.vendor == "sqlite" and connection.introspection.table_names():
                copy_database(server.folder / "overread.sqlite3")
            else:
                server.manage("migrate", "--verbosity", "0")
        made.append(server)
        return server

    yield make
    for server in made:
        server.end()


@pytest.fixture(scope="session")
def server(new_server: Callable[[str], Server]) -> Server:
    server = new_server("overread")
    server.run(str(Path(world.__file__)))
    server.start()
    return server


@pytest.fixture(scope="session")
def shelf() -> Shelf:
    return Shelf(
        prefilled=iter([world.slug_of("prefilled", number) for number in range(world.N_PREFILLED)]),
        blank=iter([world.slug_of("blank", number) for number in range(world.N_BLANK)]),
        pictured=iter([world.slug_of("pictured", number) for number in range(world.N_PICTURED)]),
    )


@pytest.fixture
def prefilled(shelf: Shelf) -> str:
    """A project in which nobody has read anything; the machine has filled in the cells."""
    return next(shelf.prefilled)


@pytest.fixture
def blank(shelf: Shelf) -> str:
    """A project without machine labels."""
    return next(shelf.blank)


@pytest.fixture
def pictured(shelf: Shelf) -> str:
    """A project in which E-1 and E-2 have images."""
    return next(shelf.pictured)


@pytest.fixture(scope="session")
def gallery(server: Server) -> str:
    """The project whose cases have the series of `pictures`."""
    server.run(str(Path(pictures.__file__)))
    return pictures.SLUG


@pytest.fixture(scope="session")
def real_gallery(server: Server) -> str:
    """The project with the real CT and its mask."""
    server.run(str(Path(pictures.__file__)), str(shared_data("ct_abdomen/dicom")))
    return pictures.REAL_SLUG


@pytest.fixture(scope="session")
def signed_in(browser: Browser, server: Server) -> Any:
    """Cookies of a session of the reader."""
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, server, world.READER)
    state = context.storage_state()
    context.close()
    return state


def sign_in(page: Page, server: Server, name: str) -> None:
    """Open the list of projects as somebody, who signs in by the form once; later pages go on with that session."""
    page.context.add_cookies(server.sessions.get(name, []))
    page.goto(f"{server.url}/")
    if page.url == f"{server.url}/":
        return
    page.fill("#id_username", name)
    page.fill("#id_password", world.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.url}/")
    server.sessions[name] = [cookie for cookie in page.context.cookies() if cookie["name"] == "sessionid"]


# The browser's hint on a file that was asked for ahead; a slow machine takes longer to use it.
LATE = "was preloaded using link preload but not used within a few seconds"


@dataclass
class Watch:
    """What a page must not do: write errors to the console, or ask another host."""

    host: str
    problems: list[str]
    # Tests that stop the server or provoke a refusal say which console lines are meant.
    expected: tuple[str, ...] = ()

    def listen(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._note(f"uncaught: {error}"))
        page.on("request", lambda request: self._check(request.url))

    def _hear(self, line: ConsoleMessage) -> None:
        if line.type in {"error", "warning"}:
            self._note(f"{line.text} ({line.location['url']})")

    def _note(self, text: str) -> None:
        if not any(part in text for part in (*self.expected, LATE)):
            self.problems.append(text)

    def _check(self, url: str) -> None:
        if urlsplit(url).netloc != self.host:
            self.problems.append(f"asked {url}")


@pytest.fixture
def watch(server: Server) -> Iterator[Watch]:
    watch = Watch(host=f"127.0.0.1:{server.port}", problems=[])
    yield watch
    assert watch.problems == []


@pytest.fixture
def context(browser: Browser, signed_in: Any, watch: Watch) -> Iterator[BrowserContext]:
    context = browser.new_context(storage_state=signed_in, viewport={"width": 1920, "height": 1080})
    context.on("page", watch.listen)
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def open_screen(context: BrowserContext, server: Server) -> Callable[..., Screen]:
    """Opens the reading page of a case of a project in a tab of its own."""

    def open_it(slug: str, key: str = "E-1") -> Screen:
        return Screen(context.new_page(), server.url, slug).open(key)

    return open_it
