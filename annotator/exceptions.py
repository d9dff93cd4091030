"""Messages to users; everything else that is raised is a bug."""

from django.core.exceptions import PermissionDenied

from annotator.core.contradictions import Contradiction
from annotator.models import Draft
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
