"""What the page of one run shows, and what it asks while it is watched."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from annotator.beside import is_embedded
from annotator.core.estimates import about_text, rate_text
from annotator.selectors.run_cases import FAILED, LABELED, OUTCOMES
from labeling.models import OPEN, ReportFailure, Run
from labeling.selectors import failures_by_kind, prefill_run, run_name, run_progress
from labeling.selectors.attendance import Attendance, attendance
from labeling.selectors.run_costs import (
    MAX_CALLS_AT_ONCE,
    StageCost,
    Unreadable,
    cost_lines,
    costs_by_stage,
    known_tokens,
    unreadable_cells,
)
from labeling.selectors.run_facts import run_facts
from labeling.selectors.runs import RunProgress

MEANING: Final = {
    Run.State.QUEUED: "waits for a worker",
    Run.State.RUNNING: "reports are being labeled",
    Run.State.PAUSED: "nothing is asked; resume goes on where it stopped",
    Run.State.CANCELLED: "ended for good before all reports were labeled",
    Run.State.FAILED: "it stopped",
    Run.State.COMPLETE: "nothing more happens to it",
}


@dataclass(frozen=True, slots=True)
class Watched:
    """How far a run is, for people who look at it now. Rate and time left are those of the time that was worked."""

    run: Run
    progress: RunProgress
    attendance: Attendance | None

    @property
    def n_reports(self) -> int:
        """Reports that the run is over, as far as it was told."""
        return max(self.run.n_reports, self.progress.n_done)

    @property
    def reports_per_s(self) -> float | None:
        """Reports done per second of work."""
        done, seconds = self.progress.n_done, self.progress.active_s
        return done / seconds if done and seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """Only while somebody works on it: else nobody knows when it goes on."""
        is_carried = self.attendance in (None, Attendance.CARRIED) and self.run.state == Run.State.RUNNING
        return self.progress.seconds_left if is_carried else None

    @property
    def n_waiting(self) -> int:
        """Reports that are still to be done."""
        return max(0, self.run.n_reports - self.progress.n_done)

    def __str__(self) -> str:
        """In words."""
        failed = f", {self.progress.n_failed:,} of them failed" if self.progress.n_failed else ""
        said = f"{self.progress.n_done:,} of {self.n_reports:,} reports are done{failed}."
        if self.reports_per_s is not None and self.run.state in OPEN:
            said += f" {rate_text(self.reports_per_s)}" + (
                f", {about_text(self.seconds_left)} left." if self.seconds_left is not None else "."
            )
        elif self.run.state not in OPEN and self.progress.active_s > 0:
            said += f" It took {about_text(self.progress.active_s)} of work."
        return said


def watched(run: Run, *, now: datetime) -> Watched:
    """How far `run` is: two queries."""
    progress = run_progress(run, now=now)
    return Watched(run, progress, attendance(run, progress, now=now))


_COUNTS: Final = (
    *("n_labeled", "n_failed", "n_done", "n_calls", "n_calls_failed"),
    *("prompt_tokens", "cached_tokens", "generated_tokens"),
)


def progress_payload(run: Run, *, now: datetime) -> dict[str, Any]:
    """What the page asks while it is watched. What the engine does not count is null."""
    seen = watched(run, now=now)
    known = known_tokens(run) if seen.progress.n_chunks else {}
    counts = {name: getattr(seen.progress, name) if known.get(name, True) else None for name in _COUNTS}
    return {
        "state": run.state,
        "attempt": run.attempt,
        "n_reports": seen.n_reports,
        **counts,
        "active_s": round(seen.progress.active_s, 1),
        "reports_per_s": seen.reports_per_s,
        "seconds_left": seen.seconds_left,
        "attendance": seen.attendance,
        "n_at_work": seen.progress.leases.n_held,
    }


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage with the parts of its bar, in hundredths of the longest."""

    cost: StageCost
    bar: tuple[float, float, float]

    @property
    def cached_from(self) -> float:
        """Where the part of cached tokens begins."""
        return self.bar[0]

    @property
    def generated_from(self) -> float:
        """Where the part of generated tokens begins."""
        return self.bar[0] + self.bar[1]


def _stage_rows(costs: list[StageCost]) -> list[StageRow]:
    longest = max((cost.all_tokens for cost in costs), default=0) or 1
    return [
        StageRow(
            cost,
            tuple(  # type: ignore[arg-type]
                round(100 * part / longest, 2)
                for part in (cost.read_tokens, cost.cached_tokens or 0, cost.generated_tokens or 0)
            ),
        )
        for cost in costs
    ]


@dataclass(frozen=True, slots=True)
class Offers:
    """What may be done with a run as it is now."""

    pause: bool
    resume: bool
    cancel: bool
    prefill: bool


def _offers(seen: Watched) -> Offers:
    run, asks_model = seen.run, seen.progress.n_chunks > 0
    fits = run.schema_id == run.project.schema_id and seen.progress.n_labeled > 0
    return Offers(
        pause=asks_model and run.state in (Run.State.QUEUED, Run.State.RUNNING),
        resume=asks_model and run.state in (Run.State.PAUSED, Run.State.FAILED),
        cancel=asks_model and run.state in OPEN,
        prefill=run.state == Run.State.COMPLETE and not run.is_prefill and fits,
    )


def _failures(run: Run) -> Iterator[tuple[str, str, int]]:
    """Kind, title and number of the failures of the latest attempt, most frequent first."""
    titles = dict(ReportFailure.Kind.choices)
    for kind, n in sorted(failures_by_kind(run).items(), key=lambda each: (-each[1], each[0])):
        yield kind, titles.get(kind, kind), n


def _outcomes(seen: Watched) -> list[tuple[str, str, int]]:
    """What may have become of a report, in a word, and how often it did."""
    waiting = "waiting" if seen.run.state in OPEN else "not begun"
    counts = (seen.progress.n_labeled, seen.progress.n_failed, seen.n_waiting)
    return list(zip(OUTCOMES, (LABELED, FAILED, waiting), counts, strict=True))


def run_page(run: Run, *, now: datetime, add_up: bool) -> dict[str, Any]:
    """All but the cases. Very many calls and labels are added up only when asked to."""
    seen = watched(run, now=now)
    is_added_up = add_up or max(seen.progress.n_calls, seen.progress.n_labeled) <= MAX_CALLS_AT_ONCE
    stages = costs_by_stage(run) if is_added_up and seen.progress.n_chunks else []
    unreadable = unreadable_cells(run) if is_added_up else Unreadable(0, 0)
    prefill = prefill_run(run.project)
    return {
        "run": run,
        "name": run_name(run),
        "meaning": MEANING[Run.State(run.state)],
        "seen": seen,
        "progress": seen.progress,
        "is_open": run.state in OPEN,
        "is_embedded": is_embedded(),
        "offers": _offers(seen),
        "prefill": prefill,
        "prefill_name": run_name(prefill) if prefill else "",
        "is_comparable": prefill is not None and prefill != run and seen.progress.n_labeled > 0,
        "costs": cost_lines(run, seen.progress),
        "is_added_up": is_added_up,
        "stages": _stage_rows(stages),
        "n_unreadable_answers": sum(cost.n_unreadable for cost in stages),
        "n_given_up": sum(cost.n_given_up for cost in stages),
        "unreadable": unreadable,
        "failures": list(_failures(run)),
        "facts": run_facts(run),
        "outcomes": _outcomes(seen),
    }
