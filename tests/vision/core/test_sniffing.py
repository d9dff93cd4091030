import gzip
import io
import zipfile

import nibabel as nib
import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from tests.phantoms import dicom_bytes, image
from tests.shared_data import shared_data
from vision.core.sniffing import SNIFF_BYTES, sniff, sniff_stream


def nifti(kind: type = nib.Nifti1Image) -> bytes:
    return bytes(kind(np.zeros((2, 2, 2), dtype=np.int16), np.eye(4)).to_bytes())


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a", b"b")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (dicom_bytes(image()), "dicom"),
        (dicom_bytes(image(), preamble=False), "dicom"),
        (nifti(), "nifti"),
        (nifti(nib.Nifti2Image), "nifti"),
        (gzip.compress(nifti()), "nifti"),
        (gzip.compress(b"a table of labels"), "other"),
        (gzip.compress(nifti())[:20], "other"),
        (archive(), "zip"),
        (b"", "other"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "other"),
        (b"%PDF-1.7" + bytes(400), "other"),
        (b"name,value\n" * 100, "other"),
        (bytes(400), "other"),
    ],
    ids=[
        "DICOM", "no preamble", "NIfTI-1", "NIfTI-2", "gzipped NIfTI", "gzip", "cut gzip", "ZIP", "empty", "PNG",
        "PDF", "CSV", "zeros",
    ],
)  # fmt: skip
def test_content_says_what_a_file_is(head: bytes, kind: str) -> None:
    assert sniff(head[:SNIFF_BYTES], "anything.jpg") == kind


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_data_set_without_any_meta_is_dicom(syntax: str) -> None:
    source = image()
    source.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        source.PixelData = np.arange(12, dtype=">i2").tobytes()
    whole = dicom_bytes(source)
    meta_bytes = 144 + int.from_bytes(whole[140:144], "little")
    assert sniff(whole[meta_bytes:]) == "dicom"


def test_a_dicomdir_is_known_by_its_class() -> None:
    directory = image(SOPClassUID="1.2.840.10008.1.3.10")
    assert sniff(dicom_bytes(directory)) == "dicomdir"


@pytest.mark.parametrize("folder", ["ct_abdomen/dicom", "dicom_syntaxes"])
def test_real_dicom_files_are_known(folder: str) -> None:
    paths = [path for path in shared_data(folder).iterdir() if path.name != "LICENSE.txt"]
    for path in paths:
        with path.open("rb") as stream:
            assert sniff_stream(stream) == "dicom"
            assert stream.tell() == 0
    assert len(paths) in (16, 20)
