"""Write made-up series as DICOM files and their classes as NIfTI label maps or DICOM segmentations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import nibabel
import numpy as np
from highdicom.content import AlgorithmIdentificationSequence
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from jpeg_ls import encode_array
from nibabel.nifti1 import Nifti1Extension
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sr.coding import Code
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    JPEGLSLossless,
    MRImageStorage,
    generate_uid,
)

from vision.core.phantoms.shapes import Canvas

_CT_OFFSET: Final = 1024
_SOFTWARE: Final = "Overread phantoms"
_MAX_NIFTI_TEXT: Final = 79


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesTags:
    """What the header says. All UIDs follow from `study_id` and the numbers, so that making it again gives the same."""

    patient_id: str
    study_id: str
    number: int
    modality: str
    description: str
    study_description: str = ""
    body_part: str = ""
    extra: Mapping[str, object] | None = None

    def uid(self, *parts: object) -> str:
        """A UID for this and nothing else."""
        return str(generate_uid(entropy_srcs=[_SOFTWARE, self.study_id, *map(str, parts)]))


def write_series(folder: Path, canvas: Canvas, tags: SeriesTags, *, compressed: bool = True) -> list[Path]:
    """Write a Part-10 file per picture, numbered from 1 in the order of the canvas; JPEG-LS without loss, or plain."""
    folder.mkdir(parents=True, exist_ok=True)
    offset = _CT_OFFSET if tags.modality == "CT" else 0
    stored = (np.rint(canvas.voxels) + offset).clip(0, 4095).astype(np.uint16)
    template = _template(canvas, tags, offset=offset)
    syntax = JPEGLSLossless if compressed else ExplicitVRLittleEndian
    affine = canvas.affine_lps()
    paths = []
    for index, picture in enumerate(stored):
        path = folder / f"IM{index + 1:05d}"
        _fill(template, tags, index=index, origin=affine[:3, 3] + affine[:3, 2] * index)
        template.file_meta.TransferSyntaxUID = syntax
        pixels = encode_array(np.ascontiguousarray(picture)) if compressed else picture.tobytes()
        template.PixelData = encapsulate([bytes(pixels)]) if compressed else pixels
        template["PixelData"].VR = "OB" if compressed else "OW"
        template["PixelData"].is_undefined_length = compressed
        template.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def _template(canvas: Canvas, tags: SeriesTags, *, offset: int) -> Dataset:
    """What all pictures of the series have in common."""
    is_ct = tags.modality == "CT"
    affine = canvas.affine_lps()
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.SOPClassUID = CTImageStorage if is_ct else MRImageStorage
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"] if is_ct else ["ORIGINAL", "PRIMARY", "OTHER"]
    ds.StudyDate, ds.StudyTime = "20250303", "101500"
    ds.AccessionNumber, ds.StudyID, ds.PatientID = tags.study_id, tags.study_id, tags.patient_id
    ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = tags.modality, "Overread", _SOFTWARE
    ds.PatientName, ds.PatientBirthDate, ds.PatientSex = "Made-up^Person", "", ""
    ds.ReferringPhysicianName, ds.BodyPartExamined = "", tags.body_part
    ds.StudyDescription, ds.SeriesDescription = tags.study_description, tags.description
    ds.StudyInstanceUID, ds.SeriesInstanceUID = tags.uid("study"), tags.uid("series", tags.number)
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = tags.uid("frame of reference"), ""
    ds.SeriesNumber, ds.PatientPosition = tags.number, "HFS"
    ds.SliceThickness = f"{steps[2]:.6g}"
    ds.ImageOrientationPatient = [float(v) for v in (*affine[:3, 0] / steps[0], *affine[:3, 1] / steps[1])]
    ds.PixelSpacing = [f"{steps[1]:.10g}", f"{steps[0]:.10g}"]
    ds.Rows, ds.Columns = canvas.voxels.shape[1:]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.BurnedInAnnotation = "NO"
    if is_ct:
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType, ds.KVP = -offset, 1, "HU", 120
        ds.WindowCenter, ds.WindowWidth = 40, 400
    else:
        ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = "SE", "SK", "", "2D"
        ds.EchoTime, ds.RepetitionTime, ds.EchoTrainLength = 100, 3500, 15
        ds.WindowCenter, ds.WindowWidth = 450, 900
    for keyword, value in (tags.extra or {}).items():
        setattr(ds, keyword, value)
    return ds


def _fill(template: Dataset, tags: SeriesTags, *, index: int, origin: NDArray[np.float64]) -> None:
    """What is this picture's own."""
    template.SOPInstanceUID = tags.uid("picture", tags.number, index + 1)
    template.file_meta.MediaStorageSOPInstanceUID = template.SOPInstanceUID
    template.InstanceNumber = index + 1
    template.ImagePositionPatient = [f"{millimetres:.10g}" for millimetres in origin]


def write_mask(path: Path, canvas: Canvas, classes: Mapping[str, int]) -> None:
    """Write a NIfTI label map in the voxel order of the canvas, with the names of its classes as an extension."""
    to_ras = np.diag([-1.0, -1.0, 1.0, 1.0])
    affine = to_ras @ canvas.affine_lps()
    image = nibabel.Nifti1Image(canvas.labels.transpose(2, 1, 0), affine)  # type: ignore[no-untyped-call]
    image.set_qform(affine, code=1)  # type: ignore[no-untyped-call]
    image.set_sform(affine, code=1)  # type: ignore[no-untyped-call]
    names = "".join(f'<Label Key="{value}"><![CDATA[{name}]]></Label>' for name, value in classes.items())
    table = f'<?xml version="1.0"?><CaretExtension><LabelTable>{names}</LabelTable></CaretExtension>'
    image.header.extensions.append(Nifti1Extension(0, table.encode()))
    image.header["descrip"] = path.name[:_MAX_NIFTI_TEXT].encode()
    nibabel.save(image, path)


def write_segmentation(path: Path, canvas: Canvas, sources: Sequence[Dataset], classes: Mapping[str, int]) -> None:
    """Write the classes that occur as a binary DICOM segmentation of `sources`, which lie in the canvas's order."""
    present = [(name, value) for name, value in classes.items() if (canvas.labels == value).any()]
    algorithm = AlgorithmIdentificationSequence(
        name=_SOFTWARE, family=Code("123110", "DCM", "Artificial Intelligence"), version="1"
    )
    descriptions = [
        SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=Code("123037004", "SCT", "Anatomical Structure"),
            segmented_property_type=Code("91723000", "SCT", "Anatomical structure"),
            algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm_identification=algorithm,
        )
        for number, (name, _) in enumerate(present, start=1)
    ]
    planes = np.stack([canvas.labels == value for _, value in present], axis=-1)
    study = str(sources[0].StudyInstanceUID)
    segmentation = Segmentation(
        source_images=list(sources),
        pixel_array=planes.astype(np.uint8),
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=descriptions,
        series_instance_uid=str(generate_uid(entropy_srcs=[study, "segmentation series"])),
        series_number=900,
        sop_instance_uid=str(generate_uid(entropy_srcs=[study, "segmentation"])),
        instance_number=1,
        manufacturer="Overread",
        manufacturer_model_name=_SOFTWARE,
        software_versions="1",
        device_serial_number="1",
        series_description="Organs",
    )
    segmentation.save_as(path)
