"""Pixels of one frame as the numbers that were stored, whatever they are packed in."""

import zlib
from typing import Any, Final

import gdcm
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import ExplicitVRLittleEndian

from vision.core.codestreams import codestream_size
from vision.core.headers import SEGMENTATION_CLASSES
from vision.core.quiet import quiet_pydicom
from vision.core.refusals import ImageRefused
from vision.core.syntaxes import KNOWN_SYNTAXES, Syntax, require_known_syntax

__all__ = ["KNOWN_SYNTAXES", "Syntax", "decode_frame", "needs_transcoding", "to_units", "transcode"]

Pixels = NDArray[Any]

_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
_RLE: Final = "1.2.840.10008.1.2.5"
_BY_GDCM: Final = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (51, 53, 55))
_BASELINE: Final = "1.2.840.10008.1.2.4.50"
# The decoder that pydicom takes by default is whichever comes first; these were compared with one another.
_PLUGINS: Final = {
    _RLE: "pylibjpeg",
    _BASELINE: "pillow",
    "1.2.840.10008.1.2.4.57": "gdcm",
    "1.2.840.10008.1.2.4.70": "gdcm",
    "1.2.840.10008.1.2.4.80": "pyjpegls",
    "1.2.840.10008.1.2.4.81": "pyjpegls",
    "1.2.840.10008.1.2.4.90": "pylibjpeg",
    "1.2.840.10008.1.2.4.91": "pylibjpeg",
    "1.2.840.10008.1.2.4.201": "pylibjpeg",
    "1.2.840.10008.1.2.4.202": "pylibjpeg",
    "1.2.840.10008.1.2.4.203": "pylibjpeg",
}
_DAMAGE: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zlib.error,
)
_COMPRESSED_ONLY: Final = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")


def decode_frame(dataset: Dataset, frame: int = 0) -> Pixels:
    """Stored values (rows, columns) of one frame, counted from 0, as int or uint of 8, 16 or 32 bits.

    Bits beyond BitsStored are masked or made of the sign; padding values and the rescale are left alone. The dataset
    holds its PixelData. Raises `ImageRefused` for a syntax without a decoder (`unknown_syntax`) and for pixel data
    that is damaged or of another size than the header says (`damaged_pixels`).
    """
    syntax = require_known_syntax(str(dataset.file_meta.TransferSyntaxUID))
    n_frames = _n_frames(dataset)
    if not 0 <= frame < n_frames:
        raise IndexError(f"frame {frame} of {n_frames}")
    stored = _decoded(dataset, frame, syntax) if syntax.is_encapsulated else _native(dataset, frame, syntax)
    return _clean(stored, dataset)


def to_units(stored: Pixels, slope: float, intercept: float) -> NDArray[np.float32]:
    """Stored values as HU or what else the rescale leads to: slope * stored + intercept."""
    values: NDArray[np.float32] = (stored.astype(np.float64) * slope + intercept).astype(np.float32)
    return values


def needs_transcoding(dataset: Dataset) -> bool:
    """Whether the browser would not show the right values of this dataset as it came.

    That is so for syntaxes that are not kept, and for plain pixel data with other things in its unused bits.
    """
    syntax = require_known_syntax(str(dataset.file_meta.TransferSyntaxUID))
    if not syntax.is_kept:
        return True
    if syntax.is_encapsulated or str(dataset.SOPClassUID) in SEGMENTATION_CLASSES:
        return False
    if dataset.BitsStored == dataset.BitsAllocated and dataset.get("HighBit", dataset.BitsStored - 1) == (
        dataset.BitsStored - 1
    ):
        return False
    whole = np.frombuffer(dataset.PixelData, _dtype(dataset), _n_frames(dataset) * dataset.Rows * dataset.Columns)
    return dataset.get("HighBit") != dataset.BitsStored - 1 or not np.array_equal(whole, _clean(whole, dataset))


def transcode(dataset: Dataset) -> None:
    """Unpack the pixel data in place to Explicit VR Little Endian; values stay the same, unused bits are cleared."""
    frames = [decode_frame(dataset, frame) for frame in range(_n_frames(dataset))]
    dtype = _dtype(dataset).newbyteorder("<")
    value = b"".join(frame.astype(dtype, copy=False).tobytes() for frame in frames)
    dataset.PixelData = value + b"\0" * (len(value) % 2)
    element = dataset["PixelData"]
    element.VR = "OB" if dataset.BitsAllocated <= 8 else "OW"
    element.is_undefined_length = False
    dataset.HighBit = dataset.BitsStored - 1
    for keyword in _COMPRESSED_ONLY:
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian


