"""What a run cost, by stage of its labeler, and how much of what it was told nobody could read."""

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Q, Sum, Value
from django.db.models.functions import Length, Replace

from labeling.core.values import CODE_OF_STATE, Missing
from labeling.models import MachineLabel, Run, StoredCall
from labeling.selectors.answers import GIVEN_UP, UNREADABLE
from labeling.selectors.runs import RunProgress

# More are added up in a request of their own: 400,000 take SQLite seconds.
MAX_CALLS_AT_ONCE: Final = 50_000
_UNREADABLE_CODE: Final = CODE_OF_STATE[Missing.UNREADABLE]
_SAMPLE: Final = 50
_TOKENS: Final = ("prompt_tokens", "cached_tokens", "generated_tokens")


@dataclass(frozen=True, slots=True)
class StageCost:
    """What the answered calls of one stage cost. Tokens that the engine does not count are None."""

    stage: str
    n_calls: int
    n_unreadable: int
    n_given_up: int
    prompt_tokens: int | None
    cached_tokens: int | None
    generated_tokens: int | None

    @property
    def read_tokens(self) -> int:
        """Tokens of prompts that the engine had to read."""
        return (self.prompt_tokens or 0) - (self.cached_tokens or 0)

    @property
    def all_tokens(self) -> int:
        """Tokens of prompts and answers."""
        return (self.prompt_tokens or 0) + (self.generated_tokens or 0)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Cells whose answer could not be read, and the reports that they are in."""

    n_cells: int
    n_reports: int


def costs_by_stage(run: Run) -> list[StageCost]:
    """One query over the answered calls, most tokens first."""
    rows: Any = StoredCall.objects.filter(run=run).order_by().values("stage")
    counted = rows.annotate(
        n=Count("pk"),
        n_unreadable=Count("pk", filter=Q(read=UNREADABLE)),
        n_given_up=Count("pk", filter=GIVEN_UP),
        **{f"all_{name}": Sum(name) for name in _TOKENS},
    )
    costs = [
        StageCost(
            stage=row["stage"],
            n_calls=row["n"],
            n_unreadable=row["n_unreadable"],
            n_given_up=row["n_given_up"],
            **{name: row[f"all_{name}"] for name in _TOKENS},
        )
        for row in counted
    ]
    return sorted(costs, key=lambda cost: (-cost.all_tokens, -cost.n_calls, cost.stage))


def known_tokens(run: Run) -> dict[str, bool]:
    """Which tokens the engine counts, told from some of its answers."""
    calls = StoredCall.objects.filter(run=run).order_by("report_id", "key").values_list(*_TOKENS)[:_SAMPLE]
    found = list(calls)
    return {name: any(row[place] is not None for row in found) for place, name in enumerate(_TOKENS)}


def unreadable_cells(run: Run) -> Unreadable:
    """One query over the labels."""
    n_in_row = Length("values") - Length(Replace("values", Value(_UNREADABLE_CODE), Value("")))
    labels = MachineLabel.objects.filter(run=run, values__contains=_UNREADABLE_CODE).order_by()
    sums: dict[str, Any] = labels.aggregate(n_reports=Count("pk"), n_cells=Sum(n_in_row, default=0))
    return Unreadable(n_cells=sums["n_cells"], n_reports=sums["n_reports"])


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of the table: in all, and for each labeled report on average. Unknown is None.

    `name` is that of the count in the progress of a run.
    """

    name: str
    title: str
    total: float | None
    per_report: float | None
    share: float | None = None

    @property
    def percent(self) -> str:
        """The share in words."""
        return "" if self.share is None else f"{100 * self.share:.1f}"


_TITLES: Final = {
    "n_calls": "Calls",
    "n_calls_failed": "Calls without an answer",
    "prompt_tokens": "Tokens of prompts",
    "cached_tokens": "of these from the cache",
    "generated_tokens": "Tokens generated",
    "active_s": "Seconds of work",
}


def cost_lines(run: Run, progress: RunProgress) -> list[CostLine]:
    """What the run cost so far; nothing for a run that asks no model."""
    if not progress.n_chunks:
        return []
    known = known_tokens(run)
    lines = []
    for name, title in _TITLES.items():
        total = getattr(progress, name) if known.get(name, True) else None
        is_averaged = total is not None and progress.n_labeled > 0
        per_report = total / progress.n_labeled if is_averaged and total is not None else None
        is_shared = name == "cached_tokens" and total is not None and progress.prompt_tokens > 0
        share = total / progress.prompt_tokens if is_shared and total is not None else None
        lines.append(CostLine(name, title, total, per_report, share))
    return lines
