"""A manager sends a folder of images through the page, and sees what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import world
from tests.e2e.conftest import Server, Watch, sign_in
from tests.vision.image_files import write_slices

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.e2e


@pytest.fixture
def page(browser: Browser, server: Server, watch: Watch):
    """The page of a manager who has signed in."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.on("page", watch.listen)
    page = context.new_page()
    sign_in(page, server, world.MANAGER)
    yield page
    context.close()


def test_folder_is_sent_imported_and_accounted_for(page: Page, server: Server, blank: str, tmp_path: Path) -> None:
    write_slices(tmp_path / "exam" / "E-1", n=95)
    (tmp_path / "exam" / "notes.txt").write_text("nothing")
    page.goto(f"{server.url}/projects/{blank}/images/")
    page.get_by_label("or a folder").set_input_files(tmp_path / "exam")
    assert "96 files" in page.locator("[data-upload-note]").inner_text()
    page.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_url("**/images/results/*/")
    page.get_by_role("heading", name="Stored series").wait_for(timeout=60_000)
    facts = dict(
        zip(page.locator(".facts dt").all_inner_texts(), page.locator(".facts dd").all_inner_texts(), strict=True)
    )
    assert (facts["Images"], facts["Series"], facts["Files refused"]) == ("95", "1", "1")
    assert "neither DICOM nor NIfTI" in page.locator("main").inner_text()
    page.get_by_role("link", name="E-1", exact=True).click()
    page.wait_for_url("**/cases/*/")


def test_server_that_goes_away_is_said_and_nothing_is_lost(
    page: Page, server: Server, blank: str, tmp_path: Path, watch: Watch
) -> None:
    watch.expected = ("ERR_FAILED", "net::")
    paths = write_slices(tmp_path / "E-1")
    page.goto(f"{server.url}/projects/{blank}/images/")
    page.get_by_label("Files or ZIP archives").set_input_files(paths)
    page.route("**/image-uploads", lambda route: route.abort())
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("The files could not be sent").wait_for()
    assert page.get_by_role("button", name="Import", exact=True).is_enabled()
