"""The worklist of one reader, a page at a time. Pages start at a position, so the last is as quick as the first.

Here for projects whose cases everyone reads; `seat_worklists` has those of readers with seats.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from annotator.core.summaries import Glance, abnormal_cells, glance
from annotator.models import Arm, Case, Draft, DraftState, Note, Project, Seat, User
from annotator.selectors.cases import cases_open_to, n_open_to
from annotator.selectors.exclusions import is_excluded
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.seats import not_decided_by
from labeling.core.schema import Schema
from labeling.models import MachineLabel

PAGE_SIZE = 100
JUMP_SIZE = 50
MAX_PLACE_DIGITS = 9
NEW = "new"
MAX_RETURNED = 20
STATES = (
    *(NEW, DraftState.RETURNED.value, DraftState.OPEN.value, DraftState.SKIPPED.value),
    DraftState.SUBMITTED.value,
)


UNSEEN: dict[str, Any] = {"state": NEW, "flagged": False, "comment": "", "saved_at": None}


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a page of a list starts or ends: a place, and the seat there, since seats of several plans may share it."""

    place: int
    seat: int | None = None

    @classmethod
    def of(cls, text: str) -> "Spot | None":
        """The spot that an address names, 12 or 12.345; None for anything else."""
        found = _SPOT.fullmatch(text)
        return cls(int(found[1]), int(found[2]) if found[2] else None) if found else None

    def __str__(self) -> str:
        return str(self.place) if self.seat is None else f"{self.place}.{self.seat}"


_SPOT: Final = re.compile(rf"([0-9]{{1,{MAX_PLACE_DIGITS}}})(?:\.([0-9]{{1,18}}))?")


@dataclass(frozen=True, slots=True)
class WorklistFilter:
    """What to show: a state or all, only flagged ones or all, ids that contain `query`, and where the page starts or
    ends (not included). With `by_place` a number also finds the case at that position.
    """

    state: str = ""
    query: str = ""
    flagged: bool = False
    by_place: bool = False
    after: Spot | None = None
    before: Spot | None = None


class Urgency(NamedTuple):
    """A level of urgency and its name in the schema."""

    level: int
    name: str


@dataclass(frozen=True, slots=True)
class WorklistRow:
    """One case; `comment` is the reader's on the whole case, `saved_at` when they last saved it.

    `machine` is None where the pre-filling run says nothing of it, `urgency` where it names none. `is_blind`: the
    reader reads the case without them, and neither is shown.
    """

    case_id: int
    key: str
    position: int
    state: str
    flagged: bool
    comment: str
    saved_at: datetime | None
    machine: Glance | None
    urgency: Urgency | None
    is_blind: bool = False


@dataclass(frozen=True, slots=True)
class ReturnedCase:
    """A case that was sent back to the reader, and what the manager wrote."""

    case_id: int
    key: str
    note: str


@dataclass(frozen=True, slots=True)
class Worklist:
    """One page. `n_by_state` counts all cases; `after` and `before` lead to the pages around this one.

    `returned` lists what was sent back to the reader, on the first page alone. `can_take`: the queue has a case for
    the reader.
    """

    rows: list[WorklistRow]
    n_cases: int
    n_by_state: dict[str, int]
    n_flagged: int
    after: Spot | None
    before: Spot | None
    returned: list[ReturnedCase]
    can_take: bool = False

    @property
    def n_unread(self) -> int:
        """Cases that the reader has still to submit."""
        return self.n_cases - self.n_by_state[DraftState.SUBMITTED]


@dataclass(frozen=True, slots=True)
class JumpRow:
    """One case of the list from which a reader jumps."""

    case_id: int
    key: str
    position: int
    state: str
    flagged: bool


@dataclass(frozen=True, slots=True)
class Jumps:
    """One page of the list; `after` leads to the next."""

    rows: list[JumpRow]
    after: Spot | None


def jump_page(*, project: Project, reader: User, wanted: WorklistFilter, size: int = JUMP_SIZE) -> Jumps:
    """The reader's cases that fit `wanted`, without what the machine says."""
    drafts = Draft.objects.filter(project=project, reader=reader, round=1)
    found = _cases(cases_open_to(reader, project), drafts, wanted).order_by("position")
    cases = list(found.filter(position__gt=wanted.after.place if wanted.after else 0)[: size + 1])
    saved = _saved(drafts, cases[:size])
    rows = [
        JumpRow(case.pk, case.key, case.position, draft["state"], draft["flagged"])
        for case in cases[:size]
        for draft in [saved.get(case.pk, UNSEEN)]
    ]
    return Jumps(rows, after=Spot(rows[-1].position) if len(cases) > size else None)


