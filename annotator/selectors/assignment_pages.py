"""What the page of assignment shows: seats by reader, plans so far, and the picture of a plan."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

from django.db.models import Count, Q

from annotator.core.assignment import AskedPlan, PlanSummary
from annotator.models import AssignmentPlan, Membership, Project, Role, Seat, SeatState, User
from labeling.core.tables.cells import csv_line, number_cell, text_cell

QUEUE: Final = "queue"
_COLUMNS: Final = (
    *("case", "slot", "round", "reader", "from_queue", "arm", "stratum", "inclusion_probability", "place"),
    *("state", "submitted_at", "plan", "withdrawn_because"),
)


@dataclass(frozen=True, slots=True)
class SeatCount:
    """Seats of one reader, or of the queue: `source` is the reader's key."""

    source: str
    name: str
    n_open: int
    n_submitted: int
    n_withdrawn: int

    @property
    def n_all(self) -> int:
        """Seats that are not withdrawn."""
        return self.n_open + self.n_submitted


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A plan that was applied, in figures that fit a line."""

    plan: AssignmentPlan
    n_new: int
    n_moved: int
    pairs: str
    notes: list[str]


def plan_readers(project: Project) -> list[User]:
    """Whom cases can be assigned to, by name."""
    members = Membership.objects.filter(project=project, role=Role.READER, user__is_active=True)
    return [member.user for member in members.select_related("user").order_by("user__username")]


def seat_counts(project: Project) -> list[SeatCount]:
    """Seats by reader, those that wait in the queue last."""
    states = {
        "n_open": Count("pk", filter=Q(state__in=[SeatState.OPEN, SeatState.HELD])),
        "n_submitted": Count("pk", filter=Q(state=SeatState.SUBMITTED)),
        "n_withdrawn": Count("pk", filter=Q(state=SeatState.WITHDRAWN)),
    }
    seats = Seat.objects.filter(project=project).order_by()
    rows = seats.values_list("reader", "reader__username").annotate(**states)
    counts = [SeatCount(str(reader or QUEUE), name or "the queue", *n) for reader, name, *n in rows]
    return sorted(counts, key=lambda count: (count.source == QUEUE, count.name))


def sources_of(counts: list[SeatCount]) -> list[tuple[str, str]]:
    """Who has seats that are still to be read."""
    return [(count.source, f"{count.name} ({count.n_open:,} to read)") for count in counts if count.n_open]


def plan_lines(project: Project) -> list[PlanLine]:
    """The plans, the latest first."""
    plans = AssignmentPlan.objects.filter(project=project).select_related("applied_by").order_by("-number")
    return [_plan_line(plan) for plan in plans]


def _plan_line(plan: AssignmentPlan) -> PlanLine:
    summary = plan.summary
    n = len(summary["pairs"])
    shared = [summary["pairs"][a][b] for a, b in combinations(range(n), 2)]
    return PlanLine(plan, summary["n_new"], summary["n_moved"], range_words(shared), summary["notes"])


def last_asked(project: Project) -> AskedPlan | None:
    """What the latest plan asked for."""
    last = AssignmentPlan.objects.filter(project=project).order_by("number").last()
    return AskedPlan.of_json(last.request) if last is not None else None


def range_words(counts: list[int]) -> str:
    """`60`, `12 to 14`, and nothing for nothing."""
    if not counts:
        return ""
    least, most = min(counts), max(counts)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def plan_picture(summary: PlanSummary) -> dict[str, Any]:
    """What the plots of a plan are drawn from."""
    readers = [load.reader for load in summary.loads]
    return {
        "pairs": [
            {"row": readers[a], "column": readers[b], "n": summary.pairs[a][b] if a != b else None}
            for a in range(len(readers))
            for b in range(len(readers))
        ],
        "loads": [
            {"reader": load.reader, "arm": arm, "count": count}
            for load in summary.loads
            for arm, count in [*load.arms.items(), ("again", load.n_repeats)]
            if count
        ],
    }


def strata_rows(summary: PlanSummary, rates: Mapping[str, float]) -> list[dict[str, Any]]:
    """Strata with the share of their cases that is asked for, in percent."""
    return [
        {
            "count": row,
            "percent": f"{100 * rates.get(row.stratum, 1.0):.6g}",
            "probability": range_of_probability(row.least_probability, row.greatest_probability),
        }
        for row in summary.strata
    ]


def range_of_probability(least: float | None, greatest: float | None) -> str:
    """`0.25`, `0.25 to 1`, and a dash where nothing was drawn."""
    if least is None or greatest is None:
        return "–"
    return f"{least:.4g}" if least == greatest else f"{least:.4g} to {greatest:.4g}"


def seats_csv(project: Project) -> Iterator[str]:
    """All seats as a table, safe to open in a spreadsheet."""
    yield csv_line(_COLUMNS)
    seats = Seat.objects.filter(project=project).select_related("case", "reader", "plan")
    for seat in seats.order_by("case__position", "slot").iterator(chunk_size=2000):
        yield csv_line(
            [
                text_cell(seat.case.key),
                number_cell(seat.slot, what="slot"),
                number_cell(seat.round, what="round"),
                text_cell(seat.reader.get_username() if seat.reader is not None else ""),
                text_cell("yes" if seat.is_pulled else "no"),
                text_cell(seat.arm),
                text_cell(seat.stratum),
                number_cell(seat.inclusion_probability, what="inclusion probability"),
                number_cell(seat.place, what="place"),
                text_cell(seat.state),
                text_cell(seat.submitted_at.isoformat() if seat.submitted_at else ""),
                number_cell(seat.plan.number if seat.plan is not None else None, what="plan"),
                text_cell(seat.withdrawn_because),
            ]
        )
