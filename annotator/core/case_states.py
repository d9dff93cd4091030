"""How far a case is, from what is known of its readings, its disputed cells and its exclusion."""

from dataclasses import dataclass
from enum import StrEnum


class CaseState(StrEnum):
    """How far a case is. In adjudication and final come only once all wanted readings are in."""

    NEW = "new"
    IN_PROGRESS = "in_progress"
    SUBMITTED = "submitted"
    IN_ADJUDICATION = "in_adjudication"
    FINAL = "final"
    EXCLUDED = "excluded"

    @property
    def words(self) -> str:
        """As pages show it."""
        return self.value.replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """What the state of a case follows from.

    `n_wanted` readings are to be made, `n_submitted` of them are; `is_begun`: somebody has saved something of it.
    `n_open` cells wait for an adjudicator; `is_settled`: gold stands as it should after the last change.
    """

    n_wanted: int
    n_submitted: int
    is_begun: bool
    n_open: int = 0
    is_settled: bool = False
    is_excluded: bool = False


def case_state(facts: CaseFacts) -> CaseState:
    """The state; an exclusion goes before all else, and a case with a reading outstanding is in progress."""
    if facts.is_excluded:
        return CaseState.EXCLUDED
    if facts.n_submitted < max(facts.n_wanted, 1):
        return CaseState.IN_PROGRESS if facts.is_begun or facts.n_submitted else CaseState.NEW
    if facts.n_open:
        return CaseState.IN_ADJUDICATION
    return CaseState.FINAL if facts.is_settled else CaseState.SUBMITTED
