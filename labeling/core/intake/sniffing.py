"""Tell what a file is from its first bytes; its name is only believed where the bytes leave it open."""

import re
from typing import IO, Final

from labeling.core.intake.records import IntakeError

_SAMPLE_BYTES: Final = 8192
_REFUSED_MAGIC: Final = (
    (b"%PDF", "a PDF file", "export the reports as text, CSV or XLSX"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Office file (.xls, .doc) or an encrypted one",
        "save it as XLSX or CSV",
    ),
    (b"{\\rtf", "an RTF file", "save it as plain text"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"BZh", "a bzip2 archive", "unpack it first"),
    (b"\xfd7zXZ", "an xz archive", "unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it, or pack the files as ZIP"),
    (b"Rar!", "a RAR archive", "unpack it, or pack the files as ZIP"),
    (b"PAR1", "a Parquet file", "export it as CSV or JSON Lines"),
    (b"SQLite format 3", "a database", "export the reports as CSV or JSON Lines"),
    (b"\x89PNG", "an image", "only text can be read"),
    (b"\xff\xd8\xff", "an image", "only text can be read"),
)
_ZIP_MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_BYTE_ORDER_MARK: Final = re.compile(rb"\A(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)")
_MARKUP: Final = re.compile(rb"\s*<(?:!doctype|html|head|body|table|meta|script|svg|!--|\?xml)", re.IGNORECASE)


def is_zip(stream: IO[bytes]) -> bool:
    """Whether `stream` is a ZIP archive, as XLSX is; raises `IntakeError` for a kind that never holds reports."""
    stream.seek(0)
    head = stream.read(_SAMPLE_BYTES)
    if not head:
        raise IntakeError("the file is empty", code="empty_file")
    for magic, what, advice in _REFUSED_MAGIC:
        if head.startswith(magic):
            raise IntakeError(f"this is {what}, whatever its name says; {advice}", code="not_a_report_file")
    if head[128:132] == b"DICM":
        raise IntakeError("this is a DICOM file; only text can be read", code="not_a_report_file")
    if _MARKUP.match(_BYTE_ORDER_MARK.sub(b"", head).replace(b"\0", b"")):
        raise IntakeError(
            "this is an HTML or XML page, whatever its name says; export the reports as CSV or XLSX",
            code="markup",
        )
    return head.startswith(_ZIP_MAGIC)


def looks_like_json(head: str, filename: str) -> bool:
    """Whether text that begins with `head` is JSON or JSON Lines."""
    begin = head.lstrip()[:1]
    if filename.casefold().endswith((".json", ".jsonl", ".ndjson")):
        return True
    return begin == "{" or (begin == "[" and head.lstrip()[1:].lstrip()[:1] in ("{", "]"))
