"""Answered calls of many reports in one file of JSON lines, which a stopped run goes on from.

After a first line that says what the file is, each line is a call with the id and the text hash of its report, written
at once and in one piece, or, shorter, what was read in the answer of an earlier line. Nothing is ever taken out. Of a
file that is gone on with, memory holds eight bytes a line, and the calls of a report only while it is labeled. Report
ids and answers stand in JSON strings of ASCII characters, so that no character of them can end a line.
"""

import fcntl
import json
import os
import re
from array import array
from collections.abc import Iterable
from dataclasses import fields, replace
from hashlib import blake2b, sha256
from pathlib import Path
from typing import BinaryIO, Final, Self

from labeling.core.asking import CallRecord, Purpose
from labeling.core.backends import Usage
from labeling.core.records import ReportText

FIRST_LINE: Final = b'{"format": "overread-calls", "version": 1}\n'
_FIELDS, _PURPOSE_FIELDS, _USAGE_FIELDS = (
    tuple(each.name for each in fields(record)) for record in (CallRecord, Purpose, Usage)
)
_HEAD: Final = re.compile(rb'\{"report_id": ("(?:[^"\\]|\\.)*"), "text_sha256": ("[0-9a-f]{64}"), "key": ')


class CallFileError(ValueError):
    """The file cannot be used for calls. The message is meant for users and holds no text of a report."""


class CallFile:
    """A file of answered calls, open for one run at a time. Use it as a context manager.

    `n_known` counts the lines it had when it was opened, `n_damaged` those that cannot be read, such as the last one
    of a run that was killed; what they held is asked again.
    """

    def __init__(self, path: str | os.PathLike[str], *, resume: bool = False) -> None:
        """Raises `CallFileError`, also when the file exists and `resume` is not set, and OSError."""
        self.path = Path(path)
        self.n_known = 0
        self.n_damaged = 0
        self._lines_of: dict[bytes, array[int]] = {}
        self._out = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._in: BinaryIO | None = None
        try:
            self._take(resume=resume)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._in is not None:
            self._in.close()
            self._in = None
        if self._out >= 0:
            os.close(self._out)
            self._out = -1

    def calls_of(self, report: ReportText) -> "ReportCalls":
        """The store for the calls of one report. Taken once for each report, since it frees the index of its lines."""
        text_sha256 = sha256(report.text.encode(errors="surrogatepass")).hexdigest()
        head = _head(report.report_id, text_sha256)
        calls = ReportCalls(self, head)
        match = _HEAD.match(f'{head}"key": '.encode())
        offsets = self._lines_of.pop(_index_key(match), ()) if match else ()
        calls.load(line for offset in offsets if (line := self._line_at(offset)))
        return calls

    def append(self, line: bytes) -> None:
        """Write one line at the end of the file. Raises OSError."""
        written = os.write(self._out, line)
        while written < len(line):
            written += os.write(self._out, line[written:])

    def _take(self, *, resume: bool) -> None:
        """Lock the file, check that it is one of calls, and note where the lines of each report are."""
        try:
            fcntl.flock(self._out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CallFileError(
                f"{self.path}: another run is writing to it; wait for it or name another file"
            ) from error
        self._in = self.path.open("rb")
        first = self._in.readline(len(FIRST_LINE) + 1)
        if first != FIRST_LINE and not FIRST_LINE.startswith(first):
            raise CallFileError(f"{self.path}: this is no file of calls; name another one, which may be new")
        if first != FIRST_LINE:
            self.append(FIRST_LINE[len(first) :])
            return
        last = self._index()
        if self.n_known + self.n_damaged and not resume:
            raise CallFileError(
                f"{self.path}: holds {self.n_known:,} answered calls; go on with them (--resume) or name another file"
            )
        if not last.endswith(b"\n"):
            self.append(b"\n")

    def _index(self) -> bytes:
        """Note the lines of each report; returns the last line."""
        assert self._in is not None  # noqa: S101 - `_take` has opened it
        offset = len(FIRST_LINE)
        line = FIRST_LINE
        for line in self._in:
            if match := _HEAD.match(line):
                self._lines_of.setdefault(_index_key(match), array("Q")).append(offset)
                self.n_known += 1
            elif line.strip():
                self.n_damaged += 1
            offset += len(line)
        return line

    def _line_at(self, offset: int) -> bytes:
        assert self._in is not None  # noqa: S101 - open until `close`
        self._in.seek(offset)
        return self._in.readline()


class ReportCalls:
    """The answered calls of one report: a `CallStore` that writes each one down as soon as it is answered."""

    def __init__(self, file: CallFile, head: str) -> None:
        self._file = file
        self._head = head
        self._records: dict[str, CallRecord] = {}

    def find(self, key: str) -> CallRecord | None:
        """The call with this key."""
        return self._records.get(key)

    def keep(self, record: CallRecord) -> None:
        """Write it down. Raises OSError when the disk does not take it."""
        known = self._records.get(record.key)
        is_reading = known is not None and record.answer == known.answer and replace(known, read=record.read) == record
        values: dict[str, object] = {"key": record.key, "read": record.read} if is_reading else _values(record)
        self._file.append(_line(self._head, values))
        self._records[record.key] = record

    def load(self, lines: Iterable[bytes]) -> None:
        """Take up lines of this report; one that cannot be read is counted as damaged."""
        for line in lines:
            try:
                self._load(json.loads(line))
            except (ValueError, KeyError, TypeError):
                self._file.n_damaged += 1
                self._file.n_known -= 1

    def _load(self, values: dict[str, object]) -> None:
        del values["report_id"], values["text_sha256"]
        key = str(values["key"])
        if "answer" in values:
            record = CallRecord.from_json(values)
            if not isinstance(record.answer, str):
                raise TypeError("the answer is no text")
            self._records[key] = record
        elif key in self._records:
            self._records[key] = replace(self._records[key], read=str(values["read"]))


def call_line(report_id: str, text_sha256: str, record: CallRecord) -> bytes:
    """The line of one call, for whoever writes such a file from calls that are kept elsewhere."""
    return _line(_head(report_id, text_sha256), _values(record))


def _head(report_id: str, text_sha256: str) -> str:
    return f'{{"report_id": {json.dumps(report_id)}, "text_sha256": "{text_sha256}", '


def _line(head: str, values: dict[str, object]) -> bytes:
    return (head + json.dumps(values)[1:] + "\n").encode()


def _values(record: CallRecord) -> dict[str, object]:
    """`record.as_json()`, which costs as much as all the rest of a call, in a tenth of the time."""
    values: dict[str, object] = {name: getattr(record, name) for name in _FIELDS}
    values["purpose"] = {name: getattr(record.purpose, name) for name in _PURPOSE_FIELDS}
    values["usage"] = {name: getattr(record.usage, name) for name in _USAGE_FIELDS}
    return values


def _index_key(match: re.Match[bytes]) -> bytes:
    """Sixteen bytes for the report id and the text hash at the beginning of a line."""
    return blake2b(match[1] + match[2], digest_size=16).digest()
