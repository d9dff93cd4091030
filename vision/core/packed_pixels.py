"""Compressed pixels without what else is packed with them: comments, application data, boxes, bytes after the end.

Only what a decoder of grey pixels reads is copied; entropy-coded data are copied as they stand.
"""

import re
import struct
from typing import Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.encoders.base import RLELosslessEncoder

from vision.core.frames import decode_frame
from vision.core.syntaxes import require_known_syntax

_RLE: Final = "1.2.840.10008.1.2.5"
_OFFSET_TABLES: Final = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")
_DAMAGE: Final = (ValueError, TypeError, LookupError, EOFError, RuntimeError, AttributeError, struct.error)

# JPEG (ITU-T T.81 table B.1) and JPEG-LS (T.87 table C.1): frames, tables, restart interval, number of lines, scan.
_JPEG_KEPT: Final = (frozenset(range(0xC0, 0xD0)) - {0xC8}) | {0xDA, 0xDB, 0xDC, 0xDD, 0xF7, 0xF8}
_JPEG_LS_FRAME: Final = 0xF7
_JPEG_LS_PARAMETERS: Final = 0xF8
_START_OF_SCAN: Final = 0xDA
_JPEG_END: Final = 0xD9
# The next marker after entropy-coded data, which holds FF only before 0 and restarts (JPEG-LS: before a 0 bit).
_AFTER_SCAN: Final = re.compile(rb"\xff+[\x01-\xcf\xd8-\xfe]", re.DOTALL)
_AFTER_LS_SCAN: Final = re.compile(rb"\xff+[\x80-\xcf\xd8-\xfe]", re.DOTALL)

# JPEG 2000 (T.800 table A.2; CAP, PRF and CPF of T.814) without the comment (64) and the lengths of tile-parts (55),
# which are no longer those of the result.
_J2K_KEPT: Final = frozenset({0x50, 0x51, 0x52, 0x53, 0x56, 0x57, 0x58, 0x59, 0x5C, 0x5D, 0x5E, 0x5F, 0x60, 0x61, 0x63})
_J2K_START: Final = b"\xff\x4f"
_J2K_END: Final = b"\xff\xd9"
_TILE_PART: Final = b"\xff\x90"
_START_OF_DATA: Final = b"\xff\x93"
_JP2_START: Final = b"\0\0\0\x0cjP  "


def bare_pixels(dataset: Dataset) -> bool:
    """Leave only pixels in the PixelData of `dataset`: one fragment a frame, without words; values stay the same.

    False where compressed data cannot be followed; then nothing is changed, and the pixels are better transcoded.
    Uncompressed pixels stay as they are.
    """
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    if not require_known_syntax(syntax).is_encapsulated:
        return True
    n_frames = int(dataset.get("NumberOfFrames") or 1)
    try:
        if syntax == _RLE:
            frames = [_packed_again(dataset, frame) for frame in range(n_frames)]
        else:
            frames = [bare_codestream(frame) for frame in generate_frames(dataset.PixelData, number_of_frames=n_frames)]
        if len(frames) != n_frames:
            return False
        value = encapsulate(frames, has_bot=n_frames > 1)
    except _DAMAGE:
        return False
    if value != dataset.PixelData:
        dataset.PixelData = value
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    for keyword in _OFFSET_TABLES:
        if keyword in dataset:
            delattr(dataset, keyword)
    return True


def bare_codestream(frame: bytes) -> bytes:
    """A JPEG, JPEG-LS or JPEG 2000 codestream without comments, application data, boxes and what follows its end.

    Raises `ValueError` for one that cannot be followed from mark to mark.
    """
    try:
        if frame[:2] == b"\xff\xd8":
            return _bare_jpeg(frame)
        return _bare_j2k(_out_of_boxes(frame) if frame.startswith(_JP2_START) else frame)
    except (IndexError, struct.error) as error:
        raise ValueError("the codestream ends early") from error


