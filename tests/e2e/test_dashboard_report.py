"""The report in a browser: accessible, for paper, and as one file that needs nothing else."""

import pytest

from tests.e2e import world
from tests.e2e.conftest import PATIENCE_MS, sign_in

pytestmark = pytest.mark.e2e

SLUG = "reported"
MAKE_STUDY = """
import django, sys
django.setup()
from annotator.core.figure_requests import Kind
from annotator.selectors.figure_pages import request_of
from annotator.services.figures import ask, compute
from tests.study import make_study
study = make_study(sys.argv[1], preset="abdomen-ct", n_cases=20, seed=4)
study.manager.set_password(sys.argv[2])
study.manager.save()
for kind in (Kind.LABELER, Kind.READERS):
    request = request_of(study.project, kind, {"level": "groups"})
    ask(project=study.project, actor=study.manager, request=request, send=compute)
"""


@pytest.fixture(scope="module")
def study(server):
    server.run("-c", MAKE_STUDY, SLUG, world.PASSWORD)
    return SLUG


@pytest.fixture(params=["dark", "light"])
def page(request, browser, server, watch, study):
    """The report as the manager sees it."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.on("page", watch.listen)
    context.set_default_timeout(PATIENCE_MS)
    context.add_cookies([{"name": "theme", "value": request.param, "url": server.url}])
    page = context.new_page()
    sign_in(page, server, f"{SLUG}-manager")
    page.goto(f"{server.url}/projects/{study}/dashboard/report/?level=groups")
    page.locator("figure[data-plot='bars'] svg").wait_for()
    yield page
    context.close()


def test_the_report_is_accessible(page, axe_source):
    page.evaluate(axe_source)
    found = page.evaluate("async () => (await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => n.html)])")
    assert found == []


def test_the_report_is_saved_as_a_file_that_opens_alone(page, browser, tmp_path):
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as one HTML file").click()
    path = tmp_path / "report.html"
    download.value.save_as(path)
    assert download.value.suggested_filename.startswith(f"evaluation-{SLUG}-2")
    asked = []
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 800})
    alone = context.new_page()
    alone.on("request", lambda request: asked.append(request.url))
    alone.on("console", lambda message: asked.append(message.text))
    alone.goto(path.as_uri())
    assert asked == [path.as_uri()]
    assert alone.locator("figure svg").count() == page.locator("#report figure svg").count() == 3
    assert alone.locator("script, button, a[href], form").count() == 0
    assert alone.locator("#cells tbody tr").count() == page.locator("#report #cells tbody tr").count() == 63
    assert alone.locator("html").get_attribute("data-theme") == "light"
    context.close()


def test_on_paper_the_report_is_light_and_stands_alone(page):
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("html").get_attribute("data-theme") == "light"
    for name in (".site-header", ".sub-tabs", ".figures-form", ".report-tools", ".plot-tools"):
        assert not page.locator(name).first.is_visible()
    assert page.locator("#report").is_visible()
    before = page.context.cookies()
    theme = next(cookie["value"] for cookie in before if cookie["name"] == "theme")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert (page.locator("html").get_attribute("data-theme") == "light") == (theme == "light")
