"""What went wrong in a run, and the raw answers behind its labels."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from annotator.models import Case
from labeling.core.asking import CallRecord, Purpose
from labeling.core.backends import Usage
from labeling.core.call_files import FIRST_LINE, call_line
from labeling.core.schema import Cell
from labeling.models import ReportFailure, Run, StoredCall

Row = TypeVar("Row")

PAGE_SIZE: Final = 50
N_LAST_ANSWERS: Final = 3
UNREADABLE: Final = "unreadable"
LOGITS_STAGE: Final = "answer"  # its answers are logits, and asked for once
# Answers that decided something: the second where a question is put again, the only one where it is not.
GIVEN_UP: Final = Q(read=UNREADABLE) & (Q(attempt=2) | Q(stage=LOGITS_STAGE))


@dataclass(frozen=True, slots=True)
class FailedReport:
    """A report that an attempt did not label, its case, and the last answers that there were about it."""

    failure: ReportFailure
    report_id: str
    case: Case | None
    last_calls: tuple[StoredCall, ...]


@dataclass(frozen=True, slots=True)
class UnreadableCall:
    """An answer that could not be read, and the one before it where the model was asked again."""

    call: StoredCall
    first: StoredCall | None
    report_id: str
    case: Case | None


@dataclass(frozen=True, slots=True)
class Paged(Generic[Row]):
    """Rows of one page; `after` leads to the next."""

    rows: tuple[Row, ...]
    after: int | None


def attempts_with_failures(run: Run) -> list[int]:
    """Attempts of the run that failed for some report, and the latest."""
    found = ReportFailure.objects.filter(run=run).order_by().values_list("attempt", flat=True).distinct()
    return sorted({*found, run.attempt})


def failures_in(run: Run, attempt: int) -> dict[str, int]:
    """How many reports an attempt did not label, by what went wrong."""
    found = ReportFailure.objects.filter(run=run, attempt=attempt).order_by().values_list("kind")
    return dict(sorted(found.annotate(n=Count("pk"))))


def failed_reports(run: Run, *, attempt: int, kind: str = "", after: int = 0) -> Paged[FailedReport]:
    """Reports that an attempt did not label, a page at a time. Three queries, whatever their number."""
    failures = ReportFailure.objects.filter(run=run, attempt=attempt, pk__gt=after).order_by("pk")
    found = failures.filter(kind=kind) if kind else failures
    page = list(found.select_related("report").defer("report__text")[: PAGE_SIZE + 1])
    shown = page[:PAGE_SIZE]
    reports = [failure.report_id for failure in shown]
    cases, calls = _cases_of(reports), _last_calls(run, reports)
    rows = tuple(
        FailedReport(each, each.report.report_id, cases.get(each.report_id), tuple(calls.get(each.report_id, ())))
        for each in shown
    )
    return Paged(rows, shown[-1].pk if len(page) > PAGE_SIZE else None)


def unreadable_calls(run: Run) -> QuerySet[StoredCall]:
    """Answers that decided something and could not be read, also when they were asked for again."""
    return StoredCall.objects.filter(GIVEN_UP, run=run)


def unreadable_by_stage(run: Run) -> dict[str, int]:
    """How many answers of each stage could not be read."""
    return dict(sorted(unreadable_calls(run).order_by().values_list("stage").annotate(n=Count("pk"))))


def unreadable_page(run: Run, *, stage: str = "", after: int = 0) -> Paged[UnreadableCall]:
    """Answers that could not be read, a page at a time, each with the answer before it."""
    calls = unreadable_calls(run).filter(pk__gt=after).order_by("pk")
    found = calls.filter(stage=stage) if stage else calls
    page = list(found.select_related("report").defer("report__text")[: PAGE_SIZE + 1])
    shown = page[:PAGE_SIZE]
    reports = {call.report_id for call in shown}
    cases = _cases_of(reports)
    firsts: dict[tuple[object, ...], list[StoredCall]] = {}
    for call in StoredCall.objects.filter(run=run, report__in=reports, read=UNREADABLE, attempt=1).order_by("pk"):
        firsts.setdefault(_what_for(call), []).append(call)
    rows = tuple(
        UnreadableCall(
            call,
            # Questions in portions have one purpose: the answer that came last before the second is its first.
            next((each for each in reversed(firsts.get(_what_for(call), [])) if each.pk < call.pk), None),
            call.report.report_id,
            cases.get(call.report_id),
        )
        for call in shown
    )
    return Paged(rows, shown[-1].pk if len(page) > PAGE_SIZE else None)


def calls_about(run: Run, report_pk: int, cell: Cell) -> list[StoredCall]:
    """The answered calls of a report that bear on a cell, its own and the shared ones, as they were answered."""
    calls = StoredCall.objects.filter(run=run, report=report_pk)
    return list(calls.filter(target__in=("", cell.target), finding__in=("", cell.finding)).order_by("pk"))


def record_of(call: StoredCall) -> CallRecord:
    """The call as labelers know it."""
    purpose = Purpose(call.stage, call.target, call.finding, call.sentence, call.attempt)
    usage = Usage(call.prompt_tokens, call.generated_tokens, call.cached_tokens)
    return CallRecord(call.key, purpose, call.answer, is_cut=call.is_cut, usage=usage, read=call.read)


def call_lines(run: Run) -> Iterator[bytes]:
    """The answered calls of a run as a file that `python -m labeling label --calls` goes on with."""
    yield FIRST_LINE
    calls = StoredCall.objects.filter(run=run).order_by("pk")
    known = calls.annotate(of_report=F("report__report_id"), text_sha256=F("report__text_sha256"))
    for call in known.iterator(chunk_size=2000):
        yield call_line(call.of_report, call.text_sha256, record_of(call))


def _what_for(call: StoredCall) -> tuple[object, ...]:
    return (call.report_id, call.stage, call.target, call.finding, call.sentence)


def _cases_of(reports: Collection[int]) -> dict[int, Case]:
    return {case.report_id: case for case in Case.objects.filter(report__in=reports) if case.report_id is not None}


def _last_calls(run: Run, reports: Collection[int]) -> dict[int, list[StoredCall]]:
    """The last answers about each report, in the order in which they came."""
    calls = StoredCall.objects.filter(run=run, report__in=reports)
    numbered = calls.annotate(from_end=Window(RowNumber(), partition_by=F("report"), order_by=F("pk").desc()))
    found: dict[int, list[StoredCall]] = {}
    for call in numbered.filter(from_end__lte=N_LAST_ANSWERS).order_by("pk"):
        found.setdefault(call.report_id, []).append(call)
    return found
