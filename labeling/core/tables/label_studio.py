"""Label Studio's exports JSON and JSON_MIN, read as label sets. docs/labels.md says what stands for what.

A task is read one at a time. What an annotation or a prediction says is a label set of its rater; one that cannot be
read for certain is refused as a whole, with its task and report, and the others stay.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final, TypeGuard

from labeling.core.intake.columns import is_blank, show_name, suggest_mapping
from labeling.core.intake.encoding import Encoding, text_of
from labeling.core.intake.json_stream import JsonReader
from labeling.core.intake.records import IntakeError, Limits, ProblemCode, RowProblem
from labeling.core.schema import Schema
from labeling.core.tables.records import LabeledReport, LabelMeta, LabelTable
from labeling.core.tables.studio_names import StudioMapping, StudioNames
from labeling.core.tables.studio_results import StudioError, labels_of_results, results_of_minimal
from labeling.core.tables.studio_spans import Offsets

FORMAT_NAME: Final = "label-studio"
# Labels of a model keep this kind whoever imports them.
MACHINE_KIND: Final = "machine"
_MAX_RATER_CHARS: Final = 150
_LISTS: Final = ("annotations", "completions", "predictions")
_SHOWN_IDS: Final = 200


@dataclass(slots=True)
class _Found:
    """Label sets by report and rater, with what is wrong and what was passed over."""

    reports: dict[tuple[str, str], LabeledReport] = field(default_factory=dict)
    conflicts: set[tuple[str, str]] = field(default_factory=set)
    problems: list[RowProblem] = field(default_factory=list)
    n_cancelled: int = 0
    n_empty: int = 0
    n_unlabeled: int = 0

    def notes(self) -> tuple[str, ...]:
        """What was passed over, in words."""
        counts = (
            ("annotations that were cancelled in Label Studio, left out", self.n_cancelled),
            ("annotations or predictions that say nothing, left out", self.n_empty),
            ("tasks without annotation and prediction", self.n_unlabeled),
        )
        return tuple(f"{words}: {count:,}" for words, count in counts if count)


def read(
    stream: IO[bytes],
    *,
    encoding: Encoding,
    schema: Schema,
    rater: str,
    mapping: StudioMapping,
    limits: Limits,
) -> LabelTable:
    """The label sets of an array of tasks. Raises `IntakeError` when it is none, `TableError` for a bad mapping."""
    reader = _TaskReader(schema, mapping, rater=rater, limits=limits)
    found = _Found()
    n_other = 0
    for row, task in _tasks(stream, encoding, limits):
        if not (isinstance(task, dict) and (_is_full(task) or _is_minimal(task))):
            n_other += 1
            found.problems.append(RowProblem(row, ProblemCode.NOT_A_REPORT, f"entry {row} is no task of Label Studio"))
            continue
        reader.read(row, task, found)
    if n_other and n_other == len(found.problems) and not found.reports and not found.notes():
        raise IntakeError(
            "this is no label table: expected are tasks of Label Studio, with data and annotations or predictions",
            code="not_a_label_table",
        )
    kept = tuple(report for key, report in found.reports.items() if key not in found.conflicts)
    problems = tuple(found.problems)
    return LabelTable(format=FORMAT_NAME, schema=schema, reports=kept, problems=problems, notes=found.notes())


def _tasks(stream: IO[bytes], encoding: Encoding, limits: Limits) -> Iterator[tuple[int, Any]]:
    with text_of(stream, encoding) as text:
        reader = JsonReader(text, max_value_chars=limits.max_record_chars)
        row = 0
        for _ in reader.array():
            row += 1
            if row > limits.max_rows:
                raise IntakeError(f"the file has more than {limits.max_rows:,} tasks; divide it", code="too_many_rows")
            yield row, reader.value()
        reader.require_end()
    if not row:
        raise IntakeError("the file holds no tasks", code="empty_file")


def _is_full(task: Mapping[str, Any]) -> bool:
    return isinstance(task.get("data"), dict) and any(isinstance(task.get(name), list) for name in _LISTS)


def _is_minimal(task: Mapping[str, Any]) -> bool:
    return "annotation_id" in task and "annotator" in task


class _TaskReader:
    """Reads tasks of one file."""

    def __init__(self, schema: Schema, mapping: StudioMapping, *, rater: str, limits: Limits) -> None:
        self._names = StudioNames(schema, mapping)
        self._mapping = mapping
        self._rater = rater
        self._limits = limits

    def read(self, row: int, task: Mapping[str, Any], found: _Found) -> None:
        """Add the label sets of a task to `found`."""
        is_full = _is_full(task)
        data = task["data"] if is_full else task
        where = f"task {row}" + (f" (id {str(task['id'])[:_SHOWN_IDS]})" if _is_number(task.get("id")) else "")
        try:
            report_id = self._report_id(data, is_full=is_full)
        except StudioError as error:
            found.problems.append(RowProblem(row, error.code, f"{where}: {error}"))
            return
        where += f", report {report_id!r}"
        texts = _Texts(data, self._text_field(data))
        if not (any(task.get(name) for name in _LISTS) if is_full else task["annotation_id"]):
            found.n_unlabeled += 1
            return
        sayings = _sayings(task, found) if is_full else self._minimal(task)
        for saying in sayings:
            try:
                report = self._labeled(saying, report_id, texts)
            except StudioError as error:
                message = f"{where}, {saying.what}: {error}"
                found.problems.append(RowProblem(row, error.code, message, report_id))
                continue
            if report is None:
                found.n_empty += 1
            else:
                _add(found, report, row, f"{where}, {saying.what}")

    def _report_id(self, data: Mapping[str, Any], *, is_full: bool) -> str:
        # Of JSON_MIN, `id` is Label Studio's own number of the task, whatever the data had there.
        fields = [name for name in data if is_full or name not in ("id", "annotation_id")]
        name = self._mapping.report_id or _first_id(fields)
        if name is None or name not in fields:
            seen = ", ".join(show_name(field) for field in fields[:20])
            raise StudioError(f"no field of its data names the report; there are: {seen}", code=ProblemCode.MISSING_ID)
        value = data[name]
        if not isinstance(value, str) or is_blank(value):
            raise StudioError(f"its field {show_name(name)} holds no id", code=ProblemCode.MISSING_ID)
        if len(value) > self._limits.max_id_chars:
            raise StudioError("the id of its report is too long", code=ProblemCode.BAD_ID)
        return value.strip()

    def _text_field(self, data: Mapping[str, Any]) -> str | None:
        if self._mapping.text:
            return self._mapping.text
        suggested, _ = suggest_mapping(data, report_id="-")
        return suggested.text if suggested and not suggested.more_text else None

    def _minimal(self, task: Mapping[str, Any]) -> Iterator["_Saying"]:
        try:
            results: Any = results_of_minimal(task, self._names)
        except StudioError as error:
            results = error
        yield _Saying("annotation", results, _person(task.get("annotator")), _times(task), is_model=False, score=None)

    def _labeled(self, saying: "_Saying", report_id: str, texts: "_Texts") -> LabeledReport | None:
        if isinstance(saying.results, StudioError):
            raise saying.results
        rater = saying.rater or self._rater
        if len(rater) > _MAX_RATER_CHARS:
            raise StudioError("the name of its rater is too long")
        labels = labels_of_results(
            saying.results, names=self._names, mapping=self._mapping, offsets=texts.offsets, score=saying.score
        )
        if not labels.cells:
            return None
        extra = {"kind": MACHINE_KIND} if saying.is_model else {}
        meta = LabelMeta(text_sha256=texts.sha256(), extra=extra, **({} if saying.is_model else saying.times))
        return LabeledReport(report_id, rater, labels, meta)


def _first_id(fields: list[str]) -> str | None:
    suggested, _ = suggest_mapping(fields, text="-")
    return suggested.report_id if suggested else None


class _Texts:
    """The text of a task, and what is made of it when it is needed."""

    def __init__(self, data: Mapping[str, Any], name: str | None) -> None:
        value = data.get(name) if name else None
        self._text = value if isinstance(value, str) else None
        self._offsets: Offsets | None = None

    def sha256(self) -> str | None:
        """Hash of the text; None when there is none."""
        return None if self._text is None else hashlib.sha256(self._text.encode(errors="replace")).hexdigest()

    def offsets(self) -> Offsets | None:
        """The ways to count its characters; None when there is no text."""
        if self._offsets is None and self._text is not None:
            self._offsets = Offsets(self._text)
        return self._offsets


@dataclass(frozen=True, slots=True)
class _Saying:
    """An annotation or a prediction, still unread."""

    what: str
    results: Any
    rater: str
    times: dict[str, Any]
    is_model: bool
    score: Any


def _sayings(task: Mapping[str, Any], found: _Found) -> Iterator[_Saying]:
    for name in ("annotations", "completions"):
        for number, entry in enumerate(task.get(name) or (), start=1):
            what = f"annotation {number}"
            if not isinstance(entry, dict):
                yield _Saying(what, None, "", {}, is_model=False, score=None)
            elif entry.get("was_cancelled") is True or entry.get("skipped") is True:
                found.n_cancelled += 1
            else:
                person = _person(entry.get("completed_by"))
                yield _Saying(what, entry.get("result"), person, _times(entry), is_model=False, score=None)
    for number, entry in enumerate(task.get("predictions") or (), start=1):
        known = entry if isinstance(entry, dict) else {}
        version = known.get("model_version")
        model = version if isinstance(version, str) else ""
        results, score = known.get("result"), known.get("score")
        yield _Saying(f"prediction {number}", results, model, {}, is_model=True, score=score)


def _person(sent: Any) -> str:
    """What an annotator is called: by address, else by number; empty when nothing is known."""
    if isinstance(sent, dict):
        email = sent.get("email")
        return email if isinstance(email, str) and email else _person(sent.get("id"))
    if not isinstance(sent, str) or not sent:
        return ""
    return f"annotator-{sent}" if sent.isdecimal() else sent


def _times(entry: Mapping[str, Any]) -> dict[str, Any]:
    """When an annotation was made, as a first revision."""
    created, updated = entry.get("created_at"), entry.get("updated_at")
    return {
        "revision": 1,
        "created_at": created if isinstance(created, str) else None,
        "submitted_at": updated if isinstance(updated, str) else created if isinstance(created, str) else None,
        "active_seconds": _seconds(entry.get("lead_time")),
    }


def _seconds(sent: Any) -> float | None:
    return float(sent) if _is_number(sent) and len(sent) < 20 else None


def _is_number(sent: Any) -> TypeGuard[str]:
    """Whether it is a number, which the reader of the file leaves as text."""
    return isinstance(sent, str) and sent.replace(".", "", 1).isdecimal() and sent.isascii()


def _add(found: _Found, report: LabeledReport, row: int, where: str) -> None:
    key = report.report_id, report.rater
    first = found.reports.setdefault(key, report)
    if first is report:
        return
    if first.labels == report.labels and first.meta.text_sha256 == report.meta.text_sha256:
        problem = RowProblem(row, ProblemCode.DUPLICATE, f"{where}: the same rater says it twice", report.report_id)
    else:
        found.conflicts.add(key)
        message = f"{where}: the same rater says different things of this report; none of it is read"
        problem = RowProblem(row, ProblemCode.CONFLICTING_ID, message, report.report_id)
    found.problems.append(problem)
