"""Reading a case: report beside cells, everything by keyboard."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.e2e


def test_report_shows_sections_and_marks_the_evidence_of_the_focused_cell(open_screen, prefilled):
    screen = open_screen(prefilled)
    page = screen.page
    assert page.locator("#report-place h2").all_inner_texts() == ["CLINICAL HISTORY", "FINDINGS", "IMPRESSION"]
    screen.press("l", "f")
    strong = page.locator(".ev-cell.v-present")
    assert strong.all_inner_texts() == ["The liver contains a 2.1 cm hypodense lesion.", "Stable hepatic cyst."]
    assert page.locator(".ev-target.v-absent").all_inner_texts() == ["No diffuse liver disease."]
    screen.press("s")
    assert page.locator(".ev").all_inner_texts() == ["The spleen is normal."]


@pytest.mark.parametrize(
    ("keys", "cell", "says"),
    [
        ("g f 1", "gallbladder|focal", "present, changed from not mentioned"),
        ("a q 2", "large bowel|quality", "possible, changed from not mentioned"),
        ("l f 0", "liver|focal", "absent, changed from present"),
        ("k r 3", "left kidney|atrophy", "ambiguous, changed from not mentioned"),
        ("s n -", "spleen|normal", "not mentioned, changed from present"),
    ],
)
def test_any_cell_is_corrected_with_three_keys(open_screen, shelf_project, keys, cell, says):
    screen = open_screen(shelf_project)
    assert len(keys.split()) == 3
    screen.press("Control+End", *keys.split())
    assert screen.cell(cell).startswith(says)
    assert screen.focused == cell
    screen.press("Control+z")


@pytest.fixture(scope="module")
def shelf_project(shelf):
    """One project for the cases above, which all undo what they did."""
    return next(shelf.prefilled)


def test_urgency_is_set_and_stepped_by_keyboard(open_screen, prefilled):
    screen = open_screen(prefilled).press("l", "f", "Shift+3")
    assert screen.cell("liver|focal") == "present, urgency high, changed"
    screen.press("u")
    assert screen.cell("liver|focal") == "present, changed"
    screen.press("u", "u")
    assert screen.cell("liver|focal") == "present, urgency low"
    screen.press("Shift+U").wait_saved()
    assert screen.stored_cell("liver|focal") == "+0"


def test_urgency_is_refused_on_an_absent_cell_and_leaves_with_the_value(open_screen, prefilled):
    screen = open_screen(prefilled).press("l", "f", "0")
    assert screen.cell("liver|focal") == "absent, changed from present"
    screen.press("u")
    expect(screen.page.locator("#toasts")).to_contain_text("Urgency needs a present or possible finding")
    assert screen.cell("liver|focal") == "absent, changed from present"


def test_undo_and_redo_walk_through_changes_and_return_to_their_cell(open_screen, prefilled):
    screen = open_screen(prefilled).press("l", "f", "0", "s", "e", "1", "Control+Home")
    assert screen.counts.startswith("2 changed")
    screen.press("Control+z")
    assert (screen.focused, screen.cell("spleen|enlarged")) == ("spleen|enlarged", "not mentioned")
    screen.press("Control+z")
    assert screen.cell("liver|focal") == "present, urgency low"
    assert screen.counts.startswith("0 changed")
    screen.press("Control+Shift+Z", "Control+y").wait_saved()
    assert screen.counts.startswith("2 changed")
    assert screen.stored_cell("spleen|enlarged") == "+_"


def test_arrows_and_attention_move_the_focus(open_screen, prefilled):
    screen = open_screen(prefilled, "E-3").press("ArrowDown", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft")
    assert screen.focused == "spleen|absent"
    screen.press("n")
    assert screen.focused == "large bowel|diffuse"
    expect(screen.page.locator(".attention")).to_contain_text("large bowel · diffuse")
    screen.press("2")
    expect(screen.page.locator(".attention")).to_be_hidden()


def test_question_mark_shows_every_key(open_screen, prefilled):
    screen = open_screen(prefilled).press("?")
    dialog = screen.page.get_by_role("dialog")
    for words in ("submit and next", "undo", "ambiguous", "gallbladder", "next evidence of the target"):
        expect(dialog).to_contain_text(words)
    screen.press("Escape")
    expect(dialog).to_have_count(0)
    assert screen.focused == "spleen|normal"


def test_evidence_is_walked_and_a_sentence_leads_to_its_cell(open_screen, prefilled):
    screen = open_screen(prefilled).press("l", "f", "]")
    ring = screen.page.locator(".ring")
    assert ring.inner_text() == "The liver contains a 2.1 cm hypodense lesion."
    screen.press("]", "]")
    assert ring.inner_text() == "Stable hepatic cyst."
    screen.page.get_by_text("The pancreas is atrophic.", exact=True).first.click()
    assert screen.focused == "pancreas|atrophy"


def test_report_pane_has_keys_of_its_own(open_screen, prefilled):
    screen = open_screen(prefilled).press("F6", "ArrowDown", "ArrowDown")
    assert screen.page.locator(".ring").inner_text() == "The liver contains a 2.1 cm hypodense lesion."
    screen.press("1")
    assert screen.counts.startswith("0 changed")
    screen.press("Enter")
    assert screen.focused == "liver|focal"


def test_comment_and_image_flag_are_kept_with_the_cell(open_screen, prefilled):
    screen = open_screen(prefilled).press("l", "f", "i", "c")
    screen.page.keyboard.type("u 1 and ? are words here")
    screen.press("Escape", "0").wait_saved()
    note = screen.stored()["draft"]["body"]["cells"]["liver|focal"]
    assert note == {"comment": "u 1 and ? are words here", "flags": ["image_disagrees"]}
    assert screen.cell("liver|focal") == "absent, changed from present, image disagrees, has a comment"
    screen.press("Backspace").wait_saved()
    assert screen.cell("liver|focal") == "present, urgency low"


def test_mouse_does_what_keys_do(open_screen, prefilled):
    screen = open_screen(prefilled)
    page = screen.page
    page.locator('td[aria-label^="stomach, focal:"]').click()
    assert screen.focused == "stomach|focal"
    page.get_by_role("button", name="2 possible").click()
    page.get_by_role("group", name="Urgency").get_by_role("button", name="medium").click()
    assert screen.cell("stomach|focal") == "possible, urgency medium, changed from not mentioned"
    assert screen.focused == "stomach|focal"
