"""A manager invites somebody, who makes an account in a browser of their own and reads; another link is of no use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import world
from tests.e2e.conftest import Server, Watch, sign_in
from tests.e2e.test_pages import violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.e2e


@pytest.fixture
def new_page(browser: Browser, watch: Watch):
    """Makes pages in sessions of their own."""
    contexts = []

    def make() -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.on("page", watch.listen)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


def test_invited_stranger_makes_an_account_and_reads(new_page, server: Server, blank: str, axe_source: str) -> None:
    manager, stranger = new_page(), new_page()
    sign_in(manager, server, world.MANAGER)
    manager.goto(f"{server.url}/projects/{blank}/members/")
    assert violations(manager, axe_source) == []
    manager.get_by_label("For whom").fill("Dr. Ann Example")
    manager.keyboard.press("Enter")
    link = manager.get_by_label("Link for Dr. Ann Example").input_value()
    assert violations(manager, axe_source) == []

    stranger.goto(link)
    assert violations(stranger, axe_source) == []
    stranger.get_by_label("User name").fill(f"ann-{blank}")
    stranger.get_by_label("Password", exact=True).fill(world.PASSWORD)
    stranger.get_by_label("Password again").fill(world.PASSWORD)
    stranger.keyboard.press("Enter")
    stranger.get_by_role("link", name="E-1", exact=True).wait_for()
    assert stranger.get_by_text(f"You belong to Browser test {blank} now.").is_visible()

    manager.goto(f"{server.url}/projects/{blank}/members/")
    assert manager.get_by_role("group", name=f"Roles of ann-{blank}").get_by_label("reader").is_checked()
    assert manager.get_by_text("Dr. Ann Example").count() == 0
    manager.get_by_role("button", name=f"Remove ann-{blank}").click()
    manager.get_by_text("no longer belongs to this project").wait_for()
