"""The cases that a run is over, and what became of each. Pages start at a position, so the last is as quick as any."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from annotator.core.summaries import Glance, abnormal_cells, glance
from annotator.models import Case
from annotator.selectors.schemas import parsed_schema
from labeling.models import MachineLabel, ReportFailure, Run, RunChunk

PAGE_SIZE: Final = 50
LABELED, FAILED, WAITING = "labeled", "failed", "waiting"
OUTCOMES: Final = (LABELED, FAILED, WAITING)
_MOST_IDS: Final = 10_000  # in one query; SQLite takes 250,000 at most


@dataclass(frozen=True, slots=True)
class RunCasesFilter:
    """What to show: an outcome or all, ids that contain `query`, where the page starts or ends (not included)."""

    outcome: str = ""
    query: str = ""
    after: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class RunCaseRow:
    """A case: what the run found in it, or why it did not; neither while it waits."""

    case_id: int
    key: str
    outcome: str
    glance: Glance | None
    failure: ReportFailure | None


@dataclass(frozen=True, slots=True)
class RunCases:
    """One page; `after` and `before` lead to the pages around it."""

    rows: list[RunCaseRow]
    after: int | None
    before: int | None


def run_cases(run: Run, wanted: RunCasesFilter, *, size: int = PAGE_SIZE) -> RunCases:
    """The cases that fit `wanted`, in the order of the project."""
    backwards = wanted.before is not None
    around = Q(position__lt=wanted.before) if backwards else Q(position__gt=wanted.after or 0)
    cases: list[Case] = []
    for part in _parts(run, wanted):
        found = part.filter(around).order_by("-position" if backwards else "position")
        cases += found.only("pk", "key", "position", "report_id")[: size + 1]
        cases = sorted(cases, key=lambda case: case.position, reverse=backwards)[: size + 1]
    goes_on = len(cases) > size
    cases = cases[:size][::-1] if backwards else cases[:size]
    is_more_after = bool(cases) and (backwards or goes_on)
    is_more_before = bool(cases) and (goes_on if backwards else bool(wanted.after))
    return RunCases(
        rows=_rows(run, cases),
        after=cases[-1].position if is_more_after else None,
        before=cases[0].position if is_more_before else None,
    )


def _parts(run: Run, wanted: RunCasesFilter) -> Iterator[QuerySet[Case]]:
    """The cases that fit, together."""
    cases = Case.objects.filter(project=run.project_id)
    if wanted.query:
        cases = cases.filter(key__icontains=wanted.query)
    is_labeled = Exists(MachineLabel.objects.filter(run=run, report=OuterRef("report")))
    has_failed = Exists(ReportFailure.objects.filter(run=run, attempt=run.attempt, report=OuterRef("report")))
    match wanted.outcome:
        case "labeled":
            yield cases.filter(is_labeled)
        case "failed":
            yield cases.filter(has_failed, ~is_labeled)
        case "waiting":
            yield from (part.filter(~is_labeled, ~has_failed) for part in _within(run, cases))
        case _:
            yield from _within(run, cases)


def _within(run: Run, cases: QuerySet[Case]) -> Iterator[QuerySet[Case]]:
    """Those that the run is over. A run over all reports has all between the first and the last of them."""
    chunks = RunChunk.objects.filter(run=run).order_by("number")
    if run.request.get("cases") is not None:
        chosen = [pk for pks in chunks.values_list("report_ids", flat=True) for pk in pks]
        yield from (
            cases.filter(report__in=chosen[start : start + _MOST_IDS]) for start in range(0, len(chosen), _MOST_IDS)
        )
        return
    first, last = chunks.first(), chunks.last()
    if first is None or last is None:
        yield cases.filter(Exists(MachineLabel.objects.filter(run=run, report=OuterRef("report"))))
    else:
        yield cases.filter(report__gte=first.report_ids[0], report__lte=last.report_ids[-1])


def _rows(run: Run, cases: list[Case]) -> list[RunCaseRow]:
    reports = [case.report_id for case in cases if case.report_id is not None]
    places = abnormal_cells(parsed_schema(run.schema))
    labels = MachineLabel.objects.filter(run=run, report__in=reports).order_by()
    glances = {
        report: glance(values, urgencies, places=places)
        for report, values, urgencies in labels.values_list("report_id", "values", "urgencies")
    }
    failures = ReportFailure.objects.filter(run=run, attempt=run.attempt, report__in=reports).order_by()
    failed = {failure.report_id: failure for failure in failures}
    return [_row(case, glances, failed) for case in cases]


def _row(case: Case, glances: dict[int, Glance], failed: dict[int, ReportFailure]) -> RunCaseRow:
    report = case.report_id or 0  # only cases with a report are here
    seen = glances.get(report)
    failure = None if seen else failed.get(report)
    outcome = LABELED if seen else FAILED if failure else WAITING
    return RunCaseRow(case.pk, case.key, outcome, seen, failure)
