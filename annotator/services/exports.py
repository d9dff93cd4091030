"""Files that leave the site: readings, machine labels and reports, one row at a time."""

import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.utils import timezone

from annotator.core.report_lines import ReportLine
from annotator.core.transfer import IMPORTED, UNTIMED, labels_of, remainder_of
from annotator.exceptions import UserError
from annotator.models import Case, Event, Project, Reading, User
from annotator.selectors.gold_rows import gold_lines
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.voices import counting
from labeling.core.intake.records import has_unstorable
from labeling.core.records import CellLabel, LabelSet, StoredLabels
from labeling.core.schema import Schema
from labeling.core.tables import FORMATS, LabeledReport, LabelMeta
from labeling.models import MachineLabel, Run
from labeling.selectors import prefill_run

READINGS, MACHINE, REPORTS, GOLD = "readings", "machine", "reports", "gold"
JSONL = "jsonl"
# What the formats are called here, and the tables they are: the long table always says who, when and why.
TABLES = {"leavs-wide": "leavs-wide", "leavs": "leavs", "long": "long-raters", JSONL: JSONL}
KEEPS_REVISIONS = ("long", JSONL)
# What there is of each kind.
OFFERED = {READINGS: tuple(TABLES), MACHINE: tuple(TABLES), REPORTS: (JSONL,), GOLD: KEEPS_REVISIONS}
_BATCH = 200
_NO_FLAG = re.compile(r"[;\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to export. Readings: of one `reader` or all, the latest revision of each or all. Machine: of one `run`."""

    what: str
    format_name: str
    reader: str = ""
    all_revisions: bool = False
    run: str = ""


@dataclass(frozen=True, slots=True)
class Export:
    """A file that is made while it is sent."""

    file_name: str
    content_type: str
    chunks: Iterator[str]


def export(*, project: Project, actor: User | None, wanted: Wanted) -> Export:
    """The file that was asked for, and an event that it was; raises `UserError` when there can be none."""
    if has_unstorable(wanted.what + wanted.format_name + wanted.reader + wanted.run):
        raise UserError("a name holds a character that no name has")
    formats = OFFERED.get(wanted.what, tuple(TABLES))
    if wanted.what not in OFFERED or wanted.format_name not in formats:
        raise UserError(f"{wanted.what} cannot be exported as {wanted.format_name!r}; choose {', '.join(formats)}")
    chunks = _joined(_lines(project, wanted))
    payload = {
        "what": wanted.what,
        "format": wanted.format_name,
        "reader": wanted.reader,
        "all_revisions": wanted.all_revisions,
        "run": wanted.run,
    }
    now = timezone.now()
    Event.objects.create(project=project, actor=actor, verb=Event.Verb.LABELS_EXPORTED, payload=payload, at=now)
    is_jsonl = wanted.format_name == JSONL
    return Export(
        file_name=f"{project.slug}-{wanted.what}-{now:%Y%m%d}.{'jsonl' if is_jsonl else 'csv'}",
        content_type="application/x-ndjson; charset=utf-8" if is_jsonl else "text/csv; charset=utf-8",
        chunks=chunks,
    )


def _lines(project: Project, wanted: Wanted) -> Iterator[str]:
    """The lines of the file."""
    schema = parsed_schema(project.schema)
    if wanted.what == REPORTS:
        return _report_lines(project)
    if wanted.what == GOLD:
        return gold_lines(project, schema, is_jsonl=wanted.format_name == JSONL)
    labeled = _readings(project, schema, wanted) if wanted.what == READINGS else _machine(project, schema, wanted)
    return _table(labeled, schema, wanted.format_name)


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """`lines` in pieces of a size worth sending."""
    waiting: list[str] = []
    for line in lines:
        waiting.append(line)
        if len(waiting) == _BATCH:
            yield "".join(waiting)
            waiting = []
    yield "".join(waiting)


def _table(labeled: Iterable[LabeledReport], schema: Schema, format_name: str) -> Iterator[str]:
    table = FORMATS[TABLES[format_name]]
    yield table.header(schema)
    for report in labeled:
        yield table.render(_with_plain_flags(report) if format_name == "long" else report, schema)


def _with_plain_flags(report: LabeledReport) -> LabeledReport:
    """The long table has no room for blanks and semicolons in flags."""

    def plain(label: CellLabel) -> CellLabel:
        return replace(label, flags=tuple(_NO_FLAG.sub("_", flag) for flag in label.flags)) if label.flags else label

    return replace(report, labels=LabelSet({cell: plain(label) for cell, label in report.labels.cells.items()}))


def _readings(project: Project, schema: Schema, wanted: Wanted) -> Iterator[LabeledReport]:
    readings = Reading.objects.filter(project=project, schema=project.schema)
    if wanted.reader:
        readings = readings.filter(reader__username=wanted.reader)
    if wanted.all_revisions and wanted.format_name not in KEEPS_REVISIONS:
        raise UserError(f"{wanted.format_name} cannot tell revisions apart; choose {' or '.join(KEEPS_REVISIONS)}")
    if wanted.format_name not in KEEPS_REVISIONS:
        # It cannot say that a reading is a repeat, or began with planted errors.
        readings = counting(project)
        readings = readings.filter(reader__username=wanted.reader) if wanted.reader else readings
    if not wanted.all_revisions:
        readings = readings.filter(superseded_by__isnull=True)
    if wanted.format_name == "leavs" and readings.order_by().values("reader").distinct().count() > 1:
        raise UserError("leavs holds one reader; choose one, or leavs-wide, long or jsonl")
    ordered = readings.order_by("case__position", "reader__username", "round", "revision")
    return (_labeled_reading(reading, schema) for reading in _rows(ordered, READING_FIELDS))


READING_FIELDS = (
    *("case__key", "reader__username", "values", "urgencies", "body", "round", "revision", "active_seconds"),
    *("submitted_at", "submission_id", "arm", "prefill_run", "case__report__text_sha256"),
)


def _rows(ordered: Any, fields: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    rows: Iterator[dict[str, Any]] = ordered.values(*fields).iterator(chunk_size=_BATCH)
    return rows


def _labeled_reading(reading: dict[str, Any], schema: Schema) -> LabeledReport:
    origin = reading["body"].get(IMPORTED, {})
    run = reading["prefill_run"]
    extra = {
        "kind": READINGS,
        "submission_id": origin.get("submission_id", str(reading["submission_id"])),
        "arm": reading["arm"],
        "prefill_run": str(run) if run else None,
    }
    return _labeled(
        reading,
        schema,
        report_id=reading["case__key"],
        rater=reading["reader__username"],
        meta=LabelMeta(
            text_sha256=reading["case__report__text_sha256"] or None,
            round=reading["round"],
            revision=origin.get("revision", reading["revision"]),
            active_seconds=reading["active_seconds"],
            submitted_at=None if UNTIMED in origin else reading["submitted_at"].isoformat(),
            extra=extra,
        ),
    )


def _labeled(row: dict[str, Any], schema: Schema, *, report_id: str, rater: str, meta: LabelMeta) -> LabeledReport:
    stored = StoredLabels(values=row["values"], urgencies=row["urgencies"], body=row["body"])
    remainder = remainder_of(stored.body)
    if remainder:
        meta = replace(meta, extra={**meta.extra, "body": remainder})
    return LabeledReport(report_id, rater, labels_of(stored, schema), meta)


def _machine(project: Project, schema: Schema, wanted: Wanted) -> Iterator[LabeledReport]:
    run = _run(project, wanted.run)
    rater = run.manifest.get("rater", run.labeler)
    extra = {"kind": MACHINE, "run": run.manifest.get("origin_run") or str(run.run_id)}
    fields = ("report__report_id", "report__text_sha256", "values", "urgencies", "body")
    ordered = MachineLabel.objects.filter(run=run).order_by("report_id")
    return (
        _labeled(
            row,
            schema,
            report_id=row["report__report_id"],
            rater=rater,
            meta=LabelMeta(text_sha256=row["report__text_sha256"] or None, extra=extra),
        )
        for row in _rows(ordered, fields)
    )


def _run(project: Project, run_id: str) -> Run:
    """The run that is asked for, else the pre-filling one."""
    try:
        wanted = uuid.UUID(run_id) if run_id else None
    except ValueError as error:
        raise UserError(f"{run_id!r} is not the id of a run") from error
    finished = Run.objects.filter(project=project, state=Run.State.COMPLETE, schema=project.schema)
    run = finished.filter(run_id=wanted).first() if wanted else prefill_run(project)
    if run is None:
        raise UserError("this project has no such run" if wanted else "no run of this project is the pre-fill")
    return run


def _report_lines(project: Project) -> Iterator[str]:
    """Reports as JSON Lines that `import_reports` reads back, also into another project: patients stay apart."""
    fields = ("key", "patient_key", "study__study_id", "study__modality", "report__text", "report__extra")
    cases = Case.objects.filter(project=project, report__has_text=True).order_by("position")
    for case in _rows(cases, fields):
        line = ReportLine(
            report_id=case["key"],
            patient_key=case["patient_key"],
            study_id=case["study__study_id"] or "",
            modality=case["study__modality"] or "",
            text=case["report__text"],
            extra=case["report__extra"],
        )
        yield line.render(secret=settings.PATIENT_KEY_SECRET)
