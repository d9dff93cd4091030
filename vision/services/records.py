"""Count what becomes of files, and keep the record of an import up to date while it runs."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from annotator.models import Event, Project, User
from vision.models import ImageImport
from vision.services.options import FileOutcome, ImportOptions

if TYPE_CHECKING:
    from vision.core.deidentify import Removed

MAX_LISTED: Final = 1000
BEAT_S: Final = 1.0
# One that was silent for so long was killed.
STALE_S: Final = 180
_SHORTEST_WORD: Final = 3


def open_record(
    *,
    project: Project,
    source_name: str,
    options: ImportOptions,
    actor: User | None,
    now: datetime,
    stored: bool = True,
) -> ImageImport:
    """The record of an import that begins; in the database unless it only tries."""
    record = ImageImport(
        project=project,
        source_name=_storable(source_name)[-255:],
        options=options.as_json() | {"dates": str(project.image_dates), "keeps_originals": project.keeps_originals},
        imported_by=actor,
        started_at=now,
        heartbeat_at=now,
    )
    if stored:
        record.save()
    return record


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
    """What became of the files so far. Names are told as they are and stored without the words of patients."""

    record: ImageImport
    options: ImportOptions
    problems: list[FileOutcome] = field(default_factory=list)
    unlinked: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    removed: dict[str, Counter[str]] = field(default_factory=dict)
    flags: Counter[str] = field(default_factory=Counter)
    _words: set[str] = field(default_factory=set)
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

    def add_unlinked(self, names: Iterable[str], **about: Any) -> None:
        """Count a series or mask that belongs to no case; `about` describes it without identifiers."""
        names = list(names)
        self.record.n_unlinked += 1
        if len(self.unlinked) < MAX_LISTED:
            self.unlinked.append({"name": common_name(names), "n_files": len(names), **about})
        for name in names:
            self.add(FileOutcome(name, "unlinked", "no_case", "no case of the project is named by it"))

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

    def hide(self, *texts: str) -> None:
        """Keep the words of these texts out of stored file names."""
        for text in texts:
            self._words.update(word for word in re.split(r"[\W_]+", text.casefold()) if len(word) >= _SHORTEST_WORD)

    def beat(self, *, n_done: int, n_files: int) -> None:
        """Note how far the import is, and in the database once a second."""
        self.record.n_done, self.record.n_files = n_done, n_files
        if self.record.pk and monotonic() - self._beat_s >= BEAT_S:
            self._beat_s = monotonic()
            self.record.heartbeat_at = timezone.now()
            self.record.save(update_fields=["heartbeat_at", *_COUNTS])

    def close(self, *, now: datetime) -> ImageImport:
        """Complete the record. An import that only tried stays out of the database."""
        record = self.record
        record.problems = [asdict(problem) | {"name": self._shown(problem.name)} for problem in self.problems]
        record.unlinked = [entry | {"name": self._shown(entry["name"])} for entry in self.unlinked]
        record.warnings = [entry | {"name": self._shown(entry["name"])} for entry in self.warnings]
        record.removed = {"elements": {action: dict(sorted(found.items())) for action, found in self.removed.items()}}
        record.removed["flags"] = dict(self.flags)
        record.source_name = self._shown(record.source_name)[-255:]
        record.state, record.finished_at = ImageImport.State.FINISHED, now
        record.n_done = record.n_files
        if record.pk:
            self._save()
        return record

    @transaction.atomic
    def _save(self) -> None:
        record = self.record
        lists = ["source_name", "problems", "unlinked", "warnings", "removed"]
        record.save(update_fields=["state", "finished_at", *lists, *_COUNTS])
        Event.objects.create(
            project_id=record.project_id,
            actor_id=record.imported_by_id,
            verb=Event.Verb.IMAGES_IMPORTED,
            payload={"import": record.pk, **{name: getattr(record, name) for name in _COUNTS if name != "n_done"}},
            at=timezone.now(),
        )

    def _shown(self, name: str) -> str:
        """A path without the parts that hold a word of a patient."""
        parts = ["…" if self._words & set(_words(part)) else part for part in PurePosixPath(_storable(name)).parts]
        return "/".join(parts)[-400:]


_COUNTS: Final = (*("n_files", "n_done", "n_images", "n_series", "n_masks", "n_unchanged", "n_refused", "n_unlinked"),)


def common_name(names: Iterable[str]) -> str:
    """The one name, or the folder that all have in common."""
    listed = [PurePosixPath(name).parts for name in names]
    if len(listed) == 1:
        return "/".join(listed[0])
    common = []
    for parts in zip(*(path[:-1] for path in listed), strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return "/".join(common) or (listed[0][-1] if listed else "")


def _words(part: str) -> list[str]:
    return re.split(r"[\W_]+", part.casefold())


def _storable(text: str) -> str:
    """The text without what a database cannot store."""
    return "".join("_" if character == "\0" or "\ud800" <= character <= "\udfff" else character for character in text)
