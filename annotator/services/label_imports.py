"""Bring labels back in: readings with their revisions and readers, machine labels as runs; nothing comes in twice."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path

from django.db import transaction
from django.db.models.functions import Length
from django.utils import timezone

from annotator.exceptions import ImportRefused
from annotator.models import Case, Event, Project, User
from annotator.selectors.schemas import parsed_schema
from annotator.services import imported_readings, imported_runs
from annotator.services.exports import MACHINE, READINGS
from annotator.services.files import sha256_of
from annotator.services.imported_readings import ReadingWriter
from annotator.services.imported_runs import RunWriter
from annotator.services.outcomes import Outcome, RowOutcome, refused_row
from labeling.core.intake import IntakeError
from labeling.core.intake.records import ProblemCode, has_unstorable
from labeling.core.schema import Schema
from labeling.core.tables import LabeledReport, LabelTable, TableError, jsonl, read_labels

BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelImportOptions:
    """What a file does not say.

    `what` is readings or machine, `arm` whether readers started from machine labels; JSON Lines of ours say both.
    `create_readers` makes accounts that nobody can sign in with for readers unknown here; `prefill` lets readers
    start from imported machine labels.
    """

    what: str = ""
    arm: str = ""
    create_readers: bool = False
    prefill: bool = False


def import_labels(
    *,
    project: Project,
    path: Path,
    actor: User | None,
    options: LabelImportOptions | None = None,
    progress: Callable[[int], None] | None = None,
) -> Outcome:
    """Store the label sets of a file; all of it or, when something breaks, nothing.

    A label set that is stored already is unchanged; one that does not fit is refused with a reason. Raises
    `ImportRefused` when the file as a whole cannot be read.
    """
    options = options or LabelImportOptions()
    schema = parsed_schema(project.schema)
    outcome = Outcome()
    try:
        labels = _read(path, schema, outcome)
        with transaction.atomic():
            Project.objects.select_for_update(no_key=True).get(pk=project.pk)
            digest = sha256_of(path)
            readings = ReadingWriter(project, schema, arm=options.arm, create_readers=options.create_readers)
            runs = RunWriter(project, schema, actor=actor, file_name=path.name, file_sha256=digest)
            n_done = 0
            while batch := list(islice(labels, BATCH)):
                _store(batch, readings=readings, runs=runs, schema=schema, what=options.what, outcome=outcome)
                n_done += len(batch)
                if progress:
                    progress(n_done)
            runs.finish(prefill=options.prefill)
            if outcome.created:
                _log(project, actor, digest, outcome)
    except (IntakeError, TableError) as error:
        raise ImportRefused(str(error)) from error
    return outcome


def _log(project: Project, actor: User | None, digest: str, outcome: Outcome) -> None:
    payload = {"file_sha256": digest, **outcome.counts()}
    now = timezone.now()
    Event.objects.create(project=project, actor=actor, verb=Event.Verb.LABELS_IMPORTED, payload=payload, at=now)


def _read(path: Path, schema: Schema, outcome: Outcome) -> Iterator[LabeledReport]:
    """Label sets of the file; rows that cannot be read are counted. JSON Lines are read as they are needed."""
    with path.open("rb") as stream:
        is_jsonl = stream.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"
    if is_jsonl:
        yield from _read_jsonl(path, schema, outcome)
        return
    table = read_labels(path, schema=schema, filename=path.name)
    if table.schema.hash != schema.hash:
        raise ImportRefused(f"{table.format} merges findings and cannot be read back; use long, leavs or jsonl")
    for problem in table.problems:
        outcome.add(refused_row(problem))
    yield from table.reports


def _read_jsonl(path: Path, schema: Schema, outcome: Outcome) -> Iterator[LabeledReport]:
    """Label sets line by line. Lines of one rater and revision that contradict each other are all refused."""
    digests, conflicts = _survey(path, schema)
    for number, table in _tables(path, schema):
        for problem in table.problems:
            outcome.add(refused_row(problem, row=number))
        for labels in table.reports:
            place = _place(labels)
            if place in conflicts:
                reason = f"report {labels.report_id!r}: two lines of one rater and revision say different things"
                outcome.add(RowOutcome(number, labels.report_id, "refused", ProblemCode.CONFLICTING_ID, reason))
            elif digests.pop(place, None) is None:
                reason = f"report {labels.report_id!r}: the line stands twice"
                outcome.add(RowOutcome(number, labels.report_id, "duplicate", ProblemCode.DUPLICATE, reason))
            else:
                yield labels


_Place = tuple[str, str, int | None]


def _place(labels: LabeledReport) -> _Place:
    return labels.report_id, labels.rater, labels.meta.revision


def _survey(path: Path, schema: Schema) -> tuple[dict[_Place, bytes], set[_Place]]:
    """A digest of what is said of each report by each rater and revision, and the places where lines differ."""
    digests: dict[_Place, bytes] = {}
    conflicts: set[_Place] = set()
    for _, table in _tables(path, schema):
        for labels in table.reports:
            line = json.dumps(json.loads(jsonl.render(labels, schema)), sort_keys=True)
            digest = blake2b(line.encode(), digest_size=16).digest()
            if digests.setdefault(_place(labels), digest) != digest:
                conflicts.add(_place(labels))
    return digests, conflicts


def _tables(path: Path, schema: Schema) -> Iterator[tuple[int, LabelTable]]:
    """Every line by its number, read as a table of its own."""
    with path.open(encoding="utf-8-sig", newline="\n") as stream:
        try:
            for number, line in enumerate(stream, start=1):
                yield number, jsonl.read([line], schema=schema)
        except UnicodeDecodeError as error:
            raise ImportRefused(f"{path.name} is not UTF-8 text") from error


@dataclass(frozen=True, slots=True)
class _Known:
    """The case that a label set is about."""

    case_id: int
    report_id: int | None
    sha256: str | None
    text_length: int


def _store(
    batch: list[LabeledReport],
    *,
    readings: ReadingWriter,
    runs: RunWriter,
    schema: Schema,
    what: str,
    outcome: Outcome,
) -> None:
    storable = [labels for labels in batch if _is_storable(labels)]
    for labels in batch:
        if not _is_storable(labels):
            reason = "a label set holds a NUL character or half of a character pair, which cannot be stored"
            outcome.add(RowOutcome(0, "", "refused", "unstorable_character", reason))
    known = _known_cases(readings.project, {labels.report_id for labels in storable})
    of_readers, of_machines = [], []
    for labels in storable:
        case = known.get(labels.report_id)
        reason = _mismatch(labels, case)
        kind = labels.meta.extra.get("kind", what)
        if reason or case is None:
            outcome.add(RowOutcome(0, labels.report_id, "refused", "no_match", reason))
        elif kind == READINGS:
            of_readers.append(imported_readings.Incoming(labels, case.case_id, case.text_length))
        elif kind == MACHINE and case.report_id is not None:
            of_machines.append(imported_runs.Incoming(labels, case.report_id, case.text_length))
        else:
            reason = f"report {labels.report_id!r}: the file does not say whether a reader or a machine labeled it"
            outcome.add(RowOutcome(0, labels.report_id, "refused", "no_kind", f"{reason}; say so with --what"))
    for row in (*readings.write(of_readers), *runs.write(of_machines)):
        outcome.add(row)


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


def _known_cases(project: Project, keys: Iterable[str]) -> dict[str, _Known]:
    cases = Case.objects.filter(project=project, key__in=list(keys)).order_by().annotate(length=Length("report__text"))
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
