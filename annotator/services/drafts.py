"""Save a reader's draft without losing anybody's work."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from annotator.core.case_notes import is_flagged
from annotator.core.vectors import VectorError, changes_between, check_body, check_vectors
from annotator.exceptions import StaleDraftError
from annotator.models import Case, Draft, DraftState, Event, User
from annotator.selectors.cases import prefill_named
from annotator.selectors.schemas import parsed_schema
from labeling.core.schema import Schema
from vision.models import Series

MAX_ACTIVE_SECONDS_PER_SAVE = 3600
SAVED_FIELDS = (
    *("state", "version", "values", "urgencies", "body", "flagged", "active_seconds", "client_id", "saved_at"),
)
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
    prefill_run: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """The draft as it is stored now, and as it was before; `before` is None for the first save."""

    draft: Draft
    before: Draft | None

    def changes(self, schema: Schema) -> dict[str, Any]:
        """For the event: the version, who saved, and what the save changed."""
        payload: dict[str, Any] = {"version": self.draft.version, "client_id": self.draft.client_id}
        if self.before is None:
            return payload | {"values": self.draft.values, "urgencies": self.draft.urgencies}
        vectors = [(draft.values, draft.urgencies) for draft in (self.before, self.draft)]
        payload["changes"] = changes_between(*vectors, schema=schema)
        if self.before.body != self.draft.body:
            payload["body_before"] = self.before.body
        return payload


def save_draft(*, case: Case, reader: User, content: DraftContent, now: datetime) -> Draft:
    """Store `content` as the next version of the draft, and an event with what changed.

    Raises `StaleDraftError` when the stored version is not the one that `content` is based on, and `VectorError` when
    the content does not fit the schema, the report or the pre-fill.
    """
    schema = parsed_schema(case.project.schema)
    check_content(content, case=case, schema=schema)
    with first_draft_race(case=case, reader=reader), transaction.atomic():
        saved = write_draft(case=case, reader=reader, content=content, state=DraftState.OPEN, now=now)
        Event.objects.create(
            project_id=case.project_id,
            case=case,
            actor=reader,
            verb=Event.Verb.DRAFT_SAVED,
            payload=saved.changes(schema),
            at=now,
        )
    return saved.draft


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
    """Raise `VectorError` unless `content` fits the schema, the report and the images of `case`."""
    check_vectors(content.values, content.urgencies, schema=schema)
    check_body(content.body, schema=schema, text_length=len(case.report.text) if case.report else 0)
    check_measured_series(content.body, case=case)


def check_measured_series(body: dict[str, Any], *, case: Case) -> None:
    """Raise `VectorError` unless every measurement lies in a series of the case's own study.

    A series that was imported anew has another number and the same UID.
    """
    measured = {measurement["series_uid"] for measurement in body.get("measurements", ())}
    if not measured:
        return
    series = Series.objects.filter(project_id=case.project_id, study=case.study, series_uid__in=measured)
    if unknown := measured - set(series.values_list("series_uid", flat=True)):
        raise VectorError(f"body: measurements: series {min(unknown)} is not one of the study of case {case.key!r}")


def write_draft(*, case: Case, reader: User, content: DraftContent, state: DraftState, now: datetime) -> SavedDraft:
    """Write the draft row if its version is still the one `content` is based on; else raise `StaleDraftError`.

    The version is compared by the database in the statement that writes, so that two saves at once cannot both win.
    Call it inside a transaction.
    """
    before = Draft.objects.filter(case=case, reader=reader).order_by().first()
    if (before.version if before else 0) != content.version:
        raise StaleDraftError(before)
    seconds = min(max(content.active_seconds_delta, 0), MAX_ACTIVE_SECONDS_PER_SAVE)
    draft = Draft(
        project_id=case.project_id,
        case=case,
        reader=reader,
        state=state,
        version=content.version + 1,
        prefill_run=before.prefill_run if before else _shown_prefill(case, content),
        values=content.values,
        urgencies=content.urgencies,
        body=content.body,
        flagged=is_flagged(content.body),
        active_seconds=(before.active_seconds if before else 0) + seconds,
        client_id=content.client_id,
        saved_at=now,
    )
    if before is None:
        draft.save(force_insert=True)
    else:
        draft.pk = before.pk
        fields = {name: getattr(draft, name) for name in SAVED_FIELDS}
        if not Draft.objects.filter(pk=before.pk, version=before.version).update(**fields):
            raise StaleDraftError(Draft.objects.get(pk=before.pk))
    return SavedDraft(draft=draft, before=before)


def _shown_prefill(case: Case, content: DraftContent) -> uuid.UUID | None:
    """The run whose labels the screen started from, kept with the draft for good; None for a blank start."""
    if content.prefill_run is not None and prefill_named(case, content.prefill_run) is None:
        raise VectorError(f"prefill_run: no finished run {content.prefill_run} has labels of this case")
    return content.prefill_run
