"""The file meta group of a DICOM file: which transfer syntax follows, and where (PS3.10 section 7.1)."""

import re
import struct
from dataclasses import dataclass
from typing import IO, Final

from vision.core.refusals import ImageRefused

_MAX_META_BYTES: Final = 65_536
_LONG_VRS: Final = frozenset({b"OB", b"OW", b"UN", b"SQ", b"UT", b"UC", b"UR", b"OF", b"OD", b"OL", b"OV"})
_SYNTAX: Final = (0x0002, 0x0010)
_UID: Final = re.compile(rb"[0-9.]{1,64}")


@dataclass(frozen=True, slots=True)
class FileMeta:
    """`syntax` is empty where the file does not say; `n_bytes` is where the data set begins."""

    syntax: str
    n_bytes: int


def read_meta(stream: IO[bytes]) -> FileMeta:
    """The file meta of a seekable stream. Raises `ImageRefused` when it does not end or its syntax is no UID."""
    stream.seek(0)
    head = stream.read(_MAX_META_BYTES)
    at = 132 if head[128:132] == b"DICM" else 0
    syntax = ""
    while (element := _element(head, at)) is not None:
        tag, start, length = element
        if start + length > len(head):
            raise ImageRefused("the file meta information is damaged or cut off", code="damaged_header")
        if tag == _SYNTAX:
            value = head[start : start + length].rstrip(b"\0 ")
            if not _UID.fullmatch(value):
                raise ImageRefused("the transfer syntax is no UID", code="unknown_syntax")
            syntax = value.decode("ascii")
        at = start + length
    return FileMeta(syntax, at)


def _element(head: bytes, at: int) -> tuple[tuple[int, int], int, int] | None:
    """(tag, start of the value, its length) of the element of group 2 at `at`; `None` where the group ends."""
    if at + 12 > len(head):
        return None
    group, element = struct.unpack_from("<HH", head, at)
    if group != 0x0002:
        return None
    vr = head[at + 4 : at + 6]
    if not (vr.isalpha() and vr.isupper()):
        return (group, element), at + 8, int(struct.unpack_from("<I", head, at + 4)[0])
    if vr in _LONG_VRS:
        return (group, element), at + 12, int(struct.unpack_from("<I", head, at + 8)[0])
    return (group, element), at + 8, int(struct.unpack_from("<H", head, at + 6)[0])
