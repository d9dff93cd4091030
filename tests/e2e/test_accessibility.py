"""What comes and goes is accessible too: the steps of the tour, and the window for the images alone."""

import pytest
from playwright.sync_api import expect

from tests.e2e.viewing import Images

pytestmark = pytest.mark.e2e

N_STEPS = 6


@pytest.fixture(scope="module")
def toured(shelf):
    """A project that is only looked at."""
    return next(shelf.pictured)


@pytest.fixture(params=["dark", "light"])
def theme(request, context, server):
    """A browser in which everything has this theme."""
    context.add_cookies([{"name": "theme", "value": request.param, "url": server.url}])
    return request.param


def check(page, axe_source, theme):
    """Everything that axe objects to, however small, with the elements."""
    assert (page.locator("html").get_attribute("data-theme") == "light") == (theme == "light")
    page.evaluate(axe_source)
    found = page.evaluate(
        "async () => (await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => [n.html, n.failureSummary])])"
    )
    assert found == []


def test_every_step_of_the_tour_is_accessible(open_screen, toured, axe_source, theme):
    screen = open_screen(toured)
    page = screen.page
    Images(page).ready()
    screen.press("?")
    page.get_by_role("button", name="Show me round").click()
    tour = page.get_by_role("dialog")
    titles = []
    for step in range(1, N_STEPS + 1):
        expect(tour).to_contain_text(f"{step} of {N_STEPS}")
        titles.append(tour.get_by_role("heading").inner_text())
        # Its name and its words are what a screen reader says of it, and the keyboard is in it.
        expect(tour).to_have_accessible_name(titles[-1])
        expect(tour).to_have_accessible_description(page.locator("#tour-text").inner_text())
        assert tour.evaluate("(note) => note.contains(document.activeElement)")
        check(page, axe_source, theme)
        screen.press("Enter")
    expect(tour).to_have_count(0)
    assert len(set(titles)) == N_STEPS


def test_the_window_for_the_images_is_accessible(open_screen, gallery, axe_source, theme, context):
    screen = open_screen(gallery, "oblique")
    Images(screen.page).ready()
    with context.expect_page() as opened:
        screen.press("Alt+3")
    window = opened.value
    images = Images(window).ready()
    expect(window.locator("#link-state")).to_have_text("led by the reading window")
    window.bring_to_front()
    # A place under the pointer, with value and organ, is written over the picture.
    images.press("b").has(tool="probe").read((200, 200))
    check(window, axe_source, theme)
    images.press("c", "Escape")
    check(window, axe_source, theme)
    window.close()
    screen.press("Alt+2")


def test_the_window_for_the_images_is_accessible_without_a_reading_page(
    open_screen, gallery, axe_source, theme, context
):
    screen = open_screen(gallery, "oblique")
    address = screen.page.url.rstrip("/") + "/viewer/"
    screen.page.close()
    window = context.new_page()
    window.goto(address)
    expect(window.locator("#link-state")).to_contain_text("no reading window")
    Images(window).ready()
    check(window, axe_source, theme)
