"""What the page of failures shows: reports without labels and answers without a meaning, by kind."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from annotator.models import Case
from annotator.selectors.schemas import parsed_schema
from labeling.core.asking import Purpose
from labeling.core.conversations import stage_title
from labeling.core.previews import concerns
from labeling.core.schema import Schema
from labeling.models import ReportFailure, Run, StoredCall
from labeling.selectors.answers import (
    UNREADABLE,
    FailedReport,
    UnreadableCall,
    attempts_with_failures,
    failed_reports,
    failures_in,
    unreadable_by_stage,
    unreadable_page,
)

_LONGEST_NUMBER = 18


@dataclass(frozen=True, slots=True)
class Count:
    """How many of a kind there are; `key` is what a link asks for."""

    key: str
    name: str
    n: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored answer, and its stage in words."""

    call: StoredCall
    title: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A report that was not labeled, with the last answers about it."""

    failure: ReportFailure
    report_id: str
    case: Case | None
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An answer that could not be read, and the first one if it was asked for again.

    `sentence` counts from 1; `cell` is one that the answer bears on.
    """

    call: StoredCall
    first: StoredCall | None
    report_id: str
    case: Case | None
    title: str
    sentence: int | None
    cell: str


@dataclass(frozen=True, slots=True)
class FailurePage:
    """The page. `kind` is a kind of failure, `unreadable`, or empty for all failures. `after` leads to the next."""

    kind: str
    kind_name: str
    stage: str
    attempt: int
    attempts: list[int]
    kinds: tuple[Count, ...]
    stages: tuple[Count, ...]
    n_failed: int
    n_unreadable: int
    failed: tuple[Failed, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    after: int | None = None

    @property
    def is_unreadable(self) -> bool:
        """Whether answers are listed, not reports."""
        return self.kind == UNREADABLE


def failure_page(run: Run, sent: Mapping[str, str]) -> FailurePage:
    """What a query asks for; what it does not understand is left out."""
    attempts = attempts_with_failures(run)
    attempt = _number(sent.get("attempt", ""))
    attempt = attempt if attempt in attempts else run.attempt
    kind = sent.get("kind", "")
    names = dict(ReportFailure.Kind.choices) | {UNREADABLE: "unreadable answers"}
    kind = kind if kind in names else ""
    counts, stages = failures_in(run, attempt), unreadable_by_stage(run)
    stage = sent.get("stage", "") if sent.get("stage", "") in stages else ""
    after = _number(sent.get("after", ""))
    page = FailurePage(
        kind=kind,
        kind_name=names.get(kind, ""),
        stage=stage,
        attempt=attempt,
        attempts=attempts,
        kinds=tuple(Count(each, names.get(each, each), n) for each, n in counts.items()),
        stages=tuple(Count(each, stage_title(each), n) for each, n in stages.items()),
        n_failed=sum(counts.values()),
        n_unreadable=sum(stages.values()),
    )
    return _with_answers(page, run, after) if page.is_unreadable else _with_reports(page, run, after)


def _with_reports(page: FailurePage, run: Run, after: int) -> FailurePage:
    found = failed_reports(run, attempt=page.attempt, kind=page.kind, after=after)
    return replace(page, failed=tuple(map(_failed, found.rows)), after=found.after)


def _with_answers(page: FailurePage, run: Run, after: int) -> FailurePage:
    found, schema = unreadable_page(run, stage=page.stage, after=after), parsed_schema(run.schema)
    return replace(page, unreadable=tuple(_unreadable(row, schema) for row in found.rows), after=found.after)


def _failed(row: FailedReport) -> Failed:
    answers = tuple(Answer(call, stage_title(call.stage)) for call in row.last_calls)
    return Failed(row.failure, row.report_id, row.case, answers)


def _unreadable(row: UnreadableCall, schema: Schema) -> Unreadable:
    call = row.call
    purpose = Purpose(call.stage, call.target, call.finding)
    return Unreadable(
        call=call,
        first=row.first,
        report_id=row.report_id,
        case=row.case,
        title=stage_title(call.stage),
        sentence=None if call.sentence is None else call.sentence + 1,
        cell=next((str(cell) for cell in schema.cells if concerns(purpose, cell)), ""),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER else 0
