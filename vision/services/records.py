"""Count what becomes of files, and keep the record of an import up to date while it runs."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from annotator.models import Event, Project, User
from labeling.exceptions import UserError
from vision.models import ImageImport
from vision.services.links import NO_CASE
from vision.services.names import Numbers, common_name, kind_of_source
from vision.services.options import FileOutcome, ImportOptions

if TYPE_CHECKING:
    from vision.core.deidentify import Removed

MAX_LISTED: Final = 1000
BEAT_S: Final = 1.0
# One that was silent for so long was killed.
STALE_S: Final = 180


def open_record(
    *,
    project: Project,
    source_name: str,
    options: ImportOptions,
    actor: User | None,
    now: datetime,
    stored: bool = True,
) -> ImageImport:
    """The record of an import that begins; in the database unless it only tries. `project` gets the rules that hold.

    `source_name` may name a patient and is not stored: what kind of source it is, or `options.title`, stands for it.
    """
    with transaction.atomic():
        read_rules(project)
        record = ImageImport(
            project=project,
            source_name=(options.title or kind_of_source(source_name))[:255],
            options=options.as_json() | {"dates": str(project.image_dates), "keeps_originals": project.keeps_originals},
            imported_by=actor,
            started_at=now,
            heartbeat_at=now,
        )
        if stored:
            record.save()
    return record


def go_on_with(record: ImageImport, project: Project) -> None:
    """Begin with a record that was opened before. Raises `UserError` when it has been ended since."""
    with transaction.atomic():
        read_rules(project)
        if not ImageImport.objects.filter(pk=record.pk, state=ImageImport.State.RUNNING).exists():
            raise UserError(f"import {record.pk} has ended; start a new one")


def read_rules(project: Project) -> None:
    """Give `project` the rules for images that hold now; within a transaction, they stay so until it ends.

    Changing them takes the same lock and is refused while an import is open: what is read here with the record that
    opens one holds until that has ended.
    """
    rules = Project.objects.select_for_update(no_key=True).only("image_dates", "keeps_originals").get(pk=project.pk)
    project.image_dates, project.keeps_originals = rules.image_dates, rules.keeps_originals


def end_stale_imports(*, project: Project) -> None:
    """Mark as failed the imports that nobody works on any more: a process that was killed could not say so."""
    for record in ImageImport.objects.filter(project=project, state=ImageImport.State.RUNNING):
        if (timezone.now() - record.heartbeat_at).total_seconds() > STALE_S:
            fail_record(record, "it stopped; start it again: what is stored already counts as unchanged")


def fail_record(record: ImageImport, error: str) -> None:
    """End an import that could not go on."""
    going_on = ImageImport.objects.filter(pk=record.pk, state=ImageImport.State.RUNNING)
    going_on.update(state=ImageImport.State.FAILED, finished_at=timezone.now(), error=_storable(error)[:300])


@dataclass(slots=True)
class Tally:
    """What became of the files so far. `options.each_file` is told their names; in the record numbers stand for them.

    `n_refused_of` counts refused files by the UID of the series that they name.
    """

    record: ImageImport
    options: ImportOptions
    problems: list[FileOutcome] = field(default_factory=list)
    unlinked: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    removed: dict[str, Counter[str]] = field(default_factory=dict)
    flags: Counter[str] = field(default_factory=Counter)
    numbers: Numbers = field(default_factory=Numbers)
    n_refused_of: Counter[str] = field(default_factory=Counter)
    _beat_s: float = 0.0

    def add(self, outcome: FileOutcome) -> None:
        """Count one file."""
        record = self.record
        if outcome.kind in ("refused", "duplicate"):
            record.n_refused += 1
            if len(self.problems) < MAX_LISTED:
                self.problems.append(outcome)
        elif outcome.kind == "unchanged":
            record.n_unchanged += 1
        if self.options.each_file:
            self.options.each_file(outcome)

    def refuse(self, name: str, *, code: str, reason: str) -> None:
        """Count one file that is refused."""
        self.add(FileOutcome(name, "refused", code, reason))

    def add_unlinked(self, names: Iterable[str], *, reason: str = NO_CASE, **about: Any) -> None:
        """Count a series or mask that belongs to no case; `about` describes it without identifiers."""
        names = list(names)
        self.record.n_unlinked += 1
        if len(self.unlinked) < MAX_LISTED:
            self.unlinked.append({"name": common_name(names), "n_files": len(names), **about})
        for name in names:
            self.add(FileOutcome(name, "unlinked", "no_case", reason))

    def warn(self, name: str, *, series: int | None, warnings: Iterable[str]) -> None:
        """Keep what the reader of a series is warned of."""
        listed = list(warnings)
        if listed and len(self.warnings) < MAX_LISTED:
            self.warnings.append({"name": name, "series": series, "warnings": listed})

    def add_removed(self, removed: "Removed") -> None:
        """Count what the de-identification of one file did."""
        for element, action in removed.actions.items():
            self.removed.setdefault(action, Counter())[element] += 1
        self.flags.update(removed.flags)

    def beat(self, *, n_done: int, n_files: int) -> None:
        """Note how far the import is, and in the database once a second."""
        self.record.n_done, self.record.n_files = n_done, n_files
        if self.record.pk and monotonic() - self._beat_s >= BEAT_S:
            self._beat_s = monotonic()
            self.record.heartbeat_at = timezone.now()
            self._update("heartbeat_at", *_COUNTS)

    def close(self, *, now: datetime) -> ImageImport:
        """Complete the record. An import that only tried stays out of the database."""
        record = self.record
        self._fill()
        record.state, record.finished_at = ImageImport.State.FINISHED, now
        record.n_done = record.n_files
        if record.pk:
            self._save()
        return record

    def fail(self, error: str) -> None:
        """End an import that could not go on, with what became of the files so far."""
        record = self.record
        self._fill()
        record.state, record.finished_at = ImageImport.State.FAILED, timezone.now()
        record.error = _storable(error)[:300]
        if record.pk:
            self._update("state", "finished_at", "error", *_LISTS, *_COUNTS)

    def _fill(self) -> None:
        record = self.record
        record.problems = [asdict(problem) | {"name": self.numbers.of(problem.name)} for problem in self.problems]
        record.unlinked = [entry | {"name": self.numbers.of(entry["name"])} for entry in self.unlinked]
        record.warnings = [entry | {"name": self.numbers.of(entry["name"])} for entry in self.warnings]
        record.removed = {"elements": {action: dict(sorted(found.items())) for action, found in self.removed.items()}}
        record.removed["flags"] = dict(self.flags)

    def _update(self, *names: str) -> bool:
        """Save columns of a record that nobody has ended; whether it was going on."""
        going_on = ImageImport.objects.filter(pk=self.record.pk, state=ImageImport.State.RUNNING)
        return bool(going_on.update(**{name: getattr(self.record, name) for name in names}))

    @transaction.atomic
    def _save(self) -> None:
        record = self.record
        if not self._update("state", "finished_at", *_LISTS, *_COUNTS):
            record.refresh_from_db(fields=["state", "finished_at"])
        Event.objects.create(
            project_id=record.project_id,
            actor_id=record.imported_by_id,
            verb=Event.Verb.IMAGES_IMPORTED,
            payload={"import": record.pk, **{name: getattr(record, name) for name in _COUNTS if name != "n_done"}},
            at=timezone.now(),
        )


_LISTS: Final = ("problems", "unlinked", "warnings", "removed")
_COUNTS: Final = (*("n_files", "n_done", "n_images", "n_series", "n_masks", "n_unchanged", "n_refused", "n_unlinked"),)


def _storable(text: str) -> str:
    """The text without what a database cannot store."""
    return "".join("_" if character == "\0" or "\ud800" <= character <= "\udfff" else character for character in text)
