"""What a file is, by its first bytes and never by its name."""

import struct
import zlib
from typing import IO, Final, Literal

Kind = Literal["dicom", "nifti", "zip", "dicomdir", "other"]

SNIFF_BYTES: Final = 4096

_GZIP: Final = b"\x1f\x8b\x08"
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_NIFTI_HEADER_BYTES: Final = {348: (344, (b"n+1\0", b"ni1\0")), 540: (4, (b"n+2\0", b"ni2\0"))}
_DICOMDIR_CLASS: Final = b"1.2.840.10008.1.3.10"
_TEXT_VRS: Final = frozenset({b"UL", b"UI", b"CS", b"DA", b"TM", b"OB", b"SH", b"LO", b"DT", b"US", b"PN"})


def sniff(head: bytes, name: str = "") -> Kind:
    """What the file is that begins with `head`, its first `SNIFF_BYTES` (fewer if it is shorter).

    `name` decides nothing; it is taken so that callers need not know that. DICOM is known with and without the
    preamble of 128 bytes (PS3.10 section 7.1), NIfTI plain and gzipped.
    """
    del name
    if head[128:132] == b"DICM" or _starts_with_element(head):
        return "dicomdir" if _DICOMDIR_CLASS in head[:1024] else "dicom"
    if head.startswith(_ZIP):
        return "zip"
    if head.startswith(_GZIP):
        head = _gunzipped(head)
    return "nifti" if _is_nifti(head) else "other"


def sniff_stream(stream: IO[bytes], name: str = "") -> Kind:
    """`sniff` for a seekable stream, which is left at its start."""
    stream.seek(0)
    head = stream.read(SNIFF_BYTES)
    stream.seek(0)
    return sniff(head, name)


def _starts_with_element(head: bytes) -> bool:
    """Whether `head` begins with an element of the file meta group or of group 8: DICOM without a preamble."""
    if len(head) < 8:
        return False
    for order in "<>":
        group, element = struct.unpack_from(f"{order}HH", head)
        if group not in (0x0002, 0x0008) or element > 0x0060:
            continue
        if head[4:6] in _TEXT_VRS:
            return True
        length = struct.unpack_from("<I", head, 4)[0]
        if order == "<" and group == 0x0008 and length <= 1024 and length % 2 == 0 and _is_followed(head, length):
            return True
    return False


def _is_followed(head: bytes, length: int) -> bool:
    """Whether an implicit element of `length` bytes is followed by a later one of the same group."""
    if len(head) < 12 + length:
        return False
    group, element = struct.unpack_from("<HH", head, 8 + length)
    return bool(group == 0x0008 and element > struct.unpack_from("<H", head, 2)[0])


def _gunzipped(head: bytes) -> bytes:
    """The first bytes of what is packed in `head`; empty when it is damaged."""
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 1024)
    except zlib.error:
        return b""


def _is_nifti(head: bytes) -> bool:
    if len(head) < 348:
        return False
    for order in "<>":
        header_bytes = struct.unpack_from(f"{order}i", head)[0]
        if header_bytes in _NIFTI_HEADER_BYTES:
            at, magics = _NIFTI_HEADER_BYTES[header_bytes]
            return head[at : at + 4] in magics
    return False
