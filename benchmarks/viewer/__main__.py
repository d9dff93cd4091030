"""The image pane in Chromium, on a generated CT of 300 slices of 512 x 512: `make bench-viewer`.

    python -m benchmarks.viewer [--slices 300] [--runs 5] [--compressed]

The server is the real one, on a fresh data folder. Measured, with an empty browser cache for every run:

- loading: milliseconds from the navigation to the reading page to the first picture on the screen (the server's
  preview), to the first picture of the engine, and to the whole volume; the page, its scripts and the report count too;
- the peer, in turn with it: a page that does nothing but fetch and decode the same files with dicom-image-loader, from
  a static file server (`peer/`, `static_server.py`);
- scrolling a loaded volume: 100 turns of the wheel, 30 a second: times between animation frames, without a graphics
  card and without WebGL;
- memory of all processes of the server while eight readers load the volume at once;
- tasks: milliseconds from the first key or click to the painted result, and the keys it takes.

Keys are sent without a pause, so the times are the machine's and not a reader's.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.viewer import static_server, world
from benchmarks.viewer.browser import (
    NOTE_IMAGE,
    NOTE_NEXT,
    awaited,
    chromium,
    fresh_page,
    open_case,
    scroll_frames,
    sign_in,
    time_loading,
    time_peer,
)
from benchmarks.viewer.readers import load_at_once

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FIRST_BUDGET_MS, RATIO_BUDGET, FRAME_BUDGET_MS, NEXT_BUDGET_MS, IMPORT_PER_MINUTE = 1000, 1.3, 50, 300, 2000
N_SCROLL, N_READERS, N_SMALL = 100, 8, 6
CORRECTIONS = (("l", "q", "1"), ("s", "q", "1"), ("p", "q", "1"))  # nothing that contradicts "normal"
GLANCE_MS = 1500  # a reader looks at a case for longer


def row(what: str, measured: str, target: str = "") -> None:
    """One line of the table."""
    print(f"  {what:<58} {measured:>28}   {target}", flush=True)


def compare_loading(browser: Browser, address: str, *, state: Any, peer: str, runs: int) -> None:
    """Ours and the peer in turn."""
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    for _ in range(runs):
        ours.append(time_loading(browser, state, address))
        theirs.append(time_peer(browser, f"{peer}/index.html"))

    def middle(marks: list[dict[str, float]], name: str) -> float:
        return statistics.median(mark[name] for mark in marks if name in mark)

    def spread(marks: list[dict[str, float]], name: str) -> str:
        times = sorted(mark[name] for mark in marks if name in mark)
        return f"{statistics.median(times):,.0f} ms ({times[0]:,.0f} to {times[-1]:,.0f})" if times else "not seen"

    row("first picture on the screen", spread(ours, "preview"), f"{FIRST_BUDGET_MS:,} ms")
    row("first picture of the engine", spread(ours, "ready"))
    row("whole volume", spread(ours, "loaded"))
    row("peer: first picture", spread(theirs, "first"))
    row("peer: whole volume", spread(theirs, "loaded"))
    row("whole volume, times the peer's", f"{middle(ours, 'loaded') / middle(theirs, 'loaded'):.2f}", f"{RATIO_BUDGET}")


def show_scrolling(name: str, page: Page) -> None:
    """Scroll and print."""
    frames_ms, tasks_ms, n_pictures = scroll_frames(page, N_SCROLL)
    frames = sorted(frames_ms)
    long = sum(time_ms > FRAME_BUDGET_MS for time_ms in frames)
    p50, p95 = statistics.median(frames), frames[int(0.95 * (len(frames) - 1))]
    renderer = page.locator(".viewer").get_attribute("data-renderer")
    row(f"scrolling, {name} ({renderer}): frames over {FRAME_BUDGET_MS} ms", f"{long} of {len(frames)}", "0")
    row("  frame p50 / p95 / max", f"{p50:.0f} / {p95:.0f} / {frames[-1]:.0f} ms")
    row("  tasks over 50 ms; pictures gone through", f"{len(tasks_ms)}; {n_pictures} of {N_SCROLL}")


def accept_normal(page: Page) -> dict[str, float]:
    """Ctrl+Enter on a case as it stands: ms to the report and to a picture of the next case."""
    page.wait_for_timeout(GLANCE_MS)
    page.evaluate(NOTE_NEXT)
    page.keyboard.press("Control+Enter")
    times: dict[str, float] = awaited(page, "next")
    return times


def correct_and_submit(page: Page) -> dict[str, float]:
    """Change three cells by keys, submit: ms from the first key to the next case."""
    page.wait_for_timeout(GLANCE_MS)
    page.evaluate(NOTE_NEXT)
    for keys in CORRECTIONS:
        for key in keys:
            page.keyboard.press(key)
    page.keyboard.press("Control+Enter")
    times: dict[str, float] = awaited(page, "next")
    return times


def find_image(page: Page, *, by_key: bool) -> float:
    """Follow "series 2, image 31" of the report: ms to the painted picture."""
    page.evaluate(NOTE_IMAGE, 31)
    link = page.locator(".mention").first
    if by_key:
        link.focus()
        page.keyboard.press("Enter")
    else:
        link.click()
    return float(awaited(page, "shown"))


def show_tasks(browser: Browser, url: str, state: Any, case_ids: list[int]) -> None:
    """The tasks of a reader, on small cases."""
    with fresh_page(browser, state) as page:
        open_case(page, url, case_ids[1])
        click_ms = find_image(page, by_key=False)
        page.keyboard.press("Escape")
        accepted = [accept_normal(page) for _ in range(3)]
        corrected = correct_and_submit(page)
    report_ms = statistics.median(times["report"] for times in accepted)
    picture_ms = statistics.median(times["picture"] for times in accepted)
    row("accept a normal report: 1 chord, to the next report", f"{report_ms:.0f} ms", f"{NEXT_BUDGET_MS} ms")
    row("  and to its first picture", f"{picture_ms:.0f} ms", f"{NEXT_BUDGET_MS} ms")
    n_keys = sum(map(len, CORRECTIONS))
    row(f"correct 3 of 99 cells and submit: {n_keys} keys and a chord", f"{corrected['report']:.0f} ms", "1,430 ms")
    row('find "series 2, image 31": 1 click', f"{click_ms:.0f} ms")


def measure(root: Path, options: argparse.Namespace) -> None:
    """Everything, printed as it comes."""
    made = world.build_world(root, n_slices=options.slices, n_small=N_SMALL, compressed=options.compressed)
    per_minute = made.n_images / made.import_s * 60
    kind = "JPEG-LS" if options.compressed else "plain pixels"
    print(f"{options.slices} slices of 512 x 512, {kind}, median of {options.runs} runs")
    row("import (with the start of the command)", f"{per_minute:,.0f} images a minute", f"{IMPORT_PER_MINUTE:,}")
    (root / "peer").mkdir()
    static_server.build(root / "peer", made.large)
    with world.serving(made.folder) as server, static_server.serving(root / "peer") as peer:
        case_ids = list(range(1, N_SMALL + 2))  # a fresh database counts from 1
        address = f"{server.url}/projects/{world.SLUG}/cases/{case_ids[0]}/"
        with chromium() as browser:
            state = sign_in(browser, server.url)
            compare_loading(browser, address, state=state, peer=peer, runs=options.runs)
            with fresh_page(browser, state) as page:
                open_case(page, server.url, case_ids[0])
                show_scrolling("no graphics card", page)
            show_tasks(browser, server.url, state, case_ids)
        with chromium(without_3d=True) as browser, fresh_page(browser, state) as page:
            open_case(page, server.url, case_ids[0])
            show_scrolling("no WebGL", page)
        before, peak, took_s = load_at_once(server, case_ids[0], N_READERS)
        row(f"server memory, {N_READERS} readers at once: before, peak", f"{before:.0f}, {peak:.0f} MiB", "flat")
        row("  the readers have all of it after", f"{took_s:.1f} s")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--compressed", action="store_true", help="JPEG-LS without loss instead of plain pixels")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="overread-bench-") as folder:
        measure(Path(folder), options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
