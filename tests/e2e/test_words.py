"""Words and pixels joined: evidence that the reader sets, cited images, what has nothing to do with each other."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.e2e

LESION = "The liver contains a 2.1 cm hypodense lesion."
STABLE = "Stable hepatic cyst."


def select(page, words):
    """Select words of the report as a mouse does, over the pieces that they are drawn in."""
    page.evaluate(
        """(words) => {
          const place = document.getElementById("report-place");
          const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
          const nodes = [];
          while (walker.nextNode()) nodes.push(walker.currentNode);
          const start = nodes.map((node) => node.data).join("").indexOf(words);
          const at = (offset, isEnd) => {
            for (const node of nodes) {
              if (offset < node.length || (isEnd && offset === node.length)) return [node, offset];
              offset -= node.length;
            }
          };
          const range = document.createRange();
          range.setStart(...at(start, false));
          range.setEnd(...at(start + words.length, true));
          getSelection().removeAllRanges();
          getSelection().addRange(range);
        }""",
        words,
    )


def evidence(screen):
    return "".join(screen.page.locator(".ev-cell").all_inner_texts())


def note(screen, key, *, of="draft"):
    return screen.stored()[of]["body"]["cells"].get(key)


def test_selected_words_become_evidence_and_stay(open_screen, prefilled, watch):
    # The page that goes away may send its last seconds after the new one has come.
    watch.expected = ("409",)
    screen = open_screen(prefilled).press("g", "f")
    assert evidence(screen) == ""
    select(screen.page, "allbladder has been remov")
    bar = screen.page.get_by_role("toolbar", name="Selected words")
    expect(bar).to_contain_text("evidence for gallbladder · focal")
    screen.press("e")
    expect(bar).to_be_hidden()
    assert evidence(screen) == "gallbladder has been removed"
    expect(screen.page.locator(".quote-line")).to_contain_text("you")
    screen.wait_saved()
    # The heart before the words is one code point and two UTF-16 units.
    (span,) = note(screen, "gallbladder|focal")["evidence"]
    text = screen.stored()["report"]["text"]
    assert text[span[0] : span[1]] == "gallbladder has been removed"
    screen.page.reload()
    screen.ready().press("g", "f")
    assert evidence(screen) == "gallbladder has been removed"
    assert screen.cell("gallbladder|focal") == "not mentioned, changed, your evidence"


def test_ringed_sentences_are_added_and_taken_away_by_keyboard(open_screen, prefilled):
    screen = open_screen(prefilled).press("l", "f", "F6", "ArrowDown", "ArrowDown", "ArrowDown")
    assert screen.page.locator(".ring").inner_text() == "No diffuse liver disease."
    screen.press("e")
    assert evidence(screen) == f"{LESION} No diffuse liver disease.{STABLE}".replace(" No", "No")
    screen.press("ArrowUp", "Shift+E")
    assert evidence(screen) == f"No diffuse liver disease.{STABLE}"
    screen.press("Control+z", "Control+z")
    assert evidence(screen) == f"{LESION}{STABLE}"
    assert screen.counts.startswith("0 changed")


def test_taking_all_evidence_away_says_that_there_is_none_until_the_cell_is_reverted(open_screen, prefilled, watch):
    # The page that goes away may send its last seconds after the new one has come.
    watch.expected = ("409",)
    screen = open_screen(prefilled).press("s", "n", "Shift+E").wait_saved()
    assert note(screen, "spleen|normal") == {"evidence": []}
    expect(screen.page.locator("#card-place")).to_contain_text("You took all evidence away")
    assert screen.cell("spleen|normal") == "present, changed, evidence taken away"
    screen.page.reload()
    screen.ready().press("s", "n")
    assert evidence(screen) == ""
    screen.press("Backspace").wait_saved()
    assert evidence(screen) == "The spleen is normal."
    assert note(screen, "spleen|normal") is None


def test_submitted_reading_keeps_evidence_and_what_the_image_shows(open_screen, prefilled):
    screen = open_screen(prefilled).settle().press("l", "f", "i", "Shift+I")
    expect(screen.page.get_by_role("button", name="image shows absent")).to_have_attribute("aria-pressed", "true")
    assert screen.cell("liver|focal") == "present, urgency low, changed, image disagrees, image shows absent"
    screen.page.get_by_role("button", name="image shows ambiguous").click()
    screen.page.get_by_role("button", name="Take evidence 2 away").click()
    screen.press("Control+Enter").wait_case("E-2")
    screen.open("E-1")
    stored = note(screen, "liver|focal", of="reading")
    assert (stored["image_value"], stored["flags"], len(stored["evidence"])) == ("ambiguous", ["image_disagrees"], 1)
    screen.press("l", "f")
    assert evidence(screen) == LESION
    assert "image shows ambiguous" in screen.cell("liver|focal")
    screen.press("Alt+r", "Control+Enter")
    expect(screen.page.locator("#case-banner")).to_contain_text("Revision 1 stands until you submit again")
    screen.settle().press("l", "f", "i")
    assert "image" not in screen.cell("liver|focal")


def test_unused_sentences_and_unsupported_cells_are_shown_with_counts(open_screen, prefilled):
    screen = open_screen(prefilled, "E-4").press("Shift+S")
    page = screen.page
    assert page.locator(".unused").all_inner_texts() == ["No acute finding."]
    expect(page.get_by_role("button", name=re.compile("^1 unused"))).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name=re.compile("^0 unsupported"))).to_be_visible()
    screen.press("p", "f", "1", "Shift+C")
    expect(page.locator(".cell.unsupported")).to_have_count(1)
    assert screen.cell("pancreas|focal").endswith("no sentence supports it")
    page.get_by_role("button", name=re.compile("^1 unsupported")).click()
    expect(page.locator(".cell.unsupported")).to_have_count(0)


def test_sentence_selects_every_cell_it_supports_and_goes_through_them(open_screen, prefilled):
    screen = open_screen(prefilled, "E-2")
    page = screen.page
    sentence = page.get_by_text("The liver and the spleen are normal.", exact=True).first
    sentence.click()
    assert screen.focused == "spleen|normal"
    expect(page.locator('td[aria-selected="true"]')).to_have_count(2)
    assert page.locator(".supports-list .support").all_inner_texts() == ["spleen · normal", "liver · normal"]
    sentence.click()
    assert screen.focused == "liver|normal"
    screen.press("F6", "Enter")
    assert screen.focused == "spleen|normal"


def test_cited_image_is_a_link_that_says_when_there_are_no_images(open_screen, prefilled):
    screen = open_screen(prefilled, "E-4").press("l", "f")
    page = screen.page
    link = page.get_by_role("link", name="series 3, image 45")
    screen.press("Shift+G")
    toasts = page.locator("#toasts")
    expect(toasts).to_contain_text("no images")
    assert screen.focused == "liver|focal"
    screen.press("F6", "Shift+G")
    expect(link).to_be_focused()
    page.reload()
    screen.ready()
    link.click()
    expect(toasts).to_contain_text("no images")
    page.reload()
    screen.ready()
    link.focus()
    screen.press("Enter")
    expect(toasts).to_contain_text("no images")
