"""Find out how a text file is encoded, and read it in bounded lines.

A file is decoded strictly from its first to its last byte or not at all: no replacement characters.
"""

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final, NamedTuple

from labeling.core.intake.records import IntakeError

_CHUNK_BYTES: Final = 1 << 20
_SAMPLE_BYTES: Final = 1 << 16

# Longest first: the UTF-32 mark begins with the UTF-16 one.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
TITLES: Final = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16 (little-endian)",
    "utf-16-be": "UTF-16 (big-endian)",
    "utf-32-le": "UTF-32 (little-endian)",
    "utf-32-be": "UTF-32 (big-endian)",
    "cp1252": "Windows-1252",
}
_UTF8_SEQUENCE: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH_BYTE: Final = re.compile(rb"[\x80-\xff]")
_LETTER: Final = re.compile(rb"[A-Za-z]")
# No character in Windows-1252, or a control character that no text file holds.
_NOT_CP1252: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f\x81\x8d\x8f\x90\x9d]")


class Encoding(NamedTuple):
    """Name of the codec, and how many bytes of byte-order mark stand before the text."""

    codec: str
    mark_bytes: int

    @property
    def title(self) -> str:
        """Name for users."""
        return TITLES[self.codec]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed, for users."""
        if self.codec != "cp1252":
            return ()
        return ("The file is not UTF-8; it is read as Windows-1252. Check that letters beyond A to Z are right.",)


def detect_encoding(stream: IO[bytes]) -> Encoding:
    """How `stream` is encoded, read from its start to its end.

    A byte-order mark decides; else UTF-16 by its pattern of zero bytes; else UTF-8 where every byte fits; else
    Windows-1252 where that makes sense. Raises `IntakeError` with the offset of the first byte that does not fit.
    """
    stream.seek(0)
    sample = stream.read(_SAMPLE_BYTES)
    for mark, codec in _MARKS:
        if sample.startswith(mark):
            _require_decodable(stream, Encoding(codec, len(mark)))
            return Encoding(codec, len(mark))
    codec = _utf16_without_mark(sample) or "utf-8"
    offset = _first_bad_byte(stream, Encoding(codec, 0))
    if offset is None:
        return Encoding(codec, 0)
    if codec == "utf-8" and _reads_as_cp1252(stream):
        return Encoding("cp1252", 0)
    raise _undecodable(codec, offset)


def decode_bytes(data: bytes) -> str:
    """Text of a small file; raises as `detect_encoding` does."""
    encoding = detect_encoding(io.BytesIO(data))
    return data[encoding.mark_bytes :].decode(encoding.codec)


@contextmanager
def text_of(stream: IO[bytes], encoding: Encoding) -> Iterator[io.TextIOWrapper]:
    """`stream` as text from behind its mark, with line ends untouched; `stream` stays open."""
    stream.seek(encoding.mark_bytes)
    text = io.TextIOWrapper(stream, encoding=encoding.codec, errors="strict", newline="")
    try:
        yield text
    finally:
        text.detach()


def bounded_lines(text: io.TextIOWrapper, *, max_chars: int) -> Iterator[str]:
    """Physical lines with their ends; raises `IntakeError` at one that is longer than `max_chars`."""
    number = 0
    while line := text.readline(max_chars + 1):
        number += 1
        if len(line) > max_chars:
            raise IntakeError(
                f"line {number} is longer than {max_chars:,} characters, the most that is read; "
                "this is no table of reports",
                code="line_too_long",
            )
        yield line


def _utf16_without_mark(sample: bytes) -> str | None:
    """Western text in UTF-16 has a zero in every other byte."""
    pairs = len(sample) // 2
    if pairs < 2:
        return None
    even_zeros = sample[: 2 * pairs : 2].count(0) / pairs
    odd_zeros = sample[1 : 2 * pairs : 2].count(0) / pairs
    if odd_zeros > 0.4 and even_zeros < 0.05:
        return "utf-16-le"
    if even_zeros > 0.4 and odd_zeros < 0.05:
        return "utf-16-be"
    return None


def _first_bad_byte(stream: IO[bytes], encoding: Encoding) -> int | None:
    """Offset in the file of the first byte that `encoding` cannot decode; None when all fit."""
    decoder = codecs.getincrementaldecoder(encoding.codec)(errors="strict")
    stream.seek(encoding.mark_bytes)
    position = encoding.mark_bytes
    while True:
        chunk = stream.read(_CHUNK_BYTES)
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            return position - held + error.start
        if not chunk:
            return None
        position += len(chunk)


def _require_decodable(stream: IO[bytes], encoding: Encoding) -> None:
    offset = _first_bad_byte(stream, encoding)
    if offset is not None:
        raise _undecodable(encoding.codec, offset)


def _undecodable(codec: str, offset: int) -> IntakeError:
    return IntakeError(
        f"the encoding cannot be told: the byte at offset {offset:,} is not {TITLES[codec]}, and the file is not "
        "plausible Windows-1252 either; save it as UTF-8 and try again",
        code="unknown_encoding",
    )


def _reads_as_cp1252(stream: IO[bytes]) -> bool:
    """Whether the bytes beyond ASCII are few, all defined, and not mostly UTF-8 with a broken place in it."""
    stream.seek(0)
    high = letters = sequences = 0
    tail = b""
    while chunk := stream.read(_CHUNK_BYTES):
        if _NOT_CP1252.search(chunk):
            return False
        high += len(_HIGH_BYTE.findall(chunk))
        letters += len(_LETTER.findall(chunk))
        sequences += len(_UTF8_SEQUENCE.findall(tail + chunk))
        tail = chunk[-3:]
    return high <= letters / 3 and sequences * 20 <= high
