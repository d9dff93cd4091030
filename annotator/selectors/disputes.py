"""Disputed cells that an adjudicator may decide: counts for the queue, and the next case."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from annotator.core.comparison_tables import SIGNS, state_words
from annotator.core.disputes import answers_of
from annotator.models import (
    Case,
    Decision,
    Dispute,
    DisputeKind,
    Draft,
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
    """Disputes that `user` may decide and that are not withdrawn.

    Unless the rules of the project allow it, nobody decides about a case that they read or are to read.
    """
    found = Dispute.objects.filter(project=project).exclude(state=Dispute.State.WITHDRAWN)
    if rules_of(project).readers_may_adjudicate:
        return found
    theirs = {"project": project, "reader": user}
    seats = Seat.objects.filter(**theirs).exclude(state=SeatState.WITHDRAWN)
    read, begun = Reading.objects.filter(**theirs), Draft.objects.filter(**theirs)
    found = found.exclude(case__in=read.order_by().values("case"))
    found = found.exclude(case__in=begun.order_by().values("case"))
    return found.exclude(case__in=seats.order_by().values("case"))


def may_decide(case: Case, user: User) -> bool:
    """Whether `user` may decide cells of this case at all."""
    if rules_of(case.project).readers_may_adjudicate:
        return True
    mine = {"case": case, "reader": user}
    is_seated = Seat.objects.filter(**mine).exclude(state=SeatState.WITHDRAWN).exists()
    return not (is_seated or Reading.objects.filter(**mine).exists() or Draft.objects.filter(**mine).exists())


def queue_of(project: Project, user: User, wanted: Wanted, *, sees_all: bool, after: int = 0) -> Queue:
    """The queue for an adjudicator; for a manager who `sees_all`, of all cells."""
    every = Dispute.objects.filter(project=project).exclude(state=Dispute.State.WITHDRAWN).order_by()
    mine = every if sees_all else decidable(project, user).order_by()
    is_open = mine.filter(state=Dispute.State.OPEN)
    # Counted once: everything else that is open is added up from these.
    grouped = list(is_open.values_list("finding", "kind", "pattern").annotate(n=Count("pk")))
    n_open = sum(row[3] for row in grouped)
    n_all = n_open if sees_all else every.filter(state=Dispute.State.OPEN).count()
    chosen = [row for row in grouped if _fits(row, wanted)]
    cases = _cases(project, is_open.filter(wanted.condition), after=after)
    schema = parsed_schema(project.schema)
    top = sorted(chosen, key=lambda row: (-row[3], row[:3]))[:MOST_PATTERNS]
    return Queue(
        n_open=n_open,
        n_decided=mine.filter(state=Dispute.State.DECIDED).count(),
        n_own=n_all - n_open,
        n_wanted=sum(row[3] for row in chosen),
        n_by_kind={kind: sum(row[3] for row in grouped if row[1] == kind) for kind in DisputeKind.values},
        n_by_finding=_by_finding(grouped, schema),
        n_by_reason=reason_counts(project),
        patterns=[PatternRow(row[0], row[1], row[2], voice_signs(row[2], schema), row[3]) for row in top],
        n_patterns=len(chosen),
        cases=cases[:CASES_PER_PAGE],
        after=cases[CASES_PER_PAGE - 1].position if len(cases) > CASES_PER_PAGE else None,
    )


def _fits(row: tuple[str, str, str, int], wanted: Wanted) -> bool:
    asked = (wanted.finding, wanted.kind, wanted.pattern)
    return all(want in ("", have) for want, have in zip(asked, row[:3], strict=True))


def _by_finding(grouped: list[tuple[str, str, str, int]], schema: Schema) -> dict[str, int]:
    """Open cells of each finding that has any, in the order of the schema."""
    found: dict[str, int] = {}
    for finding in schema.findings:
        if n := sum(row[3] for row in grouped if row[0] == finding.name):
            found[finding.name] = n
    return found


def _cases(project: Project, disputes: QuerySet[Dispute], *, after: int) -> list[CaseRow]:
    """Cases with such disputes behind a position, one more than fit on a page."""
    of_case = disputes.filter(case=OuterRef("pk"))
    cases = Case.objects.filter(Exists(of_case), project=project, position__gt=after)
    listed = list(cases.order_by("position").values_list("pk", "key", "position")[: CASES_PER_PAGE + 1])
    counts = disputes.filter(case__in=[pk for pk, _, _ in listed]).values_list("case").annotate(n=Count("pk"))
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
    counted = dict(decided.values_list("decision__reason").annotate(n=Count("pk")))
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
