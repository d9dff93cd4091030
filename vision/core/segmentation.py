"""DICOM segmentations (SEG) to label maps, through highdicom."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from highdicom.seg import Segmentation as SegObject
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from vision.core.dicom import read_instance
from vision.core.geometry import Grid, Matrix, plane_normal
from vision.core.limits import DEFAULT_LIMITS, ImageLimits
from vision.core.mask_classes import MaskClass, clean_name, color_of
from vision.core.masks import LabelMap
from vision.core.refusals import ImageRefused

SEGMENTATION_CLASSES: Final = frozenset({"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"})
# Planes further apart than this many thicknesses leave something out.
_GAP_MAX: Final = 1.5
_MAX_SEGMENTS: Final = 2_000
_TYPES: Final = ("BINARY", "FRACTIONAL", "LABELMAP")
# What pydicom and highdicom raise for an object that breaks the rules of its kind.
_DAMAGE: Final = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    RuntimeError,
    NotImplementedError,
    EOFError,
)


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """A label map with what links it to its images; UIDs are those of the file, before de-identification.

    The grid is the segmentation's own: `masks.on_grid` brings it onto the series.
    """

    label_map: LabelMap
    referenced_series_uid: str | None
    referenced_sop_uids: frozenset[str]
    frame_of_reference_uid: str | None
    study_uid: str | None
    notes: tuple[str, ...]


def is_segmentation(dataset: Dataset) -> bool:
    """Whether an object is a segmentation by its SOP class."""
    return str(dataset.get("SOPClassUID", "")) in SEGMENTATION_CLASSES


def read_segmentation(dataset: Dataset, *, limits: ImageLimits = DEFAULT_LIMITS) -> Segmentation:
    """Read a BINARY, FRACTIONAL or LABELMAP segmentation.

    Fractions of at least one half belong to a segment. Where segments overlap, the later one (by number) wins. Both are
    noted. Raises `ImageRefused` for damaged objects and for those whose planes form no regular volume.
    """
    kind = str(dataset.get("SegmentationType", ""))
    if kind not in _TYPES:
        raise ImageRefused("the object is no DICOM segmentation of a known type", code="not_segmentation")
    _require_bounded(dataset, limits=limits)
    try:
        _state_slice_gap(dataset)
        seg = SegObject.from_dataset(dataset, copy=False)
        classes = _classes(seg)
        _require_regular(seg, limits=limits)
        labels, affine, notes = _labels(seg, kind=kind, numbers=[known.value for known in classes])
        grid = Grid((labels.shape[0], labels.shape[1], labels.shape[2]), _in_ijk_order(affine))
    except ImageRefused:
        raise
    except _DAMAGE as error:
        raise ImageRefused(
            "the segmentation is damaged or breaks the rules of DICOM", code="bad_segmentation"
        ) from error
    present = set(np.unique(labels).tolist())
    return Segmentation(
        label_map=LabelMap(labels, grid, tuple(known for known in classes if known.value in present)),
        referenced_series_uid=_referenced_series(dataset),
        referenced_sop_uids=frozenset(_referenced_images(dataset)),
        frame_of_reference_uid=_uid(dataset, "FrameOfReferenceUID"),
        study_uid=_uid(dataset, "StudyInstanceUID"),
        notes=tuple(notes),
    )


def read_packed_segmentation(content: bytes, *, limits: ImageLimits = DEFAULT_LIMITS) -> Segmentation:
    """Read a segmentation from the bytes of its file. Raises `ImageRefused`, for what is no DICOM as well."""
    instance = read_instance(content, limits=limits)
    instance.load_pixels()
    return read_segmentation(instance.dataset, limits=limits)


def _require_regular(seg: SegObject, *, limits: ImageLimits) -> None:
    """Refuse planes that form no regular volume, and volumes that span more than memory is meant for."""
    geometry = seg.get_volume_geometry()
    if geometry is None:
        raise ImageRefused(
            "the planes of the segmentation are not parallel or not equally spaced", code="segmentation_irregular"
        )
    if int(np.prod(geometry.spatial_shape, dtype=np.int64)) > limits.max_voxels:
        raise ImageRefused(
            f"the segmentation spans more than {limits.max_voxels:,} voxels", code="segmentation_too_large"
        )


def _require_bounded(dataset: Dataset, *, limits: ImageLimits) -> None:
    """Compare what the object claims with what it holds, before anything is unpacked."""
    try:
        rows, columns, n_frames = (int(dataset.get(name) or 0) for name in ("Rows", "Columns", "NumberOfFrames"))
        bits = int(dataset.get("BitsAllocated") or 0)
        is_packed = dataset.file_meta.TransferSyntaxUID.is_encapsulated
    except (AttributeError, TypeError, ValueError) as error:
        raise ImageRefused("the segmentation does not give its extents", code="bad_segmentation") from error
    n_voxels = rows * columns * n_frames
    if min(rows, columns, n_frames) < 1 or n_frames > limits.max_frames or max(rows, columns) > limits.max_side:
        raise ImageRefused(
            f"the segmentation claims {n_frames:,} frames of {rows:,} x {columns:,}", code="segmentation_too_large"
        )
    if n_voxels > limits.max_voxels:
        raise ImageRefused(
            f"the segmentation claims {n_voxels:,} voxels, at most {limits.max_voxels:,} are allowed",
            code="segmentation_too_large",
        )
    if len(dataset.get("SegmentSequence") or ()) > _MAX_SEGMENTS:
        raise ImageRefused(f"the segmentation has more than {_MAX_SEGMENTS:,} segments", code="segmentation_too_large")
    if len(dataset.get("PerFrameFunctionalGroupsSequence") or ()) != n_frames:
        raise ImageRefused("the segmentation does not place each of its frames", code="bad_segmentation")
    n_bytes = len(dataset.get("PixelData") or b"")
    if not n_bytes or (not is_packed and n_bytes < (n_voxels * bits + 7) // 8):
        raise ImageRefused(
            f"the segmentation holds {n_bytes:,} bytes of pixels, its header claims {(n_voxels * bits + 7) // 8:,}",
            code="segmentation_truncated",
        )


def _state_slice_gap(dataset: Dataset) -> None:
    """Write down the distance of planes where the object leaves it out, so that left-out planes count as empty.

    Otherwise two marked planes far apart would look like two thick ones. Raises `ImageRefused` when it is not clear.
    """
    shared: Any = dataset.SharedFunctionalGroupsSequence[0]
    frames: Any = dataset.PerFrameFunctionalGroupsSequence
    measures = (shared if "PixelMeasuresSequence" in shared else frames[0]).PixelMeasuresSequence[0]
    thickness_mm = float(measures.get("SliceThickness") or 0)
    if measures.get("SpacingBetweenSlices") or thickness_mm <= 0 or "PlaneOrientationSequence" not in shared:
        return
    normal = plane_normal([float(part) for part in shared.PlaneOrientationSequence[0].ImageOrientationPatient])
    positions = [frame.PlanePositionSequence[0].ImagePositionPatient for frame in frames]
    heights_mm = np.unique(np.round(np.array(positions, dtype=np.float64) @ normal, 3))
    gap_mm = float(np.diff(heights_mm).min()) if heights_mm.size > 1 else thickness_mm
    if gap_mm <= _GAP_MAX * thickness_mm:
        return
    n_planes = gap_mm / thickness_mm
    if abs(n_planes - round(n_planes)) > 0.01 * n_planes:
        raise ImageRefused(
            f"the planes are {thickness_mm:g} mm thick and {gap_mm:g} mm apart, what lies between is not known",
            code="segmentation_irregular",
        )
    for holder in (shared, *frames):
        for item in holder.get("PixelMeasuresSequence") or ():
            item.SpacingBetweenSlices = thickness_mm


def _classes(seg: SegObject) -> list[MaskClass]:
    """A class for each segment. Labels are free text, so they are cleaned; without one, the coded type is the name."""
    classes = []
    for number in seg.segment_numbers:
        description = seg.get_segment_description(number)
        name = clean_name(str(description.get("SegmentLabel") or "")) or _coded_name(description)
        classes.append(MaskClass(int(number), name or f"segment {number}", color_of(int(number))))
    return [known for known in classes if known.value > 0]


def _coded_name(description: Dataset) -> str:
    codes: Any = description.get("SegmentedPropertyTypeCodeSequence") or ()
    return clean_name(str(codes[0].get("CodeMeaning") or "")) if len(codes) else ""


def _labels(seg: SegObject, *, kind: str, numbers: list[int]) -> tuple[NDArray[Any], Matrix, list[str]]:
    """Labels[plane, row, column], the affine of these axes, and notes."""
    dtype = np.uint8 if max(numbers, default=0) < 256 else np.uint16
    notes = []
    if kind == "FRACTIONAL":
        notes.append("The segmentation holds fractions; at least one half counts as inside.")
    else:
        try:
            volume = seg.get_volume(combine_segments=True, relabel=False, dtype=dtype)
        except RuntimeError:  # segments overlap
            pass
        else:
            return volume.array, volume.affine, notes
    labels, affine = _by_segment(seg, numbers=numbers, dtype=dtype, notes=notes)
    return labels, affine, notes


def _by_segment(
    seg: SegObject, *, numbers: list[int], dtype: type[np.unsignedinteger[Any]], notes: list[str]
) -> tuple[NDArray[Any], Matrix]:
    """One segment after the other, so that later ones win and no array holds them all."""
    labels: NDArray[Any] | None = None
    affine: Matrix = np.eye(4)
    n_overlapping = 0
    for number in numbers:
        volume = seg.get_volume(segment_numbers=[number], combine_segments=False, rescale_fractional=True)
        inside = volume.array[..., 0] >= 0.5
        if labels is None:
            labels, affine = np.zeros(inside.shape, dtype=dtype), volume.affine
        n_overlapping += int(np.count_nonzero(labels[inside]))
        labels[inside] = number
    if labels is None:
        raise ImageRefused("the segmentation has no segment", code="bad_segmentation")
    if n_overlapping:
        notes.append(f"{n_overlapping:,} voxels lie in two segments; the later one has them.")
    return labels, affine


def _in_ijk_order(affine: Matrix) -> Matrix:
    """highdicom's affine of (plane, row, column) as one of (i, j, k)."""
    reordered: Matrix = np.array(affine, dtype=np.float64)[:, [2, 1, 0, 3]]
    return reordered


def _referenced_series(dataset: Dataset) -> str | None:
    for item in dataset.get("ReferencedSeriesSequence") or ():
        if uid := _uid(item, "SeriesInstanceUID"):
            return uid
    return None


def _referenced_images(dataset: Dataset) -> Iterator[str]:
    for series in dataset.get("ReferencedSeriesSequence") or ():
        for item in series.get("ReferencedInstanceSequence") or ():
            if uid := _uid(item, "ReferencedSOPInstanceUID"):
                yield uid


def _uid(dataset: Dataset, keyword: str) -> str | None:
    return str(dataset.get(keyword) or "").strip(" \0") or None
