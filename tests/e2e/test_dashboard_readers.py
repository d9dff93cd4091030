"""Agreement of readers and urgencies in a browser: plots, choices, tables that sort, and ways to the cases."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e import world
from tests.e2e.conftest import PATIENCE_MS, sign_in

pytestmark = pytest.mark.e2e

SLUG = "agreed"
MANAGER = f"{SLUG}-manager"
# Of four readers two neighbours read each case: the first and the third share none. Figures are computed beforehand.
MAKE_STUDY = """
import django, sys
django.setup()
from annotator.core.figure_requests import Kind
from annotator.selectors.figure_pages import request_of
from annotator.services.figures import ask, compute
from tests.study import make_study
study = make_study(sys.argv[1], preset="abdomen-ct", n_cases=24, n_readers=4, n_per_case=2, n_runs=1)
study.manager.set_password(sys.argv[2])
study.manager.save()
for kind in (Kind.LABELER, Kind.READERS):
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

    def open_it(path, *, theme="dark", **more):
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


def downloaded(page, figure, button):
    with page.expect_download() as download:
        figure.get_by_role("button", name=button).click()
    return download.value.path().read_text(encoding="utf-8")


def test_readers_who_share_no_case_stand_in_the_matrix_in_words(open_page):
    page = open_page("readers/")
    matrix = page.locator("figure[data-plot='matrix']")
    # The first and the third, the second and the fourth; both ways.
    expect(matrix.locator("svg").first.get_by_text("none shared")).to_have_count(4)
    assert len(downloaded(page, matrix, "CSV").splitlines()) == 1 + 4 * 3
    picture = downloaded(page, matrix, "SVG")
    assert "none shared" in picture
    assert "var(" not in picture


def test_stage_lines_and_finding_are_chosen_by_links_that_keep_the_rest(open_page):
    page = open_page("readers/")
    page.get_by_role("link", name="certainty: present or possible?").click()
    page.get_by_role("link", name="by cell", exact=True).click()
    expect(page.get_by_role("heading", name="Certainty by cell")).to_be_visible()
    expect(page.locator("#agreed tbody tr")).to_have_count(99)
    page.get_by_role("navigation", name="Finding").get_by_role("link", name="focal").click()
    expect(page.get_by_role("heading", name="Each two readers: certainty")).to_be_in_viewport()
    expect(page.locator("figure[data-plot='matrix'] figcaption")).to_contain_text("focal")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("heading", name="Certainty by cell")).to_be_visible()


def test_the_table_of_findings_sorts_and_leads_to_the_cases(open_page):
    page = open_page("readers/")
    page.locator("#agreed").get_by_role("button", name="Krippendorff α").click()
    values = [float(text.split()[0]) for text in page.locator("#agreed tbody tr > :nth-child(7)").all_inner_texts()]
    assert len(values) == 11
    assert values == sorted(values)
    page.locator("#agreed tbody th a").first.click()
    page.wait_for_url(re.compile(r"/dashboard/cases/\?kind=readers-differ&.*row=finding"))


def test_a_square_of_two_readers_leads_to_where_they_differ(open_page):
    page = open_page("readers/")
    square = page.locator("figure[data-plot='matrix'] svg a").first
    expect(square.locator("title")).to_contain_text("agreed-reader1 and agreed-reader2: ")
    square.locator("rect").click()
    page.wait_for_url(re.compile(r"reader=agreed-reader1&other_reader=agreed-reader2"))


def test_urgencies_stand_as_bars_and_as_counts(open_page):
    page = open_page("urgency/")
    chart = page.locator("figure[data-plot='bars']")
    expect(chart.locator("svg").first).to_contain_text("3 high")
    lines = downloaded(page, chart, "CSV").splitlines()
    assert lines[0] == "rater,level,words,count,percent,n"
    assert len(lines) == 1 + 5 * 4
    page.get_by_role("link", name="by cell", exact=True).click()
    expect(page.locator("#order-table tbody tr")).to_have_count(99)
    page.get_by_role("link", name="Cohen κ, linear").click()
    expect(page.locator("figure[data-plot='dots'] svg").first).to_have_attribute("aria-label", "Cohen κ, linear")


def test_without_script_the_tables_are_there(browser, server, study):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, server, MANAGER)
    for path, rows in (("readers/", 11), ("urgency/", 9)):
        page.goto(f"{server.url}/projects/{study}/dashboard/{path}")
        expect(page.locator(".part table.figures-table").first.locator("tbody tr")).to_have_count(rows)
    context.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("path", ["readers/", "readers/?by=cell&stage=urgency", "urgency/"])
def test_pages_are_accessible(open_page, axe_source, path, theme):
    page = open_page(path, theme=theme)
    page.locator("figure[data-plot] svg").first.wait_for()
    page.evaluate(axe_source)
    found = page.evaluate(
        "async () => (await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => [n.html, n.failureSummary])])"
    )
    assert found == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
