"""Bring labels back in: readings with their revisions and readers, machine labels as runs; nothing comes in twice."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Case as If
from django.db.models import When
from django.db.models.functions import Length
from django.utils import timezone

from annotator.exceptions import ImportRefused
from annotator.models import Case, Event, Project, User
from annotator.selectors.schemas import parsed_schema
from annotator.services import imported_readings, imported_runs
from annotator.services.exports import MACHINE, READINGS
from annotator.services.files import sha256_of
from annotator.services.imported_readings import ReadingWriter
from annotator.services.imported_runs import MoreReports, Origin, RunWriter
from annotator.services.label_files import UNNAMED, LabelFile
from annotator.services.outcomes import LabelOutcome, RowOutcome
from labeling.core.evaluation.ratings import plain_id
from labeling.core.intake import IntakeError
from labeling.core.intake.records import has_unstorable
from labeling.core.tables import LabeledReport, StudioMapping, TableError
from labeling.core.tables.studio_names import NO_MAPPING

BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelImportOptions:
    """What a file does not say.

    `what` is readings or machine, `arm` whether readers started from machine labels; JSON Lines of ours say both.
    `create_readers` makes accounts that nobody can sign in with for readers unknown here; `prefill` lets readers
    start from imported machine labels, of `prefill_rater` where a file has several raters. `rater` is who made the
    labels where the file does not say, `mapping` what names in a file of Label Studio or doccano mean. `raters`, where
    given, are the only ones that are taken. `readers` are users here by the raters of the file, who else keep their
    names. With `only_machine` readings are refused.
    """

    what: str = ""
    arm: str = ""
    create_readers: bool = False
    prefill: bool = False
    prefill_rater: str = ""
    rater: str = UNNAMED
    mapping: StudioMapping = NO_MAPPING
    raters: frozenset[str] | None = None
    readers: Mapping[str, str] = field(default_factory=dict)
    only_machine: bool = False

    def __post_init__(self) -> None:
        """Refuse two raters who would become one reader: neither's readings could be told from the other's."""
        counts = Counter(self.readers.values())
        twice = sorted(name for name, n in counts.items() if n > 1)
        if twice:
            raise ImportRefused(f"two raters of the file cannot both be the user {twice[0]!r}")


def import_labels(
    *,
    project: Project,
    path: Path,
    actor: User | None,
    options: LabelImportOptions | None = None,
    file_name: str = "",
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
) -> LabelOutcome:
    """Store the label sets of a file; all of it or, when something breaks, nothing.

    A label set that is stored already is unchanged; one that does not fit is refused with a reason. Raises
    `ImportRefused` when the file as a whole cannot be read. With `dry_run` nothing is stored.
    """
    chosen = options or LabelImportOptions()
    file = LabelFile(path=path, name=file_name or path.name, rater=chosen.rater, mapping=chosen.mapping)
    job = _Job(project, file, actor=actor, options=chosen, dry_run=dry_run, progress=progress)
    anew: set[tuple[str, str]] = set()
    while True:
        try:
            return job.carry_out(anew)
        except MoreReports as found:
            # The file came in before some of its reports were here; a run is never added to.
            anew.add(found.place)
        except (IntakeError, TableError) as error:
            raise ImportRefused(str(error)) from error


class _Job:
    """One import of a file."""

    def __init__(
        self,
        project: Project,
        file: LabelFile,
        *,
        actor: User | None,
        options: LabelImportOptions,
        dry_run: bool,
        progress: Callable[[int], None] | None,
    ) -> None:
        self.project = project
        self.options = options
        self.outcome = LabelOutcome()
        self._actor = actor
        self._file = file
        self._schema = parsed_schema(project.schema)
        self._dry_run = dry_run
        self._progress = progress
        self._now = timezone.now()

    def carry_out(self, anew: set[tuple[str, str]]) -> LabelOutcome:
        """Store all, with runs of their own for what is `anew`."""
        self.outcome = LabelOutcome()
        origin = self._origin()
        unread = self._file.label_sets(self._schema, self.outcome)
        # The first ones take as long as the whole file to read; nobody shall wait for the project meanwhile.
        labels = chain(list(islice(unread, BATCH)), unread)
        with self._one_piece():
            readings = ReadingWriter(
                self.project,
                self._schema,
                arm=self.options.arm,
                create_readers=self.options.create_readers,
                now=self._now,
                dry_run=self._dry_run,
            )
            runs = RunWriter(
                self.project, self._schema, actor=self._actor, origin=origin, anew=anew, dry_run=self._dry_run
            )
            n_done = 0
            while batch := list(islice(labels, BATCH)):
                self._store(batch, readings=readings, runs=runs)
                n_done += len(batch)
                if self._progress:
                    self._progress(n_done)
            readings.finish()
            self.outcome.runs = runs.finish(prefill=self.options.prefill, rater=self.options.prefill_rater)
            if self.outcome.created and not self._dry_run:
                self._log(origin)
        return self.outcome

    @contextmanager
    def _one_piece(self) -> Iterator[None]:
        """All or nothing, while nobody else changes the project; a dry run changes nothing and waits for nobody."""
        if self._dry_run:
            yield
            return
        with transaction.atomic():
            Project.objects.select_for_update(no_key=True).get(pk=self.project.pk)
            yield

    def _origin(self) -> Origin:
        mapping = _plain(self.options.mapping) if self._file.takes_mapping else {}
        return Origin(self._file.name, sha256_of(self._file.path), mapping)

    def _log(self, origin: Origin) -> None:
        said = {"mapping": origin.mapping, "readers": dict(self.options.readers)}
        Event.objects.create(
            project=self.project,
            actor=self._actor,
            verb=Event.Verb.LABELS_IMPORTED,
            payload={
                "file_sha256": origin.file_sha256,
                **{name: value for name, value in said.items() if value},
                **self.outcome.counts(),
            },
            at=self._now,
        )

    def _store(self, batch: list[LabeledReport], *, readings: ReadingWriter, runs: RunWriter) -> None:
        storable = []
        for labels in batch:
            if not _is_storable(labels):
                reason = "a label set holds a NUL character or half of a character pair, which cannot be stored"
                self.outcome.add(RowOutcome(0, "", "refused", "unstorable_character", reason))
                continue
            self.outcome.raters[labels.rater] += 1
            if self.options.raters is None or labels.rater in self.options.raters:
                storable.append(labels)
        known = _known_cases(self.project, {labels.report_id for labels in storable})
        of_readers, of_machines = [], []
        self.outcome.reports_here |= known.keys()
        self.outcome.reports_unknown |= {labels.report_id for labels in storable} - known.keys()
        for labels in storable:
            case = known.get(labels.report_id)
            said = labels.meta.extra.get("kind")
            kind = said if said in (READINGS, MACHINE) else self.options.what
            if refused := self._refused(labels, case, kind):
                self.outcome.add(refused)
            elif case is not None and kind == READINGS:
                named = replace(labels, rater=self.options.readers.get(labels.rater, labels.rater))
                of_readers.append(imported_readings.Incoming(named, case.case_id, case.text_length))
            elif case is not None and case.report_id is not None:
                of_machines.append(imported_runs.Incoming(labels, case.report_id, case.text_length))
        for row in (*readings.write(of_readers), *runs.write(of_machines)):
            self.outcome.add(row)

    def _refused(self, labels: LabeledReport, case: "_Known | None", kind: object) -> RowOutcome | None:
        """Why a label set can be neither a reading nor a machine label of the case; None when it can."""
        shown = f"report {labels.report_id!r}"
        if reason := _mismatch(labels, case):
            return RowOutcome(0, labels.report_id, "refused", "no_match", reason)
        if kind == READINGS and self.options.only_machine:
            reason = f"{shown}: this is a reading; say that people made the labels, or use manage.py import_labels"
            return RowOutcome(0, labels.report_id, "refused", "reading", reason)
        if kind == READINGS or (kind == MACHINE and case is not None and case.report_id is not None):
            return None
        reason = f"{shown}: the file does not say whether a reader or a machine labeled it; say so with --what"
        return RowOutcome(0, labels.report_id, "refused", "no_kind", reason)


@dataclass(frozen=True, slots=True)
class _Known:
    """The case that a label set is about."""

    case_id: int
    report_id: int | None
    sha256: str | None
    text_length: int


def _plain(mapping: StudioMapping) -> dict[str, Any]:
    """The mapping as plain values; what was not said of unsaid cells is left out."""
    sent = {name: value for name, value in asdict(mapping).items() if value or name not in ("unsaid", "empty")}
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in sent.items()}


def _is_storable(labels: LabeledReport) -> bool:
    """Whether both databases can store every text of a label set."""
    waiting: list[object] = [labels.report_id, labels.rater, dict(labels.meta.extra)]
    waiting += [[label.reason, *label.flags] for label in labels.labels.cells.values()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, (list, tuple)):
            waiting += value
        elif isinstance(value, str) and has_unstorable(value):
            return False
    return True


def _known_cases(project: Project, keys: set[str]) -> dict[str, _Known]:
    """The cases by these ids; one that no case has stands for the case called so without folder and file endings."""
    found = _cases_called(project, keys)
    plain = {key: plain_id(key) for key in keys - found.keys()}
    more = _cases_called(project, set(plain.values()))
    return found | {key: more[name] for key, name in plain.items() if name in more}


def _cases_called(project: Project, keys: Iterable[str]) -> dict[str, _Known]:
    cases = Case.objects.filter(project=project, key__in=list(keys)).order_by()
    has_text = When(report__has_text=True, then=Length("report__text"))
    cases = cases.annotate(length=If(has_text, default=0))
    rows = cases.values_list("key", "pk", "report_id", "report__text_sha256", "length")
    return {key: _Known(case_id, report_id, sha256, length or 0) for key, case_id, report_id, sha256, length in rows}


def _mismatch(labels: LabeledReport, case: _Known | None) -> str:
    """Why a label set cannot belong to the case; empty when it can."""
    if case is None:
        return f"report {labels.report_id!r} is not in this project; import the reports first"
    sha256 = labels.meta.text_sha256
    if sha256 is not None and sha256 != case.sha256:
        return f"report {labels.report_id!r} has another text here than the one that was labeled"
    return ""
