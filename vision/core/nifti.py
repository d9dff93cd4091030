"""NIfTI volumes in and out: one regular grid of numbers, read once, checked whole, written without its free text."""

import itertools
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from vision.core.geometry import Grid, Matrix, lps_from_ras
from vision.core.limits import DEFAULT_LIMITS, ImageLimits
from vision.core.nifti_header import HEADER_BYTES, NiftiHeader, is_version_2, parse_header
from vision.core.refusals import ImageRefused

Voxels = NDArray[Any]

_GZIP_MAGIC: Final = b"\x1f\x8b"
_CHUNK_BYTES: Final = 1 << 20
# Deflate cannot pack better than 1032 to 1 (zlib's technical details), so a size beyond that is a lie.
_MAX_DEFLATE_RATIO: Final = 1032
_MAX_EXTENSION_BYTES: Final = 1 << 20
_EMPTY_GZIP: Final = zlib.compress(b"", wbits=31)
_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_DATA_TYPE_CODES: Final = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768}
_MAX_SIDE_NIFTI_1: Final = 32_767


@dataclass(frozen=True, slots=True, eq=False)
class NiftiVolume:
    """A volume as stored: value = `voxels[k, j, i]` * slope + intercept. Nothing of the file's free text is held.

    `extensions` are the contents of header extensions, for class tables only; they are never written.
    """

    grid: Grid
    voxels: Voxels
    slope: float
    intercept: float
    n_not_finite: int
    warnings: tuple[str, ...]
    extensions: tuple[bytes, ...] = ()

    @property
    def data_type(self) -> str:
        """Stored type, such as `int16`."""
        return str(self.voxels.dtype.name)


def read_nifti(source: Path | IO[bytes], *, limits: ImageLimits = DEFAULT_LIMITS) -> NiftiVolume:
    """Read a .nii or .nii.gz file, NIfTI-1 or 2, in either byte order; `source` may be a seekable stream.

    Sizes are checked against the file before memory is taken, and the whole file is read: a wrong checksum, a missing
    end and bytes beyond the end are seen. Raises `ImageRefused`.
    """
    with _opened(source) as stream:
        n_file_bytes = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        if n_file_bytes > limits.max_file_bytes:
            raise ImageRefused(
                f"the file has {n_file_bytes:,} bytes, at most {limits.max_file_bytes:,} are allowed",
                code="nifti_too_large",
            )
        is_packed = stream.read(2) == _GZIP_MAGIC
        stream.seek(0)
        reader: _Plain | _Gunzip = _Gunzip(stream) if is_packed else _Plain(stream)
        head = reader.read(HEADER_BYTES[1])
        if is_version_2(head):
            head += reader.read(HEADER_BYTES[2] - len(head))
        header = parse_header(head, limits=limits)
        _require_room(header, n_file_bytes=n_file_bytes, is_packed=is_packed)
        extensions = _extensions(reader.read(header.data_offset_bytes - len(head)), header)
        voxels = _read_voxels(reader, header)
        reader.require_end()
    return _volume(header, voxels, extensions=extensions)


def narrowest(voxels: Voxels) -> Voxels:
    """The same numbers in the smallest type that browsers draw, where nothing is lost; float64 becomes float32.

    64-bit and 32-bit integers become 16-bit ones where they fit, else float32 (exact up to 2**24) or int32.
    """
    if voxels.dtype.kind == "f":
        return voxels if voxels.dtype.itemsize == 4 else voxels.astype(np.float32)
    if voxels.dtype.itemsize <= 2:
        return voxels
    low, high = int(voxels.min()), int(voxels.max())
    for dtype in (np.int16, np.uint16, np.int32):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return voxels if voxels.dtype == dtype else voxels.astype(dtype)
    return voxels.astype(np.float32)


def write_nifti_gz(
    path: Path,
    voxels: Voxels,
    *,
    affine_lps: Matrix,
    slope: float = 1.0,
    intercept: float = 0.0,
    compression: int = 4,
) -> int:
    """Write `voxels[k, j, i]` as NIfTI-1 with equal sform and qform; returns the size of the file in bytes.

    The bytes depend on nothing but the arguments. The file appears under its name when it is complete.
    Raises `ValueError` for a type or an extent that NIfTI-1 does not hold, and for a sheared affine.
    """
    pieces = [_header_1(voxels, affine_lps, slope=slope, intercept=intercept)]
    little = voxels.dtype.newbyteorder("<")
    partial = path.with_name(f".{path.name}.part")
    try:
        with partial.open("wb") as stream:
            packer = zlib.compressobj(compression, zlib.DEFLATED, -zlib.MAX_WBITS)
            checksum, n_bytes = 0, 0
            stream.write(_GZIP_HEADER)
            for data in itertools.chain(pieces, (plane.astype(little).tobytes() for plane in voxels)):
                stream.write(packer.compress(data))
                checksum, n_bytes = zlib.crc32(data, checksum), n_bytes + len(data)
            stream.write(packer.flush())
            stream.write(struct.pack("<II", checksum, n_bytes & 0xFFFFFFFF))
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path.stat().st_size


