"""A manager brings in labels from Label Studio: uploaded, looked at, imported, and read as pre-fill."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e import world
from tests.e2e.conftest import Server, Watch, sign_in
from tests.e2e.screen import Screen
from tests.e2e.test_pages import violations

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.e2e

QUOTE = "The liver contains a 2.1 cm hypodense lesion."


@pytest.fixture
def page(browser: Browser, server: Server, watch: Watch):
    """The page of a manager who has signed in."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.on("page", watch.listen)
    page = context.new_page()
    sign_in(page, server, world.MANAGER)
    yield page
    context.close()


def task(key: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    data = {"report_id": key, "text": world.REPORTS.get(key, "")}
    prediction = {"model_version": "llama-7", "result": results}
    return {"id": 1, "data": data, "annotations": [], "predictions": [prediction]}


def export_file(folder: Path) -> Path:
    """An export as an old version of Label Studio wrote it: places are counted in units of UTF-16."""
    text = world.REPORTS["E-1"]
    start = len(text[: text.index(QUOTE)].encode("utf-16-le")) // 2
    marked = {"start": start, "end": start + len(QUOTE), "text": QUOTE, "labels": ["liver|focal|present"]}
    rating = {"from_name": "liver__focal__urgency", "type": "rating", "value": {"rating": 2}}
    tasks = [
        task("E-1", [{"id": "r1", "from_name": "evidence", "type": "labels", "value": marked}, rating]),
        task("E-2", [{"from_name": "spleen__normal", "type": "choices", "value": {"choices": ["present"]}}]),
        task("E-99", [{"from_name": "spleen__normal", "type": "choices", "value": {"choices": ["absent"]}}]),
        task("E-3", [{"from_name": "splen__normal", "type": "choices", "value": {"choices": ["present"]}}]),
    ]
    path = folder / "export.json"
    path.write_text(json.dumps(tasks, ensure_ascii=False), encoding="utf-8")
    return path


def facts(page: Page) -> dict[str, str]:
    names = page.locator(".facts dt").all_inner_texts()
    return dict(zip(names, page.locator(".facts dd").all_inner_texts(), strict=True))


def test_labels_are_uploaded_looked_at_imported_and_read(
    page: Page, server: Server, blank: str, tmp_path: Path, axe_source: str
) -> None:
    page.goto(f"{server.url}/projects/{blank}/runs/import/")
    assert violations(page, axe_source) == []
    page.get_by_label("File of labels").set_input_files(export_file(tmp_path))
    page.get_by_role("button", name="Upload and look at it").click()
    page.wait_for_url("**/runs/import/*/")
    said = facts(page)
    assert said["Format"] == "Label Studio JSON"
    assert said["Reports of this project"] == "2 of 4"
    assert (said["Label sets to import"], said["Reports not here"], said["Refused"]) == ("2", "1", "2")
    assert "'splen__normal' is no cell of the schema" in page.locator("main").inner_text()
    for theme in ("dark", "light"):
        page.evaluate("(theme) => document.documentElement.setAttribute('data-theme', theme)", theme)
        assert violations(page, axe_source) == []
    page.get_by_label("Readers start from").select_option(label="these labels")
    page.get_by_role("button", name="Import as a run").click()
    page.get_by_role("heading", name="Runs").wait_for()
    assert violations(page, axe_source) == []
    assert facts(page)["Label sets imported"] == "2"
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    assert "E-99" in download.value.path().read_text(encoding="utf-8")

    screen = Screen(page, server.url, blank).open("E-1")
    assert screen.cell("liver|focal") == "present, urgency medium"
    prefill = screen.stored()["prefill"]
    text = world.REPORTS["E-1"]
    ((start, end),) = prefill["cells"]["liver|focal"]["evidence"]
    assert text[start:end] == QUOTE
    assert screen.cell("spleen|normal") == "not decided"
