"""Submit a reading: an immutable revision beside the draft it came from."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from annotator.core.contradictions import find_contradictions
from annotator.core.vectors import VectorError, undecided_cells
from annotator.exceptions import ContradictionError, UndecidedError
from annotator.models import Arm, Case, DraftState, Event, Reading, User
from annotator.selectors.schemas import parsed_schema
from annotator.services.drafts import DraftContent, check_content, first_draft_race, store_draft


@dataclass(frozen=True, slots=True)
class Submission:
    """A draft that the reader declares finished. `submission_id` makes sending it twice harmless."""

    content: DraftContent
    submission_id: uuid.UUID
    acknowledged: frozenset[str]
    prefill_run: uuid.UUID | None


def submit_reading(*, case: Case, reader: User, submission: Submission, now: datetime) -> Reading:
    """Store the next revision of the reader's reading of `case`; the same submission again returns the same one.

    Raises `VectorError`, `UndecidedError`, `ContradictionError`, or `StaleDraftError` when another tab
    saved in between.
    """
    schema = parsed_schema(case.project.schema)
    content = submission.content
    check_content(content, case=case, schema=schema)
    undecided = undecided_cells(content.values, schema=schema)
    if undecided:
        raise UndecidedError(undecided)
    contradictions = find_contradictions(content.values, content.urgencies, schema=schema)
    open_contradictions = [found for found in contradictions if found.key not in submission.acknowledged]
    with first_draft_race(case=case, reader=reader), transaction.atomic():
        earlier = Reading.objects.filter(submission_id=submission.submission_id).order_by().first()
        if earlier is not None:
            if (earlier.case_id, earlier.reader_id) != (case.pk, reader.pk):
                raise VectorError(f"submission {submission.submission_id} belongs to another reading")
            return earlier
        if open_contradictions:
            raise ContradictionError(open_contradictions)
        draft = store_draft(
            case=case, reader=reader, content=content, schema=schema, state=DraftState.SUBMITTED, now=now
        )
        first = content.version == 0
        previous = None if first else Reading.objects.filter(case=case, reader=reader).order_by("-revision").first()
        reading = Reading.objects.create(
            project_id=case.project_id,
            case=case,
            reader=reader,
            schema_id=case.project.schema_id,
            revision=previous.revision + 1 if previous else 1,
            supersedes=previous,
            submission_id=submission.submission_id,
            arm=Arm.PREFILLED if submission.prefill_run else Arm.BLANK,
            prefill_run=submission.prefill_run,
            values=content.values,
            urgencies=content.urgencies,
            body=content.body | {"acknowledged": sorted(found.key for found in contradictions)},
            active_seconds=draft.active_seconds,
            submitted_at=now,
        )
        Event.objects.create(
            project_id=case.project_id,
            case=case,
            actor=reader,
            verb=Event.Verb.READING_SUBMITTED,
            payload={"revision": reading.revision, "draft_version": draft.version},
            at=now,
        )
    return reading
