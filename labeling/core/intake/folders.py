"""Text files as reports: one per file, in a folder or a ZIP archive. The id is the path without its suffix."""

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from labeling.core.intake.archives import (
    DAMAGE,
    is_encrypted,
    is_link,
    is_plainly_packed,
    is_unsafe_name,
    member_name,
)
from labeling.core.intake.encoding import Encoding, decode_bytes, text_of
from labeling.core.intake.records import IntakeError, Limits, ProblemCode, RawRow, RowProblem, Source
from labeling.core.intake.sniffing import is_zip

COLUMNS: Final = ("id", "report")
_IGNORED_NAMES: Final = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})
_ARCHIVE_SUFFIXES: Final = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")


@dataclass(frozen=True, slots=True)
class _TextFile:
    """A file that may hold a report. `fault` is why it does not; else `read` returns at most that many bytes."""

    name: str
    read: Callable[[int], bytes]
    fault: tuple[ProblemCode, str] | None = None


def open_folder(folder: Path, *, limits: Limits) -> Source:
    """The `.txt` files in `folder` and below, in order of their paths; links are not followed."""
    files = sorted(_files_below(folder, limits), key=lambda file: file.name)
    if not files:
        raise IntakeError("the folder holds no files", code="empty_file")
    return Source(format="folder", columns=COLUMNS, rows=lambda: _rows(files, limits))


def open_zip_of_texts(archive: zipfile.ZipFile, *, limits: Limits) -> Source:
    """The `.txt` files in a ZIP archive, in order of their paths."""
    files = [_member(archive, info) for info in archive.infolist() if not info.is_dir()]
    files = sorted((file for file in files if not _is_ignored(file.name)), key=lambda file: file.name)
    if not any(file.name.casefold().endswith(".txt") for file in files):
        raise IntakeError(
            "the ZIP archive holds no .txt files; unpack other tables and choose them one by one", code="no_text_files"
        )
    return Source(format="zip", columns=COLUMNS, rows=lambda: _rows(files, limits))


def open_text_file(stream: IO[bytes], *, encoding: Encoding, filename: str) -> Source:
    """One `.txt` file as one report."""

    def rows() -> Iterator[RawRow | RowProblem]:
        with text_of(stream, encoding) as text:
            yield RawRow(1, {"id": _report_id(Path(filename).name), "report": text.read()})

    return Source(format="txt", columns=COLUMNS, rows=rows, encoding=encoding.title, notes=encoding.notes)


def _report_id(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _is_ignored(name: str) -> bool:
    """Hidden files, and what operating systems add on their own."""
    return any(part in _IGNORED_NAMES or (part.startswith(".") and part != "..") for part in name.split("/"))


def _files_below(folder: Path, limits: Limits) -> Iterator[_TextFile]:
    n_files = 0
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _is_ignored(name)]
        linked = [name for name in folders if Path(parent, name).is_symlink()]
        for name in (*names, *linked):
            path = Path(parent, name)
            relative = path.relative_to(folder).as_posix()
            if _is_ignored(relative):
                continue
            n_files += 1
            if n_files > limits.max_archive_members:
                raise IntakeError(
                    f"the folder holds more than {limits.max_archive_members:,} files", code="too_many_members"
                )
            yield _file(path, relative)


def _file(path: Path, name: str) -> _TextFile:
    def read(max_bytes: int) -> bytes:
        with path.open("rb") as stream:
            return stream.read(max_bytes)

    if path.is_symlink():
        return _TextFile(name, read, (ProblemCode.LINK, "is a link; links are not followed"))
    if not path.is_file():
        return _TextFile(name, read, (ProblemCode.NOT_A_TEXT_FILE, "is not a plain file"))
    return _TextFile(name, read, _fault_of_name(name))


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> _TextFile:
    def read(max_bytes: int) -> bytes:
        with archive.open(info) as stream:
            return stream.read(max_bytes)

    name = member_name(info)
    return _TextFile(name, read, _fault_of_member(info, name) or _fault_of_name(name))


def _fault_of_member(info: zipfile.ZipInfo, name: str) -> tuple[ProblemCode, str] | None:
    if is_unsafe_name(name):
        return ProblemCode.UNSAFE_NAME, "is an absolute path, or one that leads out of the archive"
    if is_link(info):
        return ProblemCode.LINK, "is a link; links are not followed"
    if is_encrypted(info):
        return ProblemCode.ENCRYPTED, "is encrypted"
    if not is_plainly_packed(info):
        return ProblemCode.DAMAGED_MEMBER, "is packed by a method other than deflate"
    return None


def _fault_of_name(name: str) -> tuple[ProblemCode, str] | None:
    lower = name.casefold()
    if lower.endswith(_ARCHIVE_SUFFIXES):
        return ProblemCode.NESTED_ARCHIVE, "is an archive inside; unpack it first"
    if not lower.endswith(".txt"):
        return ProblemCode.NOT_A_TEXT_FILE, "is not a .txt file"
    return None


def _rows(files: list[_TextFile], limits: Limits) -> Iterator[RawRow | RowProblem]:
    for row, file in enumerate(files, start=1):
        yield _row(row, file, limits)


def _row(row: int, file: _TextFile, limits: Limits) -> RawRow | RowProblem:
    def problem(code: ProblemCode, message: str) -> RowProblem:
        shown = file.name if len(file.name) <= 200 else file.name[:200] + "..."
        return RowProblem(row, code, f"file {shown!r} {message}", _report_id(file.name) or None)

    if file.fault:
        return problem(*file.fault)
    max_bytes = 4 * limits.max_text_chars + 4
    try:
        data = file.read(max_bytes + 1)
    except (*DAMAGE, RuntimeError) as error:
        return problem(ProblemCode.DAMAGED_MEMBER, f"cannot be read ({type(error).__name__})")
    if len(data) > max_bytes:
        return problem(ProblemCode.TEXT_TOO_LONG, f"is longer than {limits.max_text_chars:,} characters")
    if not data:
        return RawRow(row, {"id": _report_id(file.name), "report": ""})
    try:
        if is_zip(io.BytesIO(data)):
            return problem(ProblemCode.NESTED_ARCHIVE, "is a ZIP archive, whatever its name says")
        text = decode_bytes(data)
    except IntakeError as error:
        return problem(ProblemCode.UNREADABLE_TEXT, f"is refused: {error}")
    return RawRow(row, {"id": _report_id(file.name), "report": text})