def _n_frames(dataset: Dataset) -> int:
    return int(dataset.get("NumberOfFrames") or 1)


def _dtype(dataset: Dataset) -> np.dtype[Any]:
    is_big = str(dataset.file_meta.TransferSyntaxUID) == _BIG_ENDIAN
    kind = "i" if dataset.PixelRepresentation == 1 else "u"
    return np.dtype(f"{'>' if is_big else '<'}{kind}{dataset.BitsAllocated // 8}")


def _native(dataset: Dataset, frame: int, syntax: Syntax) -> Pixels:
    dtype = _dtype(dataset)
    n_pixels = dataset.Rows * dataset.Columns
    start = frame * n_pixels * dtype.itemsize
    if start + n_pixels * dtype.itemsize > len(dataset.PixelData):
        raise ImageRefused(f"the pixel data ends before frame {frame + 1} does", code="truncated")
    values = np.frombuffer(dataset.PixelData, dtype, n_pixels, start)
    if syntax.uid == _BIG_ENDIAN and dataset.BitsAllocated == 8 and dataset["PixelData"].VR == "OW":
        n_bytes = n_pixels + n_pixels % 2
        words = np.frombuffer(dataset.PixelData[start : start + n_bytes], "u1").reshape(-1, 2)
        values = words[:, ::-1].reshape(-1)[:n_pixels].view(dtype)
    return values.astype(dtype.newbyteorder("=")).reshape(dataset.Rows, dataset.Columns)


def _decoded(dataset: Dataset, frame: int, syntax: Syntax) -> Pixels:
    try:
        packed = get_frame(dataset.PixelData, frame, number_of_frames=_n_frames(dataset))
        _require_same_size(packed, dataset, syntax)
        if syntax.uid in _BY_GDCM:
            return _by_gdcm(packed, dataset, syntax.uid)
        with quiet_pydicom():
            decoder = get_decoder(syntax.uid)
            values, _ = decoder.as_array(dataset, index=frame, raw=True, decoding_plugin=_PLUGINS[syntax.uid])
    except ImageRefused:
        raise
    except _DAMAGE as error:
        raise ImageRefused(
            f"the pixel data of frame {frame + 1} is damaged: {syntax.name} cannot be unpacked", code="damaged_pixels"
        ) from error
    if values.shape != (dataset.Rows, dataset.Columns):
        raise ImageRefused(
            f"frame {frame + 1} unpacks to {values.shape}, expected {dataset.Rows} x {dataset.Columns}",
            code="damaged_pixels",
        )
    return values


def _require_same_size(packed: bytes, dataset: Dataset, syntax: Syntax) -> None:
    if syntax.uid == _RLE:
        return
    size = codestream_size(packed)
    if size is None:
        raise ImageRefused(f"the pixel data is no {syntax.name} codestream", code="damaged_pixels")
    if size != (dataset.Rows, dataset.Columns, 1):
        raise ImageRefused(
            f"the packed frame is {size[0]} x {size[1]} with {size[2]} samples, the header says {dataset.Rows} x "
            f"{dataset.Columns} with 1",
            code="damaged_pixels",
        )


def _by_gdcm(packed: bytes, dataset: Dataset, uid: str) -> Pixels:
    """JPEG with 12 bits and progressive JPEG, for which pydicom has no decoder."""
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(packed)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((dataset.Columns, dataset.Rows, 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation.GetPIType(str(dataset.PhotometricInterpretation))
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(uid)))
    bits = (dataset.BitsAllocated, dataset.BitsStored, dataset.BitsStored - 1, dataset.PixelRepresentation)
    image.SetPixelFormat(gdcm.PixelFormat(1, *bits))
    buffer = image.GetBuffer().encode("utf-8", "surrogateescape")
    values = np.frombuffer(buffer, _dtype(dataset))
    return values.reshape(dataset.Rows, dataset.Columns).copy()


def _clean(stored: Pixels, dataset: Dataset) -> Pixels:
    """`stored` with what lies outside of BitsStored below HighBit removed, or replaced by the sign."""
    bits_stored, bits = int(dataset.BitsStored), stored.dtype.itemsize * 8
    high = int(dataset.get("HighBit", bits_stored - 1))
    if KNOWN_SYNTAXES[str(dataset.file_meta.TransferSyntaxUID)].is_encapsulated:
        high = bits_stored - 1
    left = bits - 1 - high
    if bits_stored >= bits:
        return stored
    cleaned: Pixels = (stored << left) >> (bits - bits_stored)
    return cleaned
