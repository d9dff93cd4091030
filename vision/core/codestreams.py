"""What a compressed frame says of its own size, read before a decoder makes room for it."""

import struct
from typing import Final

_FRAME_MARKERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_STANDALONE: Final = frozenset(range(0xD0, 0xD9)) | {0x01}
_J2K_START: Final = b"\xff\x4f\xff\x51"
_JP2_BOX: Final = b"jp2c"


def codestream_size(frame: bytes) -> tuple[int, int, int] | None:
    """(rows, columns, samples) of a JPEG, JPEG-LS or JPEG 2000 codestream; `None` where none is found.

    Sources: ITU-T T.81 section B.2.2, T.87 section C.2.2, T.800 section A.5.1.
    """
    if frame[:2] == b"\xff\xd8":
        return _jpeg_size(frame)
    at = (
        0 if frame.startswith(_J2K_START) else frame.find(_J2K_START, frame.find(_JP2_BOX)) if _JP2_BOX in frame else -1
    )
    if at < 0 or len(frame) < at + 42:
        return None
    right, bottom, left, top = struct.unpack_from(">4I", frame, at + 8)
    samples = struct.unpack_from(">H", frame, at + 40)[0]
    return bottom - top, right - left, samples


def _jpeg_size(frame: bytes) -> tuple[int, int, int] | None:
    at = 2
    while at + 4 <= len(frame):
        if frame[at] != 0xFF:
            return None
        marker = frame[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _STANDALONE:
            at += 2
        elif marker in _FRAME_MARKERS and at + 10 <= len(frame):
            rows, columns, samples = struct.unpack_from(">HHB", frame, at + 5)
            return rows, columns, samples
        else:
            at += 2 + int(struct.unpack_from(">H", frame, at + 2)[0])
    return None
