"""Small grey pictures of slices, and the window in which an image is first shown."""

import io
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vision.core.headers import InstanceHeader

_CT_SOFT_TISSUE: Final = (40.0, 400.0)
_PERCENTILES: Final = (1.0, 99.0)
# What stretching alone may lead to.
_MAX_SIDE: Final = 4_096


def render_png(
    values: NDArray[Any],
    *,
    center: float,
    width: float,
    invert: bool = False,
    max_side: int | None = None,
    pixel_spacing_mm: tuple[float, float] | None = None,
) -> bytes:
    """An 8-bit grey PNG of a slice (rows, columns), windowed as PS3.3 section C.11.2.1.2 has it (linear exact).

    `pixel_spacing_mm` (between rows, between columns) stretches the coarser side, so that millimetres are equal both
    ways. `max_side` bounds the longer side in pixels; without it and with square pixels none is interpolated. What is
    not a number is black.
    """
    low = center - width / 2
    grey = np.clip((values.astype(np.float32) - low) / np.float32(max(width, 1e-6)), 0, 1) * np.float32(255)
    pixels = np.nan_to_num(grey).round().astype(np.uint8)
    image = Image.fromarray(255 - pixels if invert else pixels)
    size = _size(values.shape, max_side=max_side, pixel_spacing_mm=pixel_spacing_mm)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def default_window(
    modality: str, header: InstanceHeader | None = None, sample: NDArray[Any] | None = None
) -> tuple[float, float]:
    """(center, width) in the units shown: the header's own, soft tissue for CT, else what `sample` spans.

    `sample` holds values in the same units; its darkest and brightest hundredths are left out.
    """
    if header is not None and header.window_center is not None and (header.window_width or 0) >= 1:
        return header.window_center, float(header.window_width or 1)
    if modality == "CT" and (header is None or header.units == "HU"):
        return _CT_SOFT_TISSUE
    if sample is None or not sample.size:
        return 128.0, 256.0
    finite = sample[np.isfinite(sample)] if sample.dtype.kind == "f" else sample
    if not finite.size:
        return 128.0, 256.0
    low, high = (float(value) for value in np.percentile(finite, _PERCENTILES))
    return (low + high) / 2, max(high - low, 1e-6 if sample.dtype.kind == "f" else 1.0)


def _size(
    shape: tuple[int, ...], *, max_side: int | None, pixel_spacing_mm: tuple[float, float] | None
) -> tuple[int, int]:
    """(width, height) in pixels."""
    height, width = float(shape[0]), float(shape[1])
    if pixel_spacing_mm is not None:
        row_mm, column_mm = pixel_spacing_mm
        finest = min(row_mm, column_mm)
        height, width = height * row_mm / finest, width * column_mm / finest
    largest = max(_MAX_SIDE, *shape) if max_side is None else max_side
    if max(height, width) > largest:
        scale = largest / max(height, width)
        height, width = height * scale, width * scale
    return max(1, round(width)), max(1, round(height))
