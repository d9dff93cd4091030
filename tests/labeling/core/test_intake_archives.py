"""Text files in folders and ZIP archives, and archives that mean harm."""

import io
import os
import stat
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from labeling.core.intake import IntakeError, Limits, RowProblem, read_reports
from tests.labeling.core.intake_tools import outcomes, read, texts


def zip_of(members: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive with these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def code_of(content: bytes) -> str:
    """Code of the only row."""
    (row,) = read(content, "r.zip")
    assert isinstance(row, RowProblem)
    return row.code


def test_folder_is_read_by_relative_path(tmp_path: Path) -> None:
    for name in ("b/one.txt", "a/one.txt", "two.nii.gz.txt", "UPPER.TXT", ".hidden.txt", "a/notes.md"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"text of {name}")
    (tmp_path / "link.txt").symlink_to(tmp_path / "a" / "one.txt")
    (tmp_path / "linked").symlink_to(tmp_path / "a")
    rows = list(read_reports(tmp_path, filename="reports"))
    assert texts(rows) == {
        "a/one": "text of a/one.txt",
        "b/one": "text of b/one.txt",
        "two.nii.gz": "text of two.nii.gz.txt",
        "UPPER": "text of UPPER.TXT",
    }
    assert sorted(str(row.code) for row in rows if isinstance(row, RowProblem)) == ["link", "link", "not_a_text_file"]


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match="holds no files"):
        list(read_reports(tmp_path, filename="reports"))


def test_one_text_file_is_one_report(tmp_path: Path) -> None:
    path = tmp_path / "amos_0001.txt"
    path.write_bytes(b"Liver normal.\r\nSpleen, normal.")
    assert texts(list(read_reports(path, filename=path.name))) == {"amos_0001": "Liver normal.\r\nSpleen, normal."}


def test_text_file_with_a_header_is_a_table() -> None:
    assert texts(read("id\treport\n1\tx\n", "export.txt")) == {"1": "x"}


def test_zip_of_text_files_is_read_in_order_of_names() -> None:
    content = zip_of(
        {
            "b/1.txt": "second",
            "a/1.txt": "first",
            "a/": "",
            "__MACOSX/a/._1.txt": "junk",
            ".DS_Store": "junk",
            "c.txt": "",
            "d.pdf": "%PDF",
            "e.txt": b"\x81\x8d\xff",
            "f.txt": "Gr\u00f6\u00dfe der Leber".encode("cp1252"),
            "g.txt": "<html>",
        }
    )
    rows = read(content, "r.zip")
    assert texts(rows) == {"a/1": "first", "b/1": "second", "f": "Gr\u00f6\u00dfe der Leber"}
    assert outcomes(rows) == {
        1: "read",
        2: "read",
        3: "blank_text",
        4: "not_a_text_file",
        5: "unreadable_text",
        6: "read",
        7: "unreadable_text",
    }


@pytest.mark.parametrize("name", ["../up.txt", "/etc/abs.txt", "a/../../b.txt", "C:/x.txt", "a\\..\\b.txt"])
def test_name_that_leads_out_of_the_archive_is_refused(name: str) -> None:
    assert code_of(zip_of({name: "text"})) == "unsafe_name"


def test_link_in_an_archive_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("link.txt")
        info.create_system = 3
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    assert code_of(out.getvalue()) == "link"


def test_archives_inside_are_not_opened() -> None:
    inner = zip_of({"x.txt": "text"})
    rows = read(zip_of({"a.txt": "ok", "inner.zip": inner, "disguised.txt": inner}), "r.zip")
    assert outcomes(rows) == {1: "read", 2: "nested_archive", 3: "nested_archive"}


def test_encrypted_member_is_refused() -> None:
    content = bytearray(zip_of({"a.txt": "text"}, zipfile.ZIP_STORED))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert code_of(bytes(content)) == "encrypted"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_member_packed_by_a_method_without_bounds_is_refused(method: int) -> None:
    assert code_of(zip_of({"a.txt": "text"}, method)) == "damaged_member"


def test_damaged_member_is_refused_alone() -> None:
    content = bytearray(zip_of({"a.txt": "good text", "b.txt": "bad text"}, zipfile.ZIP_STORED))
    content[content.index(b"bad text")] ^= 0xFF
    assert outcomes(read(bytes(content), "r.zip")) == {1: "read", 2: "damaged_member"}


