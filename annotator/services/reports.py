"""Import reports: every row of a file is stored, found unchanged, or refused with a reason; a crash leaves nothing."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from annotator.core.identifiers import names_a_person, patient_key
from annotator.core.report_lines import LineError, OwnPart, own_part
from annotator.exceptions import ImportRefused
from annotator.models import Case, Event, Project, Report, ReportImport, Study, User
from annotator.selectors.cases import n_cases
from annotator.services.files import sha256_of
from annotator.services.outcomes import Outcome, RowOutcome, refused_row
from labeling.core.intake import ColumnMapping, IntakeError, Limits, ReportRow, RowProblem, inspect_file, read_reports
from labeling.core.intake.columns import name_columns, require_mapping, show_name
from labeling.core.intake.records import FileSource, has_unstorable

BATCH = 500


@dataclass(slots=True)
class ImportOutcome(Outcome):
    """What became of a file of reports. `record` is what is stored about the import.

    A file that brings nothing new leaves no record of its own; `record` is then that of the same file before, if any.
    """

    left_out: set[str] = field(default_factory=set)
    record: ReportImport | None = None


def import_reports(
    *,
    project: Project,
    source: FileSource,
    file_name: str,
    actor: User | None,
    mapping: ColumnMapping | None = None,
    keep_columns: tuple[str, ...] = (),
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
    each_row: Callable[[RowOutcome], None] | None = None,
) -> ImportOutcome:
    """Store the reports of a file, with a study and a case for each, behind those that the project has.

    A report that the project has already, with the same text, is unchanged. Of the columns that are not mapped only
    `keep_columns` are stored, and of those none that identifies a patient. With `dry_run` nothing is stored.
    `progress` is told the number of rows done, `each_row` every row. Raises `ImportRefused` when the file cannot be
    read as a whole.
    """
    outcome = ImportOutcome()
    try:
        chosen = mapping or _suggested_mapping(source, file_name=file_name)
        _require_columns(source, (*chosen.columns, *keep_columns), file_name=file_name)
        origin = _Origin(file_name[-255:], sha256_of(source), asdict(chosen), keep_columns, actor)
        rows = read_reports(source, filename=file_name, mapping=chosen, limits=_limits())
        # The first row comes when the whole file has been checked: the project is locked only after that.
        rows = chain(list(islice(rows, 1)), rows)
        judge = _Judge(frozenset(keep_columns), settings.PATIENT_KEY_SECRET, outcome.left_out)
        batches = _batches(rows, judge=judge, outcome=outcome, progress=progress, each_row=each_row)
        if dry_run:
            for batch in batches:
                batch.settle(_refusals(batch.reports, project))
            return outcome
        with transaction.atomic():
            Project.objects.select_for_update(no_key=True).get(pk=project.pk)
            _store(batches, project=project, origin=origin, outcome=outcome)
    except IntakeError as error:
        raise ImportRefused(str(error)) from error
    return outcome


def _limits() -> Limits:
    return Limits(max_file_bytes=settings.MAX_UPLOAD_BYTES)


def _suggested_mapping(source: FileSource, *, file_name: str) -> ColumnMapping:
    inspection = inspect_file(source, filename=file_name, limits=_limits())
    return require_mapping(inspection.columns, inspection.mapping)


def columns_of(source: FileSource, *, file_name: str) -> tuple[str, ...]:
    """The columns of a file of reports; raises `ImportRefused` when it cannot be read."""
    try:
        return inspect_file(source, filename=file_name, limits=_limits()).columns
    except IntakeError as error:
        raise ImportRefused(str(error)) from error


def _require_columns(source: FileSource, columns: tuple[str, ...], *, file_name: str) -> None:
    known = columns_of(source, file_name=file_name)
    for column in columns:
        if column not in known:
            raise ImportRefused(f"there is no column {show_name(column)}; the columns are {name_columns(known)}")
        if has_unstorable(column):
            raise ImportRefused("the name of a column holds a NUL character, which cannot be stored")


def chosen_mapping(
    source: FileSource,
    *,
    file_name: str,
    id_column: str | None,
    text_column: str | None,
    patient_column: str | None,
    study_column: str | None,
) -> ColumnMapping:
    """The suggested mapping of a file with the columns that are named here in place of the suggested ones."""
    try:
        inspection = inspect_file(source, filename=file_name, limits=_limits())
        found = inspection.mapping
        if found is None and not (id_column and text_column):
            named = "name both the column of the id and the one of the text"
            raise ImportRefused(f"the columns of {file_name} are not all recognised; {named}")
        mapping = ColumnMapping(
            report_id=id_column or (found.report_id if found else ""),
            text=text_column or (found.text if found else ""),
            patient_id=patient_column or (found.patient_id if found else None),
            study_id=study_column or (found.study_id if found else None),
            modality=found.modality if found else None,
            more_text=found.more_text if found and not text_column else (),
        )
        return require_mapping(inspection.columns, mapping)
    except IntakeError as error:
        raise ImportRefused(str(error)) from error


class _Origin(NamedTuple):
    """Where an import comes from, as its record says."""

    file_name: str
    sha256: str
    mapping: dict[str, object]
    keep_columns: tuple[str, ...]
    actor: User | None


class _Row(NamedTuple):
    """A report that could be stored."""

    row: int
    report_id: str
    text: str
    sha256: str
    patient_id: str | None
    study_id: str
    modality: str
    extra: dict[str, str]
    own_key: str | None


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some rows of the file: those the reader refused are counted, `reports` are still to be judged."""

    reports: list[_Row]
    outcome: ImportOutcome
    each_row: Callable[[RowOutcome], None] | None

    def settle(self, refusals: dict[str, RowOutcome | None]) -> list[_Row]:
        """Count every report: in `refusals` with a reason or as unchanged (None), else as created. Returns those."""
        created = []
        for row in self.reports:
            if row.report_id not in refusals:
                created.append(row)
            self.count(refusals.get(row.report_id) or _plain(row, row.report_id not in refusals))
        return created

    def count(self, row: RowOutcome) -> None:
        """Count one row."""
        self.outcome.add(row)
        if self.each_row:
            self.each_row(row)


