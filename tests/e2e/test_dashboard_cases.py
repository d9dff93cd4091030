"""The cases behind a figure in a browser: from the tabs to a case in the reading screen, at its cell."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e import world
from tests.e2e.conftest import PATIENCE_MS, sign_in

pytestmark = pytest.mark.e2e

# Two readers agree with the labels of every case, but for E-1: liver, focal is absent for both, and they differ on
# the pancreas.
READ = """
import sys, uuid
import django
django.setup()
from django.utils import timezone
from annotator.models import Arm, Case, Project, Reading, User
from labeling.models import MachineLabel
project = Project.objects.get(slug=sys.argv[1])
cells = [str(cell) for cell in project.schema.parsed().cells]
focal, atrophy = cells.index("liver|focal"), cells.index("pancreas|atrophy")
for case in Case.objects.filter(project=project):
    label = MachineLabel.objects.get(report=case.report_id)
    for number, name in enumerate(("reader", "newcomer")):
        values = list(label.values.replace("!", "+"))
        if values[focal] == "+":
            values[focal] = "0"
        if number and values[atrophy] == "+":
            values[atrophy] = "."
        Reading.objects.create(
            project=project, case=case, reader=User.objects.get(username=name), schema=project.schema, revision=1,
            submission_id=uuid.uuid4(), arm=Arm.BLANK, values="".join(values), urgencies=label.urgencies,
            active_seconds=60, submitted_at=timezone.now())
"""


@pytest.fixture(scope="module")
def read_project(shelf, server):
    """A project in which two readers read all cases."""
    slug = next(shelf.prefilled)
    server.run("-c", READ, slug)
    return slug


@pytest.fixture
def open_page(browser, server, watch, read_project):
    """The page as the manager sees it, in a window of the least size."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.on("page", watch.listen)
    context.set_default_timeout(PATIENCE_MS)

    def open_it(query="", theme="dark"):
        context.add_cookies([{"name": "theme", "value": theme, "url": server.url}])
        page = context.new_page()
        sign_in(page, server, world.MANAGER)
        page.goto(f"{server.url}/projects/{read_project}/dashboard/cases/{query}")
        return page

    yield open_it
    context.close()


def test_from_a_kind_to_the_case_at_its_cell(open_page):
    page = open_page()
    tabs = page.get_by_role("navigation", name="Kind")
    # Of E-1 the liver is invented; the pancreas is a tie. Of E-3 the labeler's answer is unreadable.
    expect(tabs.get_by_role("link", name="missed or invented 1", exact=True)).to_have_attribute("aria-current", "true")
    expect(tabs.get_by_role("link", name="unanswered 1")).to_be_visible()
    expect(tabs.get_by_role("link", name="readers differ 1")).to_be_visible()
    tabs.get_by_role("link", name=re.compile("^invented")).click()
    row = page.locator("table.explored tbody tr")
    expect(row).to_have_count(1)
    readers = ("negative 0 of 2", "reader ○ absent", "newcomer ○ absent")
    for words in ("liver, focal", *readers, "● present", "probability 0.93"):
        expect(row).to_contain_text(re.compile(re.escape(words).replace(r"\ ", r"\s+")))
    expect(row.locator("blockquote").first).to_have_text("The liver contains a 2.1 cm hypodense lesion.")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    assert len(download.value.path().read_text(encoding="utf-8").splitlines()) == 2
    page.keyboard.press("j")
    expect(page.locator("tr.current a:focus")).to_have_text("E-1")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/cases/\d+/#liver%7Cfocal$"))
    here = page.locator("#grid-place td[tabindex='0']")
    expect(here).to_have_attribute("aria-label", re.compile("liver, focal", re.IGNORECASE))


def test_the_answers_behind_a_label_are_one_link_away(open_page):
    page = open_page("?cell=liver%7Cfocal&kind=invented")
    page.get_by_role("link", name="How it came to it").click()
    page.wait_for_url(re.compile(r"/cases/\d+/\?cell=liver%7Cfocal#answers$"))


def test_choices_narrow_the_list(open_page):
    page = open_page("?kind=readers-differ")
    expect(page.locator("table.explored tbody tr")).to_contain_text("pancreas, atrophy")
    page.select_option("#id_target", label="liver")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="No case of this kind")).to_be_visible()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_list_is_accessible(open_page, axe_source, theme):
    page = open_page("?row=micro", theme)
    page.locator("table.explored").wait_for()
    page.evaluate(axe_source)
    found = page.evaluate(
        "async () => (await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => [n.html, n.failureSummary])])"
    )
    assert found == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
