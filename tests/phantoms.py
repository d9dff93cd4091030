"""Small DICOM series whose every voxel and place is known, for tests of images.

The places are those of tests/golden/geometry.json, calculated by hand: anisotropic, non_square, oblique, flipped,
sagittal. Voxel (i, j, k) holds `100 * k + 10 * j + i` stored, so that a value names its voxel where rows and columns
are fewer than ten.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

GOLDEN_GEOMETRY = Path(__file__).parent / "golden" / "geometry.json"
CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
MR_CLASS = "1.2.840.10008.5.1.4.1.1.4"
STUDY_UID = "2.25.1"
SERIES_UID = "2.25.2"


@dataclass(frozen=True)
class Place:
    """A grid from geometry.json. `pixel_spacing_mm` is (between rows, between columns)."""

    name: str
    shape_kji: tuple[int, int, int]
    position_lps: tuple[float, float, float]
    orientation: tuple[float, ...]
    pixel_spacing_mm: tuple[float, float]
    slice_gap_mm: float
    affine_lps: NDArray[np.float64]
    letters_ijk: tuple[str, str, str]
    points: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]

    @property
    def voxels(self) -> NDArray[np.int16]:
        """Stored values [k, j, i]."""
        k, j, i = np.indices(self.shape_kji)
        return (100 * k + 10 * j + i).astype(np.int16)


def places(*, with_left_handed: bool = False) -> dict[str, Place]:
    """The grids by name; the left-handed one is none that DICOM slices can have."""
    found = {}
    for case in json.loads(GOLDEN_GEOMETRY.read_text())["cases"]:
        if case["orientation"] is None and not with_left_handed:
            continue
        found[case["name"]] = Place(
            name=case["name"],
            shape_kji=tuple(case["shape_kji"]),
            position_lps=tuple(case["position_lps"]),
            orientation=tuple(case["orientation"] or ()),
            pixel_spacing_mm=tuple(case["pixel_spacing_mm"]),
            slice_gap_mm=case["slice_gap_mm"],
            affine_lps=np.array(case["affine_lps"], dtype=float).reshape(4, 4),
            letters_ijk=tuple(case["letters_ijk"]),
            points=tuple((tuple(point["index_ijk"]), tuple(point["world_lps"])) for point in case["points"]),
        )
    return found


def image(pixels: NDArray[Any] | None = None, **values: Any) -> Dataset:
    """One CT slice with `pixels` (rows, columns), or (frames, rows, columns); `values` set further elements.

    `None` leaves an element out. PatientName and PatientID are filled, so that a test can look for them.
    """
    stored = np.arange(12, dtype=np.int16).reshape(3, 4) if pixels is None else pixels
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    defaults: dict[str, Any] = {
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "SOPClassUID": CT_CLASS,
        "SOPInstanceUID": "2.25.3",
        "StudyInstanceUID": STUDY_UID,
        "SeriesInstanceUID": SERIES_UID,
        "StudyDate": "20260102",
        "AccessionNumber": "A-1",
        "StudyID": "S-1",
        "Modality": "CT",
        "PatientName": "Doe^Jane",
        "PatientID": "P-1",
        "SeriesNumber": 3,
        "InstanceNumber": 1,
        "ImagePositionPatient": [-100, -80, -50],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [0.5, 0.5],
        "FrameOfReferenceUID": "2.25.4",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": stored.shape[-2],
        "Columns": stored.shape[-1],
        "BitsAllocated": stored.dtype.itemsize * 8,
        "BitsStored": stored.dtype.itemsize * 8,
        "HighBit": stored.dtype.itemsize * 8 - 1,
        "PixelRepresentation": int(stored.dtype.kind == "i"),
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
    }
    if stored.ndim == 3:
        defaults["NumberOfFrames"] = stored.shape[0]
    value = stored.astype(stored.dtype.newbyteorder("<")).tobytes()
    defaults["PixelData"] = value + b"\0" * (len(value) % 2)
    for keyword, element in (defaults | values).items():
        if element is not None:
            setattr(dataset, keyword, element)
    dataset["PixelData"].VR = "OW" if stored.dtype.itemsize > 1 else "OB"
    return dataset


def series(place: Place, **values: Any) -> list[Dataset]:
    """The slices of a place as CT images, first slice first; `values` set further elements of each."""
    normal = np.cross(place.orientation[:3], place.orientation[3:])
    slices = []
    for k, pixels in enumerate(place.voxels):
        position = np.asarray(place.position_lps) + normal * place.slice_gap_mm * k
        slices.append(
            image(
                pixels,
                **{
                    "SOPInstanceUID": f"2.25.{1000 + k}",
                    "InstanceNumber": k + 1,
                    "ImagePositionPatient": [round(float(part), 9) for part in position],
                    "ImageOrientationPatient": list(place.orientation),
                    "PixelSpacing": list(place.pixel_spacing_mm),
                }
                | values,
            )
        )
    return slices


def dicom_bytes(dataset: Dataset, *, preamble: bool = True) -> bytes:
    """The dataset as a file; without `preamble`, it begins with its file meta."""
    meta = dataset.file_meta
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", "") or CT_CLASS
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "") or "2.25.9"
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()[0 if preamble else 132 :]


def write_files(datasets: Sequence[Dataset], folder: Path) -> list[Path]:
    """Write each dataset to a file of its own, named so that names say nothing of the order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, dataset in enumerate(datasets):
        path = folder / f"{(number * 7919) % 997:03d}-{number}"
        path.write_bytes(dicom_bytes(dataset))
        paths.append(path)
    return paths