def _plain(row: _Row, is_new: bool) -> RowOutcome:
    return RowOutcome(row.row, row.report_id, "created" if is_new else "unchanged")


def _batches(
    rows: Iterator[ReportRow | RowProblem],
    *,
    judge: "_Judge",
    outcome: ImportOutcome,
    progress: Callable[[int], None] | None,
    each_row: Callable[[RowOutcome], None] | None,
) -> Iterator[_Batch]:
    n_done = 0
    while part := list(islice(rows, BATCH)):
        read = [refused_row(row) if isinstance(row, RowProblem) else judge(row) for row in part]
        batch = _Batch([row for row in read if isinstance(row, _Row)], outcome, each_row)
        for row in read:
            if isinstance(row, RowOutcome):
                batch.count(row)
        yield batch
        n_done += len(part)
        if progress:
            progress(n_done)


@dataclass(frozen=True, slots=True)
class _Judge:
    """What of a row is stored: of other columns those in `keep`; names of those that may not be go to `left_out`."""

    keep: frozenset[str]
    secret: str
    left_out: set[str]

    def __call__(self, row: ReportRow) -> _Row | RowOutcome:
        for name, value, most in (("study id", row.study_id, 255), ("modality", row.modality, 16)):
            if value and len(value) > most:
                return self._refused(row, f"its {name} has {len(value):,} characters, at most {most} are allowed")
        try:
            own = own_part(row.extra, patient_id=row.patient_id, secret=self.secret)
        except LineError as error:
            return self._refused(row, str(error))
        return _Row(
            row=row.row,
            report_id=row.report_id,
            text=row.text,
            sha256=hashlib.sha256(row.text.encode()).hexdigest(),
            patient_id=row.patient_id,
            study_id=row.study_id or "",
            modality=row.modality or "",
            extra=self._extra(row, own),
            own_key=own.patient_key if own else None,
        )

    @staticmethod
    def _refused(row: ReportRow, reason: str) -> RowOutcome:
        return RowOutcome(row.row, row.report_id, "refused", "bad_value", f"report {row.report_id!r}: {reason}")

    def _extra(self, row: ReportRow, own: OwnPart | None) -> dict[str, str]:
        """The other columns to store. Those of a line of ours were chosen when it first came in."""
        chosen = {name: value for name, value in row.extra.items() if name in self.keep} | (own.extra if own else {})
        identifying = {name for name, value in chosen.items() if names_a_person(name) or value == row.patient_id}
        self.left_out.update(identifying)
        return {name: value for name, value in chosen.items() if name not in identifying}


