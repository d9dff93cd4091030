"""What became of the rows of a file that was imported."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from labeling.core.intake.records import ProblemCode, RowProblem
from labeling.models import Run

MAX_PROBLEMS = 1000

Kind = Literal["created", "unchanged", "refused", "duplicate"]


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one row; of a refused one also why, in a word (`code`) and in a sentence.

    A duplicate says what an earlier row of the file says. It is told like a refused one, but counted apart.
    Row 0 stands for a row whose number the file format does not keep.
    """

    row: int
    report_id: str
    kind: Kind
    code: str = ""
    reason: str = ""


@dataclass(slots=True)
class Outcome:
    """Counts of a whole file; `problems` holds the first rows that were refused or stand twice."""

    created: int = 0
    unchanged: int = 0
    refused: int = 0
    duplicate: int = 0
    problems: list[RowOutcome] = field(default_factory=list)

    def add(self, row: RowOutcome) -> None:
        """Count a row."""
        setattr(self, row.kind, getattr(self, row.kind) + 1)
        if row.kind in ("refused", "duplicate") and len(self.problems) < MAX_PROBLEMS:
            self.problems.append(row)

    def counts(self) -> dict[str, int]:
        """The counts by name; duplicates only where there are some."""
        counts = {"created": self.created, "unchanged": self.unchanged, "refused": self.refused}
        return counts | ({"duplicate": self.duplicate} if self.duplicate else {})


@dataclass(slots=True)
class RunOutcome:
    """What a file says under one rater: of how many reports here, how often which code, and the run of these labels.

    `run` is None when nothing was stored, `is_new` whether it was made of this file now.
    """

    rater: str
    origin: str = ""
    n_reports: int = 0
    values: Counter[str] = field(default_factory=Counter)
    urgencies: Counter[str] = field(default_factory=Counter)
    run: Run | None = None
    is_new: bool = False


@dataclass(slots=True)
class LabelOutcome(Outcome):
    """What became of a file of labels; `notes` say what was passed over in it.

    `raters` counts the label sets that could be read by who made them, `reports_here` and `reports_unknown` are the
    ids of the reports that they are about.
    """

    format: str = ""
    notes: list[str] = field(default_factory=list)
    raters: Counter[str] = field(default_factory=Counter)
    reports_here: set[str] = field(default_factory=set)
    reports_unknown: set[str] = field(default_factory=set)
    runs: list[RunOutcome] = field(default_factory=list)


def refused_row(problem: RowProblem, *, row: int | None = None) -> RowOutcome:
    """What became of a row that could not be read; `row` is its number where the problem has another."""
    kind: Kind = "duplicate" if problem.code is ProblemCode.DUPLICATE else "refused"
    number = problem.row if row is None else row
    return RowOutcome(number, problem.report_id or "", kind, problem.code, problem.message)
