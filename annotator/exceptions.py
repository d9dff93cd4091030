"""Messages to users; everything else that is raised is a bug."""

from django.core.exceptions import PermissionDenied

from annotator.core.contradictions import Contradiction
from annotator.models import Decision, Draft
from labeling.core.schema_yaml import SchemaProblem
from labeling.exceptions import UserError

__all__ = ["ImportRefused", "SchemaRejected", "UserError"]


class SchemaRejected(UserError):
    """The schema cannot be used; `problems` lists every reason with its line."""

    def __init__(self, problems: list[SchemaProblem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class ImportRefused(UserError):
    """A whole file cannot be imported."""


class BlindedError(PermissionDenied):
    """A page shows what a member must not see before submitting `n_blind` cases of the blank arm.

    `n_later` of them are not on their worklist yet: repeats whose time has not come.
    """

    def __init__(self, n_blind: int, n_later: int = 0) -> None:
        self.n_blind, self.n_later = n_blind, n_later
        super().__init__(f"{n_blind} cases of the blank arm are still to be submitted")


class ReadingRefusedError(PermissionDenied):
    """The user may not read a case; `code` says why in a word."""

    code = "refused"


class NotReaderError(ReadingRefusedError):
    """A member without the role of a reader."""

    code = "not_reader"

    def __init__(self) -> None:
        super().__init__(
            "You are no reader of this project: nothing is stored. A manager can make you one under Members."
        )


class DecidedCaseError(ReadingRefusedError):
    """An adjudicator decided cells of the case, or took such a decision back."""

    code = "decided_case"

    def __init__(self, case_key: str) -> None:
        super().__init__(f"You decided about cells of case {case_key}; who decides about a case does not read it.")


class StaleDraftError(Exception):
    """Somebody saved in between; `theirs` is what is stored now, None when nothing is."""

    def __init__(self, theirs: Draft | None) -> None:
        self.theirs = theirs
        super().__init__("the stored draft has another version")


class SubmittedError(Exception):
    """The reading was submitted and not reopened: nothing of it is changed."""

    def __init__(self, case_key: str) -> None:
        super().__init__(f"case {case_key} was submitted; reopen it to change it")


class ExcludedError(Exception):
    """The case is excluded from the study: nothing is read of it."""

    def __init__(self, case_key: str) -> None:
        super().__init__(f"case {case_key} is excluded from the study")


class OtherRoundError(Exception):
    """What was sent belongs to another round of the case than the one that its reader reads now."""

    def __init__(self, case_key: str) -> None:
        super().__init__(f"case {case_key} is read in another round")


class UndecidedError(Exception):
    """Cells without a value stand in the way of submitting; `cells` are their keys."""

    def __init__(self, cells: list[str]) -> None:
        self.cells = cells
        super().__init__(f"{len(cells)} cells are undecided")


class ContradictionError(Exception):
    """Contradictions that the reader has not acknowledged."""

    def __init__(self, contradictions: list[Contradiction]) -> None:
        self.contradictions = contradictions
        super().__init__(f"{len(contradictions)} contradictions")


class SeatTakenError(Exception):
    """A case went back to the queue while it was read, and no seat of it is free any more."""

    def __init__(self, case_key: str) -> None:
        super().__init__(f"no seat of case {case_key} is free")


class DecidedError(Exception):
    """Somebody decided the cell, or took a decision back, in between; `latest` is what stands last."""

    def __init__(self, latest: Decision | None) -> None:
        self.latest = latest
        super().__init__("the cell has another decision by now")


class BasisChangedError(Exception):
    """What was decided upon is not what the voices say by now."""
