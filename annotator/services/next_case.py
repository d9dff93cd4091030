"""What a reader reads next: of an open project, of their seats, or from the queue."""

from dataclasses import dataclass
from datetime import datetime

from annotator.models import Case, Project, Reads, Seat, User
from annotator.selectors.cases import next_case
from annotator.selectors.roles import is_reader
from annotator.selectors.seat_lists import next_own_seat
from annotator.selectors.seats import Sitting, reads_of, sitting_for
from annotator.selectors.worklists import Spot
from annotator.services.queue import take_next


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A case and how it is read."""

    case: Case
    sitting: Sitting


def upcoming_case(
    *, project: Project, reader: User, after: Spot | None, now: datetime, besides: int | None = None
) -> Upcoming | None:
    """The reader's next case behind `after`, then from the start; None when there is none.

    Seats of their own come first, then one that is taken from the queue for them, cases that they put off last.
    `besides` is a case that is not meant. Who is no reader has none.
    """
    if not is_reader(project, reader):
        return None
    if reads_of(project) == Reads.OPEN:
        case = next_case(project=project, reader=reader, after=after.place if after else 0)
        sitting = sitting_for(case, reader=reader, now=now) if case else None
        return Upcoming(case, sitting) if case and sitting else None

    def own(*, put_off: bool) -> Seat | None:
        return next_own_seat(project=project, reader=reader, after=after, besides=besides, put_off=put_off, now=now)

    seat = own(put_off=False) or take_next(project=project, reader=reader, now=now) or own(put_off=True)
    if seat is None:
        return None
    seat.case.project = project
    return Upcoming(seat.case, Sitting(seat.round, seat.arm, seat))
