"""One case as a manager sees it: who reads it and how far, why it is excluded, and what is said about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from annotator.models import Case, Draft, Exclusion, Reading, Seat, SeatState, User
from annotator.selectors.case_lists import CaseRow, case_row
from annotator.selectors.notes import FiledThread, case_threads


@dataclass(frozen=True, slots=True)
class ReaderRow:
    """One reader and round of a case: the seat if there is one, the draft if it is begun, the latest revision.

    `key_presses` is None where nobody counted them.
    """

    user_id: int
    name: str
    round: int
    state: str
    arm: str
    revision: int | None
    submitted_at: datetime | None
    active_seconds: int | None
    key_presses: int | None
    reopened: str


@dataclass(frozen=True, slots=True)
class CaseAbout:
    """All of it; `exclusions` newest first, the first is in force when it has no end."""

    row: CaseRow
    readers: list[ReaderRow]
    exclusions: list[Exclusion]
    threads: list[FiledThread]

    @property
    def exclusion(self) -> Exclusion | None:
        """The one in force."""
        return next((each for each in self.exclusions if each.ended_at is None), None)


def case_about(case: Case, *, viewer: User) -> CaseAbout:
    """What a manager is shown of a case."""
    exclusions = Exclusion.objects.filter(case=case).select_related("excluded_by", "ended_by").order_by("-pk")
    return CaseAbout(
        row=case_row(case),
        readers=_readers(case),
        exclusions=list(exclusions),
        threads=case_threads(case, viewer=viewer, names=True),
    )


def _readers(case: Case) -> list[ReaderRow]:
    seats = Seat.objects.filter(case=case, reader__isnull=False).exclude(state=SeatState.WITHDRAWN)
    drafts = Draft.objects.filter(case=case)
    readings = Reading.objects.filter(case=case, superseded_by__isnull=True)
    found: dict[tuple[int, int], dict[str, Any]] = {}
    names: dict[int, str] = {}
    sources: tuple[tuple[str, QuerySet[Any]], ...] = (("seat", seats), ("draft", drafts), ("reading", readings))
    for kind, rows in sources:
        for row in rows.select_related("reader").order_by("pk"):
            found.setdefault((row.reader_id, row.round), {})[kind] = row
            names[row.reader_id] = row.reader.get_username()
    made = [_reader_row(user, names[user], round, parts) for (user, round), parts in found.items()]
    return sorted(made, key=lambda row: (row.name, row.round))


def _reader_row(user_id: int, name: str, round: int, parts: dict[str, Any]) -> ReaderRow:
    seat, draft, reading = parts.get("seat"), parts.get("draft"), parts.get("reading")
    said = reading or draft
    started, without_draft = reading or seat, "submitted" if reading else "new"
    return ReaderRow(
        user_id=user_id,
        name=name,
        round=round,
        state=draft.state if draft else without_draft,
        arm=started.get_arm_display() if started else "",
        revision=reading.revision if reading else None,
        submitted_at=reading.submitted_at if reading else None,
        active_seconds=said.active_seconds if said else None,
        key_presses=said.key_presses if said else None,
        reopened=(draft.body.get("reopened") or {}).get("note", "") if draft else "",
    )
