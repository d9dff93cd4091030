"""Save a reader's draft without losing anybody's work."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from annotator.core.case_notes import is_flagged
from annotator.core.vectors import SERVER_PARTS, VectorError, changes_between, check_body, check_vectors
from annotator.exceptions import ExcludedError, OtherRoundError, StaleDraftError, SubmittedError
from annotator.models import Arm, Case, Draft, DraftState, Event, User
from annotator.selectors.cases import prefill_named, prefill_of
from annotator.selectors.exclusions import open_exclusion
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.seats import Sitting, sitting_for
from annotator.services.queue import extend
from labeling.core.schema import Schema
from vision.models import Series

MAX_ACTIVE_SECONDS_PER_SAVE = 3600
MAX_KEY_PRESSES_PER_SAVE = 100_000
SAVED_FIELDS = (
    *("state", "version", "values", "urgencies", "body", "flagged", "active_seconds", "key_presses"),
    *("client_id", "saved_at"),
)
# How PostgreSQL and SQLite name the constraint that a reader has one draft of a case.
DRAFT_EXISTS = ("draft_one_per_reader", "annotator_draft.case_id")


@dataclass(frozen=True, slots=True)
class DraftContent:
    """What a browser sends: the state of the screen, the version it is based on, and who sends it.

    `key_presses_delta` is None where the browser does not count them. `round` is that of the payload it got.
    """

    version: int
    values: str
    urgencies: str
    body: dict[str, Any]
    active_seconds_delta: int
    client_id: str
    prefill_run: uuid.UUID | None
    key_presses_delta: int | None = None
    round: int = 1


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


def save_draft(
    *, case: Case, reader: User, content: DraftContent, now: datetime, sitting: Sitting | None = None
) -> Draft:
    """Store `content` as the next version of the draft of `sitting`, and an event with what changed.

    A case of the queue stays the reader's for another while.
    Raises `StaleDraftError` when the stored version is not the one that `content` is based on, and `VectorError` when
    the content does not fit the schema, the report or the pre-fill; `SubmittedError`, `ExcludedError` and
    `OtherRoundError` when the case is not open to its reader, or not as the screen has it.
    """
    sitting = sitting or reader_sitting(case, reader)
    schema = parsed_schema(case.project.schema)
    check_content(content, case=case, schema=schema)
    with first_draft_race(case=case, reader=reader, sitting=sitting), transaction.atomic():
        saved = write_draft(case=case, reader=reader, content=content, state=DraftState.OPEN, sitting=sitting, now=now)
        if sitting.is_from_queue:
            extend(case=case, reader=reader, sitting=sitting, now=now)
        Event.objects.create(
            project_id=case.project_id,
            case=case,
            actor=reader,
            verb=Event.Verb.DRAFT_SAVED,
            payload=saved.changes(schema),
            at=now,
        )
    return saved.draft


def reader_sitting(case: Case, reader: User) -> Sitting:
    """How the reader reads the case; raises `VectorError` when it is not theirs."""
    sitting = sitting_for(case, reader=reader)
    if sitting is None:
        raise VectorError(f"case {case.key!r} is not among the cases of {reader.get_username()}")
    return sitting


@contextmanager
def first_draft_race(*, case: Case, reader: User, sitting: Sitting) -> Iterator[None]:
    """Tell the loser of two first saves at once that it is stale; enclose the transaction that stores the draft."""
    try:
        yield
    except IntegrityError as error:
        if not any(sign in str(error) for sign in DRAFT_EXISTS):
            raise
        theirs = Draft.objects.get(case=case, reader=reader, round=sitting.round)
        raise StaleDraftError(theirs) from error


def check_content(content: DraftContent, *, case: Case, schema: Schema) -> None:
    """Raise `VectorError` unless `content` fits the schema, the report and the images of `case`."""
    check_vectors(content.values, content.urgencies, schema=schema)
    check_body(content.body, schema=schema, text_length=case.report.text_length if case.report else 0)
    if written := SERVER_PARTS.intersection(content.body):
        raise VectorError(f"body: {min(written)} is not sent with a reading")
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


def write_draft(
    *, case: Case, reader: User, content: DraftContent, state: DraftState, sitting: Sitting, now: datetime
) -> SavedDraft:
    """Write the draft row if its version is still the one `content` is based on; else raise `StaleDraftError`.

    What was typed for another round of the case is `OtherRoundError`. The version is compared by the database in the
    statement that writes, so that two saves at once cannot both win. Call it inside a transaction.
    """
    before = _draft_before(case, reader=reader, content=content, sitting=sitting)
    seconds = min(max(content.active_seconds_delta, 0), MAX_ACTIVE_SECONDS_PER_SAVE)
    draft = Draft(
        project_id=case.project_id,
        case=case,
        reader=reader,
        round=sitting.round,
        state=_state_after(before, state),
        version=content.version + 1,
        seat_id=before.seat_id if before else sitting.seat_id,
        prefill_run=before.prefill_run if before else _shown_prefill(case, content, sitting),
        values=content.values,
        urgencies=content.urgencies,
        body=_body_after(before, content.body, state),
        flagged=is_flagged(content.body),
        active_seconds=(before.active_seconds if before else 0) + seconds,
        key_presses=_presses_after(before, content.key_presses_delta),
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


def _draft_before(case: Case, *, reader: User, content: DraftContent, sitting: Sitting) -> Draft | None:
    """The draft that `content` is based on."""
    if content.round != sitting.round:
        raise OtherRoundError(case.key)
    before = Draft.objects.filter(case=case, reader=reader, round=sitting.round).order_by().first()
    check_open(case, before)
    if (before.version if before else 0) != content.version:
        raise StaleDraftError(before)
    return before


def check_open(case: Case, draft: Draft | None) -> None:
    """Raise `SubmittedError` or `ExcludedError` when the reader may not change the case now."""
    if draft is not None and draft.state == DraftState.SUBMITTED:
        raise SubmittedError(case.key)
    check_included(case)


def check_included(case: Case) -> None:
    """Raise `ExcludedError` for a case that is excluded."""
    if open_exclusion(case) is not None:
        raise ExcludedError(case.key)


def _state_after(before: Draft | None, state: DraftState) -> str:
    """What was sent back stays so until it is submitted, or put off."""
    is_returned = before is not None and before.state == DraftState.RETURNED
    return DraftState.RETURNED if is_returned and state == DraftState.OPEN else state


def _body_after(before: Draft | None, body: dict[str, Any], state: DraftState) -> dict[str, Any]:
    """Until the next submission the draft keeps why the reading before was opened again."""
    reopened = before.body.get("reopened") if before else None
    return body if reopened is None or state == DraftState.SUBMITTED else body | {"reopened": reopened}


def _presses_after(before: Draft | None, delta: int | None) -> int | None:
    """Key presses so far; unknown stays unknown, and what is not counted adds nothing."""
    capped = None if delta is None else min(delta, MAX_KEY_PRESSES_PER_SAVE)
    if before is None:
        return capped
    return before.key_presses if before.key_presses is None else before.key_presses + (capped or 0)


def _shown_prefill(case: Case, content: DraftContent, sitting: Sitting) -> uuid.UUID | None:
    """The run whose labels the screen started from, kept with the draft for good; None for a blank start.

    The seat decides: in its blank arm there is none, in the others there is one where the machine labeled the case.
    """
    sent = content.prefill_run
    if sent is not None and sitting.arm == Arm.BLANK:
        raise VectorError("prefill_run: this case is read from a blank form")
    if sent is not None and prefill_named(case, sent) is None:
        raise VectorError(f"prefill_run: no finished run {sent} has labels of this case")
    if sitting.prefill_run is not None and sent != sitting.prefill_run:
        raise VectorError("prefill_run: this case starts from the run that its seat names")
    if sent is None and sitting.arm not in (None, Arm.BLANK) and prefill_of(case) is not None:
        raise VectorError("prefill_run: this case is read from machine labels; reload the page to see them")
    return sent
