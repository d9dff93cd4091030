"""Save a reader's draft without losing anybody's work."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from annotator.core.vectors import changes_between, check_body, check_vectors
from annotator.exceptions import StaleDraftError
from annotator.models import Case, Draft, DraftState, Event, User
from annotator.selectors.schemas import parsed_schema
from labeling.core.schema import Schema
from labeling.core.values import CODE_OF_STATE, NO_URGENCY_CODE, Missing

MAX_ACTIVE_SECONDS_PER_SAVE = 3600
# How PostgreSQL and SQLite name the constraint that a reader has one draft of a case.
DRAFT_EXISTS = ("draft_one_per_reader", "annotator_draft.case_id")


@dataclass(frozen=True, slots=True)
class DraftContent:
    """What a browser sends: the state of the screen, the version it is based on, and who sends it."""

    version: int
    values: str
    urgencies: str
    body: dict[str, Any]
    active_seconds_delta: int
    client_id: str


def save_draft(*, case: Case, reader: User, content: DraftContent, now: datetime) -> Draft:
    """Store `content` as the next version of the draft, and an event with what changed.

    Raises `StaleDraftError` when the stored version is not the one that `content` is based on, and `VectorError` when
    the content does not fit the schema or the report.
    """
    schema = parsed_schema(case.project.schema)
    check_content(content, case=case, schema=schema)
    with first_draft_race(case=case, reader=reader), transaction.atomic():
        return store_draft(case=case, reader=reader, content=content, schema=schema, state=DraftState.OPEN, now=now)


@contextmanager
def first_draft_race(*, case: Case, reader: User) -> Iterator[None]:
    """Tell the loser of two first saves at once that it is stale; enclose the transaction that stores the draft."""
    try:
        yield
    except IntegrityError as error:
        if not any(sign in str(error) for sign in DRAFT_EXISTS):
            raise
        raise StaleDraftError(Draft.objects.get(case=case, reader=reader)) from error


def check_content(content: DraftContent, *, case: Case, schema: Schema) -> None:
    """Raise `VectorError` unless `content` fits the schema and the report of `case`."""
    check_vectors(content.values, content.urgencies, schema=schema)
    check_body(content.body, schema=schema, text_length=len(case.report.text) if case.report else 0)


def store_draft(
    *, case: Case, reader: User, content: DraftContent, schema: Schema, state: DraftState, now: datetime
) -> Draft:
    """Write the draft row if its version is still the one `content` is based on; else raise `StaleDraftError`.

    The version is compared by the database in the statement that writes, so that two saves at once cannot both win.
    Call it inside a transaction.
    """
    before = Draft.objects.filter(case=case, reader=reader).order_by().first()
    stored_version = before.version if before else 0
    if stored_version != content.version:
        raise StaleDraftError(before)
    seconds = min(max(content.active_seconds_delta, 0), MAX_ACTIVE_SECONDS_PER_SAVE)
    fields = {
        "state": state,
        "version": stored_version + 1,
        "values": content.values,
        "urgencies": content.urgencies,
        "body": content.body,
        "client_id": content.client_id,
        "saved_at": now,
    }
    if before is None:
        draft = Draft.objects.create(
            project_id=case.project_id, case=case, reader=reader, active_seconds=seconds, **fields
        )
    else:
        updated = Draft.objects.filter(pk=before.pk, version=stored_version).update(
            active_seconds=F("active_seconds") + seconds, **fields
        )
        if not updated:
            raise StaleDraftError(Draft.objects.get(pk=before.pk))
        draft = Draft(
            pk=before.pk,
            project_id=case.project_id,
            case=case,
            reader=reader,
            active_seconds=before.active_seconds + seconds,
            **fields,
        )
    if state == DraftState.OPEN:
        _record_save(draft, before, schema=schema, now=now)
    return draft


def _record_save(draft: Draft, before: Draft | None, *, schema: Schema, now: datetime) -> None:
    blank = (CODE_OF_STATE[Missing.NOT_ASKED] * len(schema.cells), NO_URGENCY_CODE * len(schema.cells))
    previous = (before.values, before.urgencies) if before else blank
    changes = changes_between(previous, (draft.values, draft.urgencies), schema=schema)
    payload: dict[str, Any] = {"version": draft.version, "client_id": draft.client_id}
    if before is None:
        payload |= {"values": draft.values, "urgencies": draft.urgencies}
    else:
        payload["changes"] = changes
    if before is not None and before.body != draft.body:
        payload["body_before"] = before.body
    Event.objects.create(
        project_id=draft.project_id,
        case_id=draft.case_id,
        actor=draft.reader,
        verb=Event.Verb.DRAFT_SAVED,
        payload=payload,
        at=now,
    )
