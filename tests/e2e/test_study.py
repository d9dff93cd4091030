"""A whole study in the browser: invited readers, two arms, an adjudicator, gold, and a release that verifies.

Each of five people has a session of their own.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e import world
from tests.e2e.conftest import PATIENCE_MS, Server, Watch, sign_in
from tests.e2e.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.e2e

READERS = ("vesalius", "harvey", "curie")
ADJUDICATOR = "solomon"
FREEZING_MS = 90_000


@pytest.fixture
def desk(browser: Browser, watch: Watch):
    """Makes pages in sessions of their own."""
    contexts = []

    def make() -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(PATIENCE_MS)
        context.on("page", watch.listen)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


def test_three_readers_and_an_adjudicator_make_gold_that_is_frozen(
    desk: Callable[[], Page], server: Server, prefilled: str, watch: Watch
) -> None:
    start = f"{server.url}/projects/{prefilled}"
    manager = desk()
    sign_in(manager, server, world.MANAGER)
    people = {name: _invited(manager, desk(), start, name) for name in (*READERS, ADJUDICATOR)}
    for name in (world.READER, world.NEWCOMER):
        manager.goto(f"{start}/members/")
        manager.get_by_role("button", name=f"Remove {name}").click()

    _assign(manager, start)
    for name in READERS:
        _read_all(people[name], server, prefilled, differs=name == READERS[2])

    adjudicator = people[ADJUDICATOR]
    adjudicator.goto(f"{start}/adjudicate/next/")
    expect(adjudicator.locator(".card-title")).to_have_text("liver · normal")
    source = adjudicator.content()
    assert not any(name in source for name in READERS)
    adjudicator.keyboard.press("1")
    expect(adjudicator.get_by_role("heading", name="All decided")).to_be_visible()

    manager.goto(f"{start}/gold/")
    expect(manager.locator("main")).to_contain_text("4 final")
    _freeze(manager, start)
    with manager.expect_download() as saved:
        manager.get_by_role("link", name="gold.jsonl").click()
    assert len(Path(saved.value.path()).read_text(encoding="utf-8").splitlines()) == len(world.REPORTS)
    server.manage("release", "verify", prefilled, "v1")


def _invited(manager: Page, stranger: Page, start: str, name: str) -> Page:
    """A link from the manager, an account from the stranger."""
    manager.goto(f"{start}/members/")
    manager.get_by_label("For whom").fill(name)
    form = manager.locator("form", has=manager.get_by_label("For whom"))
    if name == ADJUDICATOR:
        form.get_by_label("reader", exact=True).uncheck()
        form.get_by_label("adjudicator", exact=True).check()
    manager.get_by_label("For whom").press("Enter")
    stranger.goto(manager.get_by_label(f"Link for {name}").input_value())
    stranger.get_by_label("User name").fill(name)
    stranger.get_by_label("Password", exact=True).fill(world.PASSWORD)
    stranger.get_by_label("Password again").fill(world.PASSWORD)
    stranger.keyboard.press("Enter")
    expect(stranger.get_by_text("You belong to")).to_be_visible()
    return stranger


def _assign(manager: Page, start: str) -> None:
    """Each case to three readers, a third of the seats from blank forms."""
    manager.goto(f"{start}/assignment/")
    manager.get_by_label("Readers for a case").fill("3")
    manager.get_by_role("spinbutton", name="% blank").fill("34")
    manager.get_by_role("button", name=re.compile("Preview")).click()
    manager.get_by_role("button", name="Apply this plan").click()
    expect(manager.locator("main")).to_contain_text("Readers get the cases that are assigned to them")


def _freeze(manager: Page, start: str) -> None:
    """Ask for a release, and wait for the worker beside the server."""
    manager.goto(f"{start}/releases/")
    manager.get_by_role("link", name=re.compile("Freeze")).first.click()
    manager.get_by_label("Name", exact=True).fill("v1")
    manager.get_by_role("button", name="Freeze", exact=True).click()
    expect(manager.get_by_role("link", name="gold.jsonl")).to_be_visible(timeout=FREEZING_MS)


def _read_all(page: Page, server: Server, slug: str, *, differs: bool) -> None:
    """Read four cases as the machine would have; one of the readers does not see the normal liver of E-2."""
    page.goto(f"{server.url}/projects/{slug}/next/")
    screen = Screen(page, server.url, slug).ready()
    if page.get_by_role("dialog").count():  # the tour of a newcomer
        page.keyboard.press("Escape")
    for _ in world.REPORTS:
        key = screen.ready().case_key
        is_blank = screen.stored()["arm"] == "blank"
        _say(screen, world.MACHINE[key], is_blank=is_blank, differs=differs and key == "E-2")
        screen.settle()
        if is_blank or key == "E-4":  # the rest was not mentioned, or two cells contradict: the chord is given again
            screen.press("Control+Enter").settle()
        with page.expect_response(lambda answer: answer.url.endswith("/submit") and answer.status == 201):
            page.keyboard.press("Control+Enter")
        # The next case, or that there is none.
        expect(page.locator(f"body.all-read, #case-key:not(:text-is('{key}'))").first).to_be_attached()


def _say(screen: Screen, said: dict[str, tuple[str, list[str]]], *, is_blank: bool, differs: bool) -> None:
    """In a blank form give every value by key; pre-filled, only what is unreadable or differs."""
    for cell, (codes, _) in said.items():
        is_other = differs and cell == "liver|normal"
        if is_blank or is_other or codes[0] == "!":
            target, finding = cell.split("|")
            screen.page.locator(f'td[aria-label^="{target}, {finding}:"]').click()
            screen.press("0" if is_other else {"+": "1", "0": "0", "!": "2"}[codes[0]])
            if is_blank and codes[0] == "+" and codes[1].isdigit():
                screen.press(f"Shift+Digit{codes[1]}")
