"""A manager watches a run on a real server, with its real worker and a language model behind HTTP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e import world
from tests.e2e.conftest import PATIENCE_MS, Server, Watch, sign_in
from tests.labeling.llm_servers import LlmServer, in_thread

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.e2e
N_CELLS = 99


@pytest.fixture
def engine():
    """Says yes to every question; slow enough that a run of four reports is under way for as long as a test looks."""
    with in_thread(LlmServer("vllm", logprobs={"yes": -0.1, "no": -2.4}, delay_s=1.0)) as server:
        yield server


@pytest.fixture
def page(browser: Browser, server: Server, watch: Watch):
    """The page of a manager who has signed in."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    context.on("page", watch.listen)
    page = context.new_page()
    sign_in(page, server, world.MANAGER)
    yield page
    context.close()


def start(server: Server, slug: str, engine: LlmServer, *more: str) -> None:
    server.manage(
        *("label", slug, "--labeler", "direct-query", "--url", engine.url, "--model", "tiny"),
        *("--concurrency", "4", "--config", "yes=yes", "no=no", *more),
    )


def facts(page: Page) -> dict[str, str]:
    rows = page.get_by_role("row").filter(has=page.locator("[data-count]"))
    return {row.locator("th").inner_text(): row.locator("[data-count]").inner_text() for row in rows.all()}


def test_a_run_is_watched_from_its_start_to_its_end_with_a_pause_in_between(
    page: Page, server: Server, prefilled: str, engine: LlmServer
) -> None:
    start(server, prefilled, engine)
    page.goto(f"{server.url}/projects/{prefilled}/")
    page.get_by_role("link", name="Runs", exact=True).click()
    row = page.get_by_role("row").filter(has_text="direct-query")
    expect(row.get_by_role("progressbar")).to_be_visible()
    row.get_by_role("link").click()
    expect(page.locator(".run-state")).to_have_text("running")
    # Numbers move without a reload.
    calls = page.locator("[data-count=n_calls]")
    before = calls.inner_text()
    expect(calls).not_to_have_text(before)
    expect(page.locator("[data-run-plot] polyline")).to_be_visible()

    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".run-state")).to_have_text("paused")
    expect(page.get_by_text(f"paused by {world.MANAGER}")).to_be_visible()
    progress = page.locator("[data-run-url]").get_attribute("data-run-url")
    page.wait_for_function("async (url) => (await (await fetch(url)).json()).n_at_work === 0", arg=progress)
    assert engine.in_flight == 0

    engine.delay_s = 0.02
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".run-state")).to_have_text("complete")
    expect(page.get_by_text("4 of 4 reports are done.")).to_be_visible()
    # Four reports of 99 cells; what the pause broke off had no end and is not counted.
    assert int(facts(page)["Calls"].replace(",", "")) == 4 * N_CELLS
    assert page.locator("#stages tbody tr").locator("td").first.inner_text() == str(4 * N_CELLS)

    page.get_by_text("Let readers start from these labels …").click()
    page.get_by_role("button", name="Let readers start from these labels").click()
    expect(page.get_by_text("readers start from it")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Manifest as JSON").click()
    assert re.fullmatch(r"run-[0-9a-f-]{36}\.json", download.value.suggested_filename)


def test_a_run_is_cancelled_after_a_warning(page: Page, server: Server, prefilled: str, engine: LlmServer) -> None:
    start(server, prefilled, engine)
    page.goto(f"{server.url}/projects/{prefilled}/runs/")
    page.get_by_role("row").filter(has_text="direct-query").get_by_role("link").click()
    page.get_by_text("Cancel …").click()
    expect(page.get_by_text("Nothing that was answered is lost.")).to_be_visible()
    page.get_by_role("button", name="Cancel the run for good").click()
    expect(page.locator(".run-state")).to_have_text("cancelled")
    expect(page.get_by_role("button", name="Resume")).to_have_count(0)


def test_a_run_whose_server_and_worker_die_goes_on_with_them_and_its_page_follows(
    page: Page, server: Server, prefilled: str, engine: LlmServer, watch: Watch
) -> None:
    watch.expected = ("Failed to load resource",)
    start(server, prefilled, engine)
    page.goto(f"{server.url}/projects/{prefilled}/runs/")
    page.get_by_role("row").filter(has_text="direct-query").get_by_role("link").click()
    expect(page.locator(".run-state")).to_have_text("running")
    server.kill()  # web server and worker, as a power cut would
    expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
    engine.delay_s = 0.0
    server.start()
    # The lease of the dead worker runs for a while yet: its chunk goes to the next one after that.
    expect(page.locator(".run-state")).to_have_text("complete", timeout=2 * PATIENCE_MS)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_pages_of_runs_are_accessible(
    page: Page, server: Server, prefilled: str, engine: LlmServer, axe_source: str, theme: str
) -> None:
    page.context.add_cookies([{"name": "theme", "value": theme, "url": server.url}])
    start(server, prefilled, engine)
    for heading in ("Runs", "direct-query · tiny"):
        if heading == "Runs":
            page.goto(f"{server.url}/projects/{prefilled}/runs/")
        else:
            page.get_by_role("link", name=heading).click()
        page.get_by_role("heading", name=heading, exact=True).wait_for()
        page.evaluate(axe_source)
        found = page.evaluate("() => axe.run().then((result) => result.violations)")
        grave = [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in {"serious", "critical"}]
        assert grave == []
        assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    engine.delay_s = 0.0
