"""One DICOM file, read with care: the header first and within bounds, the pixels only when they are asked for."""

import io
import struct
import zlib
from dataclasses import dataclass, replace
from typing import IO, Final

from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from vision.core.file_meta import FileMeta, read_meta
from vision.core.functional_groups import frame_geometries, frame_rescales
from vision.core.headers import FrameGeometry, InstanceHeader, parse_header
from vision.core.identifiers import fill_identifiers
from vision.core.limits import DEFAULT_LIMITS, ImageLimits
from vision.core.pixel_layout import PixelLayout, locate_pixels
from vision.core.quiet import quiet_pydicom
from vision.core.refusals import ImageRefused
from vision.core.sniffing import SNIFF_BYTES, sniff
from vision.core.syntaxes import KNOWN_SYNTAXES, require_known_syntax

__all__ = ["FrameGeometry", "Instance", "InstanceHeader", "read_instance", "write_instance"]

# What pydicom raises for bytes that are no DICOM, or damaged.
_DAMAGE: Final = (
    InvalidDicomError,
    BytesLengthException,
    AttributeError,
    EOFError,
    IndexError,
    LookupError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)


@dataclass(slots=True)
class Instance:
    """One file: its dataset without pixel data until `load_pixels`, and its checked header.

    Elements after the pixel data are not read. The stream must stay open until the pixels are loaded.
    """

    dataset: Dataset
    header: InstanceHeader
    layout: PixelLayout
    stream: IO[bytes]

    @property
    def is_segmentation(self) -> bool:
        """Whether this is a DICOM SEG object, which is no series but a mask."""
        return self.header.kind == "segmentation"

    def load_pixels(self) -> None:
        """Put PixelData into `dataset` as it stands in the file, compressed data as they came."""
        self.stream.seek(self.layout.offset)
        value = self.stream.read(self.layout.n_bytes)
        if len(value) < self.layout.n_bytes:
            raise ImageRefused("the file became shorter while it was read", code="truncated")
        if len(value) % 2:
            value += b"\0"
        with quiet_pydicom():
            self.dataset.PixelData = value
            element = self.dataset["PixelData"]
            element.VR = "OB" if self.layout.is_encapsulated or self.header.bits_allocated <= 8 else "OW"
            element.is_undefined_length = self.layout.is_encapsulated


def read_instance(source: bytes | IO[bytes], *, limits: ImageLimits = DEFAULT_LIMITS) -> Instance:
    """The image or segmentation in a seekable stream or in bytes; its pixel data is located and not read.

    Raises `ImageRefused` with the reason: no DICOM, no image, an unknown or undecodable transfer syntax, absurd
    numbers, pixel data that is cut off. Deflated files are inflated, within bounds.
    """
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    _require_dicom(stream, limits)
    with quiet_pydicom():
        try:
            dataset, stream, syntax = _read_header(stream, limits)
            return _checked(dataset, stream, syntax=syntax, limits=limits)
        except ImageRefused:
            raise
        except _DAMAGE as error:
            raise ImageRefused("the DICOM header is damaged or cut off", code="damaged_header") from error


def write_instance(dataset: Dataset) -> bytes:
    """The dataset as a DICOM file (Part 10) in its transfer syntax; its file meta is brought in line with it.

    Raises `ImageRefused` (`damaged_header`) for elements that cannot be written, which lazy reading lets through.
    """
    buffer = io.BytesIO()
    with quiet_pydicom():
        try:
            dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            dcmwrite(buffer, dataset, enforce_file_format=True)
        except _DAMAGE as error:
            raise ImageRefused("the DICOM header holds what cannot be written", code="damaged_header") from error
    return buffer.getvalue()


