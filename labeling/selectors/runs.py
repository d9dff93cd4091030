"""How far a run is, what it cost, and what went wrong."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Aggregate, Count, Max, Q, Sum
from django.http import Http404
from django.utils import timezone

from annotator.models import Project
from labeling.models import MachineLabel, ReportFailure, Run, RunChunk


@dataclass(frozen=True, slots=True)
class Leases:
    """How many parts of a run workers hold, and the end of the lease that ends last, also one that ran out."""

    n_held: int
    last_end: datetime | None

    def worked_until(self, now: datetime) -> datetime:
        """The last sign of life of a worker: a lease is made anew with each. Now, when nobody holds a lease."""
        return now if self.last_end is None else min(now, self.last_end - timedelta(seconds=settings.RUN_LEASE_S))


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Counts of a run so far. `n_failed` are reports that the attempt going on did not label.

    `active_s` are the seconds that somebody worked on it. `woken_at` is when workers were last sent a message for it.
    """

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
    leases: Leases = Leases(0, None)
    woken_at: datetime | None = None

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


def run_of(project: Project, run_id: UUID) -> Run:
    """The run of this project with this id; 404 when the project has none."""
    run = Run.objects.select_related("created_by").filter(project=project, run_id=run_id).first()
    if run is None:
        raise Http404("no such run in this project")
    run.project = project
    return run


def run_name(run: Run) -> str:
    """What people call a run: its labeler, and the model or rater behind it."""
    return name_of(run.labeler, behind=run.request.get("model") or run.manifest.get("rater"))


def name_of(labeler: str, *, behind: str | None) -> str:
    """The same, of a labeler and the model or rater behind it."""
    return f"{labeler} · {behind}" if behind else labeler


_SUMS = ("n_calls", "n_calls_failed", "prompt_tokens", "cached_tokens", "generated_tokens", "n_labeled", "n_failed")


def run_progress(run: Run, *, now: datetime | None = None) -> RunProgress:
    """How far `run` is. One query over its chunks, whatever the number of reports."""
    now = now or timezone.now()
    is_open = Q(state__in=[RunChunk.State.QUEUED, RunChunk.State.LEASED])
    sums = RunChunk.objects.filter(run=run).aggregate(
        n_chunks=Count("pk"),
        n_chunks_open=Count("pk", filter=is_open),
        woken_at=Max("woken_at"),
        **_lease_sums(now),
        **{f"all_{name}": Sum(name, default=0) for name in _SUMS},
    )
    counts = {name: int(sums[f"all_{name}"]) for name in _SUMS}
    if not sums["n_chunks"]:
        counts["n_labeled"] = MachineLabel.objects.filter(run=run).count()
    leases = Leases(sums["n_held"], sums["last_end"])
    active_s = run.active_s
    if run.running_since is not None:
        active_s += max(0.0, (leases.worked_until(now) - run.running_since).total_seconds())
    return RunProgress(
        n_reports=run.n_reports,
        n_chunks=sums["n_chunks"],
        n_chunks_open=sums["n_chunks_open"],
        active_s=active_s,
        leases=leases,
        woken_at=sums["woken_at"],
        **counts,
    )


def leases_of(run: Run, *, now: datetime) -> Leases:
    """Who holds parts of `run`."""
    return Leases(**RunChunk.objects.filter(run=run).aggregate(**_lease_sums(now)))


def _lease_sums(now: datetime) -> dict[str, Aggregate]:
    leased = Q(state=RunChunk.State.LEASED)
    return {
        "n_held": Count("pk", filter=leased & Q(lease_until__gte=now)),
        "last_end": Max("lease_until", filter=leased),
    }


def failures_by_kind(run: Run) -> dict[str, int]:
    """How many reports the latest attempt of the run did not label, by what went wrong."""
    failures = ReportFailure.objects.filter(run=run, attempt=run.attempt).order_by()
    rows = failures.values_list("kind").annotate(n=Count("pk"))
    return dict(sorted(rows))
