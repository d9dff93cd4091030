"""Disputed cells that an adjudicator may decide: counts for the queue, and the next case."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from annotator.core.comparison_tables import SIGNS, state_words
from annotator.core.disputes import answers_of
from annotator.models import (
    Case,
    Decision,
    Dispute,
    DisputeKind,
    Draft,
    DraftState,
    Project,
    Reading,
    Reason,
    Seat,
    SeatState,
    User,
)
from annotator.selectors.rules import rules_of
from annotator.selectors.schemas import parsed_schema
from labeling.core.schema import Schema
from labeling.core.values import urgency_of_code

MOST_PATTERNS: Final = 100
CASES_PER_PAGE: Final = 50
# A bulk larger than this would hold its cases for longer than other pages wait.
MOST_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which disputed cells to look at; an empty text is any."""

    finding: str = ""
    kind: str = ""
    pattern: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Wanted":
        """What the address of a page says; a kind that there is not is any."""
        kind = query.get("kind", "")
        return cls(query.get("finding", ""), kind if kind in DisputeKind.values else "", query.get("pattern", ""))

    @property
    def condition(self) -> Q:
        """The same for a query."""
        named = {"finding": self.finding, "kind": self.kind, "pattern": self.pattern}
        return Q(**{name: value for name, value in named.items() if value})

    @property
    def query(self) -> dict[str, str]:
        """The same for an address."""
        named = {"finding": self.finding, "kind": self.kind, "pattern": self.pattern}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class VoiceSign:
    """One answer of a pattern, for a page; `urgency` is empty for none."""

    value: str
    sign: str
    css: str
    urgency: str


@dataclass(frozen=True, slots=True)
class PatternRow:
    """Open cells of one finding whose voices say the same."""

    finding: str
    kind: str
    pattern: str
    voices: tuple[VoiceSign, ...]
    n: int

    @property
    def kind_words(self) -> str:
        """In what the voices differ, in words."""
        return DisputeKind(self.kind).label


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case with open cells."""

    case_id: int
    key: str
    position: int
    n_open: int


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue as one person sees it.

    `n_open` and `n_decided` count cells that they may decide, `n_own` open ones that they may not. `patterns` are the
    most frequent of those `Wanted`, `n_patterns` all of them; `cases` one page, `after` where the next begins.
    """

    n_open: int
    n_decided: int
    n_own: int
    n_wanted: int
    n_by_kind: dict[str, int]
    n_by_finding: dict[str, int]
    n_by_reason: dict[str, int]
    patterns: list[PatternRow]
    n_patterns: int
    cases: list[CaseRow]
    after: int | None


def decidable(project: Project, user: User) -> QuerySet[Dispute]:
    """Disputes that `user` may decide and that are not withdrawn."""
    return _live(project).exclude(of_own_cases(project, user))


def of_own_cases(project: Project, user: User) -> Q:
    """Rows of cases about which `user` decides nothing; for tables with a `case`.

    Unless the rules of the project allow it, nobody decides about a case that they read or are to read; and where they
    do, only once what they have begun, or have a seat for, is submitted.
    """
    return Q(case__in=_cases_of(project, user))


def _live(project: Project) -> QuerySet[Dispute]:
    return Dispute.objects.filter(project=project, state__in=(Dispute.State.OPEN, Dispute.State.DECIDED))


def _cases_of(project: Project, user: User) -> QuerySet[Any, Any]:
    """Keys of cases that `user` may not decide about."""
    first, *others = (theirs.filter(project=project).order_by().values("case") for theirs in _in_the_way(project, user))
    return first.union(*others)


def may_decide(case: Case, user: User) -> bool:
    """Whether `user` may decide cells of this case at all."""
    return not any(theirs.filter(case=case).exists() for theirs in _in_the_way(case.project, user))


def _in_the_way(project: Project, user: User) -> list[QuerySet[Any]]:
    """What keeps the user from deciding about the cases that it is of."""
    seats, drafts = Seat.objects.filter(reader=user), Draft.objects.filter(reader=user)
    if rules_of(project).readers_may_adjudicate:
        waiting = [SeatState.OPEN, SeatState.HELD]
        return [seats.filter(state__in=waiting), drafts.exclude(state=DraftState.SUBMITTED)]
    return [seats.exclude(state=SeatState.WITHDRAWN), drafts, Reading.objects.filter(reader=user)]


