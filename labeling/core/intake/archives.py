"""ZIP archives from outside: counted and measured before anything is unpacked, never unpacked to a disk."""

import struct
import zipfile
import zlib
from typing import IO, Final

from labeling.core.intake.records import IntakeError, Limits

_END_RECORD: Final = b"PK\x05\x06"
_END_64_RECORD: Final = b"PK\x06\x06"
_END_SEARCH_BYTES: Final = 22 + 65_535 + 20 + 56
_BYTES_PER_ENTRY: Final = 512
_UNPACKED_FREELY_BYTES: Final = 10 * 1024**2
_UTF8_NAME_FLAG: Final = 0x800
_ENCRYPTED_FLAG: Final = 0x1
_SYMLINK: Final = 0o120000

# What `zipfile` and `zlib` raise for damaged members.
DAMAGE: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, struct.error)


def open_archive(stream: IO[bytes], *, limits: Limits) -> zipfile.ZipFile:
    """The archive in `stream`, within `limits` by what it declares; no member yields more than it declares.

    Raises `IntakeError` for a damaged or truncated archive, and for one that would unpack to too much: too many
    members, too many bytes, or many times its own size.
    """
    _require_small_directory(stream, limits)
    try:
        archive = zipfile.ZipFile(stream)
    except (*DAMAGE, UnicodeDecodeError, ValueError) as error:
        raise IntakeError("the ZIP archive is damaged or not complete", code="damaged_archive") from error
    members = archive.infolist()
    if len(members) > limits.max_archive_members:
        raise _too_many(len(members), limits)
    unpacked = sum(member.file_size for member in members)
    if unpacked > limits.max_archive_bytes:
        raise IntakeError(
            f"the archive unpacks to {unpacked:,} bytes, at most {limits.max_archive_bytes:,} are allowed",
            code="archive_too_large",
        )
    packed = max(1, stream.seek(0, 2))
    if unpacked > _UNPACKED_FREELY_BYTES and unpacked > limits.max_expansion * packed:
        raise IntakeError(
            f"the archive unpacks to {unpacked // packed:,} times its size, at most {limits.max_expansion} is allowed",
            code="archive_bomb",
        )
    return archive


def zip_kind(archive: zipfile.ZipFile) -> str:
    """`xlsx` or `zip`; raises `IntakeError` for other Office files, which are archives too."""
    names = set(archive.namelist())
    if "[Content_Types].xml" not in names:
        return "zip"
    if any(name.startswith("xl/") for name in names):
        if "xl/workbook.bin" in names:
            raise IntakeError("this is an XLSB workbook; save it as XLSX or CSV", code="not_a_report_file")
        return "xlsx"
    raise IntakeError(
        "this is an Office file but no workbook; save the reports as XLSX or CSV", code="not_a_report_file"
    )


def member_name(member: zipfile.ZipInfo) -> str:
    """Path of a member: UTF-8 where its bytes are, else code page 437 as the ZIP standard has it."""
    name = member.orig_filename
    if member.flag_bits & _UTF8_NAME_FLAG:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def is_unsafe_name(name: str) -> bool:
    """Whether a path is absolute, climbs up, or is written for another system's separators or drives."""
    return name.startswith("/") or "\\" in name or "\0" in name or name[1:2] == ":" or ".." in name.split("/")


def is_link(member: zipfile.ZipInfo) -> bool:
    """Whether a member is a symbolic link."""
    return (member.external_attr >> 16) & 0o170000 == _SYMLINK


def is_encrypted(member: zipfile.ZipInfo) -> bool:
    """Whether a member needs a password."""
    return bool(member.flag_bits & _ENCRYPTED_FLAG)


def is_plainly_packed(member: zipfile.ZipInfo) -> bool:
    """Whether a member is stored or deflated: the two methods that `zipfile` unpacks in bounded steps."""
    return member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def _too_many(n_members: int, limits: Limits) -> IntakeError:
    return IntakeError(
        f"the archive has {n_members:,} members or more, at most {limits.max_archive_members:,} are allowed",
        code="too_many_members",
    )


def _require_small_directory(stream: IO[bytes], limits: Limits) -> None:
    """`zipfile` loads the whole directory of the archive: refuse one that is too large for the allowed members."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - _END_SEARCH_BYTES))
    tail = stream.read(_END_SEARCH_BYTES)
    stream.seek(0)
    at = tail.rfind(_END_RECORD)
    if at < 0 or at + 22 > len(tail):
        raise IntakeError("the ZIP archive is damaged or not complete: it has no end", code="damaged_archive")
    n_members, directory_bytes = struct.unpack_from("<HI", tail, at + 10)
    at_64 = tail.rfind(_END_64_RECORD)
    if at_64 >= 0 and at_64 + 48 <= len(tail):
        n_members, directory_bytes = struct.unpack_from("<QQ", tail, at_64 + 32)
    if directory_bytes > limits.max_archive_members * _BYTES_PER_ENTRY:
        raise _too_many(n_members, limits)
