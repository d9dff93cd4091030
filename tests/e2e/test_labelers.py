"""Other labelers in the reading screen: who says what of a cell, why, on which words, and taking it over."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e import labelers_world, world
from tests.e2e.labelers_world import DIRECT, FAST, LESION, MAPLEZ
from tests.e2e.screen import Screen

pytestmark = pytest.mark.e2e


@pytest.fixture
def labeled(server, prefilled):
    """A project with a pre-fill and four more labelers, in which nobody has read anything."""
    server.run(str(Path(labelers_world.__file__)), prefilled)
    return prefilled


@pytest.fixture
def at_lesion(open_screen, labeled):
    """E-1 at the cell on which all differ, when the labelers have come."""
    screen = open_screen(labeled).press("l", "f")
    screen.page.locator(".labeler").first.wait_for()
    return screen


def line(screen, name):
    return screen.page.locator(".labeler", has_text=name)


def told(screen):
    return "".join(screen.page.locator("#report-place .told").all_inner_texts())


def test_the_card_names_the_pre_fill_and_lists_who_says_something_else_first(at_lesion):
    page = at_lesion.page
    expect(page.locator(".machine")).to_have_text("imported: present · 0.93 · urgency low")
    names = page.locator(".labeler-name").all_inner_texts()
    assert names == [MAPLEZ, DIRECT, "rules"]
    expect(line(at_lesion, MAPLEZ)).to_contain_text("0.62")
    expect(line(at_lesion, DIRECT)).to_contain_text("logit −1.53")
    expect(line(at_lesion, DIRECT).get_by_title("-1.53125")).to_be_visible()
    page.get_by_role("button", name="and 1 more").click()
    # No probability is not a probability of nought.
    expect(line(at_lesion, FAST).locator(".labeler-scores")).to_have_text("")


def test_an_opened_labeler_shows_why_and_marks_its_words_until_it_is_closed(at_lesion):
    screen = at_lesion.press(*["Shift+L"] * 4)
    expect(line(screen, FAST)).to_contain_text("A 2.1 cm lesion is measured")
    # The heart before the words is one code point and two UTF-16 units.
    assert told(screen) == f"{LESION}hepatic cyst"
    assert "liver|focal" in screen.focused
    screen.press("Escape")
    assert told(screen) == ""
    screen.page.get_by_role("button", name="and 1 more").click()
    line(screen, FAST).hover()
    assert told(screen) == f"{LESION}hepatic cyst"


def test_what_a_labeler_says_is_taken_over_by_key_stored_and_undone(at_lesion):
    screen = at_lesion.press(*["Shift+L"] * 4, "Shift+T").wait_saved()
    assert screen.stored_cell("liver|focal") == "+3"
    text = world.REPORTS["E-1"]
    spans = screen.stored()["draft"]["body"]["cells"]["liver|focal"]["evidence"]
    assert [text[start:end] for start, end in spans] == [LESION, "hepatic cyst"]
    screen.press("Control+z").wait_saved()
    assert screen.cell("liver|focal") == "present, urgency low, labelers differ"
    assert screen.counts.startswith("0 changed")


def test_what_a_labeler_says_is_taken_over_by_one_click(at_lesion):
    at_lesion.page.get_by_role("button", name=f"take absent from {DIRECT}").click()
    assert at_lesion.cell("liver|focal") == "absent, changed from present, labelers differ"
    assert at_lesion.focused == "liver|focal"


def test_an_answer_that_cannot_be_read_asks_for_a_decision(at_lesion):
    at_lesion.page.locator('td[aria-label^="pancreas, atrophy"]').click()
    expect(line(at_lesion, FAST)).to_contain_text("answer not readable")
    expect(line(at_lesion, FAST).get_by_role("button")).to_have_count(1)


def test_cells_on_which_labelers_differ_are_marked_until_that_is_switched_off(at_lesion):
    marks = at_lesion.page.locator("td .differ-mark")
    # Lesion, diffuse disease, gallbladder and pancreas.
    expect(marks).to_have_count(4)
    at_lesion.press("Shift+D")
    expect(marks).to_have_count(0)
    with at_lesion.page.expect_response("**/api/me/preferences"):
        pass
    at_lesion.page.reload()
    at_lesion.ready().press("l", "f")
    at_lesion.page.locator(".labeler").first.wait_for()
    expect(marks).to_have_count(0)
    at_lesion.press("Shift+D")
    expect(marks).to_have_count(4)


def test_the_keys_are_listed_behind_the_question_mark(at_lesion):
    at_lesion.press("?")
    keys = at_lesion.page.get_by_role("dialog")
    for says in ("next other labeler: its reason and evidence", "take over what it says", "labelers differ"):
        expect(keys).to_contain_text(says)


def labels_of(page):
    """Where the labelers of the case on the screen are asked for."""
    return page.url.replace("/projects/", "/api/projects/", 1).rstrip("/") + "/labels"


def test_the_labelers_of_the_next_case_are_there_with_it(server, context, labeled):
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/labels") else None)
    screen = Screen(page, server.url, labeled)
    with page.expect_response(lambda answer: answer.url.endswith("/labels") and answer.url != labels_of(page)) as ahead:
        screen.open("E-1")
    screen.settle().press("Control+Enter").wait_case("E-2").press("s", "n")
    expect(page.locator(".labeler-name").first).to_be_visible()
    assert ahead.value.url == labels_of(page)
    assert asked.count(labels_of(page)) == 1


def test_a_reader_of_a_blank_form_is_shown_nothing_and_asks_for_nothing(server, context, blank):
    server.run(str(Path(labelers_world.__file__)), blank)
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/labels") else None)
    screen = Screen(page, server.url, blank).open("E-1").press("l", "f").settle()
    expect(page.locator(".labelers")).to_be_hidden()
    expect(page.locator("td .differ-mark")).to_have_count(0)
    screen.press("Shift+L")
    expect(page.locator("#toasts")).to_contain_text("No other labeler")
    assert asked == []
    answer = page.request.get(labels_of(page))
    assert answer.json() == {"arm": "blank", "runs": [], "n_more": 0}


@pytest.fixture(params=["dark", "light"])
def theme(request, context, server):
    context.add_cookies([{"name": "theme", "value": request.param, "url": server.url}])
    return request.param


def test_lines_opened_and_closed_are_accessible(theme, at_lesion, axe_source):
    page = at_lesion.page
    assert (page.locator("html").get_attribute("data-theme") == "light") == (theme == "light")
    page.evaluate(axe_source)
    check = "async () => (await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => n.html)])"
    assert page.evaluate(check) == []
    at_lesion.press(*["Shift+L"] * 4)
    assert page.evaluate(check) == []
    page.locator('td[aria-label^="pancreas, atrophy"]').click()
    assert page.evaluate(check) == []


def test_nothing_is_cut_off_beside_images_in_a_small_window(server, open_screen, pictured):
    server.run(str(Path(labelers_world.__file__)), pictured)
    screen = open_screen(pictured)
    page = screen.page
    page.set_viewport_size({"width": 1280, "height": 800})
    screen.press("l", "f")
    page.locator(".labeler").first.wait_for()
    for selector in ("#cells-pane .pane-body", ".card", ".words-bar"):
        box = page.locator(selector).evaluate("(e) => [e.scrollWidth, e.clientWidth]")
        assert box[0] <= box[1], selector
    pane = page.locator("#cells-pane .pane-body").bounding_box()
    last = page.locator(".labeler").nth(2).bounding_box()
    assert last["y"] + last["height"] <= pane["y"] + pane["height"]
