"""What became of the rows of a file that was imported."""

from dataclasses import dataclass, field
from typing import Literal

MAX_PROBLEMS = 1000

Kind = Literal["created", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one row; of a refused one also why, in a word (`code`) and in a sentence.

    Row 0 stands for a row whose number the file format does not keep.
    """

    row: int
    report_id: str
    kind: Kind
    code: str = ""
    reason: str = ""


@dataclass(slots=True)
class Outcome:
    """Counts of a whole file; `problems` holds the first refused rows."""

    created: int = 0
    unchanged: int = 0
    refused: int = 0
    problems: list[RowOutcome] = field(default_factory=list)

    def add(self, row: RowOutcome) -> None:
        """Count a row."""
        setattr(self, row.kind, getattr(self, row.kind) + 1)
        if row.kind == "refused" and len(self.problems) < MAX_PROBLEMS:
            self.problems.append(row)

    def counts(self) -> dict[str, int]:
        """The three counts by name."""
        return {"created": self.created, "unchanged": self.unchanged, "refused": self.refused}
