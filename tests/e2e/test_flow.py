"""Around the reading: panes and layouts, keys, skip, flag, jump, summary, tour, and a window for the images."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e import world
from tests.e2e.conftest import sign_in
from tests.e2e.screen import Screen

pytestmark = pytest.mark.e2e

UNDO_IS_ALT_U = re.compile(r"^undo: ?Alt ?\+ ?u$")


def width(page, name):
    return page.locator(name).bounding_box()["width"]


def covered(box, other):
    """The part of `other` that `box` covers."""
    wide = min(box["x"] + box["width"], other["x"] + other["width"]) - max(box["x"], other["x"])
    high = min(box["y"] + box["height"], other["y"] + other["height"]) - max(box["y"], other["y"])
    return max(0, wide) * max(0, high) / (other["width"] * other["height"])


def saved_preferences(page):
    return page.request.get(re.sub(r"/projects/.*", "/api/me/preferences", page.url)).json()


def wait_kept(screen, name, test):
    """Wait until the server has a preference that passes `test`."""
    for _ in range(50):
        value = saved_preferences(screen.page).get(name)
        if value is not None and test(value):
            return value
        screen.page.wait_for_timeout(100)
    pytest.fail(f"{name} was not kept: {saved_preferences(screen.page)}")


def test_a_pane_is_resized_by_hand_and_by_keyboard_and_stays_so(open_screen, prefilled):
    screen = open_screen(prefilled)
    page = screen.page
    line = page.get_by_role("separator", name="Width of the report")
    before = width(page, "#report-pane")
    box = line.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, 500)
    page.mouse.down()
    page.mouse.move(box["x"] - 150, 500, steps=4)
    page.mouse.up()
    assert width(page, "#report-pane") == pytest.approx(before - 150, abs=8)
    line.focus()
    screen.press("Shift+ArrowLeft")
    narrow = width(page, "#report-pane")
    assert narrow < before - 250
    wait_kept(screen, "panes", lambda panes: panes.get("text", [1])[0] < before / 1920)
    page.reload()
    screen.ready()
    assert width(page, "#report-pane") == pytest.approx(narrow, abs=3)
    line.focus()
    screen.press("Enter")
    assert width(page, "#report-pane") == pytest.approx(before, abs=3)


def test_a_key_is_changed_refused_swapped_and_kept(open_screen, prefilled):
    screen = open_screen(prefilled).press("?")
    page = screen.page
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=re.compile("^next value:")).click()
    screen.press("l")
    expect(dialog).to_contain_text("l is the letter of liver")
    screen.press("Escape")
    dialog.get_by_role("button", name=re.compile("^undo:")).click()
    screen.press("Alt+u")
    expect(dialog.get_by_role("button", name=UNDO_IS_ALT_U)).to_be_visible()
    dialog.get_by_role("button", name=re.compile("^present:")).click()
    screen.press("2")
    expect(dialog).to_contain_text("2 is already “possible”")
    dialog.get_by_role("button", name="Swap them").click()
    screen.press("Escape")
    wait_kept(screen, "keys", lambda keys: "undo" in keys and "value:+" in keys)
    page.reload()
    screen.ready().press("l", "f", "1")
    assert screen.cell("liver|focal").startswith("possible")
    screen.press("Alt+u")
    assert screen.cell("liver|focal").startswith("present")
    with page.expect_download() as download:
        screen.press("?")
        dialog.get_by_role("button", name="Save keys to a file").click()
    kept = download.value.path()
    dialog.get_by_role("button", name="Reset all").click()
    expect(dialog.get_by_role("button", name=re.compile("^undo: Ctrl"))).to_be_visible()
    dialog.locator("input[type=file]").set_input_files(
        {"name": "keys.json", "mimeType": "application/json", "buffer": kept.read_bytes()}
    )
    expect(dialog.get_by_role("button", name=UNDO_IS_ALT_U)).to_be_visible()
    dialog.get_by_role("button", name="Reset all").click()
    screen.press("Escape")
    wait_kept(screen, "keys", lambda keys: keys == {})


def test_a_case_is_skipped_with_a_reason_and_comes_again_at_the_end(open_screen, prefilled):
    screen = open_screen(prefilled).press("l", "f", "0", "Control+Shift+Enter")
    page = screen.page
    dialog = page.get_by_role("dialog")
    screen.press("7")
    expect(dialog.get_by_role("button", name="Skip this case")).to_be_disabled()
    dialog.get_by_role("textbox").fill("CT of another day")
    screen.press("Control+Enter").wait_case("E-2")
    expect(page.locator("#toasts")).to_contain_text("E-1 skipped.")
    page.goto(f"{screen.url}/projects/{prefilled}/?state=skipped")
    expect(page.locator("[data-worklist] tbody tr")).to_have_count(1)
    page.goto(f"{screen.url}/projects/{prefilled}/next/")
    screen.ready()
    assert screen.case_key == "E-2"
    screen.open("E-1")
    assert screen.cell("liver|focal").startswith("absent")
    assert screen.stored()["draft"]["body"]["case"]["skipped"]["note"] == "CT of another day"
    screen.settle().press("Control+Enter").wait_case("E-2")
    reopened = screen.open("E-1").stored()
    assert (reopened["case"]["state"], "case" in reopened["reading"]["body"]) == ("submitted", False)


def test_flag_and_comment_stay_with_the_case_and_are_found_again(open_screen, prefilled):
    screen = open_screen(prefilled).press("Alt+g", "Alt+n")
    page = screen.page
    page.keyboard.type("u 1 n: discuss on Monday")
    screen.press("Escape").wait_saved()
    assert screen.stored()["draft"]["body"]["case"] == {"comment": "u 1 n: discuss on Monday", "flagged": True}
    assert screen.counts.startswith("0 changed")
    screen.press("Control+z", "Control+z").wait_saved()
    assert "case" not in screen.stored()["draft"]["body"]
    screen.press("Control+y", "Control+y").wait_saved()
    page.reload()
    screen.ready()
    expect(page.locator("#flag-button")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#case-comment-text")).to_have_value("u 1 n: discuss on Monday")
    page.goto(f"{screen.url}/projects/{prefilled}/?flagged=on")
    row = page.locator("[data-worklist] tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("discuss on Monday")


def test_the_jump_list_finds_a_case_by_typing(open_screen, prefilled):
    screen = open_screen(prefilled).press("Control+j")
    page = screen.page
    expect(page.locator("#jump-list li")).to_have_count(4)
    page.keyboard.type("e-3")
    expect(page.locator("#jump-list li")).to_have_count(1)
    screen.press("Enter").wait_case("E-3").ready()
    screen.press("Control+j")
    expect(page.locator("#jump-list li")).to_have_count(4)
    screen.press("ArrowDown", "Enter").wait_case("E-2")


def test_the_summary_counts_what_was_read_today(open_screen, prefilled):
    screen = open_screen(prefilled, "E-2").settle().press("Control+Enter").wait_case("E-3").press("Alt+y")
    summary = screen.page.get_by_role("dialog")
    expect(summary).to_contain_text("cases read today")
    expect(summary.locator(".figures dd").first).to_have_text("1")
    expect(summary.get_by_role("rowheader")).to_have_text("E-2")


def test_times_are_those_of_the_readers_own_clock(browser, signed_in, server, watch, prefilled):
    context = browser.new_context(storage_state=signed_in, locale="de-DE", timezone_id="Asia/Kolkata")
    context.on("page", watch.listen)
    page = context.new_page()
    screen = Screen(page, server.url, prefilled).open("E-1").press("l", "f", "0").wait_saved()
    page.goto(f"{screen.url}/projects/{prefilled}/")
    shown = page.locator("time").first
    moment = shown.get_attribute("datetime")
    wanted = page.evaluate(
        "m => new Intl.DateTimeFormat('de-DE', {dateStyle: 'medium', timeStyle: 'short'}).format(new Date(m))", moment
    )
    expect(shown).to_have_text(wanted)
    context.close()


def test_the_tour_is_shown_once_and_again_on_request(browser, server, watch, prefilled):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.on("page", watch.listen)
    page = context.new_page()
    sign_in(page, server, world.NEWCOMER)
    screen = Screen(page, server.url, prefilled).open("E-1")
    tour = page.locator(".tour")
    for step in range(1, 7):
        expect(tour).to_contain_text(f"{step} of 6")
        note, explained = tour.bounding_box(), page.locator(".toured").bounding_box()
        assert covered(note, explained) < 0.02, f"step {step} covers what it explains"
        screen.press("Enter")
    expect(tour).to_have_count(0)
    assert screen.focused == "spleen|normal"
    wait_kept(screen, "tour_done", bool)
    page.reload()
    screen.ready()
    expect(tour).to_have_count(0)
    screen.press("?")
    page.get_by_role("button", name="Show me round").click()
    expect(tour).to_contain_text("1 of 6")
    screen.press("Escape")
    expect(tour).to_have_count(0)
    context.close()


@pytest.mark.parametrize(
    ("size", "stacked"), [((1280, 800), False), ((3840, 2160), False), ((640, 400), True)], ids=["1280", "3840", "200%"]
)
def test_nothing_overlaps_or_runs_out_of_the_window(open_screen, prefilled, size, stacked):
    screen = open_screen(prefilled)
    page = screen.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    report, cells = (page.locator(name).bounding_box() for name in ("#report-pane", "#cells-pane"))
    if stacked:
        assert report["y"] + report["height"] <= cells["y"] + 1
    else:
        assert report["x"] + report["width"] <= cells["x"] + 1
        assert page.evaluate("document.documentElement.scrollHeight") <= size[1]


@pytest.mark.parametrize("keys", ["Control+j", "Control+Shift+Enter", "Alt+y", "?"])
def test_dialogs_can_be_read_by_a_screen_reader(open_screen, prefilled_once, axe_source, keys):
    screen = open_screen(prefilled_once).press(keys)
    page = screen.page
    page.get_by_role("dialog").wait_for()
    page.wait_for_timeout(300)
    page.evaluate(axe_source)
    found = page.evaluate("async () => (await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => n.html)])")
    assert found == []


@pytest.fixture(scope="module")
def prefilled_once(shelf):
    return next(shelf.prefilled)


def test_the_three_layouts_share_the_width_anew_and_are_remembered(open_screen, pictured):
    screen = open_screen(pictured)
    page = screen.page
    expect(page.locator(".viewer-panes")).to_be_visible()
    screen.press("Alt+1")
    assert width(page, "#report-pane") > width(page, "#image-pane")
    screen.press("Alt+2")
    assert width(page, "#image-pane") > width(page, "#report-pane")
    screen.press("Alt+1")
    wait_kept(screen, "layout", lambda layout: layout == "report")
    page.reload()
    screen.ready()
    assert width(page, "#report-pane") > width(page, "#image-pane")
    screen.open("E-3")
    expect(page.locator("#image-pane")).to_be_hidden()
    screen.press("Alt+2")


def test_keys_follow_the_pane_with_the_ring(open_screen, pictured):
    screen = open_screen(pictured)
    page = screen.page
    expect(page.locator(".viewer-panes")).to_be_visible()
    page.locator("#image-pane").focus()
    screen.press("1", "l", "ArrowDown")
    assert screen.counts.startswith("0 changed")
    assert page.evaluate("getComputedStyle(document.querySelector('#image-pane'), '::after').borderTopWidth") == "2px"
    screen.press("F6", "F6")
    assert screen.focused == "spleen|normal"
    screen.press("3")
    assert screen.counts.startswith("1 changed")


def test_a_window_with_the_images_is_led_by_the_reading_page(context, open_screen, pictured, watch):
    watch.expected = ("409",)  # a page loaded again may meet the seconds that it sent when it left
    screen = open_screen(pictured)
    page = screen.page
    with context.expect_page() as opened:
        screen.press("Alt+3")
    window = opened.value
    expect(window.locator("#link-state")).to_have_text("led by the reading window")
    expect(page.locator("#image-pane")).to_be_hidden()
    expect(window.locator("#case-key")).to_have_text("E-1")
    page.reload()
    screen.ready()
    expect(page.locator("#image-pane")).to_be_hidden()
    version = (screen.stored()["draft"] or {"version": 0})["version"]
    screen.press("l", "f", "0").wait_saved()
    window.wait_for_timeout(700)
    assert screen.stored()["draft"]["version"] == version + 1, "only one of two windows saves"
    screen.settle().press("Control+Enter").wait_case("E-2")
    expect(window.locator("#case-key")).to_have_text("E-2")
    window.close()
    expect(page.locator("#image-pane")).to_be_visible()
    screen.press("Alt+2")


def test_a_window_without_a_reading_page_says_that_nothing_is_kept(context, open_screen, pictured):
    screen = open_screen(pictured)
    window = context.new_page()
    window.goto(f"{screen.page.url}viewer/#nobody")
    expect(window.locator("#link-state")).to_contain_text("not kept")
    expect(window.locator(".viewer-panes")).to_be_visible()
