"""A manager starts a run from the page: three reports are tried first, then a worker labels them all."""

from __future__ import annotations

import re
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e import world
from tests.e2e.conftest import PATIENCE_MS, Server, Watch, sign_in
from tests.e2e.test_pages import violations
from tests.labeling.llm_servers import LlmServer, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.e2e
SLUG, OTHER = "lumbar", "lumbar-two"
N_REPORTS = 4
TEXT = "FINDINGS: L4-L5: disc protrusion {n} compresses the thecal sac. No spondylolisthesis."
GIVE_UP_S = 90


@pytest.fixture(scope="module")
def engine() -> Iterator[LlmServer]:
    """An engine that says yes to every question."""
    with in_thread(LlmServer("vllm", logprobs={"yes": -0.1, "no": -2.4})) as engine:
        yield engine


@pytest.fixture(scope="module")
def server(new_server: Callable[[str], Server], engine: LlmServer) -> Server:
    """An instance of its own, whose settings list the engine."""
    server = new_server("runs")
    server.environment["OVERREAD_LLM_URLS"] = engine.url
    server.run("-m", "tests.e2e.test_run_new")
    server.start()
    return server


@pytest.fixture(scope="module")
def state(browser: Browser, server: Server) -> object:
    """Cookies of a session of the manager."""
    context = browser.new_context()
    sign_in(context.new_page(), server, world.MANAGER)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def page(browser: Browser, state, watch: Watch) -> Iterator[Page]:
    context = browser.new_context(storage_state=state, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    context.on("page", watch.listen)
    yield context.new_page()
    context.close()


def fill_in(page: Page, server: Server, slug: str = SLUG) -> None:
    page.goto(f"{server.url}/projects/{slug}/runs/new/")
    page.get_by_role("radio", name="direct-query").check()
    expect(page.get_by_label("Model", exact=True)).to_have_value("tiny")  # asked for, and the only one
    switches = page.get_by_role("group", name="Switches of direct-query")
    switches.get_by_label("Answer that means yes").fill("yes")
    switches.get_by_label("Answer that means no").fill("no")


def runs(server: Server, slug: str) -> list[tuple[str, int]]:
    """State and number of labels of the model's runs of the project."""
    sql = """SELECT state, (SELECT count(*) FROM labeling_machinelabel label WHERE label.run_id = run.id)
        FROM labeling_run run JOIN annotator_project project ON project.id = run.project_id
        WHERE project.slug = ? AND run.labeler <> 'rules'"""
    path = Path(server.environment["OVERREAD_DATA"]) / "overread.sqlite3"
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql, (slug,)).fetchall()
    finally:
        connection.close()


def test_run_is_tried_on_three_reports_started_and_carried_by_a_worker(
    page: Page, server: Server, watch: Watch
) -> None:
    fill_in(page, server)
    page.get_by_role("button", name="Try on three reports").click()
    trial = page.get_by_role("region", name="What the trial found")
    expect(trial).to_be_in_viewport()
    assert "Nothing of it is stored" in trial.inner_text()
    assert f"All {N_REPORTS} reports, estimated" in trial.inner_text()
    expect(trial.get_by_role("link", name=re.compile("^R[123] "))).to_have_count(3)
    assert runs(server, SLUG) == []
    expect(page.get_by_role("textbox", name="Answer that means yes")).to_have_value("yes")
    stale = page.get_by_text("The form has been changed since this trial.")
    expect(stale).to_be_hidden()
    page.get_by_label("Readers start from this run").check()
    expect(stale).to_be_visible()
    trial.get_by_role("button", name="Start the run").click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    deadline = time.monotonic() + GIVE_UP_S
    while runs(server, SLUG) != [("complete", N_REPORTS)]:
        assert time.monotonic() < deadline, runs(server, SLUG)
        page.wait_for_timeout(200)


def test_double_click_on_start_makes_one_run(page: Page, server: Server, watch: Watch) -> None:
    fill_in(page, server, OTHER)
    page.get_by_role("button", name="Start the run").dblclick()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    assert len(runs(server, OTHER)) == 1


def test_labeler_shows_what_it_needs_at_once(page: Page, server: Server, watch: Watch) -> None:
    page.goto(f"{server.url}/projects/{SLUG}/runs/new/")
    expect(page.get_by_role("group", name="Switches of leavs-fast")).to_be_visible()
    page.get_by_role("radio", name="maplez").check()
    expect(page.get_by_role("group", name="Switches of maplez")).to_be_visible()
    expect(page.get_by_role("group", name="Switches of leavs-fast")).to_be_hidden()
    page.get_by_role("radio", name="rules").check()
    expect(page.get_by_role("group", name="Engine and model")).to_be_hidden()
    expect(page.get_by_role("button", name="Try on three reports")).to_be_hidden()
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))


def test_page_works_without_script(browser: Browser, server: Server, state) -> None:
    context = browser.new_context(storage_state=state, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server.url}/projects/{SLUG}/runs/new/")
    page.get_by_role("radio", name="direct-query").check()
    page.get_by_role("button", name="Show what this labeler needs").click()
    page.get_by_role("button", name="Ask the engine").click()
    expect(page.get_by_label("Model", exact=True)).to_have_value("tiny")
    page.get_by_role("textbox", name="Answer that means yes").fill("yes")
    page.get_by_role("textbox", name="Answer that means no").fill("no")
    page.get_by_role("button", name="Try on three reports").click()
    expect(page.get_by_role("region", name="What the trial found")).to_be_visible()
    context.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_form_and_trial_are_accessible(page: Page, server: Server, watch: Watch, axe_source, theme) -> None:
    watch.expected = ("422",)
    page.context.add_cookies([{"name": "theme", "value": theme, "url": server.url}])
    fill_in(page, server)
    assert violations(page, axe_source) == []
    page.get_by_role("button", name="Try on three reports").click()
    expect(page.get_by_role("region", name="What the trial found")).to_be_visible()
    assert violations(page, axe_source) == []
    page.get_by_label("Calls in flight").fill("")
    page.get_by_role("button", name="Try on three reports").click()
    page.get_by_role("link", name="Calls in flight").click()
    expect(page.get_by_label("Calls in flight")).to_be_in_viewport()
    assert violations(page, axe_source) == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def make_projects() -> None:
    """Two projects with four reports each, in the database that the settings name."""
    import csv
    from tempfile import TemporaryDirectory

    from annotator.models import User
    from annotator.services.projects import create_project
    from annotator.services.reports import import_reports
    from labeling.core.schema_yaml import preset_source

    manager = User.objects.create_user(username=world.MANAGER, password=world.PASSWORD, is_staff=True)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "reports.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["report_id", "text"])
            writer.writerows([f"R{n}", TEXT.format(n=n)] for n in range(1, N_REPORTS + 1))
        for slug in (SLUG, OTHER):
            source = preset_source("spine-mri")
            project = create_project(name=slug, slug=slug, schema_source=source, actor=manager)
            import_reports(project=project, source=file, file_name=file.name, actor=manager)


if __name__ == "__main__":
    import django

    django.setup()
    make_projects()
