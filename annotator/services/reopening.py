"""Open a submitted reading again: its reader with a reason, or a manager who sends it back with a note."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from annotator.core.reopening import RETURNED, Reopening
from annotator.core.threads import check_note_text
from annotator.exceptions import StaleDraftError, UserError
from annotator.models import Case, Draft, DraftState, Event, Note, Reading, User
from annotator.services.drafts import check_included


def reopen_reading(*, case: Case, draft: Draft, version: int, why: Reopening, now: datetime) -> Draft:
    """Let the reader change what they submitted; the reading stands until they submit again.

    A draft that is open already stays as it is. Raises `StaleDraftError` when the draft is not at `version` any more,
    and `ExcludedError`.
    """
    check_included(case)
    if draft.state != DraftState.SUBMITTED:
        return draft
    if draft.version != version:
        raise StaleDraftError(draft)
    with transaction.atomic():
        revision = _latest_revision(draft)
        _open(draft, state=DraftState.OPEN, why=why, revision=revision, now=now)
        payload = {"revision": revision, "round": draft.round, "reason": why.reason, "version": draft.version}
        _note_event(draft, Event.Verb.READING_REOPENED, actor=draft.reader, payload=payload, now=now)
    return draft


def return_reading(*, case: Case, reader: User, round: int, actor: User, text: str, now: datetime) -> Draft:
    """Send what `reader` submitted in a round back with a note, which stands over the case until they submit again.

    Raises `UserError` when there is nothing to send back, and `ExcludedError`.
    """
    check_included(case)
    said = check_note_text(text)
    with transaction.atomic():
        draft = Draft.objects.select_for_update().filter(case=case, reader=reader, round=round).first()
        if draft is None or draft.state != DraftState.SUBMITTED:
            name, which = reader.get_username(), f" in round {round}" if round > 1 else ""
            raise UserError(
                f"Nothing to return: {name} has not submitted case {case.key}{which}, or has it open again."
            )
        revision = _latest_revision(draft)
        _open(draft, state=DraftState.RETURNED, why=Reopening(RETURNED), revision=revision, now=now)
        note = Note.objects.create(
            project_id=case.project_id,
            case=case,
            reader=reader,
            round=draft.round,
            author=actor,
            kind=Note.Kind.RETURN,
            text=said,
            created_at=now,
        )
        payload = {"revision": revision, "round": draft.round, "reader": reader.pk, "note": note.pk}
        _note_event(draft, Event.Verb.READING_RETURNED, actor=actor, payload=payload, now=now)
    return draft


def _latest_revision(draft: Draft) -> int:
    of_draft = Reading.objects.filter(case=draft.case_id, reader=draft.reader_id, round=draft.round)
    return of_draft.order_by("-revision").values_list("revision", flat=True)[0]


def _open(draft: Draft, *, state: DraftState, why: Reopening, revision: int, now: datetime) -> None:
    """As a new version, so that a window that does not know of it cannot save over it."""
    as_it_was = Draft.objects.filter(pk=draft.pk, version=draft.version, state=DraftState.SUBMITTED)
    draft.state, draft.version, draft.saved_at = state, draft.version + 1, now
    draft.body = draft.body | {"reopened": why.of_revision(revision)}
    changed = {name: getattr(draft, name) for name in ("state", "version", "saved_at", "body")}
    if not as_it_was.update(**changed):
        raise StaleDraftError(Draft.objects.get(pk=draft.pk))


def _note_event(draft: Draft, verb: Event.Verb, *, actor: User, payload: Mapping[str, object], now: datetime) -> None:
    Event.objects.create(
        project_id=draft.project_id, case_id=draft.case_id, actor=actor, verb=verb, payload=dict(payload), at=now
    )
