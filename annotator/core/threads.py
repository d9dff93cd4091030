"""Notes on a case or a cell, with their answers: what may be written, and who reads whose."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from annotator.core.refusals import VectorError, is_storable_text
from labeling.core.schema import Schema

MAX_NOTE_CHARACTERS: Final = 4000
WHOLE_CASE: Final = ""


class NoteKind(StrEnum):
    """What a note is for: to be talked about, for the manager to act on, or why a reading was sent back."""

    COMMENT = "comment"
    FLAG = "flag"
    RETURN = "return"


# What a reader may begin; only a manager sends a reading back.
READERS_KINDS: Final = (NoteKind.COMMENT, NoteKind.FLAG)


def check_note_text(text: Any) -> str:
    """The words without space around them; raises `VectorError` when there are none or too many."""
    if not is_storable_text(text, at_most=MAX_NOTE_CHARACTERS) or not text.strip():
        raise VectorError(f"text: expected 1 to {MAX_NOTE_CHARACTERS:,} characters")
    return str(text.strip())


def check_cell(cell: Any, *, schema: Schema) -> str:
    """The key of a cell, or of the whole case; raises `VectorError`."""
    if cell == WHOLE_CASE:
        return WHOLE_CASE
    if not isinstance(cell, str) or cell not in {str(each) for each in schema.cells}:
        raise VectorError(f"cell: schema {schema.name} v{schema.version} has no such cell")
    return cell


@dataclass(frozen=True, slots=True)
class Words:
    """One note as a reader is shown it; `author` is a name, or a role where names are kept back."""

    id: int
    author: str
    is_own: bool
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Thread:
    """A note and the answers to it, oldest first."""

    kind: str
    cell: str
    begun: Words
    answers: list[Words]
    is_settled: bool
