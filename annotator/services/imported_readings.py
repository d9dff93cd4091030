"""Store readings that come from a file, with their readers, revisions and times."""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils.dateparse import parse_datetime

from annotator.core.case_notes import draft_body, is_flagged
from annotator.core.transfer import IMPORTED, UNTIMED, sent_remainder, stored_of
from annotator.core.vectors import VectorError, check_body, undecided_cells
from annotator.models import Arm, Draft, DraftState, Project, Reading, Seat, SeatState, User
from annotator.selectors.rules import rules_of
from annotator.services.outcomes import RowOutcome
from annotator.services.settling import settle_cases
from labeling.core.records import StoredLabels
from labeling.core.schema import Schema
from labeling.core.tables import LabeledReport
from labeling.core.tables.long import MAX_REVISION, MAX_ROUND
from labeling.selectors import prefill_run

_MAX_SECONDS = 2**31 - 1
# Beyond these a time cannot be moved to another time zone.
_FIRST_YEAR, _YEAR_AFTER_LAST = 1900, 9999


class _Refused(Exception):
    """One label set cannot be stored as a reading."""


class Incoming(NamedTuple):
    """A label set, the case it is about and the length of its report."""

    labels: LabeledReport
    case_id: int
    text_length: int


# Case, reader and round.
_Place = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _New:
    """A reading that could be stored; `submission_id` is that of the file."""

    case_id: int
    reader: User
    round: int
    revision: int
    submission_id: uuid.UUID
    arm: str
    prefill_run: uuid.UUID | None
    stored: StoredLabels
    active_seconds: int | None
    submitted_at: datetime | None

    @property
    def place(self) -> "_Place":
        """Whose reading of which case it is."""
        return self.case_id, self.reader.pk, self.round

    @property
    def content(self) -> tuple[str, str, datetime | None]:
        """What tells two readings of one revision apart."""
        return self.stored.values, self.stored.urgencies, self.submitted_at


@dataclass(frozen=True, slots=True)
class _Stored:
    """A revision that is there already: its key, its number here and in the file it came from, what it says."""

    pk: int
    number: int
    revision: int
    content: tuple[str, str, datetime | None]


