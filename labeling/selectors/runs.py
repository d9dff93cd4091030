"""How far a run is, what it cost, and what went wrong."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, Sum
from django.utils import timezone

from labeling.models import MachineLabel, ReportFailure, Run, RunChunk


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Counts of a run so far. `n_failed` are reports that the attempt going on did not label."""

    n_reports: int
    n_labeled: int
    n_failed: int
    n_calls: int
    n_calls_failed: int
    prompt_tokens: int
    cached_tokens: int
    generated_tokens: int
    n_chunks: int
    n_chunks_open: int
    active_s: float

    @property
    def n_done(self) -> int:
        """Reports that nothing more happens to in this attempt."""
        return self.n_labeled + self.n_failed

    @property
    def reports_per_s(self) -> float | None:
        """Labeled reports per second of work; None before there are any."""
        return self.n_labeled / self.active_s if self.n_labeled and self.active_s > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds of work that are left at this rate; None before there is one."""
        done = self.n_done / self.active_s if self.n_done and self.active_s > 0 else None
        return (self.n_reports - self.n_done) / done if done else None


_SUMS = ("n_calls", "n_calls_failed", "prompt_tokens", "cached_tokens", "generated_tokens", "n_labeled", "n_failed")


def run_progress(run: Run, *, now: datetime | None = None) -> RunProgress:
    """How far `run` is. One query over its chunks, whatever the number of reports."""
    is_open = Q(state__in=[RunChunk.State.QUEUED, RunChunk.State.LEASED])
    sums = RunChunk.objects.filter(run=run).aggregate(
        n_chunks=Count("pk"),
        n_chunks_open=Count("pk", filter=is_open),
        **{f"all_{name}": Sum(name, default=0) for name in _SUMS},
    )
    counts = {name: int(sums[f"all_{name}"]) for name in _SUMS}
    if not sums["n_chunks"]:
        counts["n_labeled"] = MachineLabel.objects.filter(run=run).count()
    active_s = run.active_s
    if run.running_since is not None:
        active_s += max(0.0, ((now or timezone.now()) - run.running_since).total_seconds())
    return RunProgress(
        n_reports=run.n_reports,
        n_chunks=sums["n_chunks"],
        n_chunks_open=sums["n_chunks_open"],
        active_s=active_s,
        **counts,
    )


def failures_by_kind(run: Run) -> dict[str, int]:
    """How many reports the latest attempt of the run did not label, by what went wrong."""
    failures = ReportFailure.objects.filter(run=run, attempt=run.attempt).order_by()
    rows = failures.values_list("kind").annotate(n=Count("pk"))
    return dict(sorted(rows))
