"""Put a case off, with the reason."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from annotator.core.case_notes import Skip
from annotator.models import Case, Draft, DraftState, Event, User
from annotator.selectors.schemas import parsed_schema
from annotator.services.drafts import DraftContent, check_content, first_draft_race, write_draft


def skip_case(*, case: Case, reader: User, content: DraftContent, skip: Skip, now: datetime) -> Draft:
    """Save the screen as it is and put the case off; the next save takes it up again.

    Raises `VectorError`, or `StaleDraftError` when another tab saved in between.
    """
    schema = parsed_schema(case.project.schema)
    check_content(content, case=case, schema=schema)
    put_off = replace(content, body=skip.body(content.body))
    with first_draft_race(case=case, reader=reader), transaction.atomic():
        saved = write_draft(case=case, reader=reader, content=put_off, state=DraftState.SKIPPED, now=now)
        Event.objects.create(
            project_id=case.project_id,
            case=case,
            actor=reader,
            verb=Event.Verb.CASE_SKIPPED,
            payload={"reason": skip.reason} | saved.changes(schema),
            at=now,
        )
    return saved.draft
