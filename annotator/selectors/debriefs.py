"""What a reader made of the errors that were planted into a case, once they have submitted it."""

from dataclasses import dataclass

from annotator.core.planting import Kind, Outcome, debrief, errors_of
from annotator.models import Arm, Case, Reading, SeatState
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.seats import Sitting
from labeling.core.values import STATE_OF_CODE


@dataclass(frozen=True, slots=True)
class DebriefRow:
    """One planted error in words."""

    target: str
    finding: str
    kind: Kind
    true: str
    shown: str
    said: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class CaseDebrief:
    """All errors of a case; none when it was shown as the machine read it."""

    rows: list[DebriefRow]

    @property
    def n_caught(self) -> int:
        """Errors that the reader put right."""
        return sum(row.outcome == Outcome.CAUGHT for row in self.rows)


def debrief_of(case: Case, sitting: Sitting) -> CaseDebrief | None:
    """By the first submission, before any correction; None unless the seat is in the seeded arm and submitted."""
    seat = sitting.seat
    if seat is None or seat.arm != Arm.SEEDED or seat.state != SeatState.SUBMITTED:
        return None
    first = Reading.objects.filter(case=case, reader=seat.reader_id, round=seat.round, revision=1).first()
    if first is None:
        return None
    schema = parsed_schema(case.project.schema)
    rows = []
    for told in debrief(errors_of(seat.planted), first.values, schema=schema):
        cell = schema.cell_of(told.error.cell)
        codes = (told.error.true[0], told.error.shown[0], told.said)
        true, shown, said = (STATE_OF_CODE[code].replace("_", " ") for code in codes)
        target = schema.target_by_name[cell.target].title
        rows.append(DebriefRow(target, cell.finding, told.error.kind, true, shown, said, told.outcome))
    return CaseDebrief(rows)