@contextmanager
def _opened(source: Path | IO[bytes]) -> Iterator[IO[bytes]]:
    if isinstance(source, Path):
        with source.open("rb") as stream:
            yield stream
    else:
        yield source


class _Plain:
    """Bytes as they stand in the file."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, n_bytes: int) -> bytes:
        """Up to `n_bytes`; fewer only at the end."""
        pieces = []
        while n_bytes > 0 and (piece := self._stream.read(min(n_bytes, _CHUNK_BYTES))):
            pieces.append(piece)
            n_bytes -= len(piece)
        return b"".join(pieces)

    def require_end(self) -> None:
        """Raises `ImageRefused` when bytes are left."""
        if self._stream.read(1):
            raise ImageRefused("the file goes on after the voxels that its header names", code="nifti_trailing_bytes")


class _Gunzip:
    """Unpacked bytes of a gzip file, one or more members (RFC 1952), with the checksum and length of each checked."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._unpacker = zlib.decompressobj(wbits=31)
        self._packed = b""

    def read(self, n_bytes: int) -> bytes:
        """Up to `n_bytes`; fewer only at the end. Raises `ImageRefused` for damaged and truncated files."""
        pieces = []
        while n_bytes > 0 and (piece := self._read_some(min(n_bytes, _CHUNK_BYTES))):
            pieces.append(piece)
            n_bytes -= len(piece)
        return b"".join(pieces)

    def _read_some(self, n_bytes: int) -> bytes:
        while True:
            if self._unpacker.eof and not self._next_member():
                return b""
            if not self._packed:
                self._packed = self._stream.read(_CHUNK_BYTES // 4)
            is_at_end = not self._packed
            try:
                piece = self._unpacker.decompress(self._packed, n_bytes)
            except zlib.error as error:
                raise ImageRefused(
                    "the gzip file is damaged: its data or its checksum is wrong", code="nifti_damaged_gzip"
                ) from error
            self._packed = self._unpacker.unconsumed_tail
            if piece:
                return piece
            if is_at_end and not self._unpacker.eof:
                raise ImageRefused("the gzip file ends in the middle", code="nifti_truncated")

    def _next_member(self) -> bool:
        """Go on to a further member; zeros may fill a file up, anything else after the end is refused."""
        rest = self._unpacker.unused_data or self._stream.read(_CHUNK_BYTES)
        if len(rest) == 1:
            rest += self._stream.read(1)
        if rest.startswith(_GZIP_MAGIC):
            self._unpacker, self._packed = zlib.decompressobj(wbits=31), rest
            return True
        while rest:
            if rest.strip(b"\0"):
                raise ImageRefused("the gzip file has bytes after its end", code="nifti_trailing_bytes")
            rest = self._stream.read(_CHUNK_BYTES)
        self._unpacker = zlib.decompressobj(wbits=31)
        self._unpacker.decompress(_EMPTY_GZIP)
        return False

    def require_end(self) -> None:
        """Raises `ImageRefused` when bytes are left, or when the checksum at the end is wrong."""
        if self.read(1):
            raise ImageRefused("the file goes on after the voxels that its header names", code="nifti_trailing_bytes")


def _require_room(header: NiftiHeader, *, n_file_bytes: int, is_packed: bool) -> None:
    """Refuse a header that claims more than its file can hold, before memory is taken."""
    needed = header.data_offset_bytes + header.n_bytes
    most = n_file_bytes * _MAX_DEFLATE_RATIO if is_packed else n_file_bytes
    if needed > most:
        raise ImageRefused(
            f"the header claims {header.n_bytes:,} bytes of voxels, a file of {n_file_bytes:,} bytes cannot hold them",
            code="nifti_truncated",
        )


def _read_voxels(reader: _Plain | _Gunzip, header: NiftiHeader) -> Voxels:
    """Fill one array of the size that the header names."""
    voxels = np.empty(header.shape_kji, dtype=header.dtype)
    room = voxels.reshape(-1).view(np.uint8)
    n_filled = 0
    while n_filled < header.n_bytes:
        piece = reader.read(min(_CHUNK_BYTES, header.n_bytes - n_filled))
        if not piece:
            raise ImageRefused(
                f"the file ends after {n_filled:,} of {header.n_bytes:,} bytes of voxels", code="nifti_truncated"
            )
        room[n_filled : n_filled + len(piece)] = np.frombuffer(piece, dtype=np.uint8)
        n_filled += len(piece)
    return voxels if voxels.dtype.isnative else voxels.byteswap(inplace=True).view(voxels.dtype.newbyteorder("="))


def _volume(header: NiftiHeader, voxels: Voxels, *, extensions: tuple[bytes, ...]) -> NiftiVolume:
    n_not_finite = 0
    if voxels.dtype.kind == "f":
        n_not_finite = sum(int(plane.size - np.isfinite(plane).sum()) for plane in voxels)
    warnings = list(header.warnings)
    if n_not_finite:
        warnings.append(f"{n_not_finite:,} of {voxels.size:,} values are not numbers (NaN or infinite).")
    return NiftiVolume(
        grid=Grid(header.shape_kji, header.affine_lps),
        voxels=voxels,
        slope=header.slope,
        intercept=header.intercept,
        n_not_finite=n_not_finite,
        warnings=tuple(warnings),
        extensions=extensions,
    )


def _extensions(after_header: bytes, header: NiftiHeader) -> tuple[bytes, ...]:
    """Contents of the header's extensions; a chain that does not add up ends where it goes wrong."""
    found: list[bytes] = []
    if after_header[:1] in (b"", b"\0"):
        return ()
    at = 4
    while at + 8 <= len(after_header):
        n_bytes = struct.unpack_from(f"{header.byte_order}i", after_header, at)[0]
        if not 8 < n_bytes <= min(len(after_header) - at, _MAX_EXTENSION_BYTES):
            break
        found.append(after_header[at + 8 : at + n_bytes].rstrip(b"\0"))
        at += n_bytes
    return tuple(found)


def _header_1(voxels: Voxels, affine_lps: Matrix, *, slope: float, intercept: float) -> bytes:
    """A NIfTI-1 header without any text, and the four bytes that say that no extension follows."""
    code = _DATA_TYPE_CODES.get(voxels.dtype.str[1:])
    if code is None or voxels.ndim != 3 or max(voxels.shape) > _MAX_SIDE_NIFTI_1:
        raise ValueError(f"NIfTI-1 holds no {voxels.dtype} array of shape {voxels.shape}")
    affine = lps_from_ras(affine_lps)
    spacing, quaternion, handedness = _as_quaternion(affine)
    n_k, n_j, n_i = voxels.shape
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, n_i, n_j, n_k, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, code, voxels.dtype.itemsize * 8)
    struct.pack_into("<8f", header, 76, handedness, *spacing, 0, 0, 0, 0)
    struct.pack_into("<3f", header, 108, 352, slope, intercept)
    header[123] = 2
    struct.pack_into("<2h", header, 252, 1, 1)
    struct.pack_into("<6f", header, 256, *quaternion, *affine[:3, 3])
    struct.pack_into("<12f", header, 280, *affine[:3].ravel())
    header[344:348] = b"n+1\0"
    return bytes(header)


def _as_quaternion(affine: Matrix) -> tuple[Matrix, tuple[float, float, float], float]:
    """Spacing, quaternion (b, c, d with a >= 0) and handedness of an affine without shear. Source: nifti1.h."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    rotation = affine[:3, :3] / spacing
    if np.abs(rotation.T @ rotation - np.eye(3)).max() > 5e-3:
        raise ValueError("a qform cannot hold a sheared affine")
    handedness = 1.0 if np.linalg.det(rotation) > 0 else -1.0
    rotation = rotation * np.array([1.0, 1.0, handedness])
    # The eigenvector of this symmetric matrix is the quaternion nearest to the rotation (Bar-Itzhack 2000).
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
    key = np.array(
        [
            [xx - yy - zz, 0, 0, 0],
            [yx + xy, yy - xx - zz, 0, 0],
            [zx + xz, zy + yz, zz - xx - yy, 0],
            [zy - yz, xz - zx, yx - xy, xx + yy + zz],
        ]
    )
    b, c, d, a = np.linalg.eigh(key)[1][:, -1]
    sign = -1.0 if a < 0 else 1.0
    return spacing, (float(sign * b), float(sign * c), float(sign * d)), handedness
