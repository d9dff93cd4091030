"""The reading page as a test sees it: keys in, words and stored labels out."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

# A chord on a case that has only just appeared is not taken as a submission.
SETTLE_MS = 500


class Screen:
    """One tab with the reading page."""

    def __init__(self, page: Page, url: str, slug: str) -> None:
        self.page = page
        self.url = url
        self.slug = slug

    def open(self, key: str = "E-1") -> Screen:
        """Open a case by its id, by way of the worklist."""
        self.page.goto(f"{self.url}/projects/{self.slug}/")
        self.page.get_by_role("link", name=key, exact=True).click()
        return self.ready()

    def ready(self) -> Screen:
        self.page.locator("td.cell.focus").wait_for()
        return self

    def press(self, *keys: str) -> Screen:
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def settle(self) -> Screen:
        """Wait as long as a glance at a new case takes."""
        self.page.wait_for_timeout(SETTLE_MS)
        return self

    def cell(self, key: str) -> str:
        """What the table says of a cell, in words."""
        target, finding = key.split("|")
        label = self.page.locator(f'td[aria-label^="{target}, {finding}:"]').get_attribute("aria-label") or ""
        return label.split(": ", 1)[1]

    @property
    def focused(self) -> str:
        """The cell that has the keyboard, as `target|finding`."""
        label = self.page.locator("td.cell:focus").get_attribute("aria-label") or ""
        return label.split(":")[0].replace(", ", "|")

    @property
    def case_key(self) -> str:
        return self.page.locator("#case-key").inner_text()

    @property
    def save_state(self) -> str:
        return self.page.locator("#save-state").inner_text()

    @property
    def counts(self) -> str:
        return self.page.locator("#counts").inner_text()

    def wait_saved(self) -> Screen:
        self.page.locator("#save-state", has_text=re.compile(r"^saved")).wait_for()
        return self

    def wait_case(self, key: str) -> Screen:
        self.page.locator("#case-key", has_text=key).wait_for()
        return self

    def stored(self) -> dict[str, Any]:
        """The case as the server has it now."""
        address = self.page.url.replace("/projects/", "/api/projects/", 1).rstrip("/")
        return self.page.request.get(address).json()

    def stored_cell(self, key: str, *, of: str = "draft") -> str:
        """Value and urgency that the server has for a cell."""
        schema = self.page.locator("#schema-data").text_content() or ""

        index = json.loads(schema)["cells"].index(key)
        labels = self.stored()[of]
        return labels["values"][index] + labels["urgencies"][index]