def queue_of(project: Project, user: User, wanted: Wanted, *, sees_all: bool, after: int = 0) -> Queue:
    """The queue for an adjudicator; for a manager who `sees_all`, of all cells."""
    theirs = None if sees_all else _cases_of(project, user)
    every = _counted(_live(project))
    own = Counter() if theirs is None else _counted(_live(project).filter(case__in=theirs))
    is_open = {row[1:]: n for row, n in (every - own).items() if row[0] == Dispute.State.OPEN}
    chosen = {row: n for row, n in is_open.items() if _fits(row, wanted)}
    cases = _cases(project, wanted, without=theirs, after=after)
    schema = parsed_schema(project.schema)
    top = sorted(chosen, key=lambda row: (-chosen[row], row))[:MOST_PATTERNS]
    return Queue(
        n_open=sum(is_open.values()),
        n_decided=(every - own).total() - sum(is_open.values()),
        n_own=sum(n for row, n in own.items() if row[0] == Dispute.State.OPEN),
        n_wanted=sum(chosen.values()),
        n_by_kind={kind: sum(n for row, n in is_open.items() if row[1] == kind) for kind in DisputeKind.values},
        n_by_finding=_by_finding(is_open, schema),
        n_by_reason=reason_counts(project),
        patterns=[PatternRow(*row, voice_signs(row[2], schema), chosen[row]) for row in top],
        n_patterns=len(chosen),
        cases=cases[:CASES_PER_PAGE],
        after=cases[CASES_PER_PAGE - 1].position if len(cases) > CASES_PER_PAGE else None,
    )


def _counted(disputes: QuerySet[Dispute]) -> Counter[tuple[str, str, str, str]]:
    """How many there are by state, finding, kind and pattern; an index alone answers this."""
    grouped = disputes.order_by().values_list("state", "finding", "kind", "pattern").annotate(n=Count("*"))
    return Counter({row[:4]: row[4] for row in grouped})


def _fits(row: tuple[str, str, str], wanted: Wanted) -> bool:
    asked = (wanted.finding, wanted.kind, wanted.pattern)
    return all(want in ("", have) for want, have in zip(asked, row, strict=True))


def _by_finding(is_open: dict[tuple[str, str, str], int], schema: Schema) -> dict[str, int]:
    """Open cells of each finding that has any, in the order of the schema."""
    found: dict[str, int] = {}
    for finding in schema.findings:
        if n := sum(n for row, n in is_open.items() if row[0] == finding.name):
            found[finding.name] = n
    return found


def _cases(project: Project, wanted: Wanted, *, without: QuerySet[Any, Any] | None, after: int) -> list[CaseRow]:
    """Cases with such open cells behind a position, one more than fit on a page.

    Those of `without` are left out of the cases, not of the cells: the database then stops where the page is full.
    """
    disputes = Dispute.objects.filter(wanted.condition, project=project, state=Dispute.State.OPEN).order_by()
    cases = Case.objects.filter(Exists(disputes.filter(case=OuterRef("pk"))), project=project, position__gt=after)
    if without is not None:
        cases = cases.exclude(pk__in=without)
    listed = list(cases.order_by("position").values_list("pk", "key", "position")[: CASES_PER_PAGE + 1])
    counts = disputes.filter(case__in=[pk for pk, _, _ in listed]).values_list("case").annotate(n=Count("*"))
    n_open = dict(counts)
    return [CaseRow(pk, key, position, n_open[pk]) for pk, key, position in listed]


def next_disputed(project: Project, user: User, wanted: Wanted, *, after: int = 0) -> Case | None:
    """The first case with open cells behind a position, then from the start; None when there is none."""
    is_open = decidable(project, user).filter(wanted.condition, state=Dispute.State.OPEN).order_by()
    cases = Case.objects.filter(Exists(is_open.filter(case=OuterRef("pk"))), project=project).order_by("position")
    found = cases.filter(position__gt=after).first()
    if found is None and after:
        found = cases.filter(position__lt=after).first()
    if found is not None:
        found.project = project
    return found


def standing_decisions(project: Project) -> QuerySet[Decision]:
    """Decisions that stand now."""
    return Decision.objects.filter(pk__in=Dispute.objects.filter(project=project, state="decided").values("decision"))


def reason_counts(project: Project) -> dict[str, int]:
    """How many standing decisions give each reason; all reasons, in their order."""
    decided = Dispute.objects.filter(project=project, state=Dispute.State.DECIDED).order_by()
    counted = dict(decided.values_list("decision__reason").annotate(n=Count("*")))
    return {reason: counted.get(reason, 0) for reason in Reason.values}


def voice_signs(pattern: str, schema: Schema) -> tuple[VoiceSign, ...]:
    """The answers of a pattern as a page shows them."""
    return tuple(voice_sign(value, urgency, schema) for value, urgency in answers_of(pattern))


def voice_sign(value: str, urgency: str, schema: Schema) -> VoiceSign:
    """One answer as a page shows it."""
    words, level = state_words(value), urgency_of_code(urgency)
    levels = schema.urgency.levels if schema.urgency else ()
    named = "" if level is None else levels[level] if level < len(levels) else str(level)
    return VoiceSign(words, SIGNS[value], words.replace(" ", "-"), named)
