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
    """A page shows what a member must not see before submitting `n_blind` cases of the blank arm."""

    def __init__(self, n_blind: int) -> None:
        self.n_blind = n_blind
        super().__init__(f"{n_blind} cases of the blank arm are still to be submitted")


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
