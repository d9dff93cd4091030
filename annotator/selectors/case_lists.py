"""All cases of a project with how far they are, a page at a time. Pages start at a position."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case as Choice
from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from annotator.core.case_states import CaseFacts, CaseState, case_state
from annotator.models import Case, Draft, Gold, Note, Project, Reading, Seat, SeatState
from annotator.selectors.case_progress import counts_by_state, in_state
from annotator.selectors.exclusions import is_excluded
from annotator.selectors.rules import rules_of

PAGE_SIZE = 100
_LIVE = (SeatState.OPEN, SeatState.HELD, SeatState.SUBMITTED)


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What to show: a state or all, only cases with open flags, ids that contain `query`, and where the page starts or
    ends (not included).
    """

    state: str = ""
    query: str = ""
    flagged: bool = False
    after: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case; of the readings that are wanted so many are submitted, and so many cells wait for an adjudicator."""

    case_id: int
    key: str
    position: int
    state: CaseState
    n_wanted: int
    n_submitted: int
    n_begun: int
    n_open: int
    n_flags: int


@dataclass(frozen=True, slots=True)
class CaseList:
    """One page; `n_by_state` counts the whole project, `after` and `before` lead to the pages around this one."""

    rows: list[CaseRow]
    n_cases: int
    n_by_state: dict[str, int]
    n_flagged: int
    after: int | None
    before: int | None


def case_list(*, project: Project, wanted: CaseFilter, size: int = PAGE_SIZE) -> CaseList:
    """The cases that fit `wanted`, in the order of the project."""
    n_by_state = counts_by_state(project)
    rows, goes_on = _page(_wanted(_with_facts(project), project, wanted), wanted, size)
    backwards = wanted.before is not None
    ends_earlier, starts_later = backwards or goes_on, goes_on if backwards else bool(wanted.after)
    return CaseList(
        rows=rows,
        n_cases=sum(n_by_state.values()),
        n_by_state=n_by_state,
        n_flagged=_open_flags().filter(project=project).order_by().values("case").distinct().count(),
        after=rows[-1].position if rows and ends_earlier else None,
        before=rows[0].position if rows and starts_later else None,
    )


def case_row(case: Case) -> CaseRow:
    """How far one case is."""
    return _row(_with_facts(case.project).get(pk=case.pk))


def _wanted(cases: QuerySet[Any], project: Project, wanted: CaseFilter) -> QuerySet[Any]:
    if wanted.state:
        cases = cases.filter(pk__in=in_state(project, CaseState(wanted.state)))
    if wanted.query:
        cases = cases.filter(key__icontains=wanted.query)
    if wanted.flagged:
        cases = cases.filter(Exists(_open_flags().filter(case=OuterRef("pk"))))
    return cases


def _page(cases: QuerySet[Any], wanted: CaseFilter, size: int) -> tuple[list[CaseRow], bool]:
    """The rows, and whether there are more in the direction of the page."""
    if wanted.before is not None:
        found = list(cases.filter(position__lt=wanted.before).order_by("-position")[: size + 1])
        return [_row(case) for case in found[:size][::-1]], len(found) > size
    found = list(cases.filter(position__gt=wanted.after or 0).order_by("position")[: size + 1])
    return [_row(case) for case in found[:size]], len(found) > size


def _row(case: Case) -> CaseRow:
    known = vars(case)
    facts = CaseFacts(
        n_wanted=known["n_wanted"],
        n_submitted=known["n_submitted"],
        is_begun=known["n_begun"] > 0,
        n_open=known["n_open"],
        is_settled=known["gold_state"] == Gold.State.FINAL,
        is_excluded=known["is_out"],
    )
    counts = {name: known[name] for name in ("n_wanted", "n_submitted", "n_begun", "n_open", "n_flags")}
    return CaseRow(case_id=case.pk, key=case.key, position=case.position, state=case_state(facts), **counts)


def _open_flags() -> QuerySet[Note]:
    return Note.objects.filter(kind=Note.Kind.FLAG, parent=None, settled_at=None)


def _number(of_case: QuerySet[Reading] | QuerySet[Draft] | QuerySet[Seat] | QuerySet[Note]) -> Coalesce:
    """How many rows there are of each case."""
    counted = of_case.filter(case=OuterRef("pk")).order_by().values("case").annotate(n=Count("*")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _with_facts(project: Project) -> QuerySet[Any]:
    """Cases with the facts of `CaseFacts`."""
    seats = Seat.objects.filter(round=1, state__in=_LIVE)
    gold = Gold.objects.filter(case=OuterRef("pk")).order_by()
    known = Case.objects.filter(project=project).annotate(
        is_out=is_excluded(),
        n_submitted=_number(Reading.objects.filter(round=1, revision=1)),
        n_begun=_number(Draft.objects.filter(round=1)),
        n_flags=_number(_open_flags()),
        n_seats=_number(seats),
        gold_state=Coalesce(Subquery(gold.values("state")[:1]), Value("")),
        n_open=Coalesce(Subquery(gold.values("n_open")[:1]), 0),
    )
    n_wanted = Choice(When(n_seats__gt=0, then="n_seats"), default=Value(rules_of(project).readers_per_case))
    return known.annotate(n_wanted=n_wanted)
