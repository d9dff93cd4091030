"""What reading a file of reports returns: rows, problems, a first look, and the limits that are kept."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, Final, NamedTuple

FileSource = str | os.PathLike[str] | IO[bytes]


class IntakeError(ValueError):
    """The whole file is refused. The message is meant for users and holds no text of a report."""

    def __init__(self, message: str, *, code: str = "unreadable_file") -> None:
        super().__init__(message)
        self.code = code


class ProblemCode(StrEnum):
    """Why one row was not imported. docs/import.md lists what leads to each."""

    BLANK_TEXT = "blank_text"
    MISSING_ID = "missing_id"
    BAD_ID = "bad_id"
    DAMAGED_ID = "damaged_id"
    DUPLICATE = "duplicate"
    CONFLICTING_ID = "conflicting_id"
    UNSTORABLE_CHARACTER = "unstorable_character"
    TEXT_TOO_LONG = "text_too_long"
    TOO_FEW_FIELDS = "too_few_fields"
    TOO_MANY_FIELDS = "too_many_fields"
    BAD_QUOTING = "bad_quoting"
    UNCLOSED_QUOTE = "unclosed_quote"
    BAD_JSON = "bad_json"
    NOT_A_REPORT = "not_a_report"
    UNREADABLE_TEXT = "unreadable_text"
    NOT_A_TEXT_FILE = "not_a_text_file"
    NESTED_ARCHIVE = "nested_archive"
    UNSAFE_NAME = "unsafe_name"
    LINK = "link"
    ENCRYPTED = "encrypted"
    DAMAGED_MEMBER = "damaged_member"
    BAD_VALUE = "bad_value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what is read; whatever goes beyond one is refused, never cut off."""

    max_file_bytes: int = 2 * 1024**3
    max_rows: int = 1_000_000
    max_columns: int = 1_000
    max_text_chars: int = 1_000_000
    max_id_chars: int = 200
    max_record_chars: int = 16_000_000
    max_archive_members: int = 200_000
    max_archive_bytes: int = 4 * 1024**3
    max_workbook_bytes: int = 256 * 1024**2
    max_xml_elements: int = 2_000_000
    max_expansion: int = 200
    preview_rows: int = 10


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """Which column is what. `more_text` names further columns that follow `text`, each under its name as heading."""

    report_id: str
    text: str
    patient_id: str | None = None
    study_id: str | None = None
    modality: str | None = None
    more_text: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is mapped, once each."""
        named = (self.report_id, self.text, *self.more_text, self.patient_id, self.study_id, self.modality)
        return tuple(dict.fromkeys(name for name in named if name is not None))


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One report that can be imported; `text` has the exact characters of the file.

    `row` counts as a spreadsheet does: the header is row 1. In JSON Lines it is the line, in a folder or an archive
    the position of the file in the sorted list. `extra` holds the columns that are not mapped.
    """

    row: int
    report_id: str
    text: str = field(repr=False)
    patient_id: str | None = None
    study_id: str | None = None
    modality: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)


_MAX_MESSAGE_CHARS: Final = 500
_MAX_SHOWN_ID_CHARS: Final = 200
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One row that was not imported, and why; `message` never holds text of a report. Row 0 is the whole file.

    `report_id` is None as well where an id is too long or holds what a database cannot store.
    """

    row: int
    code: ProblemCode
    message: str
    report_id: str | None = None

    def __post_init__(self) -> None:
        if len(self.message) > _MAX_MESSAGE_CHARS:
            object.__setattr__(self, "message", self.message[:_MAX_MESSAGE_CHARS] + "...")
        if self.report_id and (len(self.report_id) > _MAX_SHOWN_ID_CHARS or has_unstorable(self.report_id)):
            object.__setattr__(self, "report_id", None)

    def __str__(self) -> str:
        return f"row {self.row}: {self.message}" if self.row else self.message


def has_unstorable(text: str) -> bool:
    """Whether `text` holds a NUL character or half of a surrogate pair, which PostgreSQL cannot store."""
    return _UNSTORABLE.search(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInspection:
    """A first look at a file, for a preview.

    `mapping` is None when no column is recognised as id or as text; `missing` then says which. `preview` holds the
    first rows by column, with the text of reports. `notes` say what was assumed, `problems` which of the first rows
    would not be imported.
    """

    filename: str
    format: str
    encoding: str | None
    delimiter: str | None
    columns: tuple[str, ...]
    mapping: ColumnMapping | None
    missing: tuple[str, ...]
    preview: tuple[Mapping[str, str], ...] = field(repr=False)
    notes: tuple[str, ...]
    problems: tuple[RowProblem, ...]


class RawRow(NamedTuple):
    """One record of a file before its columns are given a meaning."""

    row: int
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file of a known format. `rows` starts from the first record each time it is called."""

    format: str
    columns: tuple[str, ...]
    rows: Callable[[], Iterator[RawRow | RowProblem]]
    encoding: str | None = None
    delimiter: str | None = None
    notes: tuple[str, ...] = ()
