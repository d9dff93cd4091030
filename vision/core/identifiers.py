"""Identifiers that an earlier de-identification emptied, put back as far as the file lets one."""

import hashlib
from typing import Final

from pydicom.dataset import Dataset, FileDataset

from vision.core.headers import text

_FROM_META: Final = {
    "SOPClassUID": "MediaStorageSOPClassUID",
    "SOPInstanceUID": "MediaStorageSOPInstanceUID",
}
_OF_STUDY: Final = ("FrameOfReferenceUID", "PatientID", "StudyDate", "StudyTime", "StudyID")
_OF_SERIES: Final = (*_OF_STUDY, "Modality", "SeriesNumber", "SeriesDescription", "SeriesTime", "AcquisitionNumber")
_NOTE: Final = "Study or series identifiers were empty: images with one frame of reference are taken as one series."


def fill_identifiers(dataset: FileDataset) -> tuple[str, ...]:
    """Fill empty class and instance UIDs from the file meta, and study and series UIDs from what they share.

    Without a frame of reference nothing says which images belong together: study and series stay empty. Returns notes
    for the reader.
    """
    for keyword, meta_keyword in _FROM_META.items():
        if not text(dataset, keyword) and (value := text(dataset.file_meta, meta_keyword)):
            setattr(dataset, keyword, value)
    notes: tuple[str, ...] = ()
    if not text(dataset, "FrameOfReferenceUID"):
        return notes
    for keyword, sources in (("StudyInstanceUID", _OF_STUDY), ("SeriesInstanceUID", _OF_SERIES)):
        if not text(dataset, keyword):
            setattr(dataset, keyword, _uid_of(dataset, sources))
            notes = (_NOTE,)
    return notes


def _uid_of(dataset: Dataset, keywords: tuple[str, ...]) -> str:
    shared = "\0".join((keywords[-1], *(text(dataset, keyword) for keyword in keywords)))
    return f"2.25.{int.from_bytes(hashlib.sha256(shared.encode()).digest()[:16])}"
