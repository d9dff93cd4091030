"""Pixels of every transfer syntax, and of every way to store a number."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from tests.phantoms import dicom_bytes, image
from tests.shared_data import shared_data
from vision.core.dicom import read_instance, write_instance
from vision.core.frames import KNOWN_SYNTAXES, decode_frame, needs_transcoding, to_units, transcode
from vision.core.refusals import ImageRefused

# What a syntax may change, in HU: lossless ones nothing. The three with 12 bits hold HU divided by 2 and rounded, the
# baseline one HU divided by 32; JPEG adds what its quantisation leaves. Mean and largest difference.
DIFFERENCES_HU = {
    "1.2.840.10008.1.2": (0, 0),
    "1.2.840.10008.1.2.1": (0, 0),
    "1.2.840.10008.1.2.1.99": (0, 0),
    "1.2.840.10008.1.2.2": (0, 0),
    "1.2.840.10008.1.2.5": (0, 0),
    "1.2.840.10008.1.2.4.57": (0, 0),
    "1.2.840.10008.1.2.4.70": (0, 0),
    "1.2.840.10008.1.2.4.80": (0, 0),
    "1.2.840.10008.1.2.4.90": (0, 0),
    "1.2.840.10008.1.2.4.81": (1, 1),
    "1.2.840.10008.1.2.4.91": (1, 6),
    "1.2.840.10008.1.2.4.51": (4, 40),
    "1.2.840.10008.1.2.4.53": (4, 40),
    "1.2.840.10008.1.2.4.55": (4, 40),
    "1.2.840.10008.1.2.4.50": (20, 70),
}


def loaded(source: bytes) -> Dataset:
    instance = read_instance(source)
    instance.load_pixels()
    return instance.dataset


def example(uid: str) -> bytes:
    (path,) = Path(shared_data("dicom_syntaxes")).glob(f"*_{uid}.dcm")
    return path.read_bytes()


def hounsfield(source: bytes) -> NDArray[np.float32]:
    instance = read_instance(source)
    instance.load_pixels()
    assert instance.header.units == "HU"
    return to_units(decode_frame(instance.dataset), instance.header.slope, instance.header.intercept)


@pytest.mark.parametrize("uid", DIFFERENCES_HU)
def test_each_of_fifteen_syntaxes_decodes_to_the_right_values(uid: str) -> None:
    original = hounsfield((shared_data("dicom_syntaxes") / "CTImage.dcm").read_bytes())
    mean_hu, largest_hu = DIFFERENCES_HU[uid]
    off_hu = np.abs(hounsfield(example(uid)) - original)
    assert off_hu.mean() <= mean_hu
    assert off_hu.max() <= largest_hu


@pytest.mark.parametrize("uid", DIFFERENCES_HU)
def test_transcoded_pixels_are_the_same_and_plain(uid: str) -> None:
    dataset = loaded(example(uid))
    before = decode_frame(dataset)
    transcode(dataset)
    written = write_instance(dataset)
    again = read_instance(written)
    assert again.header.transfer_syntax == ExplicitVRLittleEndian
    assert np.array_equal(decode_frame(loaded(written)), before)
    assert not needs_transcoding(loaded(written))


def test_what_the_browser_cannot_or_should_not_decode_is_transcoded() -> None:
    transcoded = {uid for uid in DIFFERENCES_HU if needs_transcoding(loaded(example(uid)))}
    # The deflated one is inflated when it is read, and then needs nothing more.
    assert transcoded == {"1.2.840.10008.1.2.2"} | {f"1.2.840.10008.1.2.4.{end}" for end in (51, 53, 55)}
    assert all(KNOWN_SYNTAXES[uid].note for uid in transcoded)


def test_every_syntax_that_is_kept_has_a_decoder_on_both_sides() -> None:
    for syntax in KNOWN_SYNTAXES.values():
        assert not syntax.server or not syntax.is_kept or syntax.browser
        assert not syntax.is_encapsulated or syntax.server or "XL" in syntax.name


def test_the_browser_decodes_what_the_table_says() -> None:
    loader = Path("node_modules/@cornerstonejs/dicom-image-loader/dist/esm/decodeImageFrameWorker.js")
    if not loader.exists():
        pytest.skip("the image loader is not installed: make setup")
    source = loader.read_text()
    for syntax in KNOWN_SYNTAXES.values():
        assert (f"case '{syntax.uid}'" in source) == syntax.browser, syntax.name


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("u1", [0, 1, 127, 128, 254, 255]),
        ("i1", [0, 1, 127, -128, -2, -1]),
        ("u2", [0, 1, 32767, 32768, 65534, 65535]),
        ("i2", [0, 1, 32767, -32768, -2, -1]),
        ("u4", [0, 1, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1]),
        ("i4", [0, 1, 2**31 - 1, -(2**31), -2, -1]),
    ],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_extremes_of_every_kind_of_number_survive(dtype: str, values: list[int], order: str) -> None:
    pixels = np.array(values, dtype=dtype).reshape(2, 3)
    source = image(pixels)
    if order == ">":
        source.PixelData = pixels.astype(f">{dtype}").tobytes()
        source.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dataset = loaded(dicom_bytes(source))
    assert decode_frame(dataset).tolist() == pixels.tolist()
    assert decode_frame(dataset).dtype == np.dtype(dtype)
    transcode(dataset)
    assert decode_frame(loaded(write_instance(dataset))).tolist() == pixels.tolist()


@pytest.mark.parametrize(
    ("sign", "stored", "expected"),
    [
        # 12 bits of 16; the upper four hold something else (an overlay, or rubbish).
        (0, [0xF005, 0x0FFF, 0x8000], [5, 4095, 0]),
        (1, [0xF005, 0x0FFF, 0x8800], [5, -1, -2048]),
        (1, [0x0800, 0x07FF, 0xFFFF], [-2048, 2047, -1]),
    ],
)
def test_unused_bits_are_masked_or_made_of_the_sign(sign: int, stored: list[int], expected: list[int]) -> None:
    source = image(np.array([stored], dtype=np.uint16), BitsStored=12, HighBit=11, PixelRepresentation=sign)
    dataset = loaded(dicom_bytes(source))
    assert decode_frame(dataset).tolist() == [expected]
    assert needs_transcoding(dataset)
    transcode(dataset)
    assert not needs_transcoding(dataset)
    assert decode_frame(dataset).tolist() == [expected]


def test_a_high_bit_above_the_stored_ones_is_honoured() -> None:
    source = image(
        np.array([[0x7FF0, 0x8000, 0x0010]], dtype=np.uint16), BitsStored=12, HighBit=15, PixelRepresentation=1
    )
    dataset = loaded(dicom_bytes(source))
    assert decode_frame(dataset).tolist() == [[0x7FF, -2048, 1]]
    transcode(dataset)
    assert (dataset.HighBit, decode_frame(dataset).tolist()) == (11, [[0x7FF, -2048, 1]])


def test_clean_pixels_of_twelve_bits_are_kept_as_they_came() -> None:
    signed = np.array([[-2048, 2047, -1]], dtype=np.int16)
    assert not needs_transcoding(loaded(dicom_bytes(image(signed, BitsStored=12, HighBit=11))))


def test_padding_is_left_alone_and_the_rescale_leads_to_hounsfield() -> None:
    source = image(
        np.array([[-2000, 0, 24]], dtype=np.int16), PixelPaddingValue=-2000, RescaleSlope="0.5", RescaleIntercept=-1000
    )
    instance = read_instance(dicom_bytes(source))
    instance.load_pixels()
    stored = decode_frame(instance.dataset)
    assert stored.tolist() == [[-2000, 0, 24]]
    assert to_units(stored, instance.header.slope, instance.header.intercept).tolist() == [[-2000, -1000, -988]]


@pytest.mark.parametrize("uid", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
@pytest.mark.parametrize("bits_stored", [12, 16])
@pytest.mark.parametrize("kind", ["i2", "u2"])
def test_lossless_packing_by_another_program_is_undone(uid: str, bits_stored: int, kind: str) -> None:
    half = 2 ** (bits_stored - 1)
    low = -half if kind == "i2" else 0
    pixels = (np.random.default_rng(3).integers(0, 2 * half, (64, 72)) + low).astype(kind)
    source = image(pixels, BitsStored=bits_stored, HighBit=bits_stored - 1)
    source.compress(uid, generate_instance_uid=False)
    assert np.array_equal(decode_frame(loaded(dicom_bytes(source))), pixels)


@pytest.mark.parametrize("uid", [None, RLELossless, JPEG2000Lossless])
def test_each_frame_of_many_is_decoded_by_itself(uid: str | None) -> None:
    pixels = np.arange(3 * 64 * 72, dtype=np.uint16).reshape(3, 64, 72)
    source = image(pixels)
    if uid:
        source.compress(uid, generate_instance_uid=False)
    dataset = loaded(dicom_bytes(source))
    assert [np.array_equal(decode_frame(dataset, frame), pixels[frame]) for frame in range(3)] == [True] * 3
    transcode(dataset)
    assert np.array_equal(decode_frame(loaded(write_instance(dataset)), 2), pixels[2])
    with pytest.raises(IndexError, match="frame 3 of 3"):
        decode_frame(dataset, 3)


@pytest.mark.parametrize("uid", [uid for uid, syntax in KNOWN_SYNTAXES.items() if syntax.is_encapsulated])
def test_packed_rubbish_is_refused(uid: str) -> None:
    dataset = image(np.zeros((8, 8), dtype=np.uint16))
    for packed in (b"rubbish!" * 8, b"\xff\xd8\xff\xe0" + bytes(60), bytes(64)):
        dataset.PixelData = encapsulate([packed])
        dataset.file_meta.TransferSyntaxUID = uid
        with pytest.raises(ImageRefused) as caught:
            decode_frame(dataset)
        assert caught.value.code in ("damaged_pixels", "unknown_syntax")


@pytest.mark.parametrize(
    "uid", [uid for uid in DIFFERENCES_HU if KNOWN_SYNTAXES[uid].is_encapsulated and not uid.endswith(".5")]
)
def test_a_packed_frame_of_another_size_is_refused_before_it_is_unpacked(uid: str) -> None:
    dataset = loaded(example(uid))
    dataset.Rows = 256
    with pytest.raises(ImageRefused, match="512 x 512 with 1 samples, the header says 256 x 512"):
        decode_frame(dataset)


@pytest.mark.parametrize("uid", [uid for uid in DIFFERENCES_HU if KNOWN_SYNTAXES[uid].is_encapsulated])
def test_a_damaged_frame_is_refused_or_decoded_to_the_size_of_the_header(uid: str) -> None:
    rng = np.random.default_rng(5)
    for _ in range(3):
        dataset = loaded(example(uid))
        damaged = bytearray(dataset.PixelData)
        for at in rng.integers(len(damaged) // 2, len(damaged), size=20):
            damaged[at] = rng.integers(256)
        dataset.PixelData = bytes(damaged)
        with contextlib.suppress(ImageRefused):
            assert decode_frame(dataset).shape == (512, 512)


def test_plain_pixels_that_are_too_few_for_a_frame_are_refused() -> None:
    dataset = image(np.zeros((2, 4, 4), dtype=np.uint16))
    dataset.PixelData = bytes(40)
    decode_frame(dataset, 0)
    with pytest.raises(ImageRefused, match="ends before frame 2"):
        decode_frame(dataset, 1)
