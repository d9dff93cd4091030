"""One labeler against the readers, and two of them, in a browser: tables that sort, plots to choose, and ways on."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e import world
from tests.e2e.conftest import PATIENCE_MS, sign_in

pytestmark = pytest.mark.e2e

SLUG = "figured"
MANAGER = f"{SLUG}-manager"
# A study whose figures are computed, so that no test waits for a worker.
MAKE_STUDY = """
import django, sys
django.setup()
from annotator.core.figure_requests import Kind
from annotator.selectors.figure_pages import request_of
from annotator.services.figures import ask, compute
from tests.study import make_study
study = make_study(sys.argv[1], n_cases=40)
study.manager.set_password(sys.argv[2])
study.manager.save()
for kind in (Kind.LABELER, Kind.COMPARISON):
    ask(project=study.project, actor=study.manager, request=request_of(study.project, kind, {}), send=compute)
"""


@pytest.fixture(scope="module")
def study(server):
    server.run("-c", MAKE_STUDY, SLUG, world.PASSWORD)
    return SLUG


@pytest.fixture
def open_page(browser, server, watch, study):
    """A page of the dashboard as the manager sees it, in a window of the least size."""
    contexts = []

    def open_it(path="", *, theme="dark", **more):
        context = browser.new_context(viewport={"width": 1280, "height": 800}, **more)
        contexts.append(context)
        context.on("page", watch.listen)
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies([{"name": "theme", "value": theme, "url": server.url}])
        page = context.new_page()
        sign_in(page, server, MANAGER)
        page.goto(f"{server.url}/projects/{study}/dashboard/{path}")
        page.locator("table.figures-table").first.wait_for()
        return page

    yield open_it
    for context in contexts:
        context.close()


def column(page, table, number):
    """What stands first in a column of a table, row by row."""
    cells = page.locator(f"#{table} tbody tr:not([hidden]) > :nth-child({number})").all_inner_texts()
    return [text.split("\n")[0].strip() for text in cells]


def test_the_table_of_cells_sorts_by_keyboard_and_filters(open_page):
    page = open_page()
    page.get_by_role("table", name="Figures by cell").get_by_role("button", name="F1").focus()
    page.keyboard.press("Enter")
    values = [float(text) for text in column(page, "cells", 5) if text != "–"]
    assert len(values) > 5
    assert values == sorted(values)
    page.get_by_label("Show only").fill("stenosis L5")
    assert sorted(column(page, "cells", 1)) == ["L4-L5", "L5-S1"]
    expect(page.get_by_text("2 of 8")).to_be_visible()


def test_the_plot_shows_the_figure_that_is_chosen_and_downloads_it(open_page):
    page = open_page()
    plot = page.locator("figure[data-plot='cells']")
    expect(plot.locator("svg").first).to_have_attribute("aria-label", "F1")
    plot.get_by_label("Figure").select_option("recall")
    expect(plot.locator("svg").first).to_have_attribute("aria-label", "Recall")
    plot.get_by_label("Order").select_option("lowest")
    with page.expect_download() as download:
        plot.get_by_role("button", name="CSV").click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("target,finding,row,metric,value")
    assert len(lines) == 9
    assert all(",recall," in line for line in lines[1:])


def test_a_count_leads_to_the_cases_behind_it(open_page):
    page = open_page()
    link = page.locator("#cells a[href*='kind=invented']").first
    link.click()
    page.wait_for_url(re.compile(r"/dashboard/cases/\?run=.*&row=.*&kind=invented$"))


def test_readers_stand_beside_the_labeler_in_one_figure_at_a_time(open_page):
    page = open_page()
    rows = page.locator("#humans tbody:not([hidden]) tr")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("F1")
    page.locator("figure[data-plot='humans']").get_by_label("Figure").select_option("specificity")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("Specificity")


def test_two_runs_are_compared_in_the_figure_that_is_chosen(open_page):
    page = open_page("compare/")
    expect(page.locator(".figures-sentence")).to_contain_text("after correction in F1")
    expect(page.locator("figure[data-plot='differences'] svg").first).to_be_visible()
    page.get_by_label("Figure", exact=True).select_option("recall")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator(".figures-sentence")).to_contain_text("after correction in Recall")
    assert len(column(page, "compared", 1)) == 8
    page.get_by_role("link", name="Where their labels differ").click()
    page.wait_for_url(re.compile(r"/runs/compare/\?a=.*&b="))
    expect(page.locator("table.heat")).to_be_visible()


@pytest.mark.parametrize("path", ["", "compare/"])
def test_without_script_the_tables_are_all_there(open_page, path):
    page = open_page(path, java_script_enabled=False)
    expect(page.locator("table.figures-table").first.locator("tbody tr")).to_have_count(8)
    expect(page.get_by_role("link", name="All figures as CSV")).to_be_visible()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("path", ["", "compare/"])
def test_pages_are_accessible(open_page, axe_source, path, theme):
    page = open_page(path, theme=theme)
    page.locator("figure.plot svg").first.wait_for()
    page.evaluate(axe_source)
    found = page.evaluate(
        "async () => (await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => [n.html, n.failureSummary])])"
    )
    assert found == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