class ReadingWriter:
    """Writes batches of readings of one project. Call it inside a transaction that has locked the project.

    A reading whose time the file does not say is one of `now`, marked as such. With `dry_run` nothing is stored.
    """

    def __init__(
        self, project: Project, schema: Schema, *, arm: str, create_readers: bool, now: datetime, dry_run: bool = False
    ) -> None:
        self.project = project
        self._schema = schema
        self._arm = arm
        self._is_training = rules_of(project).is_training
        self._create_readers = create_readers
        self._now = now
        self._dry_run = dry_run
        self._readers: dict[str, User | None] = {}
        self._cases: set[int] = set()

    def finish(self) -> None:
        """Settle the cases that have new readings."""
        settle_cases(self.project, self._cases, now=self._now)

    def write(self, batch: list[Incoming]) -> Iterator[RowOutcome]:
        """Store what is new, revision by revision; tells what became of each."""
        waiting = sorted(batch, key=lambda row: row.labels.meta.revision or 0)
        while waiting:
            wave: list[Incoming] = []
            later: list[Incoming] = []
            places = set()
            for row in waiting:
                place = (row.case_id, row.labels.rater, row.labels.meta.round)
                (later if place in places else wave).append(row)
                places.add(place)
            yield from self._write_wave(wave)
            waiting = later

    def _write_wave(self, wave: list[Incoming]) -> Iterator[RowOutcome]:
        """Store readings of which no two are of one case, reader and round."""
        read: list[tuple[str, _New]] = []
        for row in wave:
            try:
                read.append((row.labels.report_id, self._read(row)))
            except (_Refused, VectorError) as error:
                yield _refused(row.labels.report_id, str(error), code="bad_reading")
        revisions = self._revisions([new for _, new in read])
        taken = self._taken([new for _, new in read])
        fresh: list[_New] = []
        for report_id, new in read:
            here = revisions[new.place]
            ids = {new.submission_id, self._own_id(new.submission_id)}
            known = any(taken.get(each) == self.project.pk for each in ids)
            if known or any(old.revision == new.revision and old.content == new.content for old in here):
                yield RowOutcome(0, report_id, "unchanged")
            elif any(old.revision >= new.revision for old in here):
                reason = f"{new.reader} has another revision {new.revision} or a later one here"
                yield _refused(report_id, reason, code="other_revision")
            else:
                fresh.append(new)
                taken[new.submission_id] = taken.get(new.submission_id, self.project.pk)
                yield RowOutcome(0, report_id, "created")
        if fresh and not self._dry_run:
            self._store(fresh, revisions, taken)

    def _own_id(self, submission_id: uuid.UUID) -> uuid.UUID:
        """What a submission is called here when another project of this instance has it too."""
        return uuid.uuid5(submission_id, f"project {self.project.pk}")

    def _read(self, row: Incoming) -> _New:
        labels, meta = row.labels, row.labels.meta
        stored = stored_of(labels.labels, self._schema, remainder=sent_remainder(meta.extra.get("body", {})))
        check_body(stored.body, schema=self._schema, text_length=row.text_length)
        if undecided := undecided_cells(stored.values, schema=self._schema):
            raise _Refused(f"{len(undecided)} cells have no value, the first is {undecided[0]}")
        revision = 1 if meta.revision is None else meta.revision
        if not 1 <= revision <= MAX_REVISION:
            raise _Refused(f"revision is {str(revision)[:20]}, expected is a whole number of 1 or more")
        number = 1 if meta.round is None else meta.round
        if not 1 <= number <= MAX_ROUND:
            raise _Refused(f"round is {str(number)[:20]}, expected is a whole number from 1 to {MAX_ROUND}")
        seconds = meta.active_seconds
        if seconds is not None and not 0 <= seconds <= _MAX_SECONDS:
            raise _Refused(f"active_seconds is {seconds!r}, expected is a number of 0 or more")
        arm, run = self._arm_of(row)
        return _New(
            case_id=row.case_id,
            reader=self._reader(labels.rater),
            round=number,
            revision=revision,
            submission_id=_submission_id(labels, stored),
            arm=arm,
            prefill_run=run,
            stored=stored,
            active_seconds=None if seconds is None else round(seconds),
            submitted_at=None if meta.submitted_at is None else _time(meta.submitted_at),
        )

    def _arm_of(self, row: Incoming) -> tuple[str, uuid.UUID | None]:
        extra = row.labels.meta.extra
        arm = extra.get("arm") or self._arm
        if arm not in Arm.values:
            raise _Refused("the file does not say whether the reader started from machine labels; say so with --arm")
        if arm == Arm.SEEDED and not self._is_training:
            raise _Refused("errors were planted in it, which only a training project holds; say so under Rules first")
        if arm == Arm.BLANK:
            return arm, None
        named = extra.get("prefill_run")
        current = None if named else prefill_run(self.project)
        if named is None and current is None:
            raise _Refused("the file does not say which run the reader started from, and the project has none")
        return arm, _uuid(named, "prefill_run") if named else current.run_id if current else None

    def _reader(self, username: str) -> User:
        if username not in self._readers:
            reader = User.objects.filter(username=username).first()
            self._readers[username] = self._made(username) if reader is None and self._create_readers else reader
        found = self._readers[username]
        if found is None:
            raise _Refused(
                f"there is no user {username!r} here; name one, or have closed accounts made (--create-readers)"
            )
        return found

    def _made(self, username: str) -> User:
        try:
            UnicodeUsernameValidator()(username)
        except ValidationError as error:
            raise _Refused(f"{username[:40]!r} cannot be a user name") from error
        if len(username) > 150:
            raise _Refused(f"a user name of {len(username)} characters is too long, at most 150 are allowed")
        user = User(username=username, is_active=False)
        if self._dry_run:  # no stored user has such a key
            user.pk = -1 - len(self._readers)
            return user
        user.set_unusable_password()
        user.save()
        return user

    def _revisions(self, read: list[_New]) -> dict[_Place, list[_Stored]]:
        """What is stored by case, reader and round, first revision first."""
        readings = Reading.objects.filter(
            project=self.project,
            case__in={new.case_id for new in read},
            reader__in={new.reader.pk for new in read},
        ).order_by("revision")
        found: dict[_Place, list[_Stored]] = defaultdict(list)
        for reading in readings:
            changed = reading.body.get(IMPORTED, {})
            content = (reading.values, reading.urgencies, None if UNTIMED in changed else reading.submitted_at)
            revision = changed.get("revision", reading.revision)
            old = _Stored(reading.pk, reading.revision, revision, content)
            found[reading.case_id, reading.reader_id, reading.round].append(old)
        return found

    def _taken(self, read: list[_New]) -> dict[uuid.UUID, int]:
        """Projects by the submission ids that are in use."""
        ids = {new.submission_id for new in read} | {self._own_id(new.submission_id) for new in read}
        return dict(Reading.objects.filter(submission_id__in=ids).order_by().values_list("submission_id", "project_id"))

    def _store(self, fresh: list[_New], revisions: dict[_Place, list[_Stored]], taken: dict[uuid.UUID, int]) -> None:
        Reading.objects.bulk_create(
            self._row(
                new,
                before=revisions[new.place],
                is_ours=taken[new.submission_id] == self.project.pk,
            )
            for new in fresh
        )
        self._cases |= {new.case_id for new in fresh}
        self._fill_seats(fresh)
        self._mark_submitted(fresh)

    def _row(self, new: _New, *, before: list[_Stored], is_ours: bool) -> Reading:
        """The reading behind the revisions `before`; `is_ours` says that no other project has its submission id."""
        number = before[-1].number + 1 if before else 1
        changed: dict[str, object] = {} if is_ours else {"submission_id": str(new.submission_id)}
        if number != new.revision:
            changed["revision"] = new.revision
        if new.submitted_at is None:
            changed[UNTIMED] = True
        return Reading(
            project=self.project,
            case_id=new.case_id,
            reader=new.reader,
            schema_id=self.project.schema_id,
            round=new.round,
            revision=number,
            supersedes_id=before[-1].pk if before else None,
            submission_id=new.submission_id if is_ours else self._own_id(new.submission_id),
            arm=new.arm,
            prefill_run=new.prefill_run,
            values=new.stored.values,
            urgencies=new.stored.urgencies,
            body=new.stored.body | ({IMPORTED: changed} if changed else {}),
            active_seconds=new.active_seconds,
            submitted_at=new.submitted_at or self._now,
        )

    def _fill_seats(self, fresh: list[_New]) -> None:
        """A seat that waits for such a reading, in its arm, has it now."""
        places = {(new.place, new.arm): new.submitted_at or self._now for new in fresh}
        waiting = Seat.objects.filter(
            project=self.project,
            case__in={new.case_id for new in fresh},
            reader__in={new.reader.pk for new in fresh},
            state__in=[SeatState.OPEN, SeatState.HELD],
        )
        filled = []
        for seat in waiting.order_by("pk"):
            at = places.get(((seat.case_id, seat.reader_id or 0, seat.round), seat.arm))
            if at is not None:
                seat.state, seat.submitted_at, seat.reserved_until = SeatState.SUBMITTED, at, None
                filled.append(seat)
        Seat.objects.bulk_update(filled, ["state", "submitted_at", "reserved_until"])

    def _mark_submitted(self, fresh: list[_New]) -> None:
        """Let the worklist know. A draft with changes that were not submitted stays as it is."""
        drafts = Draft.objects.filter(
            project=self.project,
            case__in={new.case_id for new in fresh},
            reader__in={new.reader.pk for new in fresh},
        )
        known = {(draft.case_id, draft.reader_id, draft.round): draft for draft in drafts}
        Draft.objects.bulk_create(
            Draft(
                project=self.project,
                case_id=new.case_id,
                reader=new.reader,
                round=new.round,
                state=DraftState.SUBMITTED,
                version=1,
                **self._draft_fields(new),
            )
            for new in fresh
            if new.place not in known
        )
        for new in fresh:
            draft = known.get(new.place)
            if draft is not None and draft.state == DraftState.SUBMITTED:
                Draft.objects.filter(pk=draft.pk).update(version=F("version") + 1, **self._draft_fields(new))

    def _draft_fields(self, new: _New) -> dict[str, Any]:
        """What the draft beside a reading says; it counts seconds on from 0 where those before are unknown."""
        return {
            "prefill_run": new.prefill_run,
            "values": new.stored.values,
            "urgencies": new.stored.urgencies,
            "body": draft_body(new.stored.body),
            "flagged": is_flagged(new.stored.body),
            "active_seconds": new.active_seconds or 0,
            "saved_at": new.submitted_at or self._now,
        }


