"""What a reader has got done lately: cases, and the seconds each took."""

from dataclasses import dataclass
from datetime import datetime
from statistics import median

from annotator.models import Draft, DraftState, Project, Reading, User

MAX_LISTED = 500


@dataclass(frozen=True, slots=True)
class ReadCase:
    """One submission: active seconds that went into it, beyond those of the revision before."""

    case_id: int
    key: str
    seconds: int
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class RecentWork:
    """Submissions since a moment, newest first; `cases` lists at most `MAX_LISTED`, the figures count all."""

    cases: list[ReadCase]
    n_cases: int
    n_skipped: int
    total_seconds: int
    median_seconds: float | None


def recent_work(*, project: Project, reader: User, since: datetime) -> RecentWork:
    """What the reader submitted and skipped in the project since a moment."""
    rows = (
        Reading.objects.filter(project=project, reader=reader, submitted_at__gte=since)
        .order_by("-submitted_at", "-pk")
        .values_list("case_id", "case__key", "active_seconds", "supersedes__active_seconds", "submitted_at")
    )
    read = [
        ReadCase(case_id, key, max(0, (seconds or 0) - (before or 0)), submitted_at)
        for case_id, key, seconds, before, submitted_at in rows
    ]
    by_case: dict[int, int] = {}
    for each in read:
        by_case[each.case_id] = by_case.get(each.case_id, 0) + each.seconds
    skipped = Draft.objects.filter(project=project, reader=reader, state=DraftState.SKIPPED, saved_at__gte=since)
    return RecentWork(
        cases=read[:MAX_LISTED],
        n_cases=len(by_case),
        n_skipped=skipped.count(),
        total_seconds=sum(by_case.values()),
        median_seconds=median(by_case.values()) if by_case else None,
    )
