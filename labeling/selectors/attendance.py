"""Whether somebody carries a run, told from the signs of life of workers."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.conf import settings

from labeling.models import Run, RunChunk
from labeling.selectors.runs import RunProgress

# Workers give a sign twice a second, and take up what waits within moments.
SILENT_S: Final = 15


class Attendance(StrEnum):
    """Who carries a run that goes on."""

    CARRIED = "carried"
    SOON = "soon"  # workers were told a moment ago
    ELSEWHERE = "elsewhere"  # workers are at work on other runs
    NOBODY = "nobody"


def attendance(run: Run, progress: RunProgress, *, now: datetime) -> Attendance | None:
    """Who carries `run`; None when nothing is to be done, or no worker is needed for it."""
    if run.state not in (Run.State.QUEUED, Run.State.RUNNING) or not progress.n_chunks:
        return None
    leases, patience = progress.leases, timedelta(seconds=SILENT_S)
    if leases.n_held and now - leases.worked_until(now) <= patience:
        return Attendance.CARRIED
    fresh = now + timedelta(seconds=settings.RUN_LEASE_S) - patience
    if RunChunk.objects.filter(state=RunChunk.State.LEASED, lease_until__gte=fresh).exclude(run=run).exists():
        return Attendance.ELSEWHERE
    last_signs = [run.started_at, progress.woken_at]
    if leases.last_end is not None:
        last_signs.append(leases.worked_until(now))
    is_soon = now - max(sign for sign in last_signs if sign is not None) <= patience
    return Attendance.SOON if is_soon else Attendance.NOBODY
