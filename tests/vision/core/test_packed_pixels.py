"""Compressed pixels keep their values and lose every word that is packed with them."""

import base64
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import RLELossless

from tests.phantoms import dicom_bytes, image
from tests.shared_data import shared_data
from vision.core.dicom import read_instance, write_instance
from vision.core.frames import decode_frame
from vision.core.packed_pixels import bare_codestream, bare_pixels

WORDS = b"Mary Jones 4711"
JPEG = ("50", "57", "70", "80", "81")
JPEG_2000 = ("90", "91")
# With several tiles, with several tile-parts, and lossy.
HTJ2K = ("201", "202", "203")
GOLDEN_HTJ2K = json.loads((Path(__file__).parents[2] / "golden" / "htj2k.json").read_text(encoding="utf-8"))


def example(end: str) -> Dataset:
    if end.removeprefix("4.") in HTJ2K:
        return htj2k_example(f"1.2.840.10008.1.2.{end}")
    (path,) = Path(shared_data("dicom_syntaxes")).glob(f"*_1.2.840.10008.1.2.{end}.dcm")
    return loaded(path.read_bytes())


def htj2k_example(uid: str) -> Dataset:
    dataset = image(np.zeros(GOLDEN_HTJ2K["shape"], "u2"), RescaleIntercept=0)
    dataset.file_meta.TransferSyntaxUID = uid
    dataset.PixelData = encapsulate([base64.b64decode(GOLDEN_HTJ2K["codestreams"][uid]["base64"])], has_bot=False)
    dataset["PixelData"].VR = "OB"
    return loaded(dicom_bytes(dataset))


def loaded(source: bytes) -> Dataset:
    instance = read_instance(source)
    instance.load_pixels()
    return instance.dataset


def pixels(dataset: Dataset, frame: int = 0) -> NDArray[np.generic]:
    return decode_frame(dataset, frame)


def packed(dataset: Dataset) -> bytes:
    (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
    return frame


def segment(marker: int, content: bytes = WORDS) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def with_words(frame: bytes) -> bytes:
    """The frame with words wherever its format has room for them."""
    if frame[:2] == b"\xff\xd8":
        rooms = b"".join(segment(marker) for marker in (0xFE, 0xE0, 0xE8, 0xEE, 0xEF))
        return frame[:2] + rooms + frame[2:] + WORDS
    comment = segment(0x64, b"\0\1" + WORDS)
    tile = frame.index(b"\xff\x90")
    data = frame.index(b"\xff\x93", tile)
    (length,) = struct.unpack_from(">I", frame, tile + 6)
    head = frame[tile : tile + 6] + struct.pack(">I", length + len(comment) if length else 0)
    head += frame[tile + 10 : data]
    return frame[:tile] + comment + head + comment + frame[data:] + WORDS


def in_boxes(codestream: bytes) -> bytes:
    boxes = [(b"jP  ", b"\r\n\x87\n"), (b"ftyp", b"jp2 \0\0\0\0jp2 "), (b"xml ", WORDS), (b"jp2c", codestream)]
    return b"".join(
        struct.pack(">I4s", len(content) + 8, kind) + content for kind, content in [*boxes, (b"uuid", WORDS)]
    )


@pytest.mark.parametrize("end", [f"4.{number}" for number in (*JPEG, *JPEG_2000, *HTJ2K)])
def test_words_in_a_codestream_go_and_pixels_stay(end: str) -> None:
    dataset = example(end)
    before = pixels(dataset)
    dataset.PixelData = encapsulate([with_words(packed(dataset))], has_bot=False)
    assert np.array_equal(pixels(dataset), before)
    assert bare_pixels(dataset)
    written = write_instance(dataset)
    assert b"Jones" not in written
    assert np.array_equal(pixels(loaded(written)), before)


@pytest.mark.parametrize("number", HTJ2K)
def test_name_of_the_encoder_goes_and_the_values_are_those_that_were_encoded(number: str) -> None:
    dataset = example(f"4.{number}")
    assert b"OpenJPH" in dataset.PixelData
    assert bare_pixels(dataset)
    assert b"OpenJPH" not in dataset.PixelData
    row, column = np.indices(GOLDEN_HTJ2K["shape"])
    off = np.abs(pixels(dataset).astype(int) - (37 * row * column + 11 * column) % 4096)
    # The lossy one was made with quantisation steps of 1/1000 of the range of 16 bits.
    assert off.max() <= (65 if number == "203" else 0)


@pytest.mark.parametrize("number", [*JPEG_2000, *HTJ2K])
def test_boxes_around_a_codestream_go(number: str) -> None:
    codestream = packed(example(f"4.{number}"))
    assert bare_codestream(in_boxes(codestream)) == bare_codestream(codestream)


@pytest.mark.parametrize("end", ["5", *(f"4.{number}" for number in (*JPEG, *JPEG_2000, *HTJ2K))])
def test_a_second_run_changes_nothing(end: str) -> None:
    dataset = example(end)
    assert bare_pixels(dataset)
    once = dataset.PixelData
    assert bare_pixels(dataset)
    assert dataset.PixelData == once


@pytest.mark.parametrize("end", ["4.50", "4.90"])
def test_further_fragments_go(end: str) -> None:
    dataset = example(end)
    before = pixels(dataset)
    frame = packed(dataset)
    dataset.PixelData = encapsulate([frame, WORDS + b"\0"], has_bot=False)
    dataset.ExtendedOffsetTable = WORDS + b"\0"
    assert bare_pixels(dataset)
    assert b"Jones" not in write_instance(dataset)
    assert np.array_equal(pixels(dataset), before)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2"])
def test_rle_of_several_frames_is_packed_anew_with_the_same_values(dtype: str) -> None:
    stored = np.arange(3 * 4 * 6).reshape(3, 4, 6).astype(dtype)
    dataset = image(stored[0])
    dataset.NumberOfFrames = 3
    dataset.PixelData = stored.tobytes()
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset = loaded(dicom_bytes(dataset))
    assert bare_pixels(dataset)
    assert [pixels(dataset, frame).tolist() for frame in range(3)] == stored.tolist()


@pytest.mark.parametrize("end", ["4.50", "4.57", "4.80", "4.90", "4.201", "4.202"])
def test_what_cannot_be_followed_is_left_alone_and_said(end: str) -> None:
    dataset = example(end)
    cut = packed(dataset)[:-40]
    for frame in (cut, cut[:5], b"", b"\xff\xd8", b"\xff\xd8" + WORDS, b"\xff\x4f" + WORDS):
        dataset.PixelData = encapsulate([frame], has_bot=False) if frame else b""
        before = dataset.PixelData
        assert not bare_pixels(dataset)
        assert dataset.PixelData == before


def test_plain_pixels_are_left_alone() -> None:
    dataset = loaded(dicom_bytes(image(np.ones((2, 2), "u2"))))
    assert bare_pixels(dataset)
    assert dataset.PixelData == np.ones((2, 2), "<u2").tobytes()
