"""The clock of a run: it goes while a worker holds a part of the run, and stands while nobody does."""

from datetime import datetime

from labeling.models import Run
from labeling.selectors.runs import leases_of


def start_clock(run: Run, *, now: datetime) -> None:
    """Let the clock of a running run go; the run is locked by the caller."""
    if run.state == Run.State.RUNNING and run.running_since is None:
        run.running_since = now
        run.save(update_fields=["running_since"])


def stop_clock_if_idle(run: Run, *, now: datetime, until: datetime | None = None) -> None:
    """Stop the clock when nobody holds a part of the run, which is locked by the caller.

    Somebody worked on it until `until`, or until the last sign of life of those who hold leases that ran out.
    """
    if run.running_since is None:
        return
    leases = leases_of(run, now=now)
    if leases.n_held:
        return
    run.active_s = seconds_worked(run, until=until or leases.worked_until(now))
    run.running_since = None
    run.save(update_fields=["active_s", "running_since"])


def seconds_worked(run: Run, *, until: datetime) -> float:
    """Seconds that somebody worked on the run until then."""
    return run.active_s + (max(0.0, (until - run.running_since).total_seconds()) if run.running_since else 0.0)
