"""Submit and next."""

import sys

import pytest
from playwright.sync_api import expect

from tests.e2e import world

pytestmark = pytest.mark.e2e


def tell(capsys, line):
    """Show a measured time in the log of a passing test."""
    with capsys.disabled():
        sys.stdout.write(f"\n  {line}\n")


def test_a_normal_case_is_accepted_and_the_next_shown_by_one_chord(open_screen, prefilled, capsys):
    screen = open_screen(prefilled, "E-2").settle()
    # The page notes when the chord goes down and when the next case has been painted.
    screen.page.evaluate(
        """() => {
          window.timing = new Promise((done) => {
            let pressed = 0;
            document.addEventListener("keydown", () => { pressed = performance.now(); }, true);
            new MutationObserver(() => requestAnimationFrame(() => setTimeout(() => done(performance.now() - pressed))))
              .observe(document.getElementById("case-key"), { childList: true, characterData: true, subtree: true });
          });
        }"""
    )
    screen.press("Control+Enter").wait_case("E-3")
    took_ms = screen.page.evaluate("() => window.timing")
    tell(capsys, f"submit and next: {took_ms:.0f} ms from chord to the painted next case")
    assert screen.page.url.endswith(screen.stored()["urls"]["page"])
    assert screen.focused == "spleen|normal"
    screen.page.go_back()
    screen.wait_case("E-2").ready()
    assert screen.stored()["reading"]["revision"] == 1
    expect(screen.page.locator("#case-banner")).to_contain_text("Submitted as revision 1")


def test_a_chord_on_a_case_that_has_only_just_appeared_submits_nothing(open_screen, prefilled):
    screen = open_screen(prefilled, "E-2").settle().press("Control+Enter").wait_case("E-3").press("Control+Enter")
    expect(screen.page.locator("#toasts")).to_contain_text("only just opened")
    assert screen.stored()["reading"] is None


def test_contradictions_are_pointed_out_and_submitted_only_on_purpose(open_screen, prefilled):
    screen = open_screen(prefilled).press("g", "f", "1").settle()
    assert screen.counts.endswith("1 contradicting")
    screen.press("Control+Enter")
    dialog = screen.page.get_by_role("dialog")
    expect(dialog).to_contain_text("gallbladder: absent and focal")
    screen.press("Escape")
    assert screen.stored()["reading"] is None
    screen.press("Control+Enter").settle().press("Control+Enter").wait_case("E-2")
    screen.page.go_back()
    screen.wait_case("E-1")
    assert screen.stored()["reading"]["body"]["acknowledged"] == ["gallbladder|absent|focal"]


def test_an_urgency_on_an_absent_cell_is_pointed_out(open_screen, prefilled):
    screen = open_screen(prefilled, "E-4").settle().press("Control+Enter")
    dialog = screen.page.get_by_role("dialog")
    expect(dialog).to_contain_text("liver: urgency without focal")
    dialog.get_by_role("button", name="liver: urgency without focal").click()
    assert screen.focused == "liver|focal"
    screen.press("0")
    expect(screen.page.locator(".attention")).to_be_hidden()


def test_an_unreadable_cell_must_be_decided(open_screen, prefilled):
    screen = open_screen(prefilled, "E-3").settle().press("Control+Enter")
    dialog = screen.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Some cells need your decision")
    screen.settle().press("Control+Enter")
    assert screen.stored()["reading"] is None
    screen.press("Enter")
    assert screen.focused == "large bowel|diffuse"
    screen.press("2", "Control+Enter").wait_case("E-4")


def test_a_blank_form_records_undecided_cells_as_not_mentioned_after_one_more_chord(open_screen, blank):
    screen = open_screen(blank)
    assert screen.counts == "99 to decide"
    assert "machine" not in screen.page.locator("#cells-pane").inner_text()
    screen.press("l", "f", "1").settle().press("Control+Enter")
    expect(screen.page.get_by_role("dialog")).to_contain_text("the 98 undecided cells as not mentioned")
    screen.settle().press("Control+Enter").wait_case("E-2")
    screen.page.go_back()
    screen.wait_case("E-1").ready()
    reading = screen.stored()["reading"]
    assert sorted(set(reading["values"])) == ["+", "."]
    assert reading["values"].count("+") == 1


def test_a_submitted_case_can_be_corrected_as_a_new_revision(open_screen, prefilled):
    screen = open_screen(prefilled).settle().press("Control+Enter").wait_case("E-2")
    screen.open("E-1").settle()
    expect(screen.page.locator("#case-banner")).to_contain_text("Submitted as revision 1")
    screen.press("Alt+r", "Control+Enter")
    expect(screen.page.locator("#case-banner")).to_contain_text("Revision 1 stands until you submit again")
    screen.settle().press("l", "f", "2", "Control+Enter").wait_case("E-2")
    screen.open("E-1")
    assert screen.stored()["reading"]["revision"] == 2
    assert screen.stored_cell("liver|focal", of="reading") == "?1"


def test_looking_at_a_submitted_case_leaves_it_submitted(open_screen, prefilled):
    screen = open_screen(prefilled).settle().press("Control+Enter").wait_case("E-2")
    screen.open("E-1").press("l", "f")
    expect(screen.page.locator("#active-time")).to_contain_text(":02 active", timeout=10_000)
    screen.page.goto(f"{screen.url}/projects/{prefilled}/")
    expect(screen.page.locator("tr[data-href]", has_text="E-1")).to_contain_text("submitted")


def test_the_end_of_the_list_is_calm(open_screen, blank):
    screen = open_screen(blank)
    for key in ("E-1", "E-2", "E-3", "E-4"):
        screen.wait_case(key).settle().press("Control+Enter").settle().press("Control+Enter")
    expect(screen.page.get_by_role("heading", name="All read")).to_be_visible()
    screen.press("Enter")
    screen.page.wait_for_url(f"**/projects/{blank}/")
    expect(screen.page.locator("main")).to_contain_text("all read")


def test_a_lost_answer_does_not_submit_twice(open_screen, prefilled, watch):
    watch.expected = ("Failed to load resource", "ERR_")
    screen = open_screen(prefilled, "E-2").settle()
    lost = []

    def lose_first(route):
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    screen.page.route("**/submit", lose_first)
    screen.press("Control+Enter").wait_case("E-3")
    assert lost == [201]
    screen.open("E-2")
    assert screen.stored()["reading"]["revision"] == 1


def test_from_signing_in_to_the_next_case_without_a_mouse(browser, server, watch, prefilled):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.on("page", watch.listen)
    page = context.new_page()
    page.goto(f"{server.url}/projects/{prefilled}/")
    expect(page.locator("#id_username")).to_be_focused()
    page.keyboard.type(world.READER)
    page.keyboard.press("Tab")
    page.keyboard.type(world.PASSWORD)
    page.keyboard.press("Enter")
    page.locator("tr.current").wait_for()
    for key in ("j", "k", "Enter"):
        page.keyboard.press(key)
    page.locator("td.cell.focus").wait_for()
    page.wait_for_timeout(500)
    for key in ("l", "f", "2", "Control+Enter"):
        page.keyboard.press(key)
    page.locator("#case-key", has_text="E-2").wait_for()
    context.close()
