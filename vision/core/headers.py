"""What an image says of itself, checked: the header of one DICOM instance as a plain record."""

import math
import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydicom.dataset import Dataset
from pydicom.uid import UID

from vision.core.limits import DEFAULT_LIMITS, ImageLimits
from vision.core.refusals import ImageRefused

Vector = tuple[float, float, float]
Orientation = tuple[float, float, float, float, float, float]

SEGMENTATION_CLASSES: Final = frozenset({"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"})
_UID: Final = re.compile(r"[0-9.]{1,64}")
_MODALITY: Final = re.compile(r"[A-Z]{2,16}", re.ASCII)
_GREY: Final = frozenset({"MONOCHROME1", "MONOCHROME2"})
_SCOUTS: Final = frozenset({"LOCALIZER", "SCOUT", "TOPOGRAM"})
_MAX_MM: Final = 100_000.0
_MIN_SPACING_MM: Final = 1e-4
_MAX_SPACING_MM: Final = 1_000.0
_ORTHOGONAL: Final = 0.01
_MAX_TEXT_CHARS: Final = 1_024

# Wherein images at one position may differ (echoes, phases, time points), the most telling first.
_SPLITTERS: Final = (
    ("echo", ("EchoNumbers", "EchoTime")),
    ("time point", ("TemporalPositionIdentifier",)),
    ("cardiac phase", ("TriggerTime",)),
    ("b-value", ("DiffusionBValue",)),
    ("inversion time", ("InversionTime",)),
    ("acquisition", ("AcquisitionNumber",)),
    ("kind of image", ("ImageType",)),
    ("kernel", ("ConvolutionKernel",)),
    ("tube voltage", ("KVP",)),
    ("acquisition time", ("AcquisitionDateTime", "AcquisitionTime")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameGeometry:
    """Where one frame lies, as far as it is known, and what tells it from others at the same position."""

    position_lps: Vector | None = None
    orientation: Orientation | None = None
    pixel_spacing_mm: tuple[float, float] | None = None
    splitters: tuple[tuple[str, Hashable], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceHeader:
    """One DICOM image. `pixel_spacing_mm` is (between rows, between columns); missing values are `None`.

    `frames` has an entry per frame for multi-frame images that say where each lies, and is empty otherwise.
    `notes` are short sentences for the reader.
    """

    kind: Literal["image", "segmentation"]
    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class: str
    transfer_syntax: str
    modality: str
    rows: int
    columns: int
    n_frames: int = 1
    bits_allocated: int = 16
    bits_stored: int = 16
    signed: bool = False
    photometric: str = "MONOCHROME2"
    slope: float = 1.0
    intercept: float = 0.0
    units: Literal["HU", "stored"] = "stored"
    series_number: int | None = None
    instance_number: int | None = None
    accession_number: str = ""
    study_id: str = ""
    patient_id: str = ""
    study_date: str = ""
    description: str = ""
    study_description: str = ""
    body_part: str = ""
    image_type: tuple[str, ...] = ()
    frame_of_reference_uid: str = ""
    pixel_spacing_mm: tuple[float, float] | None = None
    orientation: Orientation | None = None
    position_lps: Vector | None = None
    slice_thickness_mm: float | None = None
    gantry_tilt: float | None = None
    window_center: float | None = None
    window_width: float | None = None
    burned_in: bool | None = None
    splitters: tuple[tuple[str, Hashable], ...] = ()
    frames: tuple[FrameGeometry, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()

    def geometry(self, frame: int = 0) -> FrameGeometry:
        """Where a frame lies, counted from 0; all of it unknown for a multi-frame image that does not say."""
        if self.frames:
            return self.frames[frame]
        if self.n_frames > 1:
            return FrameGeometry()
        return FrameGeometry(
            position_lps=self.position_lps,
            orientation=self.orientation,
            pixel_spacing_mm=self.pixel_spacing_mm,
            splitters=self.splitters,
        )

    @property
    def is_localizer(self) -> bool:
        """Whether the image says that it is a scout."""
        return not _SCOUTS.isdisjoint(self.image_type)

    @property
    def is_mosaic(self) -> bool:
        """Whether many slices are tiled into one image (Siemens)."""
        return "MOSAIC" in self.image_type


def parse_header(dataset: Dataset, *, transfer_syntax: str, limits: ImageLimits = DEFAULT_LIMITS) -> InstanceHeader:
    """The checked header of a dataset (pixel data not needed), without its frames' own geometry.

    Raises `ImageRefused` for objects that are no images, colour, missing identifiers and absurd numbers.
    """
    sop_class = _uid(dataset, "SOPClassUID")
    is_segmentation = sop_class in SEGMENTATION_CLASSES
    _require_image(dataset, sop_class)
    rows, columns, n_frames = _extents(dataset, limits)
    bits_allocated, bits_stored, signed = _bits(dataset, is_segmentation=is_segmentation)
    photometric = text(dataset, "PhotometricInterpretation").upper()
    if not is_segmentation:
        _require_grey(dataset, photometric)
    slope, intercept = rescale_of(dataset)
    modality = _modality(dataset)
    return InstanceHeader(
        kind="segmentation" if is_segmentation else "image",
        study_uid=_uid(dataset, "StudyInstanceUID"),
        series_uid=_uid(dataset, "SeriesInstanceUID"),
        sop_uid=_uid(dataset, "SOPInstanceUID"),
        sop_class=sop_class,
        transfer_syntax=transfer_syntax,
        modality=modality,
        rows=rows,
        columns=columns,
        n_frames=n_frames,
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        signed=signed,
        photometric=photometric,
        slope=slope,
        intercept=intercept,
        units=_units(dataset, modality),
        **_described(dataset),
        **_placed(dataset),
        splitters=splitters_of(dataset),
    )


def _modality(dataset: Dataset) -> str:
    """The modality as a defined term; OT ("other") for what is none, empty where none is given."""
    found = text(dataset, "Modality").upper()
    return found if not found or _MODALITY.fullmatch(found) else "OT"


def _described(dataset: Dataset) -> dict[str, Any]:
    """What names and describes the image, for linking and captions."""
    return {
        "series_number": _integer(dataset, "SeriesNumber"),
        "instance_number": _integer(dataset, "InstanceNumber"),
        "accession_number": text(dataset, "AccessionNumber"),
        "study_id": text(dataset, "StudyID"),
        "patient_id": text(dataset, "PatientID"),
        "study_date": text(dataset, "StudyDate"),
        "description": text(dataset, "SeriesDescription"),
        "study_description": text(dataset, "StudyDescription"),
        "body_part": text(dataset, "BodyPartExamined"),
        "image_type": tuple(part.upper() for part in texts(dataset, "ImageType")),
        "window_center": _number(dataset, "WindowCenter"),
        "window_width": _number(dataset, "WindowWidth"),
        "burned_in": {"YES": True, "NO": False}.get(text(dataset, "BurnedInAnnotation").upper()),
    }


def _placed(dataset: Dataset) -> dict[str, Any]:
    """Where the image lies."""
    return {
        "frame_of_reference_uid": text(dataset, "FrameOfReferenceUID"),
        "pixel_spacing_mm": spacing_of(dataset),
        "orientation": orientation_of(dataset),
        "position_lps": position_of(dataset),
        "slice_thickness_mm": _number(dataset, "SliceThickness"),
        "gantry_tilt": _number(dataset, "GantryDetectorTilt"),
    }


def text(dataset: Dataset, keyword: str) -> str:
    """The value as stripped text; empty when it is missing or cannot be read."""
    values = texts(dataset, keyword)
    return "\\".join(values)


def texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """The values as stripped texts."""
    return tuple(str(value).strip(" \0")[:_MAX_TEXT_CHARS] for value in _values(dataset, keyword))


def numbers(dataset: Dataset, keyword: str, n_values: int) -> tuple[float, ...] | None:
    """`n_values` finite numbers; `None` when the element is missing or empty.

    Raises `ImageRefused` (`absurd_header`) for another count, and for what is no finite number.
    """
    values = _values(dataset, keyword, refuse=True)
    if not values:
        return None
    if len(values) != n_values:
        raise ImageRefused(f"{keyword} has {len(values)} values, expected {n_values}", code="absurd_header")
    try:
        found = tuple(float(value) for value in values)
    except (TypeError, ValueError, OverflowError) as error:
        raise ImageRefused(f"{keyword} is no number", code="absurd_header") from error
    if not all(math.isfinite(number) for number in found):
        raise ImageRefused(f"{keyword} is not finite", code="absurd_header")
    return found


def spacing_of(dataset: Dataset) -> tuple[float, float] | None:
    """PixelSpacing in mm as (between rows, between columns)."""
    found = numbers(dataset, "PixelSpacing", 2)
    if found is None:
        return None
    if not all(_MIN_SPACING_MM <= spacing <= _MAX_SPACING_MM for spacing in found):
        raise ImageRefused(f"PixelSpacing is {found[0]:g} x {found[1]:g} mm", code="absurd_header")
    return found[0], found[1]


def orientation_of(dataset: Dataset) -> Orientation | None:
    """Direction cosines of a row, then of a column, in LPS."""
    found = numbers(dataset, "ImageOrientationPatient", 6)
    if found is None:
        return None
    row, column = found[:3], found[3:]
    lengths = (math.hypot(*row), math.hypot(*column))
    if any(abs(length - 1) > _ORTHOGONAL for length in lengths):
        raise ImageRefused("ImageOrientationPatient holds no unit vectors", code="absurd_header")
    if abs(sum(a * b for a, b in zip(row, column, strict=True))) > _ORTHOGONAL:
        raise ImageRefused("ImageOrientationPatient: rows and columns are not at right angles", code="absurd_header")
    return found[0], found[1], found[2], found[3], found[4], found[5]


def position_of(dataset: Dataset) -> Vector | None:
    """Centre of the first pixel in LPS mm."""
    found = numbers(dataset, "ImagePositionPatient", 3)
    if found is None:
        return None
    if any(abs(coordinate) > _MAX_MM for coordinate in found):
        raise ImageRefused("ImagePositionPatient lies more than 100 m away", code="absurd_header")
    return found[0], found[1], found[2]


def rescale_of(dataset: Dataset) -> tuple[float, float]:
    """(slope, intercept) of the modality's values; (1, 0) when they are not given."""
    slope = numbers(dataset, "RescaleSlope", 1) or (1.0,)
    intercept = numbers(dataset, "RescaleIntercept", 1) or (0.0,)
    if slope[0] == 0:
        raise ImageRefused("RescaleSlope is 0: every pixel would have one value", code="absurd_header")
    return slope[0], intercept[0]


def splitters_of(dataset: Dataset) -> tuple[tuple[str, Hashable], ...]:
    """What may tell the image from others at its position, as (name, values)."""
    found = (
        (name, tuple(value for keyword in keywords for value in texts(dataset, keyword)))
        for name, keywords in _SPLITTERS
    )
    return tuple((name, values) for name, values in found if values)


def _values(dataset: Dataset, keyword: str, *, refuse: bool = False) -> tuple[Any, ...]:
    """The element's values; empty when it is missing. Values that cannot be read are none, or refused."""
    try:
        value = dataset.get(keyword)
    except (ValueError, TypeError, OverflowError, LookupError, NotImplementedError) as error:
        if refuse:
            raise ImageRefused(f"{keyword} cannot be read", code="absurd_header") from error
        return ()
    if value is None or value == "":
        return ()
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return (value,)
    return tuple(part for part in value if part is not None)


def _number(dataset: Dataset, keyword: str) -> float | None:
    """The first value if it is a finite number: for hints that no geometry hangs on."""
    values = _values(dataset, keyword)
    try:
        found = float(values[0]) if values else None
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found is not None and math.isfinite(found) else None


def _integer(dataset: Dataset, keyword: str) -> int | None:
    found = _number(dataset, keyword)
    return int(found) if found is not None and abs(found) < 2**31 else None


def _count(dataset: Dataset, keyword: str) -> int | None:
    """A whole number that the pixels hang on; `None` when it is missing. Raises `ImageRefused` for anything else."""
    values = _values(dataset, keyword, refuse=True)
    if not values:
        return None
    if len(values) != 1 or not isinstance(values[0], int):
        raise ImageRefused(f"{keyword} is no whole number", code="absurd_header")
    return int(values[0])


def _uid(dataset: Dataset, keyword: str) -> str:
    found = text(dataset, keyword)
    if not found:
        raise ImageRefused(f"{keyword} is missing", code="missing_uid")
    if not _UID.fullmatch(found):
        raise ImageRefused(f"{keyword} is no UID (digits and dots, at most 64)", code="missing_uid")
    return found


def _require_image(dataset: Dataset, sop_class: str) -> None:
    name = UID(sop_class).name
    known = name if name != sop_class else "an object of unknown kind"
    if "Rows" not in dataset and "Columns" not in dataset:
        raise ImageRefused(f"no image: {known}", code="not_an_image")


def _extents(dataset: Dataset, limits: ImageLimits) -> tuple[int, int, int]:
    rows, columns = _count(dataset, "Rows") or 0, _count(dataset, "Columns") or 0
    n_frames = _count(dataset, "NumberOfFrames")
    n_frames = 1 if n_frames is None else n_frames
    if rows < 1 or columns < 1:
        raise ImageRefused(f"the header says {rows} rows x {columns} columns", code="absurd_header")
    if rows > limits.max_side or columns > limits.max_side:
        raise ImageRefused(
            f"the header says {rows} rows x {columns} columns, at most {limits.max_side} are allowed", code="too_large"
        )
    if n_frames < 1 or n_frames > limits.max_frames:
        raise ImageRefused(
            f"the header says {n_frames} frames, expected 1 to {limits.max_frames:,}", code="absurd_header"
        )
    if rows * columns * n_frames > limits.max_voxels:
        raise ImageRefused(
            f"{rows} x {columns} x {n_frames} pixels are more than the {limits.max_voxels:,} allowed", code="too_large"
        )
    return rows, columns, n_frames


def _bits(dataset: Dataset, *, is_segmentation: bool) -> tuple[int, int, bool]:
    allocated, stored = _count(dataset, "BitsAllocated") or 0, _count(dataset, "BitsStored") or 0
    high = _count(dataset, "HighBit")
    if allocated not in ((1, 8, 16) if is_segmentation else (8, 16, 32)):
        raise ImageRefused(f"BitsAllocated is {allocated}, expected 8, 16 or 32", code="unsupported_pixels")
    if not 1 <= stored <= allocated:
        raise ImageRefused(f"BitsStored is {stored} of {allocated} allocated", code="absurd_header")
    if high is not None and not stored - 1 <= high < allocated:
        raise ImageRefused(f"HighBit is {high} for {stored} bits of {allocated}", code="absurd_header")
    sign = _count(dataset, "PixelRepresentation")
    if sign not in (0, 1) and not is_segmentation:
        raise ImageRefused("PixelRepresentation does not say whether pixels have a sign", code="absurd_header")
    return allocated, stored, sign == 1


def _require_grey(dataset: Dataset, photometric: str) -> None:
    samples = _count(dataset, "SamplesPerPixel")
    samples = 1 if samples is None else samples
    if samples != 1 or photometric not in _GREY:
        shown = photometric if re.fullmatch(r"[A-Z0-9_ ]{1,16}", photometric) else "unknown"
        raise ImageRefused(
            f"a colour image or an unknown one ({shown}, {samples} samples per pixel): only grey images are read",
            code="unsupported_pixels",
        )


def _units(dataset: Dataset, modality: str) -> Literal["HU", "stored"]:
    """HU for CT with a rescale that does not say otherwise (PS3.3 section C.11.1.1.2)."""
    is_rescaled = "RescaleSlope" in dataset or "SharedFunctionalGroupsSequence" in dataset
    return "HU" if modality == "CT" and is_rescaled and text(dataset, "RescaleType") in ("", "HU") else "stored"
