"""From "Start the run" in the browser to the first label on screen: seconds, with a real server and its worker.

    python -m benchmarks.first_label [--runs 5]

`manage.py serve` runs on a fresh data folder with the reports of the demo, the worker beside it, and an engine that
answers every call after 20 ms; pages are opened in Chromium. A run of `direct-query` is started as a manager starts it,
`--runs` times with another threshold, each when the one before is complete. Measured from the press of the button:

- `page`: the page of the run is there; before that the server has asked the engine what it is and queued the run;
- `report`: a report is labeled by the progress that the page of the run shows, which is asked for every 20 ms;
- `label`: the page with the labels of that case, opened then, shows one.

The first run counts apart: the worker may still be starting.
"""

from __future__ import annotations

import argparse
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.labeling_overhead import served
from benchmarks.reading import PASSWORD, ROOT, chromium_page, local_environment, served_by

if TYPE_CHECKING:
    from playwright.sync_api import Page

DELAY_S = 0.02
SLUG = "abdomen-ct-demo"
GIVE_UP_S = 120
ASK_EVERY_S = 0.02
FIRST_CASE = """SELECT kase.id FROM labeling_machinelabel label JOIN labeling_run run ON run.id = label.run_id
    JOIN annotator_case kase ON kase.report_id = label.report_id WHERE run.run_id = ? ORDER BY label.id LIMIT 1"""


class Times(NamedTuple):
    """Seconds since the press of the button."""

    page_s: float
    report_s: float
    label_s: float


@contextmanager
def server(folder: Path, engine_url: str) -> Iterator[str]:
    """Address of a local instance with the demo's reports, a worker, and this engine."""
    environment = local_environment(folder) | {"OVERREAD_LLM_URLS": engine_url}
    for command in (["migrate", "--verbosity", "0"], ["make_demo", "--without-images"]):
        made = [sys.executable, "manage.py", *command]
        subprocess.run(made, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    with served_by("serve", environment) as url:
        yield url


def sign_in(page: Page, url: str) -> None:
    """As the manager."""
    page.goto(f"{url}/login/")
    page.fill("#id_username", "manager")
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/")


def start_run(page: Page, url: str, folder: Path, *, threshold: float) -> Times:
    """Fill the form in, press the button, and follow what can be seen."""
    page.goto(f"{url}/projects/{SLUG}/runs/new/?labeler=direct-query")
    page.wait_for_function("() => document.querySelector('#id_model').value !== ''")
    page.fill("#id_direct-query-threshold", str(threshold))
    start_s = time.perf_counter()
    page.locator("#run-form button[value=start]").click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    page_s = time.perf_counter() - start_s
    run_id = page.url.rstrip("/").rpartition("/")[2]
    wait_for_report(page, f"{url}/api/projects/{SLUG}/runs/{run_id}")
    report_s = time.perf_counter() - start_s
    page.goto(f"{url}/projects/{SLUG}/runs/{run_id}/cases/{first_case(folder, run_id)}/")
    page.locator("main table tbody tr").first.wait_for()
    return Times(page_s, report_s, time.perf_counter() - start_s)


def wait_for_report(page: Page, progress_url: str) -> None:
    """Until the progress of the run has a labeled report. The page itself asks for the same, less often."""
    deadline = time.monotonic() + GIVE_UP_S
    while not page.request.get(progress_url).json()["n_labeled"]:
        if time.monotonic() > deadline:
            raise SystemExit("no report was labeled")
        time.sleep(ASK_EVERY_S)


def first_case(folder: Path, run_id: str) -> int:
    """The case that the run labeled first."""
    return int(query(folder, FIRST_CASE, run_id.replace("-", "")))


def wait_for_end(folder: Path, n_runs: int) -> None:
    """Until so many runs of the labeler are complete."""
    deadline = time.monotonic() + GIVE_UP_S
    complete = "SELECT count(*) FROM labeling_run WHERE labeler = ? AND state = 'complete'"
    while int(query(folder, complete, "direct-query")) < n_runs:
        if time.monotonic() > deadline:
            raise SystemExit("the run did not become complete")
        time.sleep(0.1)


def query(folder: Path, sql: str, value: str) -> str:
    """The first value that the database of the instance gives."""
    with closing(sqlite3.connect(folder / "overread.sqlite3", timeout=20)) as database:
        return str(database.execute(sql, (value,)).fetchone()[0])


def main() -> int:
    """Serve, start runs, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    n_runs = max(2, parser.parse_args().runs)
    all_times = []
    with (
        tempfile.TemporaryDirectory(prefix="overread-bench-") as name,
        served(DELAY_S) as engine_url,
        server(Path(name), engine_url) as url,
        chromium_page() as page,
    ):
        page.set_default_timeout(1000 * GIVE_UP_S)
        sign_in(page, url)
        for number in range(n_runs):
            all_times.append(start_run(page, url, Path(name), threshold=number / 10))
            wait_for_end(Path(name), number + 1)
    first, *others = all_times
    print(f"from the press of the button, an engine that answers after {1000 * DELAY_S:.0f} ms, {len(others)} runs:")
    for field in Times._fields:
        seconds = [getattr(times, field) for times in others]
        what = field.removesuffix("_s")
        print(
            f"  {what:<6} median {statistics.median(seconds):.2f} s   max {max(seconds):.2f} s   "
            f"the first run {getattr(first, field):.2f} s"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
