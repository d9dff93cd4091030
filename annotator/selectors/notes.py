"""Threads of notes: a reader's own on a case, and all of a project for who acts on them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404

from annotator.core.threads import NoteKind, Thread, Words
from annotator.models import Case, Membership, Note, Project, Role, User
from annotator.selectors.permissions import Member

PAGE_SIZE = 50
OPEN, SETTLED = "open", "settled"


@dataclass(frozen=True, slots=True)
class NoteFilter:
    """Which threads: of a kind or of all, open or settled, on one case or on all, and those begun before a key."""

    kind: str = NoteKind.FLAG
    state: str = OPEN
    case: str = ""
    before: int | None = None


@dataclass(frozen=True, slots=True)
class FiledThread:
    """A thread with where it belongs; `reader` is a name, or "reader" for who must not know it."""

    thread: Thread
    case_id: int
    case_key: str
    reader: str


@dataclass(frozen=True, slots=True)
class NotesPage:
    """Threads, newest first; `before` leads to earlier ones. `n_open` counts open threads by kind."""

    threads: list[FiledThread]
    before: int | None
    n_open: dict[str, int]


def own_threads(case: Case, *, reader: User, round: int) -> list[Thread]:
    """What the reader wrote about the case, or was written to them, in a round of reading, oldest first."""
    mine = Note.objects.filter(case=case, reader=reader, round=round).order_by("pk")
    return _threads(mine, namer=Namer(reader, names=False))


def own_thread(case: Case, note_id: int, *, reader: User, round: int) -> Note:
    """The note that starts a thread of the reader; 404 for any other."""
    found = Note.objects.filter(case=case, reader=reader, round=round, parent=None, pk=note_id).first()
    if found is None:
        raise Http404("no such thread of this reader")
    return found


def thread_for(member: Member, note_id: int) -> Note:
    """The note that starts a thread which the member may see; 404 for any other."""
    found = _heads(member).filter(pk=note_id).first()
    if found is None:
        raise Http404("no such thread for this member")
    return found


def case_threads(case: Case, *, viewer: User, names: bool) -> list[FiledThread]:
    """All threads on a case, oldest first."""
    notes = Note.objects.filter(case=case).select_related("author", "reader", "case").order_by("pk")
    return _filed(list(notes), namer=Namer(viewer, names=names, project=case.project))


def notes_page(member: Member, *, viewer: User, wanted: NoteFilter, size: int = PAGE_SIZE) -> NotesPage:
    """Threads of the project; those who only adjudicate see no names, and none of cases that they read themselves."""
    project = member.project
    heads = _heads(member)
    found = heads.filter(settled_at__isnull=wanted.state != SETTLED)
    if wanted.kind:
        found = found.filter(kind=wanted.kind)
    if wanted.case:
        found = found.filter(case__key=wanted.case)
    if wanted.before is not None:
        found = found.filter(pk__lt=wanted.before)
    listed = list(found.order_by("-pk").values_list("pk", flat=True)[: size + 1])
    of_listed = Note.objects.filter(Q(pk__in=listed[:size]) | Q(parent__in=listed[:size]))
    notes = list(of_listed.select_related("author", "reader", "case").order_by("pk"))
    filed = _filed(notes, namer=Namer(viewer, names=member.is_manager, project=project))
    n_open = {kind.value: heads.filter(kind=kind, settled_at=None).count() for kind in NoteKind}
    return NotesPage(filed[::-1], listed[size - 1] if len(listed) > size else None, n_open)


def _heads(member: Member) -> QuerySet[Note]:
    """The notes that start the threads which the member may see."""
    heads = Note.objects.filter(project=member.project, parent=None)
    if member.is_manager:
        return heads
    own = Case.objects.filter(pk=OuterRef("case")).filter(
        Q(drafts__reader=member.user_id) | Q(seats__reader=member.user_id)
    )
    return heads.filter(~Exists(own))


def threads_payload(threads: Iterable[Thread]) -> list[dict[str, Any]]:
    """As the reading page shows them."""
    return [
        _words_payload(thread.begun)
        | {
            "kind": thread.kind,
            "cell": thread.cell,
            "is_settled": thread.is_settled,
            "answers": [_words_payload(answer) for answer in thread.answers],
        }
        for thread in threads
    ]


def _words_payload(words: Words) -> dict[str, Any]:
    return {"id": words.id, "author": words.author, "text": words.text, "at": words.at.isoformat()}


class Namer:
    """What authors are called: "you", a name where names are shown, else the weightiest role they hold."""

    def __init__(self, viewer: User, *, names: bool, project: Project | None = None) -> None:
        self._viewer, self._names, self._project = viewer, names, project
        self._roles: dict[int, set[str]] | None = None

    def author(self, note: Note) -> str:
        """Of a note."""
        if note.author_id == self._viewer.pk:
            return "you"
        if self._names:
            return note.author.get_username()
        if note.author_id == note.reader_id:
            return "reader"
        roles = self._held(note.project_id).get(note.author_id, set())
        return next((role.value for role in (Role.MANAGER, Role.ADJUDICATOR) if role in roles), "manager")

    def reader(self, note: Note) -> str:
        """Whose thread it is."""
        return note.reader.get_username() if self._names else "reader"

    def _held(self, project_id: int) -> dict[int, set[str]]:
        if self._roles is None:
            self._roles = {}
            for user, role in Membership.objects.filter(project=project_id).order_by().values_list("user", "role"):
                self._roles.setdefault(user, set()).add(role)
        return self._roles


def _threads(notes: Iterable[Note], *, namer: Namer) -> list[Thread]:
    """Threads of notes that come with their answers, oldest first."""
    made: dict[int, Thread] = {}
    for note in notes:
        words = Words(note.pk, namer.author(note), note.author_id == note.reader_id, note.text, note.created_at)
        if note.parent_id is None:
            made[note.pk] = Thread(note.kind, note.cell, words, [], is_settled=note.settled_at is not None)
        elif note.parent_id in made:
            made[note.parent_id].answers.append(words)
    return list(made.values())


def _filed(notes: list[Note], *, namer: Namer) -> list[FiledThread]:
    heads = {note.pk: note for note in notes if note.parent_id is None}
    return [
        FiledThread(thread, head.case_id, head.case.key, namer.reader(head))
        for thread in _threads(notes, namer=namer)
        for head in [heads[thread.begun.id]]
    ]
