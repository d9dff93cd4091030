"""Scores, thresholds and the gold set in a browser: from the table to a cell, a threshold that is kept, and files."""

import csv
import json
import re

import pytest
from playwright.sync_api import expect

from tests.e2e import world
from tests.e2e.conftest import PATIENCE_MS, sign_in

pytestmark = pytest.mark.e2e

SLUG = "scored"
MANAGER = f"{SLUG}-manager"
# A study whose first run gives scores and whose second gives none, with the figures of both computed.
MAKE_STUDY = f"""
import sys
import django
django.setup()
from annotator.core.figure_requests import Kind
from annotator.models import User
from annotator.selectors.figure_pages import request_of
from annotator.services.figures import ask, compute
from tests.study import make_study
study = make_study("{SLUG}", n_cases=60, n_readers=3)
manager = User.objects.get(username="{MANAGER}")
manager.set_password(sys.argv[1])
manager.save()
for kind, run in ((Kind.SCORES, 0), (Kind.SCORES, 1), (Kind.LABELER, 0)):
    request = request_of(study.project, kind, {{"run": str(study.runs[run].run_id)}})
    figures = ask(project=study.project, actor=manager, request=request, send=lambda _: None)
    compute(figures.pending.pk)
"""
PAGES = {"scores": f"/projects/{SLUG}/dashboard/scores/", "gold": f"/projects/{SLUG}/dashboard/gold/"}


@pytest.fixture(scope="module")
def study(server):
    server.run("-c", MAKE_STUDY, world.PASSWORD)
    return SLUG


@pytest.fixture
def open_page(browser, server, watch, study):
    """A page as the manager sees it, in a window of the least size."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.on("page", watch.listen)
    context.set_default_timeout(PATIENCE_MS)

    def open_it(name, theme="dark"):
        context.add_cookies([{"name": "theme", "value": theme, "url": server.url}])
        page = context.new_page()
        sign_in(page, server, MANAGER)
        page.goto(f"{server.url}{PAGES[name]}")
        page.locator(".plot svg").first.wait_for()
        return page

    yield open_it
    context.close()


def test_a_threshold_is_moved_by_key_kept_and_taken_along(open_page):
    page = open_page("scores")
    page.get_by_role("link", name="spine stenosis").first.click()
    page.wait_for_url(re.compile("cell=spine%7Cstenosis#cell"))
    expect(page.locator("#cell-title")).to_contain_text("spine stenosis")
    expect(page.locator("#cell .plot svg")).to_have_count(3 + 4)  # the key of the lines is four small pictures
    slider = page.get_by_label("Threshold (logit difference)")
    slider.focus()
    before = page.locator("[data-operating-point]").inner_text()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    expect(page.locator("[data-operating-point]")).not_to_have_text(before)
    chosen = page.locator("[name=threshold]").input_value()
    page.get_by_role("button", name="Use this threshold").click()
    expect(page.locator(".messages")).to_contain_text("is kept for spine stenosis")
    expect(page.locator("tr.current .kept")).to_contain_text(f"by {MANAGER}")
    expect(page.locator("[name=threshold]")).to_have_value(chosen)
    page.get_by_role("button", name="To the EER").click()
    page.get_by_role("button", name="Use this threshold").click()
    expect(page.get_by_text("Kept thresholds of this cell (2)")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON").click()
    every = json.loads(download.value.path().read_text(encoding="utf-8"))["thresholds"]
    kept = [each for each in every if each["finding"] == "stenosis"]
    assert [(each["method"], each["is_latest"]) for each in kept] == [("picked", False), ("eer", True)]
    assert kept[0]["threshold"] == float(chosen)


def test_cells_are_sorted_and_stay_so_when_one_is_chosen(open_page):
    page = open_page("scores")
    page.get_by_role("link", name="AUROC").first.click()
    page.wait_for_url(re.compile("sort=auroc"))
    expect(page.locator("th[aria-sort=descending]")).to_have_text("AUROC")
    page.locator("tbody:not(.sums) th a").nth(3).click()
    page.wait_for_url(re.compile("sort=auroc.*cell="))
    with page.expect_download() as download:
        page.get_by_role("link", name="Table as CSV").click()
    lines = list(csv.DictReader(download.value.path().read_text(encoding="utf-8").splitlines()))
    assert {line["cases"] for line in lines} == {"all", "held out"}


def test_a_run_without_scores_says_where_to_get_some(open_page):
    page = open_page("scores")
    options = page.locator("#id_run option")
    name = next(text for text in options.all_inner_texts() if "direct-query" in text)
    page.select_option("#id_run", label=name.strip())
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="This run gave no scores")).to_be_visible()
    expect(page.get_by_role("link", name="Start a run")).to_be_visible()


def test_the_gold_set_page_follows_the_wish(open_page):
    page = open_page("gold")
    expect(page.locator("tbody tr")).to_have_count(8)
    page.get_by_role("link", name="Recall").click()
    page.wait_for_url(re.compile("metric=recall"))
    page.get_by_role("link", name="±0.10").click()
    page.wait_for_url(re.compile("metric=recall.*width=0.1"))
    expect(page.get_by_role("heading", name="What each cell needs for Recall ±0.10")).to_be_visible()
    expect(page.locator(".plot svg")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("link", name="Table as CSV").click()
    lines = list(csv.DictReader(download.value.path().read_text(encoding="utf-8").splitlines()))
    assert {(line["metric"], line["wished_half_width"]) for line in lines} == {("recall", "0.1")}


@pytest.mark.parametrize("name", ["scores", "gold"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_pages_are_accessible(open_page, axe_source, name, theme):
    page = open_page(name, theme)
    page.evaluate(axe_source)
    found = page.evaluate(
        "async () => (await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => [n.html, n.failureSummary])])"
    )
    assert found == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_without_script_a_threshold_is_typed(browser, server, study):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, server, MANAGER)
    page.goto(f"{server.url}{PAGES['scores']}?cell=spine%7Ccancer")
    page.get_by_label("Threshold (logit difference)").fill("0.125")
    page.get_by_role("button", name="Use this threshold").click()
    expect(page.locator(".messages")).to_contain_text("Threshold 0.125 is kept for spine cancer")
    context.close()
