"""Images beside the report: every pixel where it belongs, with its value, its mask and its words."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.conftest import CHROMIUM_FLAGS, chromium
from tests.e2e import pictures, world
from tests.e2e.conftest import sign_in
from tests.e2e.screen import Screen
from tests.e2e.viewing import Images

pytestmark = pytest.mark.e2e

# Half a CSS pixel of the pane is less than this in every volume here.
PLACE_MM = 0.12
# Says that the graphics come from a chip, so that the browser's software drawing counts as WebGL.
LOOKS_LIKE_A_CHIP = """
  for (const kind of [WebGLRenderingContext, WebGL2RenderingContext]) {
    const ask = kind.prototype.getParameter;
    kind.prototype.getParameter = function (name) {
      return name === 0x9246 || name === 0x1f01 ? "Graphics chip" : ask.call(this, name);
    };
  }
"""


@pytest.fixture
def open_images(open_screen, gallery):
    """Opens a case of the gallery and waits until its images are there."""

    def open_it(key):
        screen = open_screen(gallery, key)
        return screen, Images(screen.page).ready()

    return open_it


def check_bright(images, volume, pane, tolerance_mm=PLACE_MM):
    """The bright voxel is seen where the viewer says that it is, has its value, and is bright alone."""
    spot = images.brightest(pane)
    value, position = images.read(spot, pane)
    assert value == pictures.BRIGHT_HU
    assert position[:] == pytest.approx(plane_foot(images, pane, volume), abs=tolerance_mm)


def plane_foot(images, pane, volume):
    """The bright voxel's place; the pane runs through it, so that it is its own foot."""
    return volume.world(volume.bright)


def cross_through(images, volume):
    """Run all planes through the bright voxel."""
    i, j, k = volume.bright
    images.press("m", "Home", *["ArrowDown"] * k, "3", "x").has(image=k)
    images.click(volume.world(volume.bright)).has(cursor=f"{i} {j} {k}")


def test_a_known_voxel_is_seen_and_read_at_its_place_in_all_planes(open_images):
    volume = pictures.oblique()
    _, images = open_images("oblique")
    cross_through(images, volume)
    for pane in (0, 1, 2):
        check_bright(images, volume, pane)


def test_a_volume_with_turned_and_flipped_axes_lies_as_a_patient_does(open_images):
    volume = pictures.flipped()
    _, images = open_images("flipped")
    i, j, k = volume.bright
    # Values of NIfTI have no unit: "wide" shows all of them.
    images.press("Home", *["ArrowDown"] * k, "2", "x").has(image=k)
    images.click(volume.world(volume.bright)).has(cursor=f"{i} {j} {k}")
    for pane in (0, 1, 2):
        check_bright(images, volume, pane)
    axial = images.viewer.locator(".vp[data-plane=axial] .vp-letter")
    assert axial.all_inner_texts() == ["R", "L", "A", "P"]
    coronal = images.viewer.locator(".vp[data-plane=coronal] .vp-letter")
    assert coronal.all_inner_texts() == ["R", "L", "S", "I"]


@pytest.fixture(params=["chip", "none"])
def other_browser(request, browser, signed_in, watch):
    """A browser that draws with WebGL, and one that has none at all."""
    args = ["--disable-3d-apis"] if request.param == "none" else []
    another = browser.browser_type.launch(executable_path=chromium(), args=[*CHROMIUM_FLAGS, *args])
    context = another.new_context(storage_state=signed_in, viewport={"width": 1920, "height": 1080})
    context.on("page", watch.listen)
    if request.param == "chip":
        context.add_init_script(LOOKS_LIKE_A_CHIP)
    yield context, "webgl" if request.param == "chip" else "cpu"
    another.close()


def test_with_and_without_webgl_pixels_and_values_are_the_same(other_browser, server, gallery, watch):
    watch.expected = ("GPU stall", "GL Driver Message")
    context, renderer = other_browser
    volume = pictures.oblique()
    screen = Screen(context.new_page(), server.url, gallery).open("oblique")
    images = Images(screen.page).ready().has(renderer=renderer)
    images.press("m", "Home", *["ArrowDown"] * volume.bright[2], "3")
    check_bright(images, volume, 0)
    index = (3, 18, volume.bright[2])
    spot = images.spot_of(volume.world(index))
    assert images.read(spot)[0] == volume.value(index)
    assert images.grey(spot) == pytest.approx(grey(volume.value(index), center=400, width=1800), abs=2)


