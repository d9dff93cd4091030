"""Folders and archives, honest and lying: what is refused is refused alone."""

import io
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from tests.phantoms import dicom_bytes, image
from vision.core.archives import ImageFile, Refusal, image_files
from vision.core.limits import ImageLimits
from vision.core.refusals import ImageRefused

SLICE = dicom_bytes(image())


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def walked(path: Path, **limits: int) -> dict[str, str]:
    """What each file is, `ok` or the code of its refusal, by name."""
    found = {}
    for file in image_files(path, limits=ImageLimits(**limits)):
        if isinstance(file, Refusal):
            found[file.name] = file.code
            continue
        try:
            with file.open() as stream:
                assert len(stream.read()) == file.n_bytes
            found[file.name] = "ok"
        except ImageRefused as error:
            found[file.name] = error.code
    return found


def test_a_folder_is_walked_by_name_and_clutter_is_left_out(tmp_path: Path) -> None:
    for name in ("b/2", "b/1.dcm", "a.txt", ".DS_Store", "__MACOSX/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(SLICE)
    assert list(walked(tmp_path)) == ["a.txt", "b/1.dcm", "b/2"]


def test_links_and_special_files_in_a_folder_are_left_out(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(SLICE)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(secret)
    (folder / "loop").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    (folder / "file").write_bytes(SLICE)
    assert walked(folder) == {"file": "ok"}


def test_one_file_and_an_archive_of_any_name_are_walked(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(SLICE)
    assert walked(tmp_path / "one") == {"one": "ok"}
    (tmp_path / "study.bin").write_bytes(packed({"x/2": SLICE, "x/1": SLICE, "x/": b"", "__MACOSX/._1": b"x"}))
    assert walked(tmp_path / "study.bin") == {"study.bin/x/1": "ok", "study.bin/x/2": "ok"}
    assert walked(tmp_path) == {"one": "ok", "study.bin/x/1": "ok", "study.bin/x/2": "ok"}


def test_members_can_be_read_twice_and_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(packed({"1": SLICE}))
    for limits in (ImageLimits(), ImageLimits(max_in_memory_bytes=100)):
        for file in image_files(tmp_path / "a.zip", limits=limits):
            assert isinstance(file, ImageFile)
            with file.open() as stream:
                assert stream.read() == SLICE
                stream.seek(128)
                assert stream.read(4) == b"DICM"
            with file.open() as stream:
                assert stream.read() == SLICE


def test_names_that_lead_out_are_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    names = ["../up", "/root", "a/../../b", "C:/x", "a\\b", "fine"]
    (tmp_path / "a.zip").write_bytes(packed(dict.fromkeys(names, SLICE)))
    codes = walked(tmp_path / "a.zip")
    assert [code for name, code in codes.items() if not name.endswith("fine")] == ["unsafe_name"] * 5
    assert codes["a.zip/fine"] == "ok"


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("fine", SLICE)
    assert walked(tmp_path / "a.zip") == {"a.zip/fine": "ok", "a.zip/link": "unsafe_name"}


def test_an_archive_in_an_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(packed({"inner.dcm": packed({"1": SLICE}), "fine": SLICE}))
    assert walked(tmp_path / "a.zip") == {"a.zip/fine": "ok", "a.zip/inner.dcm": "nested_archive"}


def flagged(content: bytes, name: bytes, *, offset_local: int, offset_central: int, value: bytes) -> bytes:
    """The archive with some bytes of a member's two headers replaced."""
    changed = bytearray(content)
    local = content.index(name) - 30
    central = content.rindex(name) - 46
    changed[local + offset_local : local + offset_local + len(value)] = value
    changed[central + offset_central : central + offset_central + len(value)] = value
    return bytes(changed)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"offset_local": 6, "offset_central": 8, "value": b"\1\0"}, "encrypted"),
        ({"offset_local": 8, "offset_central": 10, "value": b"\x0c\0"}, "unknown_packing"),
        ({"offset_local": 14, "offset_central": 16, "value": b"\1\2\3\4"}, "damaged_archive"),
        ({"offset_local": 22, "offset_central": 24, "value": struct.pack("<I", len(SLICE) - 5)}, "damaged_archive"),
        ({"offset_local": 22, "offset_central": 24, "value": struct.pack("<I", len(SLICE) + 5)}, "damaged_archive"),
        ({"offset_local": 22, "offset_central": 24, "value": struct.pack("<I", 2**31 + 1)}, "too_large"),
        ({"offset_local": 22, "offset_central": 24, "value": struct.pack("<I", 2**30)}, "archive_bomb"),
        ({"offset_local": 0, "offset_central": 0, "value": b"PK"}, "ok"),
    ],
    ids=["encrypted", "method", "checksum", "said shorter", "said longer", "said huge", "said large", "nothing"],
)
def test_a_member_that_lies_is_refused_and_the_rest_goes_on(
    tmp_path: Path, change: dict[str, object], code: str
) -> None:
    content = packed({"lying": SLICE, "z-fine": SLICE})
    (tmp_path / "a.zip").write_bytes(flagged(content, b"lying", **change))  # type: ignore[arg-type]
    assert walked(tmp_path / "a.zip") == {"a.zip/lying": code, "a.zip/z-fine": "ok"}


