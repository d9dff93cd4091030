"""The image pane as a test sees it: pixels, what the pointer reads, and where a place in the patient is drawn."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from PIL import Image
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from playwright.sync_api import Locator, Page

OVERLAYS = ".vp-overlay, .vp-place, .vp-readout, .vp-letter, .vp-warning, .viewer-legend, .toasts, #toasts"
# Drawn two frames after the hooks say so.
DRAWN_MS = 120
# A machine that is busy with other tests decodes slowly.
PATIENCE_MS = 20_000


class Images:
    """The viewer of a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.viewer = page.locator(".viewer")

    def ready(self) -> Images:
        """Wait until the first picture is drawn and everything has come."""
        expect(self.viewer).to_have_attribute("data-state", "ready", timeout=PATIENCE_MS)
        expect(self.viewer).to_have_attribute("data-loaded", "true", timeout=PATIENCE_MS)
        return self

    def has(self, **hooks: object) -> Images:
        """Wait until the viewer says so of itself: `image=30` is data-image="30"."""
        for name, value in hooks.items():
            expect(self.viewer).to_have_attribute(f"data-{name.replace('_', '-')}", str(value), timeout=PATIENCE_MS)
        return self

    def press(self, *keys: str) -> Images:
        """Keys for the image pane."""
        self.page.locator("#image-pane").focus()
        for key in keys:
            self.page.keyboard.press(key)
        self.page.wait_for_timeout(DRAWN_MS)
        return self

    def pane(self, number: int = 0) -> Locator:
        """0 is the plane of acquisition, 3 the second series beside it."""
        return self.viewer.locator(f".vp[data-pane='{number}']")

    def read(self, spot: Sequence[float], pane: int = 0) -> tuple[float | None, NDArray[np.float64] | None]:
        """Value and LPS millimetres that the viewer gives for a spot of a pane, in CSS pixels from its corner."""
        element = self.pane(pane)
        box = cast("Any", element.bounding_box())
        self.page.mouse.move(box["x"] + spot[0], box["y"] + spot[1])
        value, position = element.get_attribute("data-value"), element.get_attribute("data-position")
        point = None if position is None else np.array(position.split(), dtype=float)
        return (None if value is None else float(value)), point

    def spot_of(self, world_lps: NDArray[np.float64], pane: int = 0) -> NDArray[np.float64]:
        """Where a place in the patient is drawn on a pane, by what the viewer reads at three other spots."""
        size = cast("Any", self.pane(pane).bounding_box())
        spots = np.array([[0.5, 0.5], [0.6, 0.5], [0.5, 0.6]]) * [size["width"], size["height"]]
        points = [self.read(spot, pane)[1] for spot in spots]
        assert all(point is not None for point in points), "the viewer says no place"
        origin, across, down = np.array(points, dtype=float)
        steps = np.column_stack(
            [(across - origin) / (spots[1] - spots[0])[0], (down - origin) / (spots[2] - spots[0])[1]]
        )
        moved, *_ = np.linalg.lstsq(steps, world_lps - origin, rcond=None)
        return np.asarray(spots[0] + moved)

    def click(self, world_lps: NDArray[np.float64], pane: int = 0) -> Images:
        """Click on a place in the patient."""
        x, y = self.on_page(self.spot_of(world_lps, pane), pane)
        self.page.mouse.click(x, y)
        self.page.wait_for_timeout(DRAWN_MS)
        return self

    def drag(self, start_lps: NDArray[np.float64], end_lps: NDArray[np.float64], *, release: bool = True) -> Images:
        """Drag from one place in the patient to another."""
        start, end = (self.on_page(self.spot_of(point)) for point in (start_lps, end_lps))
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*((a + b) / 2 for a, b in zip(start, end, strict=True)))
        self.page.mouse.move(*end)
        if release:
            self.page.mouse.up()
        return self

    def on_page(self, spot: Sequence[float] | NDArray[np.float64], pane: int = 0) -> tuple[float, float]:
        """The spot of a pane in pixels of the page."""
        box = cast("Any", self.pane(pane).bounding_box())
        return box["x"] + float(spot[0]), box["y"] + float(spot[1])

    def pixels(self, pane: int = 0) -> NDArray[np.float64]:
        """What is on the screen in a pane as (row, column, RGB), without the writing over it."""
        self._set_overlays("hidden")
        self.page.mouse.move(2, 2)
        self.page.wait_for_timeout(DRAWN_MS)
        shot = np.asarray(Image.open(io.BytesIO(self.page.screenshot())).convert("RGB"), dtype=float)
        self._set_overlays("")
        box = cast("Any", self.pane(pane).bounding_box())
        left, top = round(box["x"]), round(box["y"])
        return shot[top : top + int(box["height"]), left : left + int(box["width"])]

    def brightest(self, pane: int = 0, *, least: float = 165) -> NDArray[np.float64]:
        """The middle of the pixels over a grey level, from the corner of the pane."""
        rows, columns = np.nonzero(self.pixels(pane).min(axis=2)[2:-2, 2:-2] > least)
        assert rows.size, "nothing is bright"
        assert max(np.ptp(rows), np.ptp(columns)) < 200, "more than one place is bright"
        return np.array([columns.mean() + 2.5, rows.mean() + 2.5])

    def grey(self, spot: Sequence[float] | NDArray[np.float64], pane: int = 0) -> float:
        """Grey level on the screen at a spot."""
        return float(self.pixels(pane)[int(spot[1]), int(spot[0])].mean())

    def manifest(self) -> dict[str, Any]:
        """What the server says of the images of the case on the screen."""
        address = self.page.url.replace("/projects/", "/api/projects/", 1).rstrip("/")
        return cast("dict[str, Any]", self.page.request.get(f"{address}/images").json())

    def _set_overlays(self, visibility: str) -> None:
        script = (
            "([chosen, how]) => document.querySelectorAll(chosen).forEach((each) => { each.style.visibility = how; })"
        )
        self.page.evaluate(script, [OVERLAYS, visibility])