def _packed_again(dataset: Dataset, frame: int) -> bytes:
    """RLE made anew: what stood beside the bytes that its decoder read is not carried over."""
    pixels = decode_frame(dataset, frame)
    return RLELosslessEncoder.encode(
        np.ascontiguousarray(pixels),
        encoding_plugin="pylibjpeg",
        rows=dataset.Rows,
        columns=dataset.Columns,
        samples_per_pixel=1,
        number_of_frames=1,
        bits_allocated=dataset.BitsAllocated,
        bits_stored=dataset.BitsAllocated,
        pixel_representation=dataset.PixelRepresentation,
        photometric_interpretation=str(dataset.PhotometricInterpretation),
    )


def _bare_jpeg(frame: bytes) -> bytes:
    parts, at, after_scan = [frame[:2]], 2, _AFTER_SCAN
    while True:
        if frame[at] != 0xFF:
            raise ValueError("no mark where one should be")
        marker = frame[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == _JPEG_END:
            return b"".join((*parts, b"\xff\xd9"))
        end = at + 2 + _length(frame, at + 2)
        if marker in _JPEG_KEPT and not (marker == _JPEG_LS_PARAMETERS and frame[at + 4] != 1):
            parts.append(frame[at:end])
        after_scan = _AFTER_LS_SCAN if marker == _JPEG_LS_FRAME else after_scan
        if marker == _START_OF_SCAN:
            found = after_scan.search(frame, end)
            if found is None:
                raise ValueError("the scan has no end")
            parts.append(frame[end : found.start()])
            end = found.start()
        at = end


def _out_of_boxes(frame: bytes) -> bytes:
    """The codestream of a JP2 file (T.800 section I.4)."""
    at = 0
    while at < len(frame):
        n_bytes, kind = struct.unpack_from(">I4s", frame, at)
        head = 8
        if n_bytes == 1:
            n_bytes, head = struct.unpack_from(">Q", frame, at + 8)[0], 16
        if kind == b"jp2c":
            return frame[at + head : at + n_bytes if n_bytes else len(frame)]
        if n_bytes < head:
            break
        at += n_bytes
    raise ValueError("no codestream in the boxes")


def _bare_j2k(frame: bytes) -> bytes:
    if frame[:2] != _J2K_START:
        raise ValueError("no codestream")
    header, at = _kept_segments(frame, 2, until=_TILE_PART)
    parts = [_J2K_START, header]
    while frame[at : at + 2] == _TILE_PART:
        n_bytes = struct.unpack_from(">I", frame, at + 6)[0]
        end = at + n_bytes if n_bytes else frame.index(_J2K_END, at + 12)
        if _length(frame, at + 2) != 10 or end > len(frame):
            raise ValueError("a tile-part is cut off")
        segments, start = _kept_segments(frame, at + 12, until=_START_OF_DATA)
        if end < start:
            raise ValueError("a tile-part is shorter than its head")
        body = frame[start:end]
        parts += [frame[at : at + 6], struct.pack(">I", 12 + len(segments) + len(body)), frame[at + 10 : at + 12]]
        parts += [segments, body]
        at = end
    if frame[at : at + 2] != _J2K_END:
        raise ValueError("the codestream has no end")
    return b"".join((*parts, _J2K_END))


def _kept_segments(frame: bytes, at: int, *, until: bytes) -> tuple[bytes, int]:
    """The marker segments from `at` that are kept, and where the mark `until` stands."""
    kept = []
    while frame[at : at + 2] != until:
        if frame[at] != 0xFF:
            raise ValueError("no mark where one should be")
        end = at + 2 + _length(frame, at + 2)
        if frame[at + 1] in _J2K_KEPT:
            kept.append(frame[at:end])
        at = end
    return b"".join(kept), at


def _length(frame: bytes, at: int) -> int:
    n_bytes = int(struct.unpack_from(">H", frame, at)[0])
    if n_bytes < 2 or at + n_bytes > len(frame):
        raise ValueError("a segment is cut off")
    return n_bytes


__all__ = ["bare_codestream", "bare_pixels"]
