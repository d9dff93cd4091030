"""Which files are read, which are refused and why, and at what cost."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from pydicom import config, dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from tests.phantoms import dicom_bytes, image
from vision.core.dicom import read_instance, write_instance
from vision.core.frames import decode_frame
from vision.core.limits import ImageLimits
from vision.core.refusals import ImageRefused

PIXELS = np.arange(12, dtype=np.int16).reshape(3, 4)


def refusal(source: bytes, **limits: int) -> ImageRefused:
    with pytest.raises(ImageRefused) as caught:
        read_instance(source, limits=ImageLimits(**limits))
    assert "Doe" not in str(caught.value)
    assert "P-1" not in str(caught.value)
    return caught.value


def rewritten(source: bytes, change: Callable[[Dataset], None]) -> bytes:
    """The file with a change that pydicom would not write as a value; its values are raw."""
    dataset = dcmread(io.BytesIO(source))
    change(dataset)
    return dicom_bytes(dataset)


def raw_value(dataset: Dataset, keyword: str, value: bytes) -> bytes:
    """The file with a value that is no legal one for its element."""
    marker = b"9" * (len(value) + len(value) % 2)
    element = dataset[keyword]
    tag = struct.pack("<HH", element.tag.group, element.tag.element)
    whole = dicom_bytes(dataset)
    at = whole.index(tag + element.VR.encode())
    length = struct.unpack_from("<H", whole, at + 6)[0]
    value = value.ljust(len(marker), b" ")
    head = whole[: at + 6] + struct.pack("<H", len(value)) + value
    return head + whole[at + 8 + length :]


def test_a_header_says_what_the_file_says() -> None:
    header = read_instance(
        dicom_bytes(image(SeriesDescription="Abdomen ", WindowCenter=[40, 300], WindowWidth=[400, 1500]))
    )
    found = header.header
    assert (found.study_uid, found.series_uid, found.sop_uid) == ("2.25.1", "2.25.2", "2.25.3")
    assert (found.rows, found.columns, found.n_frames) == (3, 4, 1)
    assert (found.accession_number, found.study_id, found.patient_id) == ("A-1", "S-1", "P-1")
    assert (found.slope, found.intercept, found.units) == (1, -1024, "HU")
    assert (found.window_center, found.window_width) == (40, 400)
    assert found.position_lps == (-100, -80, -50)
    assert found.orientation == (1, 0, 0, 0, 1, 0)
    assert found.pixel_spacing_mm == (0.5, 0.5)
    assert (found.series_number, found.instance_number, found.description) == (3, 1, "Abdomen")
    assert found.signed
    assert found.burned_in is None
    assert found.transfer_syntax == ExplicitVRLittleEndian
    assert (found.kind, found.is_localizer, found.is_mosaic) == ("image", False, False)


def test_what_a_file_does_not_say_is_none() -> None:
    source = image(
        PixelSpacing=None, ImageOrientationPatient=None, ImagePositionPatient=None, RescaleSlope=None,
        RescaleIntercept=None, InstanceNumber=None, SeriesNumber=None, AccessionNumber="",
    )  # fmt: skip
    found = read_instance(dicom_bytes(source)).header
    assert (found.position_lps, found.orientation, found.pixel_spacing_mm) == (None, None, None)
    assert (found.series_number, found.instance_number, found.accession_number) == (None, None, "")
    assert (found.slope, found.intercept, found.units) == (1, 0, "stored")


@pytest.mark.parametrize("preamble", [True, False])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_pixels_come_as_they_were_written(syntax: str, preamble: bool) -> None:
    source = image(PIXELS)
    source.file_meta.TransferSyntaxUID = syntax
    instance = read_instance(dicom_bytes(source, preamble=preamble))
    assert instance.header.transfer_syntax == syntax
    assert "PixelData" not in instance.dataset
    instance.load_pixels()
    assert decode_frame(instance.dataset).tolist() == PIXELS.tolist()


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_bare_data_set_is_read_and_gets_a_transfer_syntax(syntax: str) -> None:
    source = image(PIXELS)
    source.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        source.PixelData = PIXELS.astype(">i2").tobytes()
    whole = dicom_bytes(source)
    instance = read_instance(whole[144 + int.from_bytes(whole[140:144], "little") :])
    instance.load_pixels()
    assert instance.header.transfer_syntax == syntax
    assert decode_frame(instance.dataset).tolist() == PIXELS.tolist()


def test_a_written_file_reads_the_same() -> None:
    instance = read_instance(dicom_bytes(image(PIXELS)))
    instance.load_pixels()
    again = read_instance(write_instance(instance.dataset))
    assert again.header == instance.header
    again.load_pixels()
    assert again.dataset.PixelData == instance.dataset.PixelData


def test_what_follows_the_pixels_is_not_kept() -> None:
    source = image(PIXELS)
    source.add_new(0xFFFCFFFC, "OB", b"hidden text ")
    instance = read_instance(dicom_bytes(source))
    instance.load_pixels()
    assert b"hidden" not in write_instance(instance.dataset)


def test_pixels_of_eight_bits_and_an_odd_count_are_padded() -> None:
    pixels = np.arange(9, dtype=np.uint8).reshape(3, 3)
    instance = read_instance(dicom_bytes(image(pixels)))
    instance.load_pixels()
    assert len(instance.dataset.PixelData) == 10
    assert decode_frame(instance.dataset).tolist() == pixels.tolist()


@pytest.mark.parametrize(
    ("sop_class", "said"),
    [
        ("1.2.840.10008.5.1.4.1.1.88.22", "Enhanced SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.59", "Key Object Selection Document Storage"),
        ("1.2.840.10008.5.1.4.1.1.11.1", "Grayscale Softcopy Presentation State Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.3", "RT Structure Set Storage"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "Encapsulated PDF Storage"),
        ("1.2.3.4", "an object of unknown kind"),
    ],
)
def test_objects_that_are_no_images_are_named(sop_class: str, said: str) -> None:
    report = image(SOPClassUID=sop_class)
    for keyword in ("Rows", "Columns", "PixelData"):
        delattr(report, keyword)
    error = refusal(dicom_bytes(report))
    assert (error.code, said in str(error)) == ("not_an_image", True)


def test_a_segmentation_is_told_from_an_image() -> None:
    source = image(
        np.array([[1, 0], [0, 1]], dtype=np.uint8), SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4", Modality="SEG"
    )
    source.BitsAllocated, source.BitsStored, source.HighBit = 1, 1, 0
    source.PixelData = b"\x09\0"
    instance = read_instance(dicom_bytes(source))
    assert instance.is_segmentation


@pytest.mark.parametrize(
    ("values", "code", "said"),
    [
        ({"Rows": 0}, "absurd_header", "0 rows x 4 columns"),
        ({"Columns": 0}, "absurd_header", "3 rows x 0 columns"),
        ({"NumberOfFrames": 0}, "absurd_header", "0 frames"),
        ({"NumberOfFrames": -3}, "absurd_header", "-3 frames"),
        ({"NumberOfFrames": 999_999_999}, "absurd_header", "999999999 frames"),
        ({"Rows": 65535, "Columns": 65535}, "too_large", "65535 rows"),
        ({"Rows": 30_000, "Columns": 30_000, "NumberOfFrames": 9}, "too_large", "30000 x 30000 x 9"),
        ({"PixelSpacing": [0, 0.5]}, "absurd_header", "PixelSpacing is 0 x 0.5 mm"),
        ({"PixelSpacing": [0.5, -1]}, "absurd_header", "PixelSpacing"),
        ({"PixelSpacing": [0.5]}, "absurd_header", "1 values, expected 2"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "absurd_header", "right angles"),
        ({"ImageOrientationPatient": [1, 0, 0, 0.1, 0.99, 0]}, "absurd_header", "right angles"),
        ({"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]}, "absurd_header", "unit vectors"),
        ({"ImageOrientationPatient": [1, 0, 0]}, "absurd_header", "3 values, expected 6"),
        ({"ImagePositionPatient": [0, 0, 1e9]}, "absurd_header", "100 m"),
        ({"ImagePositionPatient": [0, 0]}, "absurd_header", "2 values, expected 3"),
        ({"RescaleSlope": 0}, "absurd_header", "RescaleSlope is 0"),
        ({"BitsStored": 0}, "absurd_header", "BitsStored is 0"),
        ({"BitsStored": 17}, "absurd_header", "BitsStored is 17"),
        ({"HighBit": 3}, "absurd_header", "HighBit is 3"),
        ({"PixelRepresentation": None}, "absurd_header", "PixelRepresentation"),
        ({"PixelRepresentation": 7}, "absurd_header", "PixelRepresentation"),
        ({"BitsAllocated": 12}, "unsupported_pixels", "BitsAllocated is 12"),
        ({"BitsAllocated": 64}, "unsupported_pixels", "BitsAllocated is 64"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "unsupported_pixels", "RGB, 3 samples"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "unsupported_pixels", "PALETTE COLOR"),
        ({"PhotometricInterpretation": "Doe^Jane"}, "unsupported_pixels", "unknown"),
        ({"SOPInstanceUID": "Doe"}, "missing_uid", "SOPInstanceUID is no UID"),
        ({"StudyInstanceUID": None, "FrameOfReferenceUID": None}, "missing_uid", "StudyInstanceUID is missing"),
        ({"SeriesInstanceUID": None, "FrameOfReferenceUID": None}, "missing_uid", "SeriesInstanceUID is missing"),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value")
def test_absurd_headers_are_refused_with_the_reason(values: dict[str, object], code: str, said: str) -> None:
    error = refusal(dicom_bytes(image(PIXELS, **values)))
    assert (error.code, said in str(error)) == (code, True), str(error)


@pytest.mark.parametrize(
    ("keyword", "value", "said"),
    [
        ("PixelSpacing", b"NaN\\0.5", "not finite"),
        ("PixelSpacing", b"inf\\0.5", "not finite"),
        ("PixelSpacing", b"Doe\\Jane", "PixelSpacing"),
        ("ImagePositionPatient", b"nan\\nan\\nan", "not finite"),
        ("ImageOrientationPatient", b"nan\\0\\0\\0\\1\\0", "not finite"),
        ("RescaleSlope", b"nan ", "not finite"),
        ("RescaleIntercept", b"1e999 ", "not finite"),
    ],
)
def test_what_is_no_number_is_refused(keyword: str, value: bytes, said: str) -> None:
    error = refusal(raw_value(image(PIXELS), keyword, value))
    assert (error.code, said in str(error)) == ("absurd_header", True), str(error)


def test_hints_that_cannot_be_read_are_left_out() -> None:
    source = raw_value(image(PIXELS, WindowCenter=40, WindowWidth=400), "WindowCenter", b"Doe ")
    assert read_instance(source).header.window_center is None


def test_a_missing_sop_instance_uid_comes_from_the_file_meta_or_is_refused() -> None:
    source = dicom_bytes(image(PIXELS, SOPInstanceUID=""))
    assert read_instance(source).header.sop_uid == "2.25.9"
    assert refusal(source.replace(b"2.25.9", b"\0" * 6)).code == "missing_uid"


def test_emptied_study_and_series_are_one_per_frame_of_reference() -> None:
    def header_of(**values: str):
        return read_instance(dicom_bytes(image(PIXELS, StudyInstanceUID="", SeriesInstanceUID="", **values))).header

    first, second = header_of(), header_of(SOPInstanceUID="2.25.77")
    other = header_of(FrameOfReferenceUID="2.25.88")
    assert (first.study_uid, first.series_uid) == (second.study_uid, second.series_uid)
    assert first.series_uid not in (first.study_uid, other.series_uid)
    assert first.study_uid != other.study_uid
    assert "were empty" in first.notes[0]


@pytest.mark.parametrize("n_lost", [2, 23, 24])
def test_plain_pixels_that_are_cut_off_are_refused(n_lost: int) -> None:
    error = refusal(dicom_bytes(image(PIXELS))[:-n_lost])
    assert (error.code, f"{24 - n_lost} bytes of 24" in str(error)) == ("truncated", True)


def test_pixels_shorter_than_rows_and_columns_say_are_refused() -> None:
    assert refusal(dicom_bytes(image(PIXELS, Rows=4))).code == "truncated"
    assert refusal(dicom_bytes(image(PIXELS, NumberOfFrames=2))).code == "truncated"


def compressed(n_frames: int = 1, n_fragments: int | None = None) -> bytes:
    source = image(np.zeros((3, 4), dtype=np.uint8))
    source.PixelData = encapsulate([bytes(range(64))] * (n_fragments or n_frames))
    source["PixelData"].VR = "OB"
    source["PixelData"].is_undefined_length = True
    source.NumberOfFrames = n_frames
    source.file_meta.TransferSyntaxUID = RLELossless
    return dicom_bytes(source)


@pytest.mark.parametrize(("n_lost", "code"), [(1, "truncated"), (8, "truncated"), (9, "truncated"), (70, "truncated")])
def test_packed_pixels_that_are_cut_off_are_refused(n_lost: int, code: str) -> None:
    whole = compressed()
    read_instance(whole)
    assert refusal(whole[:-n_lost]).code == code


def test_fewer_fragments_than_frames_are_refused() -> None:
    error = refusal(compressed(n_frames=3, n_fragments=2))
    assert (error.code, str(error)) == ("truncated", "the pixel data has 2 fragments for 3 frames")


def test_fragments_that_cannot_be_followed_are_refused() -> None:
    whole = compressed()
    at = whole.rindex(b"\xfe\xff\x00\xe0")
    assert refusal(whole[:at] + b"\1\2\3\4" + whole[at + 4 :]).code == "damaged_pixels"


def test_pixels_packed_otherwise_than_the_syntax_says_are_refused() -> None:
    plain = dicom_bytes(image(PIXELS))
    lying = plain.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0")
    assert refusal(lying).code == "damaged_pixels"


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.110", "1.2.840.113619.5.2", "1.2.3"])
def test_syntaxes_without_a_decoder_are_refused_by_name(uid: str) -> None:
    source = image(PIXELS)
    whole = dicom_bytes(source)
    value = uid.encode().ljust(len(uid) + len(uid) % 2, b"\0")
    old = b"\2\0\x10\0UI\x14\0" + b"1.2.840.10008.1.2.1\0"
    assert old in whole
    error = refusal(whole.replace(old, b"\2\0\x10\0UI" + struct.pack("<H", len(value)) + value))
    assert (error.code, "export them" in str(error)) == ("unknown_syntax", True)


def test_a_header_is_read_within_bounds() -> None:
    source = image(PIXELS)
    source.add_new(0x00091010, "OB", bytes(200_000))
    whole = dicom_bytes(source)
    read_instance(whole)
    assert refusal(whole, max_header_bytes=100_000).code == "too_large"
    assert refusal(whole, max_header_reads=20).code == "too_large"
    assert refusal(whole, max_file_bytes=100_000).code == "too_large"
    assert refusal(whole, max_dicom_bytes=100_000).code == "too_large"


def test_pixels_are_not_read_for_a_header() -> None:
    pixels = np.zeros((1024, 1024), dtype=np.int16)
    whole = dicom_bytes(image(pixels))

    class Counting(io.BytesIO):
        n_read = 0

        def read(self, size: int | None = -1) -> bytes:
            found = super().read(size)
            self.n_read += len(found)
            return found

    stream = Counting(whole)
    read_instance(stream)
    # The file is sniffed, its meta is looked for in 64 KiB, its header is read once.
    assert stream.n_read < 80_000


def test_a_deflated_bomb_is_refused() -> None:
    source = image(PIXELS)
    source.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    whole = dicom_bytes(source)
    meta_bytes = 144 + int.from_bytes(whole[140:144], "little")
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = whole[:meta_bytes] + packer.compress(bytes(50_000_000)) + packer.flush()
    assert refusal(bomb, max_inflated_bytes=1_000_000).code == "too_large"


def test_deeply_nested_sequences_are_read_or_refused_but_do_not_end_the_process() -> None:
    inner = Dataset()
    inner.CodeMeaning = "end"
    for _ in range(60):
        outer = Dataset()
        outer.ConceptNameCodeSequence = Sequence([inner])
        inner = outer
    source = image(PIXELS)
    source.ConceptNameCodeSequence = Sequence([inner])
    read_instance(dicom_bytes(source))
    item, sequence = b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\x40\0\x43\xa0SQ\0\0\xff\xff\xff\xff"
    whole = dicom_bytes(image(PIXELS))
    at = whole.index(b"\x28\0\x02\0US")
    assert refusal(whole[:at] + (sequence + item) * 50_000).code in ("damaged_header", "no_pixels", "not_an_image")


@pytest.mark.parametrize("source", [b"", b"no DICOM", bytes(400)])
def test_other_files_are_no_dicom(source: bytes) -> None:
    assert refusal(source).code == "not_dicom"


def test_a_dicomdir_is_refused() -> None:
    assert "DICOMDIR" in str(refusal(dicom_bytes(image(SOPClassUID="1.2.840.10008.1.3.10"))))


def test_a_file_cut_anywhere_is_refused_with_a_reason() -> None:
    whole = dicom_bytes(image(PIXELS))
    for n_bytes in range(0, len(whole) - 1, 7):
        assert refusal(whole[:n_bytes]).code in {
            "not_dicom", "damaged_header", "not_an_image", "no_pixels", "truncated", "missing_uid", "absurd_header",
            "unsupported_pixels",
        }  # fmt: skip


def test_random_damage_is_refused_or_read_but_raises_nothing_else() -> None:
    whole = bytearray(dicom_bytes(image(PIXELS)))
    rng = np.random.default_rng(7)
    for _ in range(1_000):
        damaged = bytearray(whole)
        for at in rng.integers(132, len(whole), size=3):
            damaged[at] = rng.integers(256)
        try:
            instance = read_instance(bytes(damaged))
            instance.load_pixels()
            decode_frame(instance.dataset)
            read_instance(write_instance(instance.dataset))
        except ImageRefused:
            pass


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ("CT", "CT"),
        ("mr ", "MR"),
        ("", ""),
        ("C\0T", "OT"),
        ("Jones", "JONES"),
        ("CT\\MR", "OT"),
        ("4711", "OT"),
        ("A B", "OT"),
    ],
)
def test_the_modality_is_a_defined_term_or_other(stored: str, expected: str) -> None:
    source = image()
    source.add(DataElement(0x00080060, "CS", stored, validation_mode=config.IGNORE))
    assert read_instance(dicom_bytes(source)).header.modality == expected
