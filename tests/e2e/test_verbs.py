"""The verbs around a reading: reopen, return, tell the manager, exclude, guide; a reader and a manager beside each
other."""

import pytest
from playwright.sync_api import expect

from tests.e2e import world
from tests.e2e.conftest import PATIENCE_MS, sign_in
from tests.e2e.test_pages import violations

pytestmark = pytest.mark.e2e


@pytest.fixture
def manager(browser, server, watch):
    """A page of the manager."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.on("page", watch.listen)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    sign_in(page, server, world.MANAGER)
    yield page
    context.close()


def test_a_submitted_case_is_only_looked_at_until_it_is_reopened(open_screen, prefilled, axe_source):
    screen = open_screen(prefilled, "E-2").settle().press("Control+Enter").wait_case("E-3")
    page = screen.page
    page.locator("#toasts a", has_text="Reopen").click()
    screen.wait_case("E-2").ready()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("What you submitted stands")
    assert violations(page, axe_source) == []
    screen.press("Escape", "l", "n", "0")
    expect(page.locator("#toasts")).to_contain_text("Press Alt r to reopen it")
    assert screen.cell("liver|normal") == "present"
    screen.press("Alt+r", "6")
    expect(dialog.get_by_role("button", name="Reopen")).to_be_disabled()
    dialog.get_by_role("textbox").fill("the kidneys were forgotten")
    screen.press("Control+Enter")
    expect(page.locator("#case-banner")).to_contain_text("Revision 1 stands")
    screen.settle().press("l", "n", "0").wait_saved()
    assert screen.stored()["reading"]["revision"] == 1
    screen.press("Control+Enter").wait_case("E-3")
    reading = screen.open("E-2").stored()["reading"]
    assert reading["body"]["reopened"] == {"reason": "other", "note": "the kidneys were forgotten", "revision": 1}


def test_from_a_submitted_case_the_chord_goes_on_to_the_next(open_screen, prefilled):
    screen = open_screen(prefilled, "E-2").settle().press("Control+Enter").wait_case("E-3").open("E-2").settle()
    expect(screen.page.locator("#submit-button")).to_contain_text("next case")
    screen.press("Control+Enter").wait_case("E-3")


def test_a_case_that_is_sent_back_comes_first_with_the_note(open_screen, prefilled, manager, server):
    screen = open_screen(prefilled, "E-2").settle().press("Control+Enter").wait_case("E-3")
    manager.goto(f"{server.url}/projects/{prefilled}/cases/?q=E-2")
    manager.get_by_role("link", name="E-2", exact=True).click()
    manager.get_by_label("Note to reader").fill("Look at the left kidney again.")
    manager.get_by_role("button", name="Return").click()
    expect(manager.locator("main")).to_contain_text("returned")
    page = screen.page
    page.goto(f"{screen.url}/projects/{prefilled}/")
    returned = page.get_by_role("region", name="Returned to you")
    expect(returned).to_contain_text("E-2: Look at the left kidney again.")
    page.goto(f"{screen.url}/projects/{prefilled}/next/")
    screen.wait_case("E-2").ready()
    expect(page.locator("#case-banner")).to_contain_text("Returned to you: Look at the left kidney again.")
    screen.settle().press("Control+Enter").wait_case("E-3")
    assert screen.open("E-2").stored()["reading"]["revision"] == 2


def test_a_note_goes_to_the_manager_and_the_answer_comes_back_to_its_cell(
    open_screen, prefilled, manager, server, axe_source
):
    screen = open_screen(prefilled).press("l", "f", "Shift+m")
    page = screen.page
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Notes on liver · focal")
    dialog.get_by_role("radio", name="for the manager to act on").check()
    dialog.get_by_label("Your words").fill("Is a simple cyst focal?")
    screen.press("Control+Enter")
    expect(dialog).to_contain_text("you: Is a simple cyst focal?")
    assert violations(page, axe_source) == []
    screen.press("Escape")
    assert screen.focused == "liver|focal"
    manager.goto(f"{server.url}/projects/{prefilled}/notes/")
    manager.get_by_label("Answer to the note on E-1").fill("Yes, from 5 mm.")
    manager.get_by_role("button", name="Settle").click()
    expect(manager.locator("main")).to_contain_text("Nothing here")
    screen.open("E-1").press("l", "f")
    expect(page.locator(".card-notes")).to_contain_text("manager: Yes, from 5 mm.")
    expect(page.locator(".card-notes")).to_contain_text("settled")
    assert "has notes" in screen.cell("liver|focal")


def test_an_excluded_case_is_no_more_read(open_screen, prefilled, manager, server, watch):
    screen = open_screen(prefilled)
    manager.goto(f"{server.url}/projects/{prefilled}/cases/?q=E-2")
    manager.get_by_role("link", name="E-2", exact=True).click()
    manager.get_by_label("Reason for excluding the case").fill("images of another patient")
    manager.get_by_role("button", name="Exclude").click()
    expect(manager.locator("main")).to_contain_text("excluded")
    screen.open("E-1").settle().press("Control+Enter").wait_case("E-3")
    screen.page.goto(f"{screen.url}/projects/{prefilled}/")
    expect(screen.page.locator("tr[data-href]")).to_have_count(3)
    manager.get_by_label("Why it counts again").fill("the key was right after all")
    manager.get_by_role("button", name="Take it back in").click()
    screen.page.reload()
    expect(screen.page.locator("tr[data-href]")).to_have_count(4)


def test_a_guideline_is_shown_in_place_and_marked_when_it_is_new(open_screen, prefilled, manager, server, axe_source):
    def write(text, what_changed):
        manager.goto(f"{server.url}/projects/{prefilled}/guidelines/text/?finding=focal")
        manager.get_by_label("Guideline", exact=True).fill(text)
        manager.get_by_label("What changed").fill(what_changed)
        manager.get_by_role("button", name="Save as version").click()
        expect(manager.locator(".messages")).to_contain_text("is in force")

    write("Count cysts from 5 mm.", "")
    screen = open_screen(prefilled, "E-1").press("l", "f")
    page = screen.page
    expect(page.locator(".guideline")).to_contain_text("Guideline: Count cysts from 5 mm.")
    expect(page.locator(".guideline .tag-new")).to_be_hidden()
    screen.settle().press("Control+Enter").wait_case("E-2")
    assert screen.open("E-1").stored()["reading"]["body"]["guidelines"] == {"focal": 1}
    write("Count cysts from 5 mm.\nNot haemangiomas.", "haemangiomas")
    screen.open("E-2").press("l", "f")
    expect(page.locator(".guideline .tag-new")).to_be_visible()
    expect(page.locator("th.guided")).to_have_attribute("aria-label", "focal, new guideline")
    screen.press("Shift+h")
    expect(page.get_by_role("dialog")).to_contain_text("Not haemangiomas.")
    assert violations(page, axe_source) == []
    screen.press("Escape")
    expect(page.locator("th.guided")).to_have_count(0)
    manager.get_by_role("link", name="Past cells that the latest version may affect").click()
    expect(manager.get_by_role("row", name="E-1")).to_contain_text("liver|focal")