def grey(value, *, center, width):
    """What DICOM PS3.3 C.11.2.1.2 makes of a value."""
    return float(np.clip(((value - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255))


def test_window_presets_draw_the_grey_levels_that_they_stand_for(open_images):
    volume = pictures.oblique()
    _, images = open_images("oblique")
    images.press("m", "Home", *["ArrowDown"] * 4)
    chosen = [(2, 3, 4), (10, 12, 4), (17, 20, 4)]
    for key, center, width in (("1", 40, 400), ("2", 60, 160), ("3", 400, 1800), ("4", -600, 1500), ("5", 40, 80)):
        images.press(key).has(window=f"{center}/{width}")
        spots = [images.spot_of(volume.world(index)) for index in chosen]
        shot = images.pixels()
        seen = [shot[int(y), int(x)].mean() for x, y in spots]
        assert seen == pytest.approx([grey(volume.value(index), center=center, width=width) for index in chosen], abs=2)
    images.press("1", "i")
    assert images.grey(spots[1]) == pytest.approx(255 - grey(volume.value(chosen[1]), center=40, width=400), abs=2)


def hex_rgb(color):
    return np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)], dtype=float)


def check_mask(images, labels, spots, colours, pane=0):
    """At the middle of every voxel the pane has the colour that the label map says, and none elsewhere."""
    shot = images.pixels(pane)
    wrong = []
    for place, (x, y) in spots.items():
        seen, label = shot[int(y), int(x)], int(labels[place])
        colour = colours[label] if label else np.full(3, seen.mean())
        if np.abs(seen - colour).max() > 12:
            wrong.append((place, label, tuple(seen)))
    assert wrong == []


def test_a_mask_covers_exactly_the_voxels_that_it_labels(open_images):
    volume = pictures.oblique()
    _, images = open_images("oblique")
    classes = images.manifest()["series"][0]["masks"][0]["classes"]
    colours = {each["value"]: hex_rgb(each["color"]) for each in classes}
    assert set(colours) == {pictures.LIVER, pictures.SPLEEN}
    assert {each["value"]: each["n_voxels"] for each in classes} == {
        value: int((volume.labels == value).sum()) for value in colours
    }
    images.press(*["."] * 7, "Home", *["ArrowDown"] * 5).has(image=5)
    spots = {(j, i): images.spot_of(volume.world((i, j, 5))) for j in range(24) for i in (0, 19)}
    for j in range(24):
        first, last = spots[j, 0], spots[j, 19]
        spots |= {(j, i): first + (last - first) * i / 19 for i in range(20)}
    check_mask(images, volume.labels[5], spots, colours)


def test_the_mask_of_the_real_ct_lies_on_its_organs(open_screen, real_gallery):
    screen = open_screen(real_gallery, "real")
    images = Images(screen.page).ready()
    screen.press("l")
    place = images.manifest()["targets"]["liver"]
    images.has(target="liver")
    centre = np.array(place["centre_lps_mm"])
    value, position = images.read(images.spot_of(centre))
    # The portal-venous phase of this CT: liver tissue, neither fat nor air.
    assert 40 < value < 180
    assert position == pytest.approx(centre, abs=1)
    images.click(centre)
    expect(images.viewer.locator(".viewer-legend .emphasised")).to_have_text("liver")


def test_a_citation_in_the_report_shows_that_picture(open_images):
    screen, images = open_images("two")
    screen.page.get_by_role("button", name=re.compile("series 2, image 31")).or_(
        screen.page.get_by_role("link", name=re.compile("series 2, image 31"))
    ).click()
    series = {each["number"]: each["id"] for each in images.manifest()["series"]}
    images.has(series=series[2], image_number=31)
    assert images.read((200, 200))[0] == 310
    screen.page.locator("#report-place").get_by_text("se 5/im 4").click()
    images.has(series=series[5], image_number=4)
    assert images.read((200, 200))[0] == 40


def test_focusing_a_target_goes_to_its_organ_and_a_click_in_a_mask_to_its_row(open_images):
    volume = pictures.oblique()
    screen, images = open_images("work-0")
    targets = images.manifest()["targets"]
    for letter, target, value in (("l", "liver", pictures.LIVER), ("s", "spleen", pictures.SPLEEN)):
        screen.press("Escape", letter)
        images.has(target=target)
        index = np.linalg.inv(volume.affine_lps) @ [*targets[target]["centre_lps_mm"], 1]
        i, j, k = np.rint(index[:3]).astype(int)
        assert volume.labels[k, j, i] == value
        images.has(cursor=f"{i} {j} {k}")
        # Not at an end of an organ that is as wide everywhere.
        assert volume.labels[[k - 1, k + 1], j, i].tolist() == [value, value]
    images.click(volume.world((7, 10, k))).has(target="liver")
    assert screen.page.locator("td.cell.focus").get_attribute("aria-label").startswith("liver, ")
    images.has(cursor=f"{i} {j} {k}").click(volume.world((1, 1, k))).has(target="liver")
    images.press("Home").has(image=0)
    screen.press("Escape", "s")
    images.has(target="spleen", cursor=f"{i} {j} {k}")


def test_series_side_by_side_scroll_to_the_same_place(open_images):
    _, images = open_images("two")
    images.press("c").has(layout="two")
    other = images.pane(3)
    expect(other).to_be_visible()
    images.press("Home", *["ArrowDown"] * 12).has(image=12)
    # 12 x 1 mm and 3 x 4 mm from the same start; alone it would stand in its middle.
    expect(other).to_have_attribute("data-picture", "3")
    images.press("k", "Home").has(image=0)
    expect(other).to_have_attribute("data-picture", "3")
    box = other.bounding_box()
    assert images.read((box["width"] / 2, box["height"] / 2), pane=3)[0] == 40


