"""Submit a reading: an immutable revision beside the draft it came from."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from annotator.core.contradictions import find_contradictions
from annotator.core.vectors import VectorError, undecided_cells
from annotator.exceptions import ContradictionError, UndecidedError
from annotator.models import Arm, Case, Draft, DraftState, Event, Reading, User
from annotator.selectors.schemas import parsed_schema
from annotator.services.drafts import DraftContent, check_content, first_draft_race, write_draft


@dataclass(frozen=True, slots=True)
class Submission:
    """A draft that the reader declares finished. `submission_id` makes sending it twice harmless."""

    content: DraftContent
    submission_id: uuid.UUID
    acknowledged: frozenset[str]


def submit_reading(*, case: Case, reader: User, submission: Submission, now: datetime) -> Reading:
    """Store the next revision of the reader's reading of `case`; the same submission again returns the same one.

    Raises `VectorError`, `UndecidedError`, `ContradictionError`, or `StaleDraftError` when another tab saved in
    between.
    """
    schema = parsed_schema(case.project.schema)
    content = submission.content
    check_content(content, case=case, schema=schema)
    undecided = undecided_cells(content.values, schema=schema)
    if undecided:
        raise UndecidedError(undecided)
    contradictions = find_contradictions(content.values, content.urgencies, schema=schema)
    with first_draft_race(case=case, reader=reader), transaction.atomic():
        earlier = _earlier(submission, case=case, reader=reader)
        if earlier is not None:
            return earlier
        unexplained = [found for found in contradictions if found.key not in submission.acknowledged]
        if unexplained:
            raise ContradictionError(unexplained)
        saved = write_draft(case=case, reader=reader, content=content, state=DraftState.SUBMITTED, now=now)
        acknowledged = sorted(found.key for found in contradictions)
        reading = _store_reading(saved.draft, submission, acknowledged=acknowledged, now=now)
        Event.objects.create(
            project_id=case.project_id,
            case=case,
            actor=reader,
            verb=Event.Verb.READING_SUBMITTED,
            payload={"revision": reading.revision} | saved.changes(schema),
            at=now,
        )
    return reading


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
    """What the reader said in a body; what was acknowledged is added when it is stored."""
    return {"cells": {}} | {name: value for name, value in body.items() if name != "acknowledged"}


def _store_reading(draft: Draft, submission: Submission, *, acknowledged: list[str], now: datetime) -> Reading:
    """The next revision, with what `draft` holds."""
    own = Reading.objects.filter(case_id=draft.case_id, reader_id=draft.reader_id)
    previous = None if draft.version == 1 else own.order_by("-revision").first()
    return Reading.objects.create(
        project_id=draft.project_id,
        case_id=draft.case_id,
        reader_id=draft.reader_id,
        schema_id=draft.case.project.schema_id,
        revision=previous.revision + 1 if previous else 1,
        supersedes=previous,
        submission_id=submission.submission_id,
        arm=Arm.PREFILLED if draft.prefill_run else Arm.BLANK,
        prefill_run=draft.prefill_run,
        values=draft.values,
        urgencies=draft.urgencies,
        body=draft.body | {"acknowledged": acknowledged},
        active_seconds=draft.active_seconds,
        submitted_at=now,
    )
