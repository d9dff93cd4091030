"""Put a case off, with the reason."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from annotator.core.case_notes import Skip
from annotator.models import Case, Draft, DraftState, Event, User
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.seats import Sitting
from annotator.services.drafts import DraftContent, check_content, first_draft_race, reader_sitting, write_draft
from annotator.services.queue import give_back


def skip_case(
    *, case: Case, reader: User, content: DraftContent, skip: Skip, now: datetime, sitting: Sitting | None = None
) -> Draft:
    """Save the screen as it is and put the case off; the next save takes it up again.

    A case of the queue goes back to it. Raises `VectorError`, or `StaleDraftError` when another tab saved in between.
    """
    sitting = sitting or reader_sitting(case, reader)
    schema = parsed_schema(case.project.schema)
    check_content(content, case=case, schema=schema)
    put_off = replace(content, body=skip.body(content.body))
    with first_draft_race(case=case, reader=reader, sitting=sitting), transaction.atomic():
        saved = write_draft(
            case=case, reader=reader, content=put_off, state=DraftState.SKIPPED, sitting=sitting, now=now
        )
        if sitting.is_from_queue:
            give_back(case=case, reader=reader, now=now, because="skipped")
        Event.objects.create(
            project_id=case.project_id,
            case=case,
            actor=reader,
            verb=Event.Verb.CASE_SKIPPED,
            payload={"reason": skip.reason} | saved.changes(schema),
            at=now,
        )
    return saved.draft
