"""Prompts before a run, and after it the answers behind a label and those that went wrong, in a browser."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e import answers, world
from tests.e2e.conftest import PATIENCE_MS, sign_in
from tests.e2e.test_pages import violations

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def addresses(server):
    """The addresses of the pages of runs, by labeler."""
    server.run(str(Path(answers.__file__)))
    return f"{server.url}/projects/{answers.SLUG}/runs/"


@pytest.fixture(scope="module")
def managers_state(browser, server):
    context = browser.new_context()
    sign_in(context.new_page(), server, world.MANAGER)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def page(browser, managers_state, watch):
    context = browser.new_context(storage_state=managers_state, viewport={"width": 1280, "height": 800})
    context.on("page", watch.listen)
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def run_ids(addresses, server, tmp_path_factory):
    """Ids of the runs by labeler, and of the cases by key."""
    path = tmp_path_factory.mktemp("ids") / "ids.json"
    server.run(
        "-c",
        "import sys, json, django; django.setup()\n"
        "from annotator.models import Case; from labeling.models import Run\n"
        f"of = {{'project__slug': {answers.SLUG!r}}}\n"
        "ids = {run.labeler: str(run.run_id) for run in Run.objects.filter(**of)}\n"
        "ids |= {case.key: case.pk for case in Case.objects.filter(**of)}\n"
        f"open({str(path)!r}, 'w').write(json.dumps(ids))",
    )
    return json.loads(path.read_text())


def test_a_manager_sees_what_would_be_asked_and_chooses_another_labeler(page, addresses):
    page.goto(f"{addresses}prompts/")
    expect(page.get_by_role("heading", name="Prompts for one cell")).to_be_visible()
    page.get_by_label("Labeler", exact=True).select_option("leavs")
    page.get_by_label("Case", exact=True).fill("E-1")
    page.get_by_label("Target", exact=True).select_option("pancreas")
    page.get_by_label("Finding", exact=True).select_option("atrophy")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Answers on this page are placeholders.")).to_be_visible()
    first = page.locator("section.conversation").first
    expect(first.get_by_text("Report text", exact=True)).to_be_visible()
    expect(first.locator(".from-report pre")).to_have_text(world.REPORTS["E-1"], use_inner_text=True)
    # What stands on the page already is folded, and opens without script by a key.
    again = page.locator("section.conversation").nth(1).locator("summary", has_text="Report text, the same as above")
    again.focus()
    page.keyboard.press("Enter")
    expect(page.locator("section.conversation").nth(1).locator("pre.quoted").first).to_be_visible()
    page.get_by_label("Sentence", exact=True).select_option("2")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Sentence 2;")).to_be_visible()


def test_a_label_is_followed_to_the_words_of_the_model(page, addresses, run_ids):
    page.goto(f"{addresses}{run_ids['leavs']}/cases/{run_ids['E-1']}/")
    page.get_by_role("link", name="liver, focal").click()
    answered = page.locator("#answers")
    expect(answered.get_by_role("heading", name="What is said about the finding")).to_be_visible()
    group = answered.locator("section", has=page.get_by_role("heading", name="What is said about the finding"))
    assert group.locator("pre.raw").all_inner_texts() == ["The liver has a lesion of 2.1 cm.", "D"]
    group.locator("summary", has_text="The whole conversation").click()
    expect(group.get_by_text("What can be concluded from the sentences")).to_be_visible()
    answered.get_by_role("link", name="The whole conversation about sentence 1").click()
    expect(page.get_by_text("These are the conversations that the run has held about this cell")).to_be_visible()


def test_an_unreadable_answer_is_shown_as_it_is_and_leads_to_its_case(page, addresses, run_ids):
    page.goto(f"{addresses}{run_ids['leavs-fast']}/failures/")
    expect(page.get_by_role("heading", name="E-4: too long for the model")).to_be_visible()
    page.get_by_role("link", name="Unreadable answers 1").click()
    assert page.locator("pre.raw").all_inner_texts() == [answers.GARBAGE] * 2
    page.get_by_role("link", name="How case E-3 was labeled").click()
    expect(page.locator("tr.current .value")).to_have_text("unreadable")
    page.go_back()
    with page.expect_download() as started:
        page.get_by_role("link", name="Download raw answers").click()
    lines = Path(started.value.path()).read_text().splitlines()
    assert json.loads(lines[0])["format"] == "overread-calls"
    assert sum(json.loads(line)["answer"] == answers.GARBAGE for line in lines[1:]) == 2


PAGES = {
    "held": "prompts/?run={leavs}&case=E-1&target=liver&finding=focal",
    "case": "{leavs-fast}/cases/{E-3}/?cell=liver%7Cfocal",
    "scores": "{direct-query}/cases/{E-1}/?cell=liver%7Cfocal",
    "imported": "{imported}/cases/{E-1}/?all=1",
    "failures": "{leavs-fast}/failures/",
    "unreadable": "{leavs-fast}/failures/?kind=unreadable",
}


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_pages_of_answers_are_accessible(page, addresses, run_ids, server, axe_source, theme):
    page.context.add_cookies([{"name": "theme", "value": theme, "url": server.url}])
    for name, address in PAGES.items():
        response = page.goto(addresses + address.format(**run_ids))
        assert response.status == 200, name
        for folded in page.locator("details.fold").all():
            folded.evaluate("details => { details.open = true; }")
        assert violations(page, axe_source) == [], name
        assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"), name
