"""Disputed cells of three readers, decided by two adjudicators in browsers of their own."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e import disputed_world
from tests.e2e.conftest import PATIENCE_MS, sign_in

pytestmark = pytest.mark.e2e


@pytest.fixture
def disputed(server, blank):
    """A project without images whose readers differ about six cells of four cases."""
    server.run(str(Path(disputed_world.__file__)), blank)
    return blank


@pytest.fixture
def desk(browser, server, watch):
    """Opens a page as one person, in a session of their own."""
    contexts = []

    def open_it(name, address, *, width=1280, height=800, theme="dark"):
        context = browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies([{"name": "theme", "value": theme, "url": server.url}])
        contexts.append(context)
        page = context.new_page()
        sign_in(page, server, name)
        watch.listen(page)
        page.goto(f"{server.url}{address}")
        return page

    yield open_it
    for context in contexts:
        context.close()


def first_case(desk, slug, name=disputed_world.ADJUDICATOR, **screen):
    page = desk(name, f"/projects/{slug}/adjudicate/next/", **screen)
    expect(page.locator(".card-title")).to_have_text("liver · focal")
    return page


def at(page, case, cell):
    """Wait until this cell is the one to decide."""
    expect(page.locator("#case-key")).to_have_text(case)
    expect(page.locator(".card-title")).to_have_text(cell)


def test_all_cells_are_decided_by_keys_and_the_last_is_taken_back(desk, disputed):
    page = first_case(desk, disputed)
    # Voices give two urgencies: the value waits for one.
    page.keyboard.press("1")
    expect(page.locator(".urgency.wanted")).to_be_visible()
    page.keyboard.press("Shift+Digit2")
    at(page, "E-1", "pancreas · atrophy")
    page.keyboard.press("g")
    page.keyboard.press("0")
    at(page, "E-1", "gallbladder · absent")
    expect(page.locator(".disputed-cell").nth(1)).to_contain_text("absent")
    page.keyboard.press("1")
    at(page, "E-2", "liver · normal")
    # Typed ahead: keys wait in line for what came before.
    page.keyboard.press("1")
    page.keyboard.press("0")
    at(page, "E-4", "liver · focal")
    page.keyboard.press("c")
    page.keyboard.type("denied in so many words")
    page.keyboard.press("Enter")
    page.keyboard.press("0")
    expect(page.get_by_role("heading", name="All decided")).to_be_visible()
    page.keyboard.press("Control+z")
    at(page, "E-4", "liver · focal")
    expect(page.locator("#counts")).to_have_text("1 of 1 open")
    page.keyboard.press("w")
    expect(page.get_by_text("5 of 6 disputed cells decided")).to_be_visible()
    expect(page.locator(".facts div", has_text="guideline gap")).to_contain_text("1")


def test_of_two_adjudicators_the_second_is_told_what_the_first_decided(desk, disputed, watch):
    watch.expected = ("409 (Conflict)",)
    one = first_case(desk, disputed)
    other = first_case(desk, disputed, disputed_world.OTHER_ADJUDICATOR)
    one.keyboard.press("0")
    at(one, "E-1", "pancreas · atrophy")
    other.keyboard.press("Shift+Digit1")
    other.keyboard.press("1")
    expect(other.locator("#toasts")).to_contain_text("another adjudicator decided it: absent")
    expect(other.locator(".decided-line")).to_contain_text("absent, reader slip")
    at(other, "E-1", "liver · focal")
    other.keyboard.press("n")
    at(other, "E-1", "pancreas · atrophy")
    other.keyboard.press("1")
    at(other, "E-1", "gallbladder · absent")


def test_evidence_is_marked_with_the_letters_of_those_who_cite_it(desk, disputed):
    page = first_case(desk, disputed)
    voices = page.locator(".voice")
    citing = [
        voices.nth(place).locator(".letter").inner_text()
        for place in range(3)
        if "2.1 cm" in voices.nth(place).inner_text()
    ]
    lesion = page.locator("[data-by]", has_text="2.1 cm")
    assert lesion.get_attribute("data-by") == " ".join(citing)
    assert len(citing) == 2
    expect(page.get_by_text(disputed_world.COMMENT)).to_be_visible()
    source = page.content()
    assert not any(name in source for name in disputed_world.READERS)


def test_cells_that_look_alike_are_decided_and_taken_back_together(desk, disputed):
    page = desk(disputed_world.ADJUDICATOR, f"/projects/{disputed}/adjudicate/")
    page.get_by_role("link", name="all alike").click()
    page.get_by_role("checkbox", name="E-3, liver · normal").uncheck()
    expect(page.get_by_role("button", name="Decide 1 cell")).to_be_visible()
    page.get_by_role("checkbox", name="all").check()
    page.get_by_label("present", exact=True).check()
    page.get_by_role("button", name="Decide 2 cells").click()
    expect(page.get_by_text("stands", exact=True)).to_have_count(2)
    page.get_by_role("button", name="Take 2 decisions back").click()
    expect(page.get_by_text("taken back or decided again")).to_have_count(2)


def test_the_keys_are_listed(desk, disputed):
    page = first_case(desk, disputed)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("machine omission")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("ArrowDown")
    at(page, "E-1", "pancreas · atrophy")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_page_is_accessible_and_fits(desk, disputed, axe_source, theme):
    start = f"/projects/{disputed}"
    alike = f"{start}/adjudicate/alike/?finding=normal&kind=presence&pattern=%2B_%2C%2B_%2C0_"
    page = first_case(desk, disputed, theme=theme)
    for address in (None, f"{start}/adjudicate/", alike):
        if address:
            page.goto(page.url.split("/projects/")[0] + address)
        _check(page, axe_source)
    managers = desk("manager", f"{start}/dashboard/disputes/", theme=theme)
    _check(managers, axe_source)


def _check(page, axe_source):
    page.evaluate(axe_source)
    found = page.evaluate(
        "async () => (await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => [n.html, n.failureSummary])])"
    )
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
