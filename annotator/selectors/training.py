"""What readers of a training project made of the errors that were planted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet

from annotator.core.arms.planted import Missed, PlantedReading, Tally, by_finding, missed, tallies
from annotator.core.planting import Kind, Outcome, PlantedError, debrief, errors_of
from annotator.core.shown_figures import FEW, Shown, number
from annotator.models import Arm, Project, Reading, Seat, SeatState
from annotator.selectors.rules import rules_of
from annotator.selectors.schemas import parsed_schema
from labeling.core.schema import Schema
from labeling.core.tables.cells import csv_line, text_cell
from labeling.core.values import STATE_OF_CODE

OUTCOME_WORDS: Final = {Outcome.CAUGHT: "caught", Outcome.MISSED: "missed", Outcome.DOUBTED: "called ambiguous"}
KIND_WORDS: Final = {Kind.OMISSION: "finding taken away", Kind.INVENTION: "finding made up"}
COLUMNS: Final = ("reader", "case", "cell", "kind", "true", "shown", "said", "outcome")


@dataclass(frozen=True, slots=True)
class TallyLine:
    """A line of the page."""

    tally: Tally
    caught: Shown
    n_missed: int
    n_doubted: int
    n_omissions: int
    n_inventions: int
    few: bool


@dataclass(frozen=True, slots=True)
class MissedLine:
    """One error that was not caught, in words."""

    reader: str
    case: str
    cell: str
    kind: str
    true: str
    shown: str
    said: str
    outcome: str


@dataclass(frozen=True, slots=True)
class TrainingPage:
    """Planted errors by reader and by finding, those that were not caught, and seats that are still to be read."""

    is_training: bool
    n_waiting: int
    readers: list[TallyLine]
    findings: list[TallyLine]
    missed: list[MissedLine]


def training_page(project: Project) -> TrainingPage:
    """The planted errors of all readings that were submitted."""
    readings = planted_readings(project)
    waiting = _seeded(project).filter(state__in=[SeatState.OPEN, SeatState.HELD]).count()
    return TrainingPage(
        is_training=rules_of(project).is_training,
        n_waiting=waiting,
        readers=[_line(each) for each in tallies(readings)],
        findings=[_line(each) for each in by_finding(readings)],
        missed=[_missed_line(each) for each in missed(readings)],
    )


def planted_readings(project: Project) -> list[PlantedReading]:
    """The first submission of each reader and seeded seat, in the order of readers and cases.

    Later revisions count for nothing: a reader who submitted has been told the errors.
    """
    schema = parsed_schema(project.schema)
    seats = _seeded(project).exclude(state=SeatState.WITHDRAWN)
    planted = {
        (case, reader, turn): errors
        for case, reader, turn, errors in seats.order_by().values_list("case_id", "reader_id", "round", "planted")
    }
    firsts = Reading.objects.filter(project=project, schema=project.schema, arm=Arm.SEEDED, supersedes=None)
    rows = firsts.order_by("reader__username", "case__position").values_list(
        "case_id", "reader_id", "round", "reader__username", "case__patient_key", "case__key", "values"
    )
    return [
        PlantedReading(name, patient, key, tuple(debrief(_errors(stored, schema), values, schema=schema)))
        for case, reader, turn, name, patient, key, values in rows
        if (stored := planted.get((case, reader, turn)))
    ]


def _errors(stored: Mapping[str, Any], schema: Schema) -> list[PlantedError]:
    """In the order of the schema: PostgreSQL keeps none."""
    return sorted(errors_of(stored), key=lambda error: schema.index_of_cell[schema.cell_of(error.cell)])


def training_csv(project: Project) -> Iterator[str]:
    """Every planted error and what became of it."""
    yield csv_line(COLUMNS)
    for reading in planted_readings(project):
        for one in reading.debriefed:
            line = _missed_line(Missed(reading.reader, reading.case, one))
            yield csv_line([text_cell(getattr(line, name)) for name in COLUMNS])


def _seeded(project: Project) -> QuerySet[Seat]:
    return Seat.objects.filter(project=project, arm=Arm.SEEDED)


def _line(tally: Tally) -> TallyLine:
    share = tally.caught
    has_ends = share.low == share.low
    ends = f"{number(share.low)} to {number(share.high)}" if has_ends else ""
    return TallyLine(
        tally,
        Shown(number(share.value), ends, repr(share.value)),
        n_missed=tally.outcomes[Outcome.MISSED],
        n_doubted=tally.outcomes[Outcome.DOUBTED],
        n_omissions=tally.missed[Kind.OMISSION],
        n_inventions=tally.missed[Kind.INVENTION],
        few=tally.n < FEW,
    )


def _missed_line(each: Missed) -> MissedLine:
    error, one = each.debriefed.error, each.debriefed
    return MissedLine(
        reader=each.reader,
        case=each.case,
        cell=error.cell.replace("|", " "),
        kind=KIND_WORDS[error.kind],
        true=_words(error.true[0]),
        shown=_words(error.shown[0]),
        said=_words(one.said),
        outcome=OUTCOME_WORDS[one.outcome],
    )


def _words(code: str) -> str:
    return str(STATE_OF_CODE[code]).replace("_", " ")
