"""Files of a folder or a ZIP archive, one after another: nothing is unpacked ahead, and what lies is refused alone."""

import os
import re
import shutil
import stat
import tempfile
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final, Self

from labeling.core.intake.archives import (
    DAMAGE,
    is_encrypted,
    is_link,
    is_plainly_packed,
    is_unsafe_name,
    member_name,
    open_archive,
)
from labeling.core.intake.records import IntakeError, Limits
from vision.core.limits import DEFAULT_LIMITS, ImageLimits
from vision.core.refusals import ImageRefused
from vision.core.sniffing import SNIFF_BYTES, sniff

_CHUNK_BYTES: Final = 1024**2
_CLUTTER: Final = frozenset({"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"})
# Beyond what DEFLATE can do at all: members overlap. Each member is held against its own bound as well.
_MAX_ARCHIVE_EXPANSION: Final = 1_100
_NO_BOUND: Final = 2**63
_MAX_OPEN_ARCHIVES: Final = 16


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file to read. `name` is its path below the folder or archive; `open` gives a seekable stream to close."""

    name: str
    n_bytes: int
    open: Callable[[], IO[bytes]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that is not read, and why; the message holds no text of a patient."""

    name: str
    code: str
    message: str


class OpenArchives:
    """ZIP archives that are open, at most a few at a time; closes them at the end of its `with` block.

    Large members are unpacked to unnamed files in `temporary_folder`, by default that of the machine.
    """

    def __init__(self, temporary_folder: Path | None = None) -> None:
        self.temporary_folder = temporary_folder
        self._open: OrderedDict[Path, tuple[IO[bytes], zipfile.ZipFile]] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        while self._open:
            self._close_oldest()

    def get(self, path: Path, bounds: Limits) -> zipfile.ZipFile:
        """The archive at `path`; raises `IntakeError` for one that is damaged or too large."""
        if path not in self._open:
            stream = path.open("rb")
            try:
                self._open[path] = stream, open_archive(stream, limits=bounds)
            except IntakeError:
                stream.close()
                raise
            if len(self._open) > _MAX_OPEN_ARCHIVES:
                self._close_oldest()
        self._open.move_to_end(path)
        return self._open[path][1]

    def _close_oldest(self) -> None:
        _, (stream, archive) = self._open.popitem(last=False)
        archive.close()
        stream.close()


def image_files(
    path: Path, *, limits: ImageLimits = DEFAULT_LIMITS, archives: OpenArchives | None = None
) -> Iterator[ImageFile | Refusal]:
    """The files below a folder, in a ZIP archive (of any name), or the one file at `path`, sorted by name.

    ZIP archives in a folder are walked too, archives in archives are refused. Links, special files and the clutter of
    desktops are left out. `ImageFile.open` raises `ImageRefused` for a member that is damaged or not as long as it
    says. Files are opened when they are asked for, members in memory or, when large, in an unnamed temporary file;
    members can be opened until `archives` closes, without it as long as the iterator is not exhausted.
    """
    with ExitStack() as own:
        found_files = _walk(path, limits, archives or own.enter_context(OpenArchives()))
        for n_files, found in enumerate(found_files, start=1):
            if n_files > limits.max_files:
                reason = f"more than {limits.max_files:,} files; the rest is not read"
                yield Refusal(path.name, "too_many_files", reason)
                return
            yield found


def nothing_read(path: Path) -> str:
    """Why `image_files` finds nothing at `path`: what lies there instead, counted, and what was expected. No names."""
    if not path.is_dir():
        return "there is no file in the archive; expected DICOM or NIfTI files in it"
    seen: Counter[str] = Counter()
    for folder, folders, names in os.walk(path, onerror=lambda _: seen.update(["folder that cannot be opened"])):
        linked = [name for name in folders if Path(folder, name).is_symlink()]
        seen.update({"link": len(linked), "folder": len(folders) - len(linked)})
        folders[:] = [name for name in folders if name not in _CLUTTER]
        for name in names:
            if Path(folder, name).is_symlink():
                seen["link"] += 1
            else:
                seen["file of the desktop" if name in _CLUTTER else "special file"] += 1
    listed = ", ".join(f"{n:,} {_plural(what, n)}" for what, n in sorted(seen.items()) if n)
    expected = "expected DICOM or NIfTI files, or ZIP archives of them"
    advice = "; links are not followed: copy the files, or name the folder they lie in" if seen["link"] else ""
    return f"the folder holds {f'no file to read, only {listed}' if listed else 'nothing'}; {expected}{advice}"


def _plural(what: str, n: int) -> str:
    return what if n == 1 else re.sub(r"^(special file|file|folder|link)", r"\1s", what)


