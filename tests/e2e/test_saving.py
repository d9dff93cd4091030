"""Nothing that was acknowledged is lost, and what is not saved says so."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.e2e


def test_changes_are_saved_by_themselves_and_are_there_after_a_reload(open_screen, prefilled):
    screen = open_screen(prefilled).press("g", "f", "1").wait_saved()
    screen.page.reload()
    screen.ready()
    assert screen.cell("gallbladder|focal").startswith("present, changed from not mentioned")
    assert screen.counts.startswith("1 changed")


def test_a_change_made_just_before_the_tab_closes_reaches_the_server(open_screen, prefilled):
    open_screen(prefilled).press("g", "f", "1").page.close(run_before_unload=False)
    screen = open_screen(prefilled)
    expect(screen.page.locator('td[aria-label^="gallbladder, focal:"]')).to_have_attribute(
        "aria-label", "gallbladder, focal: present, changed from not mentioned, contradicts another cell"
    )


def test_a_stale_write_shows_both_versions_and_merges_by_choice(open_screen, prefilled, watch):
    watch.expected = ("409",)
    one, two = open_screen(prefilled), open_screen(prefilled)
    one.page.bring_to_front()
    one.press("l", "f", "0", "s", "e", "2").wait_saved()
    two.page.bring_to_front()
    two.page.keyboard.type("lf3pf1")  # in one go: the first save brings the dialog
    dialog = two.page.get_by_role("dialog")
    expect(dialog).to_contain_text("changed in two places")
    rows = dialog.locator("tbody tr").all_inner_texts()
    assert [row.split("\n")[0].strip().split("\t")[0] for row in rows] == [
        "spleen · enlarged",
        "liver · focal",
        "pancreas · focal",
    ]
    assert "not saved" in two.save_state
    expect(dialog.get_by_role("button", name="Keep these")).to_be_disabled()
    dialog.get_by_label("liver, focal: keep this window").check()
    two.press("Control+Enter")
    expect(dialog).to_have_count(0)
    two.wait_saved()
    assert two.stored_cell("liver|focal") == "~_"
    assert two.stored_cell("spleen|enlarged") == "?_"
    assert two.stored_cell("pancreas|focal") == "+_"


def test_a_killed_server_loses_nothing_and_the_page_says_and_recovers(open_screen, prefilled, server, watch):
    watch.expected = ("Failed to load resource", "ERR_")
    screen = open_screen(prefilled).press("l", "f", "0").wait_saved()
    server.kill()
    try:
        screen.press("s", "e", "1", "c")
        screen.page.keyboard.type("seen while the server was down")
        screen.press("Escape")
        expect(screen.page.locator("#save-state")).to_contain_text("not saved – retrying")
        expect(screen.page.locator("#save-state")).to_have_class("save-state problem")
    finally:
        server.start()
    screen.page.locator("#save-state").click()
    screen.wait_saved()
    assert screen.stored_cell("liver|focal") == "0_"
    assert screen.stored_cell("spleen|enlarged") == "+_"
    note = screen.stored()["draft"]["body"]["cells"]["spleen|enlarged"]
    assert note == {"comment": "seen while the server was down"}


def test_leaving_with_unsaved_changes_asks_and_coming_back_restores_them(open_screen, prefilled, server, watch):
    watch.expected = ("Failed to load resource", "ERR_", "restored")
    screen = open_screen(prefilled)
    address = screen.page.url
    asked = []
    screen.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    server.kill()
    try:
        screen.press("l", "f", "0")
        expect(screen.page.locator("#save-state")).to_contain_text("not saved")
    finally:
        server.start()
    screen.page.route("**/draft", lambda route: route.abort())
    screen.page.goto(address)
    screen.ready()
    assert asked == ["beforeunload"]
    assert screen.cell("liver|focal") == "absent, changed from present"
    expect(screen.page.locator("#toasts")).to_contain_text("Changes that could not be saved before are back.")
    screen.page.unroute("**/draft")
    screen.wait_saved()
    assert screen.stored_cell("liver|focal") == "0_"


def test_an_ended_session_says_so_and_saves_after_signing_in_again(open_screen, prefilled, context, watch, server):
    watch.expected = ("Failed to load resource", "401")
    screen = open_screen(prefilled)
    cookies = context.cookies()
    context.clear_cookies(name="sessionid")
    screen.press("l", "f", "0")
    expect(screen.page.locator("#save-state")).to_contain_text("you are signed out")
    context.add_cookies([cookie for cookie in cookies if cookie["name"] == "sessionid"])
    screen.page.locator("#save-state").click()
    screen.wait_saved()
    assert screen.stored_cell("liver|focal") == "0_"


def test_active_seconds_are_shown_and_recorded(open_screen, prefilled):
    screen = open_screen(prefilled)
    expect(screen.page.locator("#active-time")).to_contain_text("00:02", timeout=10_000)
    screen.press("l", "f", "0").wait_saved()
    assert 2 <= screen.stored()["draft"]["active_seconds"] <= 10


def test_going_back_to_the_worklist_by_key_saves_first(open_screen, prefilled):
    screen = open_screen(prefilled).press("l", "f", "0", "w")
    screen.page.wait_for_url(f"**/projects/{prefilled}/")
    row = screen.page.locator("tr[data-href]", has_text="E-1")
    expect(row).to_contain_text("draft")