class _BoundedReader(io.RawIOBase):
    """Lets a header be read up to a number of bytes and of reads: a header that lies costs no more."""

    def __init__(self, stream: IO[bytes], limits: ImageLimits) -> None:
        super().__init__()
        self._stream = stream
        self._limits = limits
        self._n_bytes = 0
        self._n_reads = 0

    def read(self, size: int | None = -1) -> bytes:
        left = self._limits.max_header_bytes - self._n_bytes
        self._n_reads += 1
        if size is None or not 0 <= size <= left or self._n_reads > self._limits.max_header_reads:
            raise ImageRefused(
                f"the header is longer than the {self._limits.max_header_bytes:,} bytes allowed", code="too_large"
            )
        found = self._stream.read(size)
        self._n_bytes += len(found)
        return found

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def _require_dicom(stream: IO[bytes], limits: ImageLimits) -> None:
    n_bytes = stream.seek(0, 2)
    stream.seek(0)
    head = stream.read(SNIFF_BYTES)
    stream.seek(0)
    if n_bytes > (allowed := min(limits.max_file_bytes, limits.max_dicom_bytes)):
        raise ImageRefused(f"the file has {n_bytes:,} bytes, at most {allowed:,} are allowed", code="too_large")
    if (kind := sniff(head)) != "dicom":
        reason = "a DICOMDIR lists images and is none" if kind == "dicomdir" else "the file is no DICOM"
        raise ImageRefused(reason, code="not_dicom")


def _read_header(stream: IO[bytes], limits: ImageLimits) -> tuple[FileDataset, IO[bytes], str]:
    """The dataset up to its pixel data, the stream that then stands there, and the transfer syntax of the file."""
    meta = read_meta(stream)
    if meta.syntax:
        require_known_syntax(meta.syntax)
    if meta.syntax == DeflatedExplicitVRLittleEndian:
        stream = _inflated(stream, meta, limits)
    stream.seek(0)
    dataset = dcmread(_BoundedReader(stream, limits), stop_before_pixels=True, force=True)
    is_implicit, is_little_endian = dataset.original_encoding
    if not meta.syntax:
        guessed = {
            (True, True): ImplicitVRLittleEndian,
            (False, True): ExplicitVRLittleEndian,
            (False, False): ExplicitVRBigEndian,
        }
        dataset.file_meta.TransferSyntaxUID = guessed[bool(is_implicit), bool(is_little_endian)]
    return dataset, stream, meta.syntax or str(dataset.file_meta.TransferSyntaxUID)


def _inflated(stream: IO[bytes], meta: FileMeta, limits: ImageLimits) -> IO[bytes]:
    """The file with its data set inflated (PS3.5 section A.5) and marked as Explicit VR Little Endian."""
    stream.seek(0)
    head = stream.read(meta.n_bytes)
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = unpacker.decompress(stream.read(), limits.max_inflated_bytes + 1)
    except zlib.error as error:
        raise ImageRefused("the deflated data set is damaged", code="damaged_header") from error
    if len(data) > limits.max_inflated_bytes:
        raise ImageRefused(
            f"the deflated data set inflates to more than the {limits.max_inflated_bytes:,} bytes allowed",
            code="too_large",
        )
    plain = ExplicitVRLittleEndian.encode().ljust(len(DeflatedExplicitVRLittleEndian), b"\0")
    return io.BytesIO(head.replace(DeflatedExplicitVRLittleEndian.encode(), plain) + data)


def _checked(dataset: FileDataset, stream: IO[bytes], *, syntax: str, limits: ImageLimits) -> Instance:
    notes = fill_identifiers(dataset)
    header = replace(parse_header(dataset, transfer_syntax=syntax, limits=limits), notes=notes)
    is_implicit, is_little_endian = dataset.original_encoding
    layout = locate_pixels(stream, header, is_implicit=bool(is_implicit), is_little_endian=bool(is_little_endian))
    if layout.is_encapsulated != KNOWN_SYNTAXES[str(dataset.file_meta.TransferSyntaxUID)].is_encapsulated:
        raise ImageRefused("the pixel data is not packed as the transfer syntax says", code="damaged_pixels")
    if header.kind == "image":
        header = _with_frames(dataset, header)
    return Instance(dataset=dataset, header=header, layout=layout, stream=stream)


def _with_frames(dataset: Dataset, header: InstanceHeader) -> InstanceHeader:
    """The header with what the functional groups say of frames and values."""
    rescales = frame_rescales(dataset)
    if len(rescales) > 1:
        note = "The frames are scaled differently: the values shown are the stored ones."
        header = replace(header, units="stored", slope=1.0, intercept=0.0, notes=(*header.notes, note))
    elif rescales:
        slope, intercept = rescales.pop()
        header = replace(header, slope=slope, intercept=intercept)
    if "PerFrameFunctionalGroupsSequence" in dataset:
        header = replace(header, frames=frame_geometries(dataset, header.n_frames))
    return header