def _walk(path: Path, limits: ImageLimits, archives: OpenArchives) -> Iterator[ImageFile | Refusal]:
    if not path.is_dir():
        yield from _file(path, path.name, limits, archives)
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in _CLUTTER)
        for name in sorted(names):
            file = Path(folder, name)
            if name in _CLUTTER or not stat.S_ISREG(file.lstat().st_mode):
                continue
            yield from _file(file, file.relative_to(path).as_posix(), limits, archives)


def _file(path: Path, name: str, limits: ImageLimits, archives: OpenArchives) -> Iterator[ImageFile | Refusal]:
    try:
        n_bytes = path.stat().st_size
        with path.open("rb") as stream:
            kind = sniff(stream.read(SNIFF_BYTES), name)
    except OSError as error:
        yield Refusal(name, "unreadable_file", f"the file cannot be opened ({error.strerror})")
        return
    if kind == "zip":
        yield from _members(path, name, limits, archives)
    elif n_bytes > limits.max_file_bytes:
        yield _too_large(name, n_bytes, limits)
    else:
        yield ImageFile(name, n_bytes, lambda: path.open("rb"))


def _members(path: Path, name: str, limits: ImageLimits, archives: OpenArchives) -> Iterator[ImageFile | Refusal]:
    # What members say of their sizes is judged one by one: a lie refuses no other member.
    bounds = Limits(max_archive_members=limits.max_files, max_archive_bytes=_NO_BOUND, max_expansion=_NO_BOUND)
    try:
        members = archives.get(path, bounds).infolist()
    except IntakeError as error:
        yield Refusal(name, error.code, str(error))
        return
    freely = max(limits.expands_freely_bytes, _MAX_ARCHIVE_EXPANSION * path.stat().st_size)
    bytes_left = min(limits.max_archive_bytes, freely)
    for member in sorted(members, key=member_name):
        if member.is_dir() or not _CLUTTER.isdisjoint(PurePosixPath(member_name(member)).parts):
            continue
        found = _member(archives, path, member, name=f"{name}/{member_name(member)}", limits=limits, bounds=bounds)
        bytes_left -= found.n_bytes if isinstance(found, ImageFile) else 0
        if bytes_left < 0:
            yield Refusal(name, "archive_bomb", "the archive unpacks to too much; the rest of it is not read")
            return
        yield found


def _member(
    archives: OpenArchives, path: Path, member: zipfile.ZipInfo, *, name: str, limits: ImageLimits, bounds: Limits
) -> ImageFile | Refusal:
    if is_unsafe_name(member_name(member)) or is_link(member):
        return Refusal(name, "unsafe_name", "a path that leads out of the archive, or a link")
    if is_encrypted(member):
        return Refusal(name, "encrypted", "the file is encrypted; unpack it and import the folder")
    if not is_plainly_packed(member):
        return Refusal(name, "unknown_packing", "packed by a method other than DEFLATE")
    if member.file_size > limits.max_file_bytes:
        return _too_large(name, member.file_size, limits)
    allowed = max(limits.expands_freely_bytes, limits.max_expansion * member.compress_size)
    if member.file_size > allowed:
        return Refusal(
            name, "archive_bomb", f"unpacks to more than {limits.max_expansion:,} times its size: a bomb by its looks"
        )
    try:
        with archives.get(path, bounds).open(member) as stream:
            kind = sniff(stream.read(SNIFF_BYTES), name)
    except (*DAMAGE, RuntimeError, ValueError):
        return Refusal(name, "damaged_archive", "the file is damaged within the archive")
    if kind == "zip":
        return Refusal(name, "nested_archive", "an archive within an archive; unpack it first")
    folder = archives.temporary_folder
    return ImageFile(
        name,
        member.file_size,
        lambda: _unpacked(archives.get(path, bounds), member, in_memory=limits.max_in_memory_bytes, folder=folder),
    )


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, *, in_memory: int, folder: Path | None) -> IO[bytes]:
    """The member, whole and checked against its checksum and the length it says."""
    unpacked = tempfile.SpooledTemporaryFile(max_size=in_memory, dir=str(folder) if folder else None)  # noqa: SIM115 the caller closes it
    try:
        with archive.open(member) as packed:
            shutil.copyfileobj(packed, unpacked, _CHUNK_BYTES)
        if unpacked.tell() != member.file_size:
            raise EOFError
    except (*DAMAGE, RuntimeError, ValueError) as error:
        unpacked.close()
        raise ImageRefused(
            "the file is damaged within the archive, or not as long as it says", code="damaged_archive"
        ) from error
    unpacked.seek(0)
    return unpacked


def _too_large(name: str, n_bytes: int, limits: ImageLimits) -> Refusal:
    return Refusal(name, "too_large", f"the file has {n_bytes:,} bytes, at most {limits.max_file_bytes:,} are allowed")