def test_a_stack_that_is_no_volume_warns_and_stays_a_stack(open_images):
    _, images = open_images("unequal")
    warning = images.pane(0).locator(".vp-warning")
    expect(warning).to_be_visible()
    expect(warning).not_to_have_text("")
    assert [pane for pane in range(4) if images.pane(pane).is_visible()] == [0]
    images.press("End").has(image=len(pictures.UNEQUAL_MM) - 1)
    value, position = images.read((200, 200))
    assert (value, position[2]) == (10 * len(pictures.UNEQUAL_MM), pytest.approx(pictures.UNEQUAL_MM[-1]))


def measured(screen, of="draft"):
    return screen.stored()[of]["body"].get("measurements", [])


def test_a_length_has_its_millimetres_survives_a_reload_and_belongs_to_the_reading(open_images, watch):
    # The page that goes away may send its last seconds after the new one has come.
    watch.expected = ("409",)
    volume = pictures.oblique()
    screen, images = open_images("work-1")
    images.press("Home", *["ArrowDown"] * 4, "l").has(image=4, tool="length")
    start, end = volume.world((3, 4, 4)), volume.world((15, 19, 4))
    images.drag(start, end).has(measurements=1)
    screen.wait_saved()
    (mark,) = measured(screen)
    # 12 columns of 0.8 mm and 15 rows of 1.2 mm.
    assert mark["stats"]["length_mm"] == pytest.approx(np.hypot(12 * 0.8, 15 * 1.2), abs=0.1)
    assert np.array(mark["points_lps_mm"]) == pytest.approx(np.array([start, end]), abs=PLACE_MM)
    assert mark["image"] == 4
    screen.page.reload()
    screen.ready()
    images.ready().has(measurements=1)
    images.press("Home", *["ArrowDown"] * 4)
    expect(images.pane(0).locator("[data-mark]")).to_contain_text("20.4 mm")
    screen.press("Escape").settle().press("Control+Enter").wait_case("work-2")
    Images(screen.page).ready().has(measurements=0)
    assert [each["id"] for each in measured(screen.open("work-1"), of="reading")] == [mark["id"]]


def test_probe_and_ellipse_measure_the_voxels_under_them_and_can_be_undone(open_images):
    volume = pictures.oblique()
    screen, images = open_images("work-3")
    images.press("Home", *["ArrowDown"] * 6, "b").has(image=6, tool="probe")
    images.click(volume.world(volume.bright)).has(measurements=1)
    images.press("e").has(tool="ellipse")
    images.drag(volume.world((3, 8, 6)), volume.world((9, 16, 6))).has(measurements=2)
    screen.wait_saved()
    probe, ellipse = measured(screen)
    assert probe["stats"] == {"units": "HU", "value": pictures.BRIGHT_HU}
    inside = [
        volume.value((i, j, 6))
        for i in range(20)
        for j in range(24)
        if ((i - 6) / 3) ** 2 + ((j - 12) / 4) ** 2 <= 1 - 1e-6
    ]
    # Voxels on the very edge may fall to either side of a mouse's half pixel.
    assert ellipse["stats"]["mean"] == pytest.approx(np.mean(inside), abs=2)
    assert abs(ellipse["stats"]["n_voxels"] - len(inside)) <= 4
    assert ellipse["stats"]["area_mm2"] == pytest.approx(np.pi * 3 * 0.8 * 4 * 1.2, rel=0.03)
    images.press("Control+z").has(measurements=1)
    screen.wait_saved()
    assert [each["id"] for each in measured(screen)] == [probe["id"]]


def test_another_projects_members_get_no_byte_of_the_images(open_images, browser, server):
    _, images = open_images("oblique")
    address = images.page.url.replace("/projects/", "/api/projects/", 1).rstrip("/")
    series = images.manifest()["series"][0]
    base = f"{server.url}/api/projects/{pictures.SLUG}/series/{series['id']}"
    paths = [f"{address}/images", f"{base}/images/0.dcm"]
    paths += [f"{server.url}{path}" for path in (series["url"], series["thumbnail"], series["preview"]["url"])]
    paths += [f"{server.url}{series['masks'][0]['url']}"]
    assert [images.page.request.get(path).status for path in paths] == [200] * len(paths)
    context = browser.new_context()
    page = context.new_page()
    anonymous = [page.request.get(path, max_redirects=0).status for path in paths]
    assert all(status in (302, 401, 403) for status in anonymous)
    sign_in(page, server, pictures.OUTSIDER)
    assert page.request.get(f"{server.url}/projects/{world.slug_of('blank', 0)}/").status == 200
    for headers in ({}, {"Range": "bytes=0-99"}):
        assert [page.request.get(path, headers=headers).status for path in paths] == [404] * len(paths)
    context.close()
