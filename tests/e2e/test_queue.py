"""Two readers take cases from one queue, in browser sessions of their own, and get no case twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import world
from tests.e2e.conftest import PATIENCE_MS, Server, Watch, sign_in
from tests.e2e.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

pytestmark = pytest.mark.e2e

MAKE_QUEUE = """
import sys, django
django.setup()
from annotator.models import Case, Reads
from tests.annotator.seat_worlds import add_seat, set_reads
slug, *keys = sys.argv[1:]
for case in Case.objects.filter(project__slug=slug, key__in=keys):
    set_reads(case.project, Reads.QUEUE)
    add_seat(case)
"""


@pytest.fixture
def take(browser: Browser, server: Server, watch: Watch) -> Iterator[Callable[[str, str], Screen]]:
    """Takes the next case of a project as somebody, in a browser session of their own."""
    contexts = []

    def take_it(name: str, slug: str) -> Screen:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.on("page", watch.listen)
        page = context.new_page()
        sign_in(page, server, name)
        page.clock.install()
        page.goto(f"{server.url}/projects/{slug}/next/")
        return Screen(page, server.url, slug).ready()

    yield take_it
    for context in contexts:
        context.close()


def test_a_case_on_the_screen_or_loaded_ahead_is_given_to_nobody_else(
    take: Callable[[str, str], Screen], server: Server, prefilled: str
) -> None:
    server.run("-c", MAKE_QUEUE, prefilled, *world.REPORTS)
    one = take(world.READER, prefilled)
    other = take(world.NEWCOMER, prefilled)
    seen = [one.case_key, other.case_key]
    one.page.clock.run_for(1000)  # a glance
    one.press("Control+Enter")
    one.page.locator("#case-key").filter(has_not_text=seen[0]).wait_for()
    seen.append(one.case_key)
    assert len(set(seen)) == len(seen) == 3
