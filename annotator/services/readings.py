"""Submit a reading: an immutable revision beside the draft it came from."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from annotator.core.contradictions import Contradiction, find_contradictions
from annotator.core.guidelines import check_shown_exist
from annotator.core.reopening import TOLD
from annotator.core.vectors import SERVER_PARTS, VectorError, undecided_cells
from annotator.exceptions import ContradictionError, UndecidedError
from annotator.models import Arm, Case, Draft, DraftState, Event, Note, Reading, User
from annotator.selectors.guidelines import latest_versions
from annotator.selectors.roles import has_revealed
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.seats import Sitting, check_may_read
from annotator.services.drafts import (
    DraftContent,
    SavedDraft,
    check_content,
    first_draft_race,
    reader_sitting,
    write_draft,
)
from annotator.services.queue import submit_seat
from annotator.services.settling import lock_case, settle_case
from labeling.core.schema import Schema


@dataclass(frozen=True, slots=True)
class Submission:
    """A draft that the reader declares finished. `submission_id` makes sending it twice harmless.

    `guidelines` holds the version shown of each, by the name of the finding.
    """

    content: DraftContent
    submission_id: uuid.UUID
    acknowledged: frozenset[str]
    guidelines: Mapping[str, int] = field(default_factory=dict)


def submit_reading(
    *, case: Case, reader: User, submission: Submission, now: datetime, sitting: Sitting | None = None
) -> Reading:
    """Store the next revision of the reader's reading of `case`; the same submission again returns the same one.

    Raises `VectorError`, `UndecidedError`, `ContradictionError`, `StaleDraftError` when another tab saved in between,
    `SubmittedError` or `ExcludedError` when the case is not open to its reader, `ReadingRefusedError` when they may not
    read it, or `SeatTakenError` when the case went back to the queue and no seat of it is free any more.
    """
    sitting = sitting or reader_sitting(case, reader)
    schema = parsed_schema(case.project.schema)
    content = submission.content
    contradictions = _checked(submission, case=case, schema=schema)
    with first_draft_race(case=case, reader=reader, sitting=sitting), transaction.atomic():
        earlier = _earlier(submission, case=case, reader=reader)
        if earlier is not None:
            return earlier
        unexplained = [found for found in contradictions if found.key not in submission.acknowledged]
        if unexplained:
            raise ContradictionError(unexplained)
        saved = write_draft(
            case=case, reader=reader, content=content, state=DraftState.SUBMITTED, sitting=sitting, now=now
        )
        _take_part(case, reader, sitting, now=now)
        parts = {"acknowledged": sorted(found.key for found in contradictions)} | _server_parts(saved, submission)
        reading = _store_reading(saved.draft, submission, sitting, parts=parts, now=now)
        if reading.supersedes is not None:
            _settle_returns(reading, now=now)
        Event.objects.create(
            project_id=case.project_id,
            case=case,
            actor=reader,
            verb=Event.Verb.READING_SUBMITTED,
            payload={"revision": reading.revision} | saved.changes(schema),
            at=now,
        )
        settle_case(case.pk, now=now)
    return reading


def _take_part(case: Case, reader: User, sitting: Sitting, *, now: datetime) -> None:
    """Count the seat as read; the case is held, so that they do not decide about it in another window meanwhile."""
    submit_seat(case=case, reader=reader, sitting=sitting, now=now)
    lock_case(case.pk)
    check_may_read(case, reader)


def _checked(submission: Submission, *, case: Case, schema: Schema) -> list[Contradiction]:
    """What contradicts itself in what was sent; raises for what cannot be submitted at all."""
    check_content(submission.content, case=case, schema=schema)
    if undecided := undecided_cells(submission.content.values, schema=schema):
        raise UndecidedError(undecided)
    if submission.guidelines:
        check_shown_exist(submission.guidelines, latest=latest_versions(case.project))
    return find_contradictions(submission.content.values, submission.content.urgencies, schema=schema)


def _earlier(submission: Submission, *, case: Case, reader: User) -> Reading | None:
    """The reading that an earlier arrival of this submission stored."""
    stored = Reading.objects.filter(submission_id=submission.submission_id).order_by().first()
    if stored is None:
        return None
    sent = submission.content
    is_same = (stored.case_id, stored.reader_id) == (case.pk, reader.pk) and (
        (stored.values, stored.urgencies, _said(stored.body)) == (sent.values, sent.urgencies, _said(sent.body))
    )
    if not is_same:
        raise VectorError(f"submission {submission.submission_id} belongs to another reading")
    return stored


def _said(body: dict[str, Any]) -> dict[str, Any]:
    """What the reader said in a body; the other parts are added when it is stored."""
    added = SERVER_PARTS | {"acknowledged"}
    return {"cells": {}} | {name: value for name, value in body.items() if name not in added}


def _server_parts(saved: SavedDraft, submission: Submission) -> dict[str, Any]:
    """Versions of guidelines shown, and why the reading before was opened again; no key for what is not known."""
    reopened = saved.before.body.get("reopened") if saved.before else None
    parts = {"guidelines": dict(submission.guidelines), "reopened": reopened}
    return {name: value for name, value in parts.items() if value}


def _settle_returns(reading: Reading, *, now: datetime) -> None:
    """What the reader was asked to look at again is done with."""
    returns = Note.objects.filter(kind=Note.Kind.RETURN, parent=None, settled_at=None)
    of_reading = returns.filter(case=reading.case_id, reader=reading.reader_id, round=reading.round)
    of_reading.update(settled_by=reading.reader_id, settled_at=now)


def _arm(draft: Draft, sitting: Sitting) -> Arm:
    """What the reader started from; what was read to train them says so, whether or not a run had labeled the case."""
    if sitting.arm == Arm.SEEDED:
        return Arm.SEEDED
    return Arm.BLANK if draft.prefill_run is None else Arm.PREFILLED


def _is_informed(
    draft: Draft, sitting: Sitting, *, revisions: Sequence[Reading], reopened: Mapping[str, Any] | None
) -> bool:
    """Whether the reader could look at machine labels of the case, or at what others say of it, before this submission.

    A blank seat keeps them from it until it is submitted; without one, only that they never had a role to look.
    """
    if any(each.is_informed for each in revisions) or (reopened is not None and reopened["reason"] in TOLD):
        return True
    is_kept = sitting.arm == Arm.BLANK
    if is_kept and not revisions:
        return False
    since = revisions[0].submitted_at if is_kept else None
    return has_revealed(draft.case.project, draft.reader, since=since)


def _store_reading(
    draft: Draft, submission: Submission, sitting: Sitting, *, parts: dict[str, Any], now: datetime
) -> Reading:
    """The next revision, with what `draft` holds and the `parts` of its body that a browser never sends."""
    own = Reading.objects.filter(case_id=draft.case_id, reader_id=draft.reader_id, round=draft.round)
    revisions = [] if draft.version == 1 else list(own.order_by("revision"))
    previous = revisions[-1] if revisions else None
    return Reading.objects.create(
        project_id=draft.project_id,
        case_id=draft.case_id,
        reader_id=draft.reader_id,
        schema_id=draft.case.project.schema_id,
        round=draft.round,
        revision=previous.revision + 1 if previous else 1,
        supersedes=previous,
        submission_id=submission.submission_id,
        arm=_arm(draft, sitting),
        is_informed=_is_informed(draft, sitting, revisions=revisions, reopened=parts.get("reopened")),
        prefill_run=draft.prefill_run,
        values=draft.values,
        urgencies=draft.urgencies,
        body=draft.body | parts,
        active_seconds=draft.active_seconds,
        key_presses=draft.key_presses,
        submitted_at=now,
    )
