"""Images when things go wrong: two tabs, two windows, reloads, a slow network, a server that is killed."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.e2e import pictures
from tests.e2e.screen import Screen
from tests.e2e.viewing import Images

pytestmark = pytest.mark.e2e

PATIENCE_MS = 30_000


class Held:
    """Requests for image bytes that do not go on until the test lets them."""

    def __init__(self, page, n_free):
        self.waiting = []
        self.n_free = n_free
        self.is_open = False
        page.route("**/pack", self.take)

    def take(self, route):
        self.n_free -= 1
        if self.is_open or self.n_free >= 0:
            route.continue_()
        else:
            self.waiting.append(route)

    def let_go(self):
        self.is_open = True
        for route in self.waiting:
            route.continue_()
        self.waiting.clear()


@pytest.fixture
def open_held(context, server):
    """Opens a case whose pictures do not come; gives the screen, its images and what holds them."""

    def open_it(slug, key, n_free=0):
        page = context.new_page()
        held = Held(page, n_free)
        screen = Screen(page, server.url, slug).open(key)
        return screen, Images(page), held

    return open_it


def places(page):
    """Where everything stands that a hand may be on."""
    chosen = "#report-pane, #cells-pane, #image-pane, td.cell.focus, .viewer-panes, .viewer-tools, .viewer-slider"
    return page.evaluate(
        """(chosen) => [...document.querySelectorAll(chosen)].map((each) => {
          const box = each.getBoundingClientRect();
          return [each.id || each.className, ...[box.x, box.y, box.width, box.height].map(Math.round)];
        })""",
        chosen,
    )


def test_while_pictures_are_on_their_way_the_page_works_and_nothing_moves(open_held, real_gallery):
    screen, images, held = open_held(real_gallery, "real")
    page = screen.page
    images.has(state="loading", loaded="false")
    preview = images.pane(0).locator(".vp-preview")
    expect(preview).to_be_visible()
    page.wait_for_function("document.querySelector('.vp-preview').naturalWidth === 512")
    assert held.waiting
    early = images.pixels()
    before = places(page)
    # A cell that no other test of this case changes.
    screen.press("Escape", "g", "f", "0").wait_saved()
    assert screen.stored_cell("gallbladder|focal") == "0_"
    screen.press("Backspace").wait_saved()
    held.let_go()
    images.ready()
    expect(preview).to_be_hidden()
    images.press("m")
    after = places(page)
    assert [place for place in after if "focus" not in place[0]] == [
        place for place in before if "focus" not in place[0]
    ]
    # The preview stood where the picture stands and looked like it.
    late = images.pixels()
    assert np.abs(early - late).mean() < 12


def test_a_reload_while_pictures_come_and_in_a_half_drawn_measurement_leaves_no_trace(open_held, gallery, watch):
    # The page that goes away may send its last seconds after the new one has come.
    watch.expected = ("409",)
    screen, images, held = open_held(gallery, "work-4")
    page = screen.page
    images.has(state="loading")
    screen.press("Escape", "l", "f", "0").wait_saved()
    page.reload()
    screen.ready()
    held.let_go()
    images.ready()
    assert screen.cell("liver|focal").startswith("absent")
    volume = pictures.oblique()
    images.press("Home", *["ArrowDown"] * 4, "l").has(image=4, tool="length")
    images.drag(volume.world((3, 4, 4)), volume.world((15, 19, 4)), release=False)
    expect(images.pane(0).locator("[data-mark]")).to_have_count(1)
    page.reload()
    screen.ready()
    images.ready().has(measurements=0)
    page.mouse.up()
    assert "measurements" not in screen.stored()["draft"]["body"]
    assert screen.stored_cell("liver|focal") == "0_"
    images.press("Home", *["ArrowDown"] * 4, "l")
    images.drag(volume.world((3, 4, 4)), volume.world((15, 19, 4))).has(measurements=1)
    screen.wait_saved()
    assert len(screen.stored()["draft"]["body"]["measurements"]) == 1


def test_a_server_killed_while_pictures_come_is_waited_for_and_nothing_is_lost(open_held, real_gallery, server, watch):
    watch.expected = ("Failed to load resource", "ERR_")
    screen, images, held = open_held(real_gallery, "real", n_free=1)
    expect(images.viewer.locator(".viewer-status")).to_have_text(re.compile("^[1-9][0-9]? %$"), timeout=PATIENCE_MS)
    screen.press("Escape", "l", "f", "0").wait_saved()
    images.has(loaded="false")
    server.kill()
    try:
        held.let_go()
        screen.press("s", "e", "1")
        expect(screen.page.locator("#save-state")).to_contain_text("not saved")
        expect(images.viewer.locator(".viewer-status")).to_contain_text("trying again", timeout=PATIENCE_MS)
    finally:
        server.start()
    screen.page.locator("#save-state").click()
    screen.wait_saved()
    assert (screen.stored_cell("liver|focal"), screen.stored_cell("spleen|enlarged")) == ("0_", "+_")
    expect(images.viewer).to_have_attribute("data-loaded", "true", timeout=PATIENCE_MS)
    expect(images.viewer.locator(".viewer-status")).to_have_text("")
    place = images.manifest()["targets"]["liver"]
    assert images.read(images.spot_of(np.array(place["centre_lps_mm"])))[0] is not None


def test_two_tabs_with_images_settle_a_conflict_and_keep_the_measurement(open_screen, gallery, watch):
    watch.expected = ("409",)
    volume = pictures.oblique()
    one, two = open_screen(gallery, "work-5"), open_screen(gallery, "work-5")
    first, second = (Images(each.page) for each in (one, two))
    second.ready()
    one.page.bring_to_front()
    first.ready().press("Home", *["ArrowDown"] * 4, "l").has(image=4)
    first.drag(volume.world((3, 4, 4)), volume.world((15, 19, 4))).has(measurements=1)
    one.press("Escape", "l", "f", "0").wait_saved()
    two.page.bring_to_front()
    two.press("Escape", "l", "f", "3")
    dialog = two.page.get_by_role("dialog")
    expect(dialog).to_contain_text("changed in two places")
    dialog.get_by_label("liver, focal: keep this window").check()
    two.press("Control+Enter")
    expect(dialog).to_have_count(0)
    two.wait_saved()
    assert two.stored_cell("liver|focal") == "~_"
    assert [mark["kind"] for mark in two.stored()["draft"]["body"]["measurements"]] == ["length"]
    second.has(measurements=1, state="ready")
    second.press("Home", *["ArrowDown"] * 4)
    expect(second.pane(0).locator("[data-mark]")).to_have_count(1)


def test_a_window_with_the_images_follows_the_target_and_measures_for_the_reading(context, open_screen, gallery):
    volume = pictures.oblique()
    screen = open_screen(gallery, "work-6")
    Images(screen.page).ready()
    with context.expect_page() as opened:
        screen.press("Alt+3")
    window = opened.value
    images = Images(window).ready()
    screen.page.bring_to_front()
    for letter, target in (("l", "liver"), ("s", "spleen"), ("l", "liver")):
        screen.press("Escape", letter)
        images.has(target=target)
    window.bring_to_front()
    # The row of the reading page follows a click in the other window.
    images.click(volume.world((14, 17, 5))).has(target="spleen")
    expect(screen.page.locator("td.cell.focus")).to_have_attribute("aria-label", re.compile("^spleen, "))
    window.locator(".viewer [data-tool=length]").click()
    images.drag(volume.world((3, 4, 5)), volume.world((15, 19, 5))).has(measurements=1)
    screen.page.bring_to_front()
    screen.wait_saved()
    assert len(screen.stored()["draft"]["body"]["measurements"]) == 1
    screen.settle().press("Control+Enter").wait_case("work-7")
    expect(window.locator("#case-key")).to_have_text("work-7")
    images.ready().has(measurements=0)
    window.close()
    Images(screen.page).ready().has(measurements=0)
    screen.press("Alt+2")