def test_damaged_bytes_in_a_member_are_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    content = bytearray(packed({"lying": SLICE, "z-fine": SLICE}))
    start = content.index(b"lying") + 5
    for at in range(start + 40, start + 80):
        content[at] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(content)
    assert walked(tmp_path / "a.zip") == {"a.zip/lying": "damaged_archive", "a.zip/z-fine": "ok"}


def test_an_archive_that_is_cut_off_is_refused_and_the_rest_of_the_folder_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(packed({"1": SLICE})[:-30])
    (tmp_path / "b").write_bytes(SLICE)
    assert walked(tmp_path) == {"a.zip": "damaged_archive", "b": "ok"}


def test_a_bomb_is_refused_and_costs_no_memory(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(packed({"bomb": bytes(100_000_000), "fine": SLICE}))
    tracemalloc.start()
    found = walked(tmp_path / "a.zip")
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == {"a.zip/bomb": "archive_bomb", "a.zip/fine": "ok"}
    assert peak_bytes < 20_000_000


def test_an_archive_of_overlapping_members_is_left_when_it_unpacks_to_too_much(tmp_path: Path) -> None:
    content = packed(dict.fromkeys([f"{number:03}" for number in range(20)], SLICE))
    (tmp_path / "a.zip").write_bytes(content)
    found = walked(tmp_path / "a.zip", max_archive_bytes=3 * len(SLICE))
    assert found == {"a.zip/000": "ok", "a.zip/001": "ok", "a.zip/002": "ok", "a.zip": "archive_bomb"}


def test_zeros_of_a_slice_are_no_bomb(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(packed({"1": dicom_bytes(image()) + bytes(2 * 512 * 512)}))
    assert walked(tmp_path) == {"a.zip/1": "ok"}


def test_too_many_files_are_read_up_to_the_bound(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).write_bytes(SLICE)
    assert walked(tmp_path, max_files=3) == {"0": "ok", "1": "ok", "2": "ok", tmp_path.name: "too_many_files"}
    (tmp_path / "a.zip").write_bytes(packed({str(number): SLICE for number in range(5)}))
    assert walked(tmp_path / "a.zip", max_files=3) == {"a.zip": "too_many_members"}


def test_files_beyond_a_size_are_refused(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(SLICE)
    (tmp_path / "a.zip").write_bytes(packed({"1": SLICE}))
    assert walked(tmp_path, max_file_bytes=100) == {"1": "too_large", "a.zip/1": "too_large"}


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    assert walked(tmp_path / "missing") == {"missing": "unreadable_file"}
