"""What a reader says of a whole case: a comment, a flag, and why it was put off."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotator.core.refusals import VectorError, is_storable_text

MAX_COMMENT_CHARACTERS = 4000
MAX_NOTE_CHARACTERS = 1000
OTHER = "other"
# Why a case can be put off, by the word that is stored.
SKIP_REASONS = {
    "later": "read it later",
    "images": "images are missing or of another study",
    "report": "the report is missing or not readable",
    "quality": "images too poor to judge",
    "specialist": "needs another specialist",
    "involved": "I know the patient or wrote the report",
    OTHER: "another reason",
}
# What of a reading's body its draft holds too: the rest is about the submission.
_DRAFT_PARTS = ("cells", "case", "measurements")


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a reader puts a case off: a word of `SKIP_REASONS`, and words of their own."""

    reason: str
    note: str = ""

    def __post_init__(self) -> None:
        if self.reason not in SKIP_REASONS:
            raise VectorError(f"reason: expected one of {', '.join(SKIP_REASONS)}")
        if not is_storable_text(self.note, at_most=MAX_NOTE_CHARACTERS):
            raise VectorError(f"note: expected text of at most {MAX_NOTE_CHARACTERS} characters")
        if self.reason == OTHER and not self.note.strip():
            raise VectorError("note: another reason needs words")

    def body(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """`body` with the reason in it, which the next save of the case takes out again."""
        skipped = {"reason": self.reason, "note": self.note}
        return {**body, "case": {**body.get("case", {}), "skipped": skipped}}


def check_case_note(note: Any) -> None:
    """Raise `VectorError` unless `note` is what a browser may say of a case: `{"comment": text, "flagged": bool}`."""
    if not isinstance(note, Mapping) or set(note) - {"comment", "flagged"}:
        raise VectorError("body: case may hold comment and flagged")
    if not is_storable_text(note.get("comment", ""), at_most=MAX_COMMENT_CHARACTERS):
        raise VectorError(f"body: case: comment is text of at most {MAX_COMMENT_CHARACTERS} characters")
    if not isinstance(note.get("flagged", False), bool):
        raise VectorError("body: case: flagged is true or false")


def is_flagged(body: Mapping[str, Any]) -> bool:
    """Whether the reader marked the case to come back to it."""
    return bool(body.get("case", {}).get("flagged", False))


def draft_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a reading's body that the draft beside it holds."""
    return {name: body[name] for name in _DRAFT_PARTS if name in body}
