"""The pictures of a series that are made at import: a thumbnail, and one image to look at while others load."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from vision.core.preview import render_png
from vision.storage import write_file

THUMBNAIL_PX: Final = 160


def write_pictures(
    stem: Path,
    pixels: NDArray[Any],
    *,
    window: Mapping[str, float],
    invert: bool,
    spacing_mm: tuple[float, float] | None,
) -> tuple[Path, Path]:
    """Write both beside `stem`; returns their paths, the thumbnail first. `pixels` (rows, columns) are in units."""
    thumbnail, preview = stem.with_suffix(".thumbnail.png"), stem.with_suffix(".preview.png")
    how: dict[str, Any] = {"center": window["center"], "width": window["width"], "invert": invert}
    write_file(thumbnail, render_png(pixels, **how, max_side=THUMBNAIL_PX, pixel_spacing_mm=spacing_mm))
    write_file(preview, render_png(pixels, **how))
    return thumbnail, preview
