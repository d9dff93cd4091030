"""Pages of adjudication beside the queue: cells that look alike, a batch of decisions, and counts by reason."""

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Max

from annotator.models import Decision, Dispute, DisputeKind, Project, Reason, User
from annotator.selectors.disputed_cells import mark_of
from annotator.selectors.disputes import (
    MOST_AT_ONCE,
    VoiceSign,
    Wanted,
    decidable,
    of_own_cases,
    voice_sign,
    voice_signs,
)
from annotator.selectors.schemas import parsed_schema
from labeling.core.schema import Schema
from labeling.core.tables.cells import csv_line, text_cell

OPEN: Final = "open"


@dataclass(frozen=True, slots=True)
class AlikeCell:
    """One of the cells that a bulk decision would touch; `mark` says how it stands."""

    case_id: int
    case_key: str
    title: str
    cell: str
    mark: str


@dataclass(frozen=True, slots=True)
class Alike:
    """Open cells of one finding and kind whose voices say the same; at most `MOST_AT_ONCE` are listed of `n`."""

    finding: str
    kind: str
    voices: tuple[VoiceSign, ...]
    cells: list[AlikeCell]
    n: int


@dataclass(frozen=True, slots=True)
class BatchCell:
    """One decision of a batch; `stands` until it is taken back or decided again."""

    case_id: int
    case_key: str
    title: str
    cell: str
    stands: bool


@dataclass(frozen=True, slots=True)
class BatchPage:
    """Decisions that were made together, all alike; `n_hidden` more are of cases that whoever looks is to read."""

    finding: str
    sign: VoiceSign
    reason: str
    note: str
    is_own: bool
    cells: list[BatchCell]
    n_standing: int
    n_hidden: int


@dataclass(frozen=True, slots=True)
class FindingLine:
    """Disputed cells of a finding: how many are open, and how many were decided for which reason."""

    finding: str
    n_open: int
    n_by_reason: tuple[int, ...]

    @property
    def n_decided(self) -> int:
        """Cells with a decision that stands."""
        return sum(self.n_by_reason)


@dataclass(frozen=True, slots=True)
class DisputeFigures:
    """Counts of all disputed cells of a project."""

    lines: list[FindingLine]
    total: FindingLine
    by_kind: list[tuple[str, int, int]]
    reasons: list[tuple[str, int]]

    @property
    def n(self) -> int:
        """Disputed cells, open or decided."""
        return self.total.n_open + self.total.n_decided


def alike_page(project: Project, user: User, wanted: Wanted) -> Alike:
    """The open cells that are `wanted`."""
    schema = parsed_schema(project.schema)
    found = decidable(project, user).filter(wanted.condition, state=Dispute.State.OPEN)
    listed = list(found.select_related("case").order_by("case__position", "pk")[:MOST_AT_ONCE])
    last = _last_revisions([dispute.case_id for dispute in listed])
    cells = [
        AlikeCell(
            dispute.case_id,
            dispute.case.key,
            cell_title(dispute.cell, schema),
            dispute.cell,
            mark_of(dispute, revision=last.get((dispute.case_id, dispute.cell), 0)),
        )
        for dispute in listed
    ]
    n = len(listed) if len(listed) < MOST_AT_ONCE else found.count()
    return Alike(wanted.finding, wanted.kind, voice_signs(wanted.pattern, schema), cells, n)


def _last_revisions(cases: list[int]) -> dict[tuple[int, str], int]:
    rows = Decision.objects.filter(case__in=set(cases)).order_by().values_list("case", "cell")
    return {(case, cell): last for case, cell, last in rows.annotate(last=Max("revision"))}


def batch_page(project: Project, user: User, batch: uuid.UUID) -> BatchPage | None:
    """The decisions of a batch that `user` may know of; None when there are none."""
    schema = parsed_schema(project.schema)
    made = Decision.objects.filter(project=project, batch=batch, is_undo=False).select_related("case")
    decisions = list(made.exclude(of_own_cases(project, user)).order_by("case__position", "pk"))
    if not decisions:
        return None
    standing = set(Dispute.objects.filter(decision__in=decisions).values_list("decision", flat=True))
    first = decisions[0]
    cells = [
        BatchCell(
            decision.case_id,
            decision.case.key,
            cell_title(decision.cell, schema),
            decision.cell,
            decision.pk in standing,
        )
        for decision in decisions
    ]
    return BatchPage(
        finding=schema.cell_of(first.cell).finding,
        sign=voice_sign(first.value, first.urgency, schema),
        reason=Reason(first.reason).label,
        note=first.note,
        is_own=first.decided_by_id == user.pk,
        cells=cells,
        n_standing=len(standing),
        n_hidden=made.count() - len(decisions),
    )


def cell_title(cell: str, schema: Schema) -> str:
    """A cell in words."""
    target, _, finding = cell.partition("|")
    known = schema.target_by_name.get(target)
    return f"{known.title if known else target} · {finding}"


def dispute_figures(project: Project) -> DisputeFigures:
    """Counts by finding, kind and reason."""
    rows = _counted(project)
    schema = parsed_schema(project.schema)
    by_finding: dict[str, Counter[str]] = {finding.name: Counter() for finding in schema.findings}
    by_kind: dict[str, Counter[bool]] = {kind: Counter() for kind in DisputeKind.values}
    total: Counter[str] = Counter()
    for finding, kind, reason, n in rows:
        by_finding.setdefault(finding, Counter())[reason] += n
        by_kind[kind][reason == OPEN] += n
        total[reason] += n
    labels = {kind.value: kind.label for kind in DisputeKind}
    return DisputeFigures(
        lines=[_line(finding, counts) for finding, counts in by_finding.items() if counts],
        total=_line("all findings", total),
        by_kind=[(labels[kind], counts[True], counts[False]) for kind, counts in by_kind.items()],
        reasons=[(reason.label, total[reason.value]) for reason in Reason],
    )


def _line(finding: str, counts: Counter[str]) -> FindingLine:
    return FindingLine(finding, counts[OPEN], tuple(counts[reason] for reason in Reason.values))


def _counted(project: Project) -> list[tuple[str, str, str, int]]:
    """Finding, kind, reason (`open` without a decision) and number."""
    live = Dispute.objects.filter(project=project).exclude(state=Dispute.State.WITHDRAWN).order_by()
    rows = live.values_list("finding", "kind", "decision__reason").annotate(n=Count("pk"))
    return sorted((finding, kind, reason or OPEN, n) for finding, kind, reason, n in rows)


def dispute_lines(project: Project) -> Iterator[str]:
    """The same counts as CSV."""
    yield csv_line(("finding", "kind", "reason", "cells"))
    for finding, kind, reason, n in _counted(project):
        yield csv_line([text_cell(finding), text_cell(kind), text_cell(reason), str(n)])