@pytest.mark.parametrize("cut", [10, 60, -30, -5])
def test_truncated_archive_is_refused(cut: int) -> None:
    content = zip_of({f"{i}.txt": f"text {i}" for i in range(10)})
    with pytest.raises(IntakeError, match="damaged or not complete"):
        read(content[:cut], "r.zip")


def test_names_that_stand_twice_follow_the_rule_for_ids() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in [("a.txt", "x"), ("A.txt", "x"), ("b.txt", "x"), ("B.txt", "y")]:
            archive.writestr(name, text)
    content = out.getvalue().replace(b"A.txt", b"a.txt").replace(b"B.txt", b"b.txt")
    rows = read(content, "r.zip")
    assert outcomes(rows) == {1: "read", 2: "duplicate", 3: "conflicting_id", 4: "conflicting_id"}


@pytest.mark.parametrize(("raw", "expected"), [("Größe".encode(), "Größe"), ("Größe".encode("cp437"), "Größe")])
def test_names_without_the_mark_of_utf8_are_read_as_utf8_or_code_page_437(raw: bytes, expected: str) -> None:
    placeholder = "x" * len(raw)
    content = zip_of({f"{placeholder}.txt": "text"}).replace(placeholder.encode(), raw)
    assert texts(read(content, "r.zip")) == {expected: "text"}


def test_archive_without_text_files_is_refused() -> None:
    with pytest.raises(IntakeError, match=r"holds no \.txt files"):
        read(zip_of({"a.csv": "id,report\n1,x\n"}), "r.zip")


def test_office_file_that_is_no_workbook_is_refused() -> None:
    with pytest.raises(IntakeError, match="an Office file but no workbook"):
        read(zip_of({"[Content_Types].xml": "<x/>", "word/document.xml": "<x/>"}), "r.zip")


def bomb(n_bytes: int) -> bytes:
    """One member of zeros, deflated to a thousandth."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.txt", "w") as member:
        for _ in range(n_bytes >> 20):
            member.write(b"\0" * (1 << 20))
    return out.getvalue()


def test_bomb_is_refused_by_its_ratio_in_little_time_and_memory() -> None:
    content = bomb(256 << 20)
    assert len(content) < 300_000
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(IntakeError, match="times its size") as caught:
        read(content, "r.zip")
    elapsed_s = time.process_time() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.code == "archive_bomb"
    assert elapsed_s < 1
    assert peak < 5_000_000


def test_archive_that_unpacks_to_too_much_is_refused() -> None:
    content = zip_of({f"{i}.txt": os.urandom(1000) for i in range(20)}, zipfile.ZIP_STORED)
    with pytest.raises(IntakeError, match="unpacks to 20,000 bytes"):
        read(content, "r.zip", limits=Limits(max_archive_bytes=10_000))


def test_archive_of_too_many_members_is_refused() -> None:
    content = zip_of({f"{i}.txt": "x" for i in range(50)})
    with pytest.raises(IntakeError, match="50 members or more, at most 20"):
        read(content, "r.zip", limits=Limits(max_archive_members=20))


def test_directory_that_is_too_large_is_refused_before_it_is_loaded() -> None:
    content = bytearray(zip_of({"a.txt": "x"}))
    at = content.rindex(b"PK\x05\x06")
    struct.pack_into("<I", content, at + 12, 500_000_000)
    with pytest.raises(IntakeError, match="at most 200,000 are allowed"):
        read(bytes(content), "r.zip")


def test_member_that_declares_less_than_it_holds_yields_no_more() -> None:
    content = bytearray(bomb(4 << 20))
    for at, offset in ((0, 22), (content.index(b"PK\x01\x02"), 24)):
        struct.pack_into("<I", content, at + offset, 100)
    (row,) = read(bytes(content), "r.zip")
    assert isinstance(row, RowProblem)
    assert row.code in {"damaged_member", "unstorable_character"}


def test_file_beyond_the_text_limit_is_refused_alone() -> None:
    rows = read(zip_of({"a.txt": "x" * 100, "b.txt": "ok"}), "r.zip", limits=Limits(max_text_chars=10))
    assert outcomes(rows) == {1: "text_too_long", 2: "read"}
