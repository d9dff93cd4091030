"""From one case to the next with two series side by side: no pixel of the case before stays on the screen."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e import galleries
from tests.e2e.screen import Screen
from tests.e2e.viewing import Images

pytestmark = pytest.mark.e2e

# White is 247 on the screen, black 13; a border or a word that is left over is not as bright all over.
BRIGHT = 165


class Gate:
    """Requests that do not go on until the test lets them."""

    def __init__(self):
        self.waiting = []
        self.is_open = False

    def take(self, route):
        if self.is_open:
            route.continue_()
        else:
            self.waiting.append(route)

    def open(self):
        self.is_open = True
        for route in self.waiting:
            route.continue_()


@pytest.fixture(scope="module")
def pairs(server):
    """White cases with two series each, followed by black ones."""
    server.run(str(Path(galleries.__file__)), galleries.PAIRS)
    return galleries.PAIRS


@pytest.fixture
def compared(context, server, pairs):
    """Opens a case in a page to which no picture of `held` cases comes, and lays its two series side by side."""

    def open_it(key, held=()):
        numbers = set()
        for other in held:
            page = Screen(context.new_page(), server.url, pairs).open(other).page
            numbers |= {each["id"] for each in Images(page).manifest()["series"]}
            page.close()
        page = context.new_page()
        gate = Gate()
        for number in numbers:
            for what in ("pack", "preview*", "thumbnail*"):
                page.route(f"**/series/{number}/{what}", gate.take)
        screen = Screen(page, server.url, pairs).open(key)
        images = Images(page).ready()
        images.press("c").has(layout="two")
        # Both white, so that what is looked for below would be seen.
        assert [value_in(images, pane) for pane in (0, 3)] == list(galleries.LEVELS_HU[key])
        assert all(is_white(images, pane) for pane in (0, 3))
        screen.press("Escape")
        return screen, images, gate

    return open_it


def value_in(images, pane):
    """The value in the middle of a pane."""
    box = images.pane(pane).bounding_box()
    return images.read((box["width"] / 2, box["height"] / 2), pane)[0]


def is_white(images, pane):
    """Whether any part of a pane is as bright as the white cases are."""
    return bool((images.pixels(pane).min(axis=2)[2:-2, 2:-2] > BRIGHT).any())


def go_on(screen, key):
    screen.settle().press("Control+Enter").wait_case(key)


@pytest.mark.parametrize(
    ("key", "between", "following"), [("white-1", (), "black-1"), ("white-3", ("nothing",), "black-3")]
)
def test_both_panes_are_empty_until_the_next_case_has_come(compared, key, between, following):
    screen, images, gate = compared(key, held=[following])
    for each in between:
        go_on(screen, each)
        expect(screen.page.locator("#image-pane")).to_be_hidden()
    go_on(screen, following)
    images.has(state="loading", layout="two")
    expect(images.pane(3)).to_be_visible()
    assert gate.waiting
    assert [is_white(images, pane) for pane in (0, 3)] == [False, False]
    assert [value_in(images, pane) for pane in (0, 3)] == [None, None]
    gate.open()
    images.ready()
    for pane, level in zip((0, 3), galleries.LEVELS_HU[following], strict=True):
        expect(images.pane(pane).locator(".painted canvas").first).to_be_visible()
        assert value_in(images, pane) == level
        assert not is_white(images, pane)


def test_the_second_pane_goes_away_with_a_case_of_one_series(compared):
    screen, images, _ = compared("white-2")
    go_on(screen, "black-2")
    images.ready().has(layout="mpr")
    expect(images.pane(3)).to_be_hidden()
    assert value_in(images, 0) == galleries.LEVELS_HU["black-2"][0]
    assert not any(is_white(images, pane) for pane in range(4) if images.pane(pane).is_visible())
