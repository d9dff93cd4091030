"""Read cases of the demo in Chromium: milliseconds from chord to the painted next case, key presses of a correction.

    python -m benchmarks.reading [--cases 10]

The server is the real one, on a fresh data folder. The page itself notes when the key goes down and when the next case
has been painted. Cases at which the page asks something first are submitted too, but not counted.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import CHROMIUM_FLAGS

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
BUDGET_MS = 300
PASSWORD = "a long pass phrase"  # noqa: S105
# A chord on a case that has only just appeared is not taken; a reader looks at it for longer anyway.
GLANCE_MS = 700
WATCH = """() => {
  window.painted = new Promise((done) => {
    let pressed = 0;
    const onKey = () => { pressed = performance.now(); };
    document.addEventListener("keydown", onKey, true);
    const observer = new MutationObserver(() => requestAnimationFrame(() => setTimeout(() => {
      observer.disconnect();
      document.removeEventListener("keydown", onKey, true);
      done(performance.now() - pressed);
    })));
    const key = document.getElementById("case-key");
    observer.observe(key, { childList: true, characterData: true, subtree: true });
  });
}"""
IS_NEXT_OR_ASKS = """(old) => document.getElementById("case-key").textContent !== old
  || document.querySelector("dialog[open], [role=dialog]") !== null"""
IS_NEXT = """(old) => document.getElementById("case-key").textContent !== old"""


def local_environment(folder: Path) -> dict[str, str]:
    """What `manage.py` is told of an instance with its data in `folder`, and nothing else."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "DJANGO_SETTINGS_MODULE": "annotator.settings.dev",
        "OVERREAD_DATA": str(folder),
        "DEMO_PASSWORD": PASSWORD,
    }


@contextmanager
def served_by(command: str, environment: Mapping[str, str]) -> Iterator[str]:
    """`manage.py serve` or `demo` on a free port; yields its address."""
    started = [sys.executable, "manage.py", command, "--port", "0"]
    with subprocess.Popen(started, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            for line in server.stdout or []:
                if found := re.search(r"Overread is at (http\S+)/", line):
                    yield found[1]
                    break
            else:
                raise SystemExit("the server did not start")
        finally:
            server.terminate()


@contextmanager
def demo_server(folder: Path) -> Iterator[str]:
    """`manage.py demo` on a free port, with its data in `folder`; yields its address."""
    with served_by("demo", local_environment(folder)) as url:
        yield url


@contextmanager
def chromium_page() -> Iterator[Page]:
    """A page of a headless Chromium: the one that CHROMIUM names, else the installed one."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("Chromium is not installed: run `make setup`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield browser.new_page(viewport={"width": 1920, "height": 1080})
        browser.close()


def open_first_case(page: Page, url: str) -> None:
    """Sign in and open the next case of the abdominal project."""
    page.goto(f"{url}/login/")
    page.fill("#id_username", "reader1")
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/")
    page.goto(f"{url}/projects/abdomen-ct-demo/next/")
    page.locator("td.cell.focus").wait_for()
    if page.locator(".tour").count():
        page.keyboard.press("Escape")


def submit_case(page: Page) -> float | None:
    """Milliseconds from the chord to the painted next case; None when the page asked something first."""
    page.wait_for_timeout(GLANCE_MS)
    case_key = page.locator("#case-key").inner_text()
    page.evaluate(WATCH)
    page.keyboard.press("Control+Enter")
    page.wait_for_function(IS_NEXT_OR_ASKS, arg=case_key)
    if page.locator("#case-key").inner_text() != case_key:
        return float(page.evaluate("() => window.painted"))
    page.wait_for_timeout(GLANCE_MS)
    page.keyboard.press("Control+Enter")
    page.wait_for_function(IS_NEXT, arg=case_key)
    return None


def correct_one_cell(page: Page) -> list[str]:
    """The keys that change the value of a cell anywhere in the table, checked on the page."""
    cell = page.locator('td[aria-label^="liver, focal:"]')
    for value in ("1", "2"):
        before = cell.get_attribute("aria-label")
        keys = ["l", "f", value]
        for key in keys:
            page.keyboard.press(key)
        if cell.get_attribute("aria-label") != before:
            return keys
    raise SystemExit("the keys did not change the cell")


def read_cases(folder: Path, n_cases: int) -> tuple[list[float], int, list[str]]:
    """Milliseconds of `n_cases` submissions, how many cases asked something first, and the keys of a correction."""
    times_ms: list[float] = []
    n_asked = 0
    with demo_server(folder) as url, chromium_page() as page:
        open_first_case(page, url)
        keys = correct_one_cell(page)
        page.reload()
        page.locator("td.cell.focus").wait_for()
        while len(times_ms) < n_cases:
            took_ms = submit_case(page)
            if took_ms is None:
                n_asked += 1
            else:
                times_ms.append(took_ms)
    return times_ms, n_asked, keys


def main() -> int:
    """Serve, read, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10)
    n_cases = parser.parse_args().cases
    with tempfile.TemporaryDirectory(prefix="overread-bench-") as folder:
        times_ms, n_asked, keys = read_cases(Path(folder), n_cases)
    print(f"submit and next, {n_cases} cases ({n_asked} more asked something first):")
    print(f"  median {statistics.median(times_ms):.0f} ms   max {max(times_ms):.0f} ms   budget {BUDGET_MS} ms")
    print(f"a correction takes {len(keys)} key presses: {' '.join(keys)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
