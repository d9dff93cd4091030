"""Transfer syntaxes: how pixels may be packed, and who can unpack them."""

from dataclasses import dataclass
from typing import Final

from pydicom.uid import UID

from vision.core.refusals import ImageRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """One transfer syntax. `is_kept`: stored as it came; the others are stored as Explicit VR Little Endian.

    `browser` is what the viewer's image loader (Cornerstone3D 5.14) has a decoder for, `server` what `decode_frame`
    has one for. `note` says why a syntax that the browser could decode is not kept.
    """

    uid: str
    name: str
    is_encapsulated: bool
    server: bool = True
    browser: bool = True
    is_lossy: bool = False
    is_kept: bool = True
    note: str = ""


def _plain(uid: str, name: str, note: str = "") -> Syntax:
    return Syntax(uid=uid, name=name, is_encapsulated=False, is_kept=not note, note=note)


def _packed(uid: str, name: str, note: str = "", *, is_lossy: bool = False, server: bool = True) -> Syntax:
    return Syntax(
        uid=uid, name=name, is_encapsulated=True, server=server, is_lossy=is_lossy, is_kept=not note, note=note
    )


_DEFLATED: Final = "byte ranges and bounded memory need plain bytes"
# Measured on the examples in tests/vision/core/test_frames.py against GDCM, which agrees with the uncompressed image.
_TWELVE_BITS: Final = "the browser's decoder is 15 stored values (30 HU) too high at 12 bits, more where progressive"
_ALL: Final = (
    _plain("1.2.840.10008.1.2", "Implicit VR Little Endian"),
    _plain("1.2.840.10008.1.2.1", "Explicit VR Little Endian"),
    _plain("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", _DEFLATED),
    _plain("1.2.840.10008.1.2.2", "Explicit VR Big Endian", "retired by the standard"),
    _packed("1.2.840.10008.1.2.5", "RLE Lossless"),
    _packed("1.2.840.10008.1.2.4.50", "JPEG Baseline (Process 1)", is_lossy=True),
    _packed("1.2.840.10008.1.2.4.51", "JPEG Extended (Process 2 and 4)", _TWELVE_BITS, is_lossy=True),
    _packed("1.2.840.10008.1.2.4.53", "JPEG Spectral Selection (Process 6 and 8)", _TWELVE_BITS, is_lossy=True),
    _packed("1.2.840.10008.1.2.4.55", "JPEG Full Progression (Process 10 and 12)", _TWELVE_BITS, is_lossy=True),
    _packed("1.2.840.10008.1.2.4.57", "JPEG Lossless (Process 14)"),
    _packed("1.2.840.10008.1.2.4.70", "JPEG Lossless (Process 14, Selection Value 1)"),
    _packed("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless"),
    _packed("1.2.840.10008.1.2.4.81", "JPEG-LS Near-lossless", is_lossy=True),
    _packed("1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless"),
    _packed("1.2.840.10008.1.2.4.91", "JPEG 2000", is_lossy=True),
    _packed("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 Lossless"),
    _packed("1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000 RPCL Lossless"),
    _packed("1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000", is_lossy=True),
    _packed("1.2.840.10008.1.2.4.110", "JPEG XL Lossless", server=False),
    _packed("1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression", server=False, is_lossy=True),
    _packed("1.2.840.10008.1.2.4.112", "JPEG XL", server=False, is_lossy=True),
)

KNOWN_SYNTAXES: Final = {syntax.uid: syntax for syntax in _ALL}
EXPLICIT_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"


def require_known_syntax(uid: str) -> Syntax:
    """The syntax of that UID. Raises `ImageRefused` (`unknown_syntax`) for one that the server cannot decode."""
    syntax = KNOWN_SYNTAXES.get(uid)
    if syntax is not None and syntax.server:
        return syntax
    name = syntax.name if syntax else UID(uid).name
    raise ImageRefused(
        f"the pixels are packed as {name}, which cannot be unpacked here; export them uncompressed or as JPEG 2000",
        code="unknown_syntax",
    )
