"""What pre-filling does, in a browser: plots that are files too, and choices that keep each other."""

import pytest
from playwright.sync_api import expect

from tests.e2e import world
from tests.e2e.conftest import PATIENCE_MS, sign_in

pytestmark = pytest.mark.e2e

SLUG = "armed"
MAKE_STUDY = """
import django, sys
django.setup()
from annotator.core.figure_requests import Kind
from annotator.selectors.figure_pages import request_of
from annotator.services.figures import ask, compute
from tests.arms_study import make_arms_study
study = make_arms_study(sys.argv[1], n_cases=40).study
study.manager.set_password(sys.argv[2])
study.manager.save()
ask(project=study.project, actor=study.manager, request=request_of(study.project, Kind.ARMS, {}), send=compute)
"""


@pytest.fixture(scope="module")
def study(server):
    server.run("-c", MAKE_STUDY, SLUG, world.PASSWORD)
    return SLUG


@pytest.fixture
def page(browser, server, watch, study):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.on("page", watch.listen)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    sign_in(page, server, f"{study}-manager")
    page.goto(f"{server.url}/projects/{study}/dashboard/arms/")
    page.locator("table.figures-table").first.wait_for()
    yield page
    context.close()


def downloaded(page, figure, button):
    with page.expect_download() as download:
        figure.get_by_role("button", name=button).click()
    return download.value.path().read_text(encoding="utf-8")


def test_effects_and_times_are_drawn_and_can_be_taken_along(page):
    effects, times = (page.locator(f"figure[data-plot='{name}']") for name in ("effects", "times"))
    expect(effects.locator("svg").first).to_contain_text("armed-reader1")
    # All cells, five findings and three readers.
    assert len(downloaded(page, effects, "CSV").splitlines()) == 1 + 9
    assert "var(" not in downloaded(page, effects, "SVG")
    assert downloaded(page, times, "CSV").splitlines()[0] == "row,arm,n,p10,p25,p50,p75,p90"


def test_figure_and_measure_are_chosen_by_links_that_keep_each_other(page):
    page.get_by_role("link", name="Same as the machine where it is wrong").click()
    expect(page.get_by_role("heading", name="Same as the machine where it is wrong by finding")).to_be_visible()
    page.get_by_role("link", name="Key presses").click()
    expect(page.get_by_role("heading", name="Key presses of a reading")).to_be_in_viewport()
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("heading", name="Same as the machine where it is wrong by finding")).to_be_visible()
    expect(page.locator("#saved tbody tr")).to_have_count(4)


def test_lines_sort_and_planted_errors_are_one_link_away(page):
    page.locator("#effects").get_by_role("button", name="difference").click()
    values = [
        float(each)
        for each in page.locator("#effects tbody td:nth-child(4)").evaluate_all(
            "all => all.map(each => each.dataset.value)"
        )
    ]
    assert values == sorted(values)
    page.get_by_role("link", name="Planted errors").click()
    expect(page.get_by_role("heading", name="This project plants no errors")).to_be_visible()