def _refusals(rows: list[_Row], project: Project) -> dict[str, RowOutcome | None]:
    """Of the reports that the project has already: why the row does not agree with them, None where it does."""
    stored = {
        report_id: (sha256, patient, study or "")
        for report_id, sha256, patient, study in Case.objects.filter(
            project=project, key__in=[row.report_id for row in rows]
        )
        .order_by()
        .values_list("key", "report__text_sha256", "patient_key", "study__study_id")
    }
    refusals: dict[str, RowOutcome | None] = {}
    for row in rows:
        if row.report_id in stored:
            reason = _difference(row, *stored[row.report_id], project=project)
            refused = RowOutcome(row.row, row.report_id, "refused", "differs_from_stored", reason)
            refusals[row.report_id] = refused if reason else None
    return refusals


def _difference(row: _Row, sha256: str | None, patient: str, study_id: str, *, project: Project) -> str:
    advice = "the stored one stays; import it under an id of its own"
    if sha256 != row.sha256:
        return f"report {row.report_id!r} is stored with another text; {advice}"
    if row.patient_id is not None and patient != _patient_key(row, project):
        return f"report {row.report_id!r} is stored with another patient; {advice}"
    if row.study_id and row.study_id != study_id:
        return f"report {row.report_id!r} is stored with {'another' if study_id else 'no'} study; {advice}"
    return ""


def _patient_key(row: _Row, project: Project) -> str:
    if row.own_key is not None:
        return row.own_key
    secret: str = settings.PATIENT_KEY_SECRET
    return patient_key(secret=secret, scope=str(project.pk), patient_id=row.patient_id, report_id=row.report_id)


def _store(batches: Iterator[_Batch], *, project: Project, origin: _Origin, outcome: ImportOutcome) -> None:
    record = _new_record(project, origin)
    position = n_cases(project)
    for batch in batches:
        new = batch.settle(_refusals(batch.reports, project))
        if new and outcome.record is None:
            record.save()
            outcome.record = record
        _store_reports(new, project=project, record=record, first_position=position + 1)
        position += len(new)
    outcome.record = _close(record, outcome)


def _new_record(project: Project, origin: _Origin) -> ReportImport:
    return ReportImport(
        project=project,
        file_name=origin.file_name,
        file_sha256=origin.sha256,
        mapping=origin.mapping | {"keep_columns": sorted(origin.keep_columns)},
        imported_by=origin.actor,
        created=0,
        unchanged=0,
        refused=0,
    )


def _store_reports(rows: list[_Row], *, project: Project, record: ReportImport, first_position: int) -> None:
    reports = Report.objects.bulk_create(
        Report(
            project=project,
            report_id=row.report_id,
            text=row.text,
            text_sha256=row.sha256,
            extra=row.extra,
            source=record,
        )
        for row in rows
    )
    studies = _studies(rows, project)
    Case.objects.bulk_create(
        Case(
            project=project,
            report=report,
            study_id=studies.get(row.study_id),
            key=row.report_id,
            patient_key=_patient_key(row, project),
            position=position,
        )
        for position, (row, report) in enumerate(zip(rows, reports, strict=True), start=first_position)
    )


def _studies(rows: list[_Row], project: Project) -> dict[str, int]:
    """Primary keys of the rows' studies by study id; those that are new are stored."""
    wanted = {row.study_id: row.modality for row in rows if row.study_id}
    known = dict(Study.objects.filter(project=project, study_id__in=wanted).order_by().values_list("study_id", "pk"))
    made = Study.objects.bulk_create(
        Study(project=project, study_id=study_id, modality=modality)
        for study_id, modality in wanted.items()
        if study_id not in known
    )
    return known | {study.study_id: study.pk for study in made}


def _close(record: ReportImport, outcome: ImportOutcome) -> ReportImport | None:
    """Complete the record, or return that of the same file before when this time brought nothing new."""
    record.mapping |= {"left_out": sorted(outcome.left_out), "duplicate": outcome.duplicate}
    if not outcome.created:
        same = {"project": record.project, "file_sha256": record.file_sha256, "mapping": record.mapping}
        before = ReportImport.objects.filter(**same).first()
        if before is not None or not outcome.refused:
            return before
    record.created, record.unchanged, record.refused = outcome.created, outcome.unchanged, outcome.refused
    record.problems = [asdict(problem) for problem in outcome.problems]
    record.save()
    Event.objects.create(
        project=record.project,
        actor=record.imported_by,
        verb=Event.Verb.REPORTS_IMPORTED,
        payload={"import": record.pk, "file_sha256": record.file_sha256, **outcome.counts()},
        at=timezone.now(),
    )
    return record