def _refused(report_id: str, reason: str, *, code: str) -> RowOutcome:
    return RowOutcome(0, report_id, "refused", code, f"report {report_id!r}: {reason}")


def _time(text: str) -> datetime:
    """A moment that both databases can store."""
    try:
        moment = parse_datetime(text)
    except ValueError:  # 2020-13-45
        moment = None
    if moment is None or moment.tzinfo is None or not _FIRST_YEAR <= moment.year < _YEAR_AFTER_LAST:
        raise _Refused(f"submitted_at is {str(text)[:40]!r}, expected is a time with a time zone")
    return moment


def _uuid(text: object, what: str) -> uuid.UUID:
    try:
        return uuid.UUID(str(text))
    except ValueError as error:
        raise _Refused(f"{what} is {str(text)[:40]!r}, expected is a UUID") from error


def _submission_id(labels: LabeledReport, stored: StoredLabels) -> uuid.UUID:
    """The id in the file; for a format that has none one that is the same for the same content."""
    given = labels.meta.extra.get("submission_id")
    if given is not None:
        return _uuid(given, "submission_id")
    meta = labels.meta
    said = [labels.report_id, labels.rater, str(meta.revision), str(meta.submitted_at), stored.values, stored.urgencies]
    if meta.round not in (None, 1):
        said.append(f"round {meta.round}")
    return uuid.UUID(bytes=hashlib.sha256("\0".join(said).encode()).digest()[:16], version=5)
