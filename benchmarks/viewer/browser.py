"""What a page notes about itself while it is measured, and how it is driven."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.viewer.world import PASSWORD, READER, SLUG
from tests.conftest import CHROMIUM_FLAGS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

SCREEN = {"width": 1920, "height": 1080}
TIMEOUT_MS = 120_000
STEP_MS = 33
# Without a graphics card: the compositor draws in software too, as on an office machine. With the flags of the tests,
# SwiftShader composites, and a blank page alone costs more than a frame may.
NO_CARD = (*(flag for flag in CHROMIUM_FLAGS if "swiftshader" not in flag), "--disable-gpu")
WITHOUT_3D = (*NO_CARD, "--disable-3d-apis")
# Milliseconds since navigation: the server's preview painted, the first picture of the engine, all pictures loaded.
NOTE_MARKS = """() => {
  window.marks = {};
  const painted = (name) => {
    if (name in window.marks) return;
    window.marks[name] = 0;
    requestAnimationFrame(() => setTimeout(() => { window.marks[name] = performance.now(); }));
  };
  document.addEventListener("load", (event) => {
    if (event.target instanceof HTMLImageElement && event.target.matches(".viewer img.vp-preview")) painted("preview");
  }, true);
  const look = () => {
    const viewer = document.querySelector(".viewer");
    if (viewer?.dataset.state === "ready") painted("ready");
    if (viewer?.dataset.loaded === "true") painted("loaded");
  };
  new MutationObserver(look).observe(document, {
    subtree: true, childList: true, attributes: true, attributeFilter: ["data-state", "data-loaded"],
  });
}"""
NOTE_FRAMES = """() => {
  window.frames_ms = [];
  window.long_tasks_ms = [];
  let last = 0, going = true;
  const frame = (now) => {
    if (last) window.frames_ms.push(now - last);
    last = now;
    if (going) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  new PerformanceObserver((list) => window.long_tasks_ms.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({ type: "longtask" });
  window.endFrames = () => { going = false; return [window.frames_ms, window.long_tasks_ms]; };
}"""
NOTE_NEXT = """() => {
  window.next = new Promise((done) => {
    let pressed = 0, isNext = false;
    const key = document.getElementById("case-key");
    const old = key.textContent;
    document.addEventListener("keydown", () => { pressed ||= performance.now(); }, true);
    const marks = {};
    const note = (name) => {
      if (name in marks) return;
      marks[name] = 0;
      requestAnimationFrame(() => setTimeout(() => {
        marks[name] = performance.now() - pressed;
        if (marks.report && marks.picture) { observer.disconnect(); done(marks); }
      }));
    };
    const look = () => {
      isNext ||= key.textContent !== old;
      if (!isNext) return;
      note("report");
      const viewer = document.querySelector(".viewer");
      const preview = document.querySelector(".viewer img.vp-preview:not([hidden])");
      if (viewer?.dataset.state === "ready" || (preview?.complete && preview.naturalWidth)) note("picture");
    };
    const observer = new MutationObserver(look);
    observer.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
    document.addEventListener("load", look, true);
  });
}"""
NOTE_IMAGE = """(number) => {
  window.shown = new Promise((done) => {
    let pressed = 0;
    for (const kind of ["keydown", "pointerdown"])
      document.addEventListener(kind, () => { pressed ||= performance.now(); }, true);
    const viewer = document.querySelector(".viewer");
    const observer = new MutationObserver(() => {
      if (viewer.dataset.imageNumber !== String(number)) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => done(performance.now() - pressed)));
    });
    observer.observe(viewer, { attributes: true });
  });
}"""


@contextmanager
def chromium(*, without_3d: bool = False) -> Iterator[Browser]:
    """A headless Chromium: the one that CHROMIUM names, else the installed one."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("Chromium is not installed: run `make setup`")
    flags = WITHOUT_3D if without_3d else NO_CARD
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(flags))
        yield browser
        browser.close()


def sign_in(browser: Browser, url: str) -> Any:
    """Cookies of the reader."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/login/")
    page.fill("#id_username", READER)
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/")
    page.goto(f"{url}/projects/{SLUG}/next/")
    skip_tour(page)
    state = context.storage_state()
    context.close()
    return state


def awaited(page: Page, promise: str) -> Any:
    """What the page's promise of this name gives; fails when it is still open after twenty seconds."""
    late = "new Promise((_, fail) => setTimeout(() => fail(new Error('still waiting')), 20_000))"
    return page.evaluate(f"() => Promise.race([window.{promise}, {late}])")


@contextmanager
def fresh_page(browser: Browser, state: Any = None) -> Iterator[Page]:
    """A page with an empty cache."""
    context: BrowserContext = browser.new_context(storage_state=state, viewport=SCREEN, bypass_csp=False)
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    yield page
    context.close()


def open_case(page: Page, url: str, case_id: int) -> None:
    """Open the reading page of a case and wait until all of its pictures are loaded."""
    page.goto(f"{url}/projects/{SLUG}/cases/{case_id}/")
    page.wait_for_selector('.viewer[data-state="ready"][data-loaded="true"]')


def skip_tour(page: Page) -> None:
    """Close what greets a first-time reader, once for all pages."""
    page.wait_for_selector(".tour")
    with page.expect_response(lambda answer: answer.url.endswith("/api/me/preferences")):
        page.keyboard.press("Escape")
    page.wait_for_selector(".tour", state="detached")


def time_loading(browser: Browser, state: Any, address: str) -> dict[str, float]:
    """Milliseconds from navigation, with an empty cache."""
    with fresh_page(browser, state) as page:
        page.add_init_script(f"({NOTE_MARKS})()")
        page.goto(address, wait_until="commit")
        page.wait_for_selector('.viewer[data-loaded="true"]')
        while not page.evaluate("() => window.marks.loaded"):  # painted
            page.wait_for_timeout(50)
        marks: dict[str, float] = page.evaluate("() => window.marks")
    return marks


def time_peer(browser: Browser, address: str) -> dict[str, float]:
    """The same for the peer."""
    with fresh_page(browser) as page:
        page.goto(address, wait_until="commit")
        page.wait_for_selector('body[data-state="loaded"]')
        marks: dict[str, float] = page.evaluate("() => window.marks")
    return marks


def scroll_frames(page: Page, n_steps: int) -> tuple[list[float], list[float], int]:
    """Frame times and long tasks in ms over `n_steps` turns of the wheel, 30 a second; and pictures gone through."""
    viewer = page.locator(".viewer")
    box = page.locator(".viewer .vp:visible").first.bounding_box()
    if box is None:
        raise SystemExit("the picture is not on the screen")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for _ in range(5):
        page.mouse.wheel(0, -100)
    page.wait_for_timeout(500)
    first = int(viewer.get_attribute("data-image") or 0)
    page.evaluate(NOTE_FRAMES)
    for _ in range(n_steps):
        page.mouse.wheel(0, 100)
        page.wait_for_timeout(STEP_MS)
    page.wait_for_timeout(200)
    frames_ms, tasks_ms = page.evaluate("() => window.endFrames()")
    return frames_ms, tasks_ms, int(viewer.get_attribute("data-image") or 0) - first