def worklist_page(*, project: Project, reader: User, wanted: WorklistFilter, size: int = PAGE_SIZE) -> Worklist:
    """The reader's cases that fit `wanted`, in the order of the project."""
    drafts = Draft.objects.filter(project=project, reader=reader, round=1)
    found = _cases(cases_open_to(reader, project), drafts, wanted)
    backwards = wanted.before is not None
    if wanted.before is not None:
        cases = list(found.filter(position__lt=wanted.before.place).order_by("-position")[: size + 1])
    else:
        behind = wanted.after.place if wanted.after else 0
        cases = list(found.filter(position__gt=behind).order_by("position")[: size + 1])
    goes_on = len(cases) > size
    cases = cases[:size][::-1] if backwards else cases[:size]
    starts_later = goes_on if backwards else wanted.after is not None and wanted.after.place > 0
    ends_earlier = backwards or goes_on
    drafts = drafts.filter(~is_excluded("case") & not_decided_by(reader, project))
    total = n_open_to(reader, project)
    n_by_state, saved = _n_by_state(drafts, total), _saved(drafts, cases)
    is_first = wanted.after is None and not backwards
    return Worklist(
        rows=worklist_rows(project, cases, saved=saved, blind=_blind(reader, cases, saved)),
        n_cases=total,
        n_by_state=n_by_state,
        n_flagged=drafts.filter(flagged=True).count(),
        after=Spot(cases[-1].position) if cases and ends_earlier else None,
        before=Spot(cases[0].position) if cases and starts_later else None,
        returned=returned_to(drafts) if n_by_state[DraftState.RETURNED] and is_first else [],
    )


def returned_to(drafts: QuerySet[Draft]) -> list[ReturnedCase]:
    """What was sent back, in the order of the project."""
    sent = Note.objects.filter(case=OuterRef("case"), reader=OuterRef("reader"), round=OuterRef("round"))
    latest = sent.filter(kind=Note.Kind.RETURN, parent=None, settled_at=None).order_by("-pk").values("text")[:1]
    rows = drafts.filter(state=DraftState.RETURNED).order_by("case__position").annotate(note=Subquery(latest))
    return [ReturnedCase(*row) for row in rows.values_list("case_id", "case__key", "note")[:MAX_RETURNED]]


def _cases(cases: QuerySet[Case], drafts: QuerySet[Draft], wanted: WorklistFilter) -> QuerySet[Case]:
    cases = cases.only("pk", "key", "position", "report_id")
    if wanted.query:
        cases = cases.filter(_query(wanted))
    if wanted.flagged:
        cases = cases.filter(pk__in=drafts.filter(flagged=True).values("case"))
    of_case = drafts.filter(case=OuterRef("pk"))
    if wanted.state == NEW:
        return cases.filter(~Exists(of_case))
    if wanted.state in (DraftState.OPEN, DraftState.SKIPPED, DraftState.RETURNED):
        return cases.filter(pk__in=drafts.filter(state=wanted.state).values("case"))
    if wanted.state == DraftState.SUBMITTED:
        return cases.filter(Exists(of_case.filter(state=DraftState.SUBMITTED)))
    return cases


def _query(wanted: WorklistFilter) -> Q:
    found = Q(key__icontains=wanted.query)
    digits = wanted.query.strip()
    is_place = wanted.by_place and digits.isascii() and digits.isdecimal() and len(digits) <= MAX_PLACE_DIGITS
    return found | Q(position=int(digits)) if is_place else found


def _n_by_state(drafts: QuerySet[Draft], total: int) -> dict[str, int]:
    counted = dict(drafts.order_by().values_list("state").annotate(n=Count("*")))
    n_by_state = {state: counted.get(state, 0) for state in STATES[1:]}
    return {NEW: total - sum(n_by_state.values()), **n_by_state}


def _blind(reader: User, cases: list[Case], saved: dict[int, dict[str, Any]]) -> set[int]:
    """Cases that the reader began with a blank form, or has a seat of that shows other labels than those of the run."""
    begun = {case for case, draft in saved.items() if draft["prefill_run"] is None}
    seats = Seat.objects.filter(case__in=[case.pk for case in cases], reader=reader, arm__in=[Arm.BLANK, Arm.SEEDED])
    return begun | set(seats.values_list("case", flat=True))


def worklist_rows(
    project: Project, cases: list[Case], *, saved: dict[int, dict[str, Any]], blind: set[int]
) -> list[WorklistRow]:
    """A row for each case; `saved` is what the reader's drafts say, by case, `blind` the cases read without labels."""
    schema = parsed_schema(project.schema)
    seen_of = [case.report_id for case in cases if case.report_id is not None and case.pk not in blind]
    machine = _glances(project, schema, seen_of)
    rows = []
    for case in cases:
        draft = saved.get(case.pk, UNSEEN)
        seen = machine.get(case.report_id) if case.report_id is not None else None
        rows.append(
            WorklistRow(
                case_id=case.pk,
                key=case.key,
                position=case.position,
                state=draft["state"],
                flagged=draft["flagged"],
                comment=draft["comment"] or "",
                saved_at=draft["saved_at"],
                machine=seen,
                urgency=_urgency(schema, seen.urgency) if seen else None,
                is_blind=case.pk in blind,
            )
        )
    return rows


def _saved(drafts: QuerySet[Draft], cases: list[Case]) -> dict[int, dict[str, Any]]:
    """What the reader's drafts say of the cases, by case."""
    found = drafts.filter(case__in=[case.pk for case in cases])
    return {draft["case"]: draft for draft in notes_of(found)}


def notes_of(drafts: QuerySet[Draft]) -> Iterable[dict[str, Any]]:
    """What a row says of each draft."""
    columns = ("case", "round", "state", "flagged", "saved_at", "prefill_run")
    return drafts.order_by().values(*columns, comment=F("body__case__comment"))


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
