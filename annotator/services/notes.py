"""Write notes on cases and cells, answer them, and settle them. Nothing that was said is changed or deleted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from annotator.core.refusals import VectorError
from annotator.core.threads import READERS_KINDS, check_cell, check_note_text
from annotator.models import Case, Event, Note, User
from annotator.selectors.schemas import parsed_schema


@dataclass(frozen=True, slots=True)
class SentNote:
    """What a reader writes: a comment or a flag on a cell, or with an empty `cell` on the case."""

    kind: str
    cell: str
    text: str


def write_note(*, case: Case, reader: User, round: int, sent: SentNote, now: datetime) -> Note:
    """Begin a thread of `reader`; raises `VectorError` when it is none."""
    if sent.kind not in READERS_KINDS:
        raise VectorError(f"kind: expected one of {', '.join(READERS_KINDS)}")
    cell = check_cell(sent.cell, schema=parsed_schema(case.project.schema))
    thread = Note(project_id=case.project_id, case=case, cell=cell, reader=reader, round=round, kind=sent.kind)
    return _store(thread, author=reader, text=sent.text, now=now)


def answer_note(*, thread: Note, author: User, text: str, now: datetime) -> Note:
    """Answer the note that starts a thread; raises `VectorError` for one that is itself an answer."""
    if thread.parent_id is not None:
        raise VectorError("parent: expected the note that starts a thread")
    answer = Note(
        project_id=thread.project_id,
        case_id=thread.case_id,
        cell=thread.cell,
        reader_id=thread.reader_id,
        round=thread.round,
        kind=thread.kind,
        parent=thread,
    )
    return _store(answer, author=author, text=text, now=now)


def settle_note(*, thread: Note, actor: User, is_settled: bool, now: datetime) -> None:
    """Mark a thread as done with, or as open again."""
    with transaction.atomic():
        thread.settled_by, thread.settled_at = (actor, now) if is_settled else (None, None)
        thread.save(update_fields=["settled_by", "settled_at"])
        _record(thread, Event.Verb.NOTE_SETTLED, actor=actor, payload={"is_settled": is_settled}, now=now)


def _store(note: Note, *, author: User, text: str, now: datetime) -> Note:
    note.author, note.text, note.created_at = author, check_note_text(text), now
    with transaction.atomic():
        note.save(force_insert=True)
        payload = {"kind": note.kind, "parent": note.parent_id}
        _record(note, Event.Verb.NOTE_WRITTEN, actor=author, payload=payload, now=now)
    return note


def _record(note: Note, verb: Event.Verb, *, actor: User, payload: Mapping[str, object], now: datetime) -> None:
    Event.objects.create(
        project_id=note.project_id,
        case_id=note.case_id,
        actor=actor,
        verb=verb,
        payload={"note": note.pk, **payload},
        at=now,
    )
