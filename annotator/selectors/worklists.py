"""The worklist of one reader, a page at a time. Pages start at a position, so the last is as quick as the first."""

from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Count, Exists, OuterRef, QuerySet

from annotator.core.summaries import Glance, abnormal_cells, glance
from annotator.models import Case, Draft, DraftState, Project, User
from annotator.selectors.cases import n_cases
from annotator.selectors.schemas import parsed_schema
from labeling.core.schema import Schema
from labeling.models import MachineLabel

PAGE_SIZE = 100
NEW = "new"
STATES = (NEW, DraftState.OPEN.value, DraftState.SUBMITTED.value)


@dataclass(frozen=True, slots=True)
class WorklistFilter:
    """What to show: a state or all, ids that contain `query`, and where the page starts or ends (not included)."""

    state: str = ""
    query: str = ""
    after: int | None = None
    before: int | None = None


class Urgency(NamedTuple):
    """A level of urgency and its name in the schema."""

    level: int
    name: str


@dataclass(frozen=True, slots=True)
class WorklistRow:
    """One case; `machine` is None where the pre-filling run says nothing of it, `urgency` where it names none."""

    case_id: int
    key: str
    position: int
    state: str
    machine: Glance | None
    urgency: Urgency | None


@dataclass(frozen=True, slots=True)
class Worklist:
    """One page. `n_by_state` counts the whole project; `after` and `before` lead to the pages around this one."""

    rows: list[WorklistRow]
    n_cases: int
    n_by_state: dict[str, int]
    after: int | None
    before: int | None

    @property
    def n_unread(self) -> int:
        """Cases that the reader has still to submit."""
        return self.n_cases - self.n_by_state[DraftState.SUBMITTED]


def worklist_page(*, project: Project, reader: User, wanted: WorklistFilter, size: int = PAGE_SIZE) -> Worklist:
    """The reader's cases that fit `wanted`, in the order of the project."""
    drafts = Draft.objects.filter(project=project, reader=reader)
    found = _cases(project, drafts, wanted)
    backwards = wanted.before is not None
    if backwards:
        cases = list(found.filter(position__lt=wanted.before).order_by("-position")[: size + 1])
    else:
        cases = list(found.filter(position__gt=wanted.after or 0).order_by("position")[: size + 1])
    goes_on = len(cases) > size
    cases = cases[:size][::-1] if backwards else cases[:size]
    starts_later = goes_on if backwards else bool(wanted.after)
    ends_earlier = backwards or goes_on
    total = n_cases(project)
    return Worklist(
        rows=_rows(project, drafts, cases),
        n_cases=total,
        n_by_state=_n_by_state(drafts, total),
        after=cases[-1].position if cases and ends_earlier else None,
        before=cases[0].position if cases and starts_later else None,
    )


def _cases(project: Project, drafts: QuerySet[Draft], wanted: WorklistFilter) -> QuerySet[Case]:
    cases = Case.objects.filter(project=project).only("pk", "key", "position", "report_id")
    if wanted.query:
        cases = cases.filter(key__icontains=wanted.query)
    of_case = drafts.filter(case=OuterRef("pk"))
    if wanted.state == NEW:
        return cases.filter(~Exists(of_case))
    if wanted.state == DraftState.OPEN:
        return cases.filter(pk__in=drafts.filter(state=DraftState.OPEN).values("case"))
    if wanted.state == DraftState.SUBMITTED:
        return cases.filter(Exists(of_case.filter(state=DraftState.SUBMITTED)))
    return cases


def _n_by_state(drafts: QuerySet[Draft], total: int) -> dict[str, int]:
    counted = dict(drafts.order_by().values_list("state").annotate(n=Count("*")))
    n_by_state = {state: counted.get(state, 0) for state in STATES[1:]}
    return {NEW: total - sum(n_by_state.values()), **n_by_state}


def _rows(project: Project, drafts: QuerySet[Draft], cases: list[Case]) -> list[WorklistRow]:
    schema = parsed_schema(project.schema)
    states = dict(drafts.filter(case__in=[case.pk for case in cases]).values_list("case", "state"))
    machine = _glances(project, schema, [case.report_id for case in cases if case.report_id is not None])
    rows = []
    for case in cases:
        seen = machine.get(case.report_id) if case.report_id is not None else None
        rows.append(
            WorklistRow(
                case_id=case.pk,
                key=case.key,
                position=case.position,
                state=states.get(case.pk, NEW),
                machine=seen,
                urgency=_urgency(schema, seen.urgency) if seen else None,
            )
        )
    return rows


def _urgency(schema: Schema, level: int | None) -> Urgency | None:
    if level is None or schema.urgency is None:
        return None
    return Urgency(level, schema.urgency.levels[level])


def _glances(project: Project, schema: Schema, report_ids: list[int]) -> dict[int, Glance]:
    places = abnormal_cells(schema)
    labels = MachineLabel.objects.filter(run__project=project, run__is_prefill=True, report__in=report_ids)
    return {
        report_id: glance(values, urgencies, places=places)
        for report_id, values, urgencies in labels.order_by().values_list("report_id", "values", "urgencies")
    }
