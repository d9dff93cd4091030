"""Why a reader opens a submitted reading again, and what of it the next reading keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from annotator.core.refusals import VectorError, is_storable_text

MAX_NOTE_CHARACTERS: Final = 1000
OTHER: Final = "other"
# By the word that is stored. The first is the one that a hurried hand means.
REOPEN_REASONS: Final = {
    "slip": "a slip of the hand",
    "second_look": "a second look at the report or the images",
    "new_images": "images or words that came later",
    "guideline": "the guideline says otherwise",
    "asked": "somebody asked me to",
    OTHER: "another reason",
}
# What the next reading says when a manager sent it back; the words are in the note to the reader.
RETURNED: Final = "returned"
# Reasons that came from somebody else, who may have seen what the reader must not.
TOLD: Final = frozenset({RETURNED, "asked"})


@dataclass(frozen=True, slots=True)
class Reopening:
    """Why a reading is opened again: a word of `REOPEN_REASONS` or `RETURNED`, and words of the reader's own."""

    reason: str
    note: str = ""

    def __post_init__(self) -> None:
        if self.reason not in (*REOPEN_REASONS, RETURNED):
            raise VectorError(f"reason: expected one of {', '.join(REOPEN_REASONS)}")
        if not is_storable_text(self.note, at_most=MAX_NOTE_CHARACTERS):
            raise VectorError(f"note: expected text of at most {MAX_NOTE_CHARACTERS} characters")
        if self.reason == OTHER and not self.note.strip():
            raise VectorError("note: another reason needs words")

    def of_revision(self, revision: int) -> dict[str, Any]:
        """What the next reading holds as `reopened`."""
        return {"reason": self.reason, "note": self.note, "revision": revision}


def check_reopened(reopened: Any) -> None:
    """Raise `VectorError` unless it is what `Reopening.of_revision` makes."""
    if not isinstance(reopened, Mapping) or set(reopened) != {"reason", "note", "revision"}:
        raise VectorError("body: reopened holds reason, note and revision")
    if type(reopened["revision"]) is not int or reopened["revision"] < 1:
        raise VectorError("body: reopened: revision is a whole number from 1")
    Reopening(reason=reopened["reason"], note=reopened["note"])
