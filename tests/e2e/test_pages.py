"""Every page: room on the screen, accessibility in dark and light, browser rules."""

import pytest
from playwright.sync_api import expect

from tests.e2e import world
from tests.e2e.conftest import sign_in

pytestmark = pytest.mark.e2e

PAGES = {
    "projects": "/",
    "new project": "/projects/new/",
    "password": "/password/",
    "worklist": "/projects/{slug}/",
    "nothing found": "/projects/{slug}/?q=nothing-is-called-this",
    "schema": "/projects/{slug}/schema/",
    "imports": "/projects/{slug}/imports/",
    "exports": "/projects/{slug}/exports/",
    "import of labels": "/projects/{slug}/runs/import/",
    "members": "/projects/{slug}/members/",
    "start a run": "/projects/{slug}/runs/new/",
    "runs": "/projects/{slug}/runs/",
    "compare runs": "/projects/{slug}/runs/compare/",
    "prompts": "/projects/{slug}/runs/prompts/?labeler=leavs&target=liver&finding=focal",
    "cases": "/projects/{slug}/cases/",
    "notes": "/projects/{slug}/notes/",
    "guidelines": "/projects/{slug}/guidelines/",
    "guideline": "/projects/{slug}/guidelines/text/?finding=focal",
    "not found": "/projects/there-is-no-such-project/",
    "read": "/projects/{slug}/next/",
}
# What makes a page unusable for somebody; smaller remarks are listed by axe as moderate or minor.
GRAVE = {"serious", "critical"}
# What the viewer needs of the browser, on the reading page alone: codecs in WebAssembly, sizes set on elements.
ALLOWED_WITH_IMAGES = ("script-src 'self' 'wasm-unsafe-eval';", "style-src-attr 'unsafe-inline';")


@pytest.fixture(scope="module")
def project(shelf):
    """A project that is only looked at."""
    return next(shelf.prefilled)


@pytest.fixture(scope="module")
def state_of(browser, server):
    """Who is signed in, by name, as a browser keeps it."""
    states = {}
    for name in (world.MANAGER, world.READER):
        context = browser.new_context()
        sign_in(context.new_page(), server, name)
        states[name] = context.storage_state()
        context.close()
    return states


def violations(page, axe_source):
    page.evaluate(axe_source)
    found = page.evaluate("() => axe.run().then((result) => result.violations)")
    return [
        (each["id"], each["nodes"][0]["target"], each["nodes"][0]["failureSummary"])
        for each in found
        if each["impact"] in GRAVE
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible_and_keeps_the_browser_rules(
    browser, server, state_of, watch, project, axe_source, name, theme
):
    watch.expected = ("404",) if name == "not found" else ()
    state = state_of[world.READER if name == "read" else world.MANAGER]
    context = browser.new_context(storage_state=state, viewport={"width": 1280, "height": 800})
    context.add_cookies([{"name": "theme", "value": theme, "url": server.url}])
    context.on("page", watch.listen)
    page = context.new_page()
    response = page.goto(server.url + PAGES[name].format(slug=project))
    if name == "read":
        page.locator("td.cell.focus").wait_for()
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    for what in ALLOWED_WITH_IMAGES if name == "read" else ():
        policy = policy.replace(what, "")
    assert "unsafe" not in policy
    assert (page.locator("html").get_attribute("data-theme") == "light") == (theme == "light")
    assert violations(page, axe_source) == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    context.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_sign_in_is_accessible(browser, server, watch, axe_source, theme):
    context = browser.new_context()
    context.add_cookies([{"name": "theme", "value": theme, "url": server.url}])
    context.on("page", watch.listen)
    page = context.new_page()
    page.goto(f"{server.url}/login/")
    assert violations(page, axe_source) == []
    context.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_dialogs_and_marked_cells_are_accessible(open_screen, prefilled, axe_source, context, server, theme):
    context.add_cookies([{"name": "theme", "value": theme, "url": server.url}])
    screen = open_screen(prefilled).press("g", "f", "1", "Shift+2", "i", "l", "f").settle()
    assert violations(screen.page, axe_source) == []
    for key in ("?", "Control+Enter"):
        screen.press(key)
        expect(screen.page.get_by_role("dialog")).to_be_visible()
        assert violations(screen.page, axe_source) == []
        screen.press("Escape")


def test_theme_is_kept(open_screen, prefilled):
    screen = open_screen(prefilled)
    html = screen.page.locator("html")
    assert html.get_attribute("data-theme") is None
    screen.page.get_by_role("button", name="Light", exact=True).click()
    expect(html).to_have_attribute("data-theme", "light")
    screen.page.reload()
    expect(html).to_have_attribute("data-theme", "light")


@pytest.mark.parametrize("images", [False, True])
@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1280, 800)])
def test_all_99_cells_fit_beside_the_report_without_scrolling(open_screen, project, width, height, images):
    screen = open_screen(project)
    page = screen.page
    page.set_viewport_size({"width": width, "height": height})
    if images:
        page.evaluate("() => { document.getElementById('image-pane').hidden = false; }")
    boxes = page.evaluate(
        """() => [...document.querySelectorAll("td[data-cell]")].map((cell) => {
             const box = cell.getBoundingClientRect();
             const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
             return [box.left, box.top, box.right, box.bottom, box.width, cell.contains(top)];
           })"""
    )
    assert len(boxes) == 99
    report = page.locator("#report-pane").bounding_box()
    for left, top, right, bottom, cell_width, is_uncovered in boxes:
        assert left >= report["x"] + report["width"]
        assert top >= 0
        assert right <= width
        assert bottom <= height
        assert cell_width >= 24  # the least size of a target, WCAG 2.2 2.5.8
        assert is_uncovered
    assert report["width"] >= 360
    assert page.evaluate("() => document.documentElement.scrollHeight <= window.innerHeight")
    submit = page.locator("#submit-button").bounding_box()
    assert submit["x"] + submit["width"] <= width
    names = page.locator(".cells tbody th").evaluate_all("cells => cells.map((c) => c.scrollWidth <= c.clientWidth)")
    assert all(names)
