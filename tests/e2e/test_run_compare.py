"""Comparing two runs in a browser: from the choice to a cell, its reports, and the case."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e import world
from tests.e2e.conftest import PATIENCE_MS, sign_in

pytestmark = pytest.mark.e2e

# A second run over the cases of a project that says something else in E-1: liver, focal possible instead of present.
ADD_RUN = """
import django, sys
django.setup()
from annotator.models import Project
from labeling.models import MachineLabel, Run
from labeling.services import finish_run, start_run
project = Project.objects.get(slug=sys.argv[1])
first = Run.objects.get(project=project)
run = start_run(project=project, labeler="imported", inputs={"rater": "second opinion"}, actor=None)
cells = [str(cell) for cell in project.schema.parsed().cells]
place = cells.index("liver|focal")
for label in MachineLabel.objects.filter(run=first).select_related("report"):
    values = label.values
    if values[place] == "+":
        values = values[:place] + "0" + values[place + 1:]
    MachineLabel.objects.create(
        run=run, report=label.report, values=values, urgencies=label.urgencies, body=label.body)
finish_run(run, counts={})
"""


@pytest.fixture(scope="module")
def compared(shelf, server):
    """A project with two runs that differ in one cell of one report."""
    slug = next(shelf.prefilled)
    server.run("-c", ADD_RUN, slug)
    return slug


@pytest.fixture
def open_page(browser, server, watch, compared):
    """The page as the manager sees it, in a window of the least size."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.on("page", watch.listen)
    context.set_default_timeout(PATIENCE_MS)

    def open_it(theme="dark"):
        context.add_cookies([{"name": "theme", "value": theme, "url": server.url}])
        page = context.new_page()
        sign_in(page, server, world.MANAGER)
        page.goto(f"{server.url}/projects/{compared}/runs/compare/")
        return page

    yield open_it
    context.close()


def choose(page):
    """Compare the first run with the second opinion."""
    for letter, words in (("a", "second opinion"), ("b", "pre-fill")):
        options = page.locator(f"#id_{letter} option")
        name = next(text for text in options.all_inner_texts() if words in text)
        page.select_option(f"#id_{letter}", label=name.strip())
    page.get_by_role("button", name="Compare").click()
    page.locator("table.heat").wait_for()
    return page


def test_from_the_grid_to_the_reports_of_a_cell_and_on_to_the_case(open_page):
    page = choose(open_page())
    grid = page.locator("table.heat")
    expect(grid.locator("tbody a")).to_have_count(99)
    cell = grid.locator('tbody a[title^="liver, focal:"]')
    # Of four reports one differs: present in B alone.
    expect(cell).to_contain_text("75.0 %")
    expect(cell).to_contain_text("n 4")
    expect(cell).to_contain_text("B+ 1")
    cell.click()
    expect(page.get_by_role("heading", name="Liver, focal")).to_be_in_viewport()
    report = page.locator("article.compared")
    expect(report).to_have_count(1)
    expect(report).to_contain_text("absent")
    expect(report).to_contain_text("The liver contains a 2.1 cm hypodense lesion.")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    assert re.match(r"[^,]+,[^,]+,liver,focal,b_only,absent,present,", lines[1])
    page.get_by_role("link", name="present or possible in A only").click()
    expect(page.get_by_text("No report of this kind.")).to_be_visible()
    page.get_by_role("link", name="all differences").click()
    report.locator("h4 a").click()
    page.wait_for_url(re.compile(r"/cases/\d+/$"))


def test_arrow_keys_move_in_the_grid_and_enter_opens_the_cell(open_page):
    page = choose(open_page())
    page.locator("table.heat tbody a").first.focus()
    for key in ("ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    # Second row, second finding.
    expect(page.locator("table.heat a:focus")).to_have_attribute("title", re.compile("^liver, absent:"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("cell=liver"))
    expect(page.locator("table.heat a[aria-current]")).to_have_attribute("tabindex", "0")


def test_without_script_the_page_does_the_same(browser, server, compared):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, server, world.MANAGER)
    page.goto(f"{server.url}/projects/{compared}/runs/compare/")
    choose(page).locator('table.heat a[title^="liver, focal:"]').click()
    expect(page.locator("article.compared")).to_have_count(1)
    context.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_comparison_is_accessible(open_page, axe_source, theme):
    page = choose(open_page(theme))
    page.locator('table.heat a[title^="liver, focal:"]').click()
    page.locator("article.compared").wait_for()
    page.evaluate(axe_source)
    found = page.evaluate(
        "async () => (await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => [n.html, n.failureSummary])])"
    )
    assert found == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
