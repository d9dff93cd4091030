"""Where the pixel data of a file begins and ends, found without reading it, and whether all of it is there."""

import struct
from dataclasses import dataclass
from typing import IO, Final

from vision.core.headers import InstanceHeader
from vision.core.refusals import ImageRefused

_PIXEL_DATA: Final = (0x7FE0, 0x0010)
_FLOAT_PIXEL_DATA: Final = ((0x7FE0, 0x0008), (0x7FE0, 0x0009))
_ITEM: Final = (0xFFFE, 0xE000)
_END: Final = (0xFFFE, 0xE0DD)
_UNDEFINED: Final = 0xFFFFFFFF
_LONG_VRS: Final = (b"OB", b"OW", b"UN", b"OF", b"OD")


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """The value of PixelData: `n_bytes` from `offset`; encapsulated values are items, the end mark left out."""

    offset: int
    n_bytes: int
    is_encapsulated: bool
    n_fragments: int = 0


def locate_pixels(
    stream: IO[bytes], header: InstanceHeader, *, is_implicit: bool, is_little_endian: bool
) -> PixelLayout:
    """The layout of the pixel data element at the stream's position.

    Raises `ImageRefused`: `no_pixels`, `truncated` when less is there than rows, columns, frames and bits (or the
    element itself) say, `damaged_pixels` for fragments that cannot be followed.
    """
    order = "<" if is_little_endian else ">"
    length = _element_length(stream, order, is_implicit=is_implicit)
    offset = stream.tell()
    n_left = stream.seek(0, 2) - offset
    if length == _UNDEFINED:
        return _follow_fragments(stream, offset, header)
    expected = (header.rows * header.columns * header.n_frames * header.bits_allocated + 7) // 8
    there = min(length, n_left)
    if there < expected:
        raise ImageRefused(
            f"the pixel data is cut off: {there:,} bytes of {expected:,} ({header.rows} rows x {header.columns} "
            f"columns x {header.n_frames} frames of {header.bits_allocated} bits)",
            code="truncated",
        )
    return PixelLayout(offset, expected, is_encapsulated=False)


def _element_length(stream: IO[bytes], order: str, *, is_implicit: bool) -> int:
    head = stream.read(8)
    if len(head) < 8:
        raise ImageRefused("the file ends before its pixel data", code="no_pixels")
    tag = struct.unpack_from(f"{order}HH", head)
    if tag in _FLOAT_PIXEL_DATA:
        raise ImageRefused("pixels are floating-point numbers, expected integers", code="unsupported_pixels")
    if tag != _PIXEL_DATA:
        raise ImageRefused("the header says it is an image, but there is no pixel data", code="no_pixels")
    if is_implicit:
        return int(struct.unpack_from(f"{order}I", head, 4)[0])
    if head[4:6] not in _LONG_VRS:
        raise ImageRefused("the pixel data has an unknown value representation", code="damaged_pixels")
    long_length = stream.read(4)
    if len(long_length) < 4:
        raise ImageRefused("the file ends before its pixel data", code="truncated")
    return int(struct.unpack(f"{order}I", long_length)[0])


def _follow_fragments(stream: IO[bytes], offset: int, header: InstanceHeader) -> PixelLayout:
    """Steps from item to item by their lengths (PS3.5 section A.4); items are little endian."""
    n_file = stream.seek(0, 2)
    at, n_items = offset, 0
    while True:
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8:
            raise ImageRefused(
                f"the pixel data is cut off after {max(0, n_items - 1)} fragments: its end mark is missing",
                code="truncated",
            )
        group, element, length = struct.unpack("<HHI", head)
        if (group, element) == _END:
            break
        if (group, element) != _ITEM or length == _UNDEFINED:
            raise ImageRefused("the fragments of the pixel data cannot be followed", code="damaged_pixels")
        if at + 8 + length > n_file:
            raise ImageRefused(
                f"the pixel data is cut off: {n_file - at - 8:,} bytes of a fragment of {length:,}", code="truncated"
            )
        at, n_items = at + 8 + length, n_items + 1
    n_fragments = n_items - 1
    if n_fragments < header.n_frames:
        raise ImageRefused(
            f"the pixel data has {max(0, n_fragments)} fragments for {header.n_frames} frames", code="truncated"
        )
    return PixelLayout(offset, at - offset, is_encapsulated=True, n_fragments=n_fragments)
