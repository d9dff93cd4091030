"""The header of a NIfTI file, read by its own offsets and checked before anything is allocated.

Sources: nifti1.h (348 bytes) and nifti2.h (540 bytes) of the NIfTI Data Format Working Group.
"""

import math
import struct
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from vision.core.geometry import Matrix, lps_from_ras
from vision.core.limits import ImageLimits
from vision.core.refusals import ImageRefused

HEADER_BYTES: Final = {1: 348, 2: 540}
FIRST_DATA_BYTE: Final = {1: 352, 2: 544}

_DATA_TYPES: Final = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
_OTHER_DATA_TYPES: Final = {
    0: "an unknown type",
    1: "single bits",
    32: "complex numbers",
    128: "RGB colours",
    1536: "128-bit floats",
    1792: "complex numbers",
    2048: "complex numbers",
    2304: "RGBA colours",
}
_MM_PER_UNIT: Final = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
_SPACE_UNIT_MASK: Final = 0x07
_SHEAR_MAX: Final = 2e-3
_SPACING_DISAGREES: Final = 0.01
_AFFINES_DISAGREE_MM: Final = 0.1


@dataclass(frozen=True, slots=True)
class NiftiHeader:
    """What a header says, after every check; `affine_lps` leads from (i, j, k, 1) to LPS millimetres."""

    version: Literal[1, 2]
    byte_order: Literal["<", ">"]
    shape_kji: tuple[int, int, int]
    dtype: np.dtype[np.generic]
    data_offset_bytes: int
    slope: float
    intercept: float
    affine_lps: Matrix
    warnings: tuple[str, ...]

    @property
    def n_bytes(self) -> int:
        """Size of the voxels, unpacked."""
        return math.prod(self.shape_kji) * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields that matter, of either version."""

    dim: tuple[int, ...]
    datatype: int
    bitpix: int
    pixdim: tuple[float, ...]
    vox_offset: float
    slope: float
    intercept: float
    units: int
    qform_code: int
    sform_code: int
    quaternion: tuple[float, ...]
    qoffset: tuple[float, ...]
    srow: tuple[float, ...]


def parse_header(head: bytes, *, limits: ImageLimits) -> NiftiHeader:
    """Read and check a header from the first bytes of an unpacked file.

    Raises `ImageRefused` for everything that is no single regular volume of numbers with a known place in the patient.
    """
    version, order = _version_and_order(head)
    fields = _fields_1(head, order) if version == 1 else _fields_2(head, order)
    shape_kji = _shape(fields.dim, limits=limits)
    dtype = _dtype(fields, order)
    slope, intercept = _scaling(fields)
    affine_ras, warnings = _affine_ras(fields)
    header = NiftiHeader(
        version=version,
        byte_order=order,
        shape_kji=shape_kji,
        dtype=dtype,
        data_offset_bytes=_data_offset(fields, version=version, limits=limits),
        slope=slope,
        intercept=intercept,
        affine_lps=lps_from_ras(affine_ras),
        warnings=tuple(warnings),
    )
    if header.n_bytes > limits.max_file_bytes:
        raise ImageRefused(
            f"the header claims {header.n_bytes:,} bytes of voxels, at most {limits.max_file_bytes:,} are allowed",
            code="nifti_too_large",
        )
    return header


def is_version_2(head: bytes) -> bool:
    """Whether a header of 540 bytes begins here, in either byte order."""
    return head[:4] in (struct.pack("<i", HEADER_BYTES[2]), struct.pack(">i", HEADER_BYTES[2]))


def _version_and_order(head: bytes) -> tuple[Literal[1, 2], Literal["<", ">"]]:
    if len(head) < HEADER_BYTES[1]:
        raise ImageRefused(f"the file ends after {len(head)} bytes, a NIfTI header has 348", code="nifti_truncated")
    orders: tuple[Literal["<", ">"], ...] = ("<", ">")
    for order in orders:
        n_bytes = struct.unpack_from(f"{order}i", head)[0]
        if n_bytes == HEADER_BYTES[1]:
            _require_single_file(head[344:348], expected=b"n+1\0", pair=b"ni1\0")
            return 1, order
        if n_bytes == HEADER_BYTES[2] and len(head) >= HEADER_BYTES[2]:
            _require_single_file(head[4:12], expected=b"n+2\0\r\n\x1a\n", pair=b"ni2\0\r\n\x1a\n")
            return 2, order
    raise ImageRefused("the file does not begin with a NIfTI header of 348 or 540 bytes", code="not_nifti")


def _require_single_file(magic: bytes, *, expected: bytes, pair: bytes) -> None:
    if magic == pair:
        raise ImageRefused(
            "this is the header of a pair (.hdr and .img), expected one file (.nii or .nii.gz)", code="nifti_pair"
        )
    if magic != expected:
        raise ImageRefused("the header lacks NIfTI's mark; ANALYZE files do not say left from right", code="not_nifti")


def _fields_1(head: bytes, order: str) -> _Fields:
    qform_code, sform_code = struct.unpack_from(f"{order}2h", head, 252)
    datatype, bitpix = struct.unpack_from(f"{order}2h", head, 70)
    vox_offset, slope, intercept = struct.unpack_from(f"{order}3f", head, 108)
    return _Fields(
        dim=struct.unpack_from(f"{order}8h", head, 40),
        datatype=datatype,
        bitpix=bitpix,
        pixdim=struct.unpack_from(f"{order}8f", head, 76),
        vox_offset=vox_offset,
        slope=slope,
        intercept=intercept,
        units=head[123],
        qform_code=qform_code,
        sform_code=sform_code,
        quaternion=struct.unpack_from(f"{order}3f", head, 256),
        qoffset=struct.unpack_from(f"{order}3f", head, 268),
        srow=struct.unpack_from(f"{order}12f", head, 280),
    )


def _fields_2(head: bytes, order: str) -> _Fields:
    datatype, bitpix = struct.unpack_from(f"{order}2h", head, 12)
    slope, intercept = struct.unpack_from(f"{order}2d", head, 176)
    qform_code, sform_code = struct.unpack_from(f"{order}2i", head, 344)
    return _Fields(
        dim=struct.unpack_from(f"{order}8q", head, 16),
        datatype=datatype,
        bitpix=bitpix,
        pixdim=struct.unpack_from(f"{order}8d", head, 104),
        vox_offset=float(struct.unpack_from(f"{order}q", head, 168)[0]),
        slope=slope,
        intercept=intercept,
        units=struct.unpack_from(f"{order}i", head, 500)[0],
        qform_code=qform_code,
        sform_code=sform_code,
        quaternion=struct.unpack_from(f"{order}3d", head, 352),
        qoffset=struct.unpack_from(f"{order}3d", head, 376),
        srow=struct.unpack_from(f"{order}12d", head, 400),
    )


def _shape(dim: tuple[int, ...], *, limits: ImageLimits) -> tuple[int, int, int]:
    n_dims, sides, further = dim[0], dim[1:4], dim[4:]
    if not 3 <= n_dims <= 7:
        raise ImageRefused(f"the image has {n_dims} dimensions, expected 3", code="nifti_not_3d")
    if min(sides) < 1:
        raise ImageRefused(f"the header gives the extents {sides}, expected positive numbers", code="nifti_bad_extents")
    for extent in further[: n_dims - 3]:
        if extent > 1:
            raise ImageRefused(
                f"the file holds {extent} volumes; split it into one file for each", code="nifti_several_volumes"
            )
    n_voxels = math.prod(sides)
    if max(sides) > limits.max_side or n_voxels > limits.max_voxels:
        raise ImageRefused(
            f"the header claims {n_voxels:,} voxels, at most {limits.max_voxels:,} "
            f"and {limits.max_side:,} along a side are allowed",
            code="nifti_too_large",
        )
    return sides[2], sides[1], sides[0]


def _dtype(fields: _Fields, order: str) -> np.dtype[np.generic]:
    code = _DATA_TYPES.get(fields.datatype)
    if code is None:
        what = _OTHER_DATA_TYPES.get(fields.datatype, f"data of type {fields.datatype}")
        raise ImageRefused(f"the voxels are {what}, expected integers or floats", code="nifti_data_type")
    dtype = np.dtype(f"{order}{code}")
    if fields.bitpix != dtype.itemsize * 8:
        raise ImageRefused(
            f"the header gives {fields.bitpix} bits a voxel, its data type has {dtype.itemsize * 8}",
            code="nifti_data_type",
        )
    return dtype


def _scaling(fields: _Fields) -> tuple[float, float]:
    """Slope and intercept; a slope of 0 (nifti1.h) or NaN (as nibabel writes it) means that values are not scaled."""
    if fields.slope == 0 or math.isnan(fields.slope):
        return 1.0, 0.0
    if not (math.isfinite(fields.slope) and math.isfinite(fields.intercept)):
        raise ImageRefused("the slope or intercept of the values is not finite", code="nifti_scaling")
    return fields.slope, fields.intercept


def _data_offset(fields: _Fields, *, version: Literal[1, 2], limits: ImageLimits) -> int:
    offset, first = fields.vox_offset, FIRST_DATA_BYTE[version]
    if not math.isfinite(offset) or offset != int(offset) or not first <= offset <= limits.max_header_bytes:
        raise ImageRefused(
            f"the header puts the voxels at byte {offset:g}, expected {first:,} to {limits.max_header_bytes:,}",
            code="nifti_offset",
        )
    return int(offset)


def _affine_ras(fields: _Fields) -> tuple[Matrix, list[str]]:
    """The matrix to RAS mm: the sform where there is one, else the qform. Both are scaled to millimetres."""
    spacing = np.array(fields.pixdim[1:4])
    if not np.isfinite(spacing).all() or spacing.min() <= 0:
        given = ", ".join(f"{value:g}" for value in spacing)
        raise ImageRefused(f"the header gives the spacing {given}, expected positive numbers", code="nifti_spacing")
    if fields.sform_code <= 0 and fields.qform_code <= 0:
        raise ImageRefused(
            "the header has no orientation (sform and qform codes are 0): left and right are not known",
            code="nifti_no_orientation",
        )
    scale = _MM_PER_UNIT.get(fields.units & _SPACE_UNIT_MASK)
    if scale is None:
        raise ImageRefused(
            f"the header gives the unit of length {fields.units & _SPACE_UNIT_MASK}, expected 0 to 3",
            code="nifti_spacing",
        )
    qform = _qform(fields) if fields.qform_code > 0 else None
    affine = None if qform is None else qform.copy()
    if fields.sform_code > 0 or affine is None:
        affine = np.eye(4)
        affine[:3] = np.array(fields.srow).reshape(3, 4)
    affine[:3] *= scale
    _require_regular(affine)
    return affine, _disagreements(affine, qform=qform, spacing=spacing * scale, scale=scale)


def _qform(fields: _Fields) -> Matrix:
    """Rotation by a unit quaternion, spacing, and offset. Source: nifti1.h, method 2."""
    b, c, d = fields.quaternion
    square = 1.0 - (b * b + c * c + d * d)
    if not math.isfinite(square) or square < -1e-5:
        if fields.sform_code > 0:
            return np.full((4, 4), np.nan)
        raise ImageRefused("the qform's quaternion is no rotation", code="nifti_affine")
    if square < 1e-7:
        length = math.sqrt(b * b + c * c + d * d)
        a, b, c, d = 0.0, b / length, c / length, d / length
    else:
        a = math.sqrt(square)
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    # pixdim[0] is -1 for a left-handed grid; other values count as 1.
    handedness = -1.0 if fields.pixdim[0] < 0 else 1.0
    affine = np.eye(4)
    affine[:3, :3] = rotation * np.array([*fields.pixdim[1:3], fields.pixdim[3] * handedness])
    affine[:3, 3] = fields.qoffset
    return affine


def _require_regular(affine: Matrix) -> None:
    """Refuse what is not finite, not invertible, or sheared."""
    if not np.isfinite(affine).all():
        raise ImageRefused("the affine holds values that are not finite", code="nifti_affine")
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    if steps.min() < 1e-4 or abs(np.linalg.det(affine[:3, :3] / np.maximum(steps, 1e-12))) < 1e-3:
        raise ImageRefused("the affine is singular: two axes fall together, or one has no length", code="nifti_affine")
    if np.abs(affine).max() > 1e6:
        raise ImageRefused("the affine puts the image more than a kilometre away", code="nifti_affine")
    axes = affine[:3, :3] / steps
    cosines = axes.T @ axes - np.eye(3)
    if np.abs(cosines).max() > _SHEAR_MAX:
        degrees = math.degrees(math.acos(min(1.0, float(np.abs(cosines).max()))))
        raise ImageRefused(
            f"the axes of the grid meet at {degrees:.1f} degrees, expected 90: resample it to a regular grid",
            code="nifti_sheared",
        )


def _disagreements(affine: Matrix, *, qform: Matrix | None, spacing: Matrix, scale: float) -> list[str]:
    """Sentences for a reader about what the header says twice and differently; the affine in use is right."""
    warnings = []
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    if np.abs(steps / spacing - 1).max() > _SPACING_DISAGREES:
        warnings.append("The header gives two spacings; that of its orientation matrix is used.")
    if qform is not None:
        other = qform.copy()
        other[:3] *= scale
        off = np.abs(other - affine)
        if not np.isfinite(other).all() or off[:3, 3].max() > _AFFINES_DISAGREE_MM or off[:3, :3].max() > 0.01:
            warnings.append("The header gives two orientations that differ; the first (sform) is used.")
    return warnings
