"""In which round and arm a reader reads a case, or that it is not theirs to read."""

from dataclasses import dataclass

from annotator.models import Case, Seat, User


@dataclass(frozen=True, slots=True)
class Sitting:
    """How a reader reads a case. `seat` is None in an open project, where `arm` follows from the pre-fill."""

    round: int
    arm: str | None
    seat: Seat | None


def sitting_for(case: Case, *, reader: User) -> Sitting | None:
    """How `reader` reads `case` now; None when it is not theirs."""
    del case, reader
    return Sitting(round=1, arm=None, seat=None)
