"""Small made-up images for tests of the import: DICOM slices as a scanner writes them, NIfTI volumes and masks."""

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from django.utils import timezone
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from annotator.models import Project
from vision.models import ImageImport
from vision.services.imports import import_images
from vision.services.options import ImportOptions

PATIENT_NAME = "Fernweh^Ottilie"
PATIENT_ID = "MRN-904711"
ACCESSION = "ACC-31"


def slice_dataset(k: int, *, series: str = "2.25.901", **changes: Any) -> Dataset:
    """Slice `k` of an axial CT of 24 rows x 32 columns, 2 mm apart; its first pixel holds 1000 + k."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, f"{series}.{k + 1}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "2.25.900", series
    dataset.FrameOfReferenceUID = "2.25.909"
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = PATIENT_NAME, PATIENT_ID, "19511203"
    dataset.AccessionNumber, dataset.StudyID = ACCESSION, "ST-31"
    dataset.StudyDate, dataset.Modality, dataset.SeriesNumber = "20240517", "CT", 3
    dataset.InstanceNumber, dataset.SeriesDescription = k + 1, "ABDOMEN AX Fernweh 5.0"
    dataset.InstitutionName = "Klinik Ottilienruh"
    dataset.Rows, dataset.Columns = 24, 32
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.ImagePositionPatient = [-10, -20, 100 + 2 * k]
    dataset.PixelSpacing, dataset.SliceThickness = [0.8, 0.7], 2
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    pixels = np.arange(24 * 32, dtype=np.uint16).reshape(24, 32)
    pixels[0, 0] = 1000 + k
    dataset.PixelData = pixels.tobytes()
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return dataset


def write_slices(folder: Path, n: int = 6, **changes: Any) -> list[Path]:
    """Files of `n` slices, named so that their order on the disk is not that of their positions."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"im{(7 * k) % n:03}.dcm" for k in range(n)]
    for k, path in enumerate(paths):
        slice_dataset(k, **changes).save_as(path, enforce_file_format=True)
    return paths


# The grid of `write_slices`, as NIfTI has it (RAS): array axes i, j, k.
AFFINE_RAS = np.array([[-0.7, 0, 0, 10], [0, -0.8, 0, 20], [0, 0, 2, 100], [0, 0, 0, 1.0]])


def write_nifti(path: Path, voxels_ijk: NDArray[Any], affine_ras: NDArray[Any] = AFFINE_RAS) -> Path:
    """A NIfTI file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels_ijk, affine_ras), path)
    return path


def labels_ijk(n: int = 6, **boxes: tuple[int, int]) -> NDArray[np.uint8]:
    """A label map on the grid of `write_slices`: for each name, (value, column) of a box of 4 x 6 x 2 voxels."""
    labels = np.zeros((32, 24, n), dtype=np.uint8)
    for value, column in boxes.values():
        labels[column : column + 4, 8:14, 2:4] = value
    return labels


def run(project: Project, source: Path, **options: Any) -> ImageImport:
    """Import with these options."""
    return import_images(
        project=project, source=source, actor=None, options=ImportOptions(**options), now=timezone.now()
    )


def outcomes(project: Project, source: Path, **options: Any) -> dict[str, tuple[str, str]]:
    """Import, and what became of each file by its name: (kind, code)."""
    found: dict[str, tuple[str, str]] = {}
    run(project, source, each_file=lambda file: found.update({file.name: (file.kind, file.code)}), **options)
    return found
