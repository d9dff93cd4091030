"""Label Studio's exports JSON and JSON_MIN, read as label sets. docs/labels.md says what stands for what.

A task is read one at a time. What an annotation or a prediction says is a label set of its rater; one that cannot be
read for certain is refused as a whole, with its task and report, and the others stay.
"""

from collections.abc import Iterator, Mapping
from typing import IO, Any, Final, TypeGuard

from labeling.core.intake.encoding import Encoding, text_of
from labeling.core.intake.json_stream import JsonReader
from labeling.core.intake.records import IntakeError, Limits, ProblemCode, RowProblem
from labeling.core.schema import Schema
from labeling.core.tables.records import LabelMeta, LabelTable
from labeling.core.tables.studio_names import StudioMapping
from labeling.core.tables.studio_results import StudioError, results_of_minimal
from labeling.core.tables.told import MACHINE_KIND, Found, Saying, SayingReader

FORMAT_NAME: Final = "label-studio"
_LISTS: Final = ("annotations", "completions", "predictions")
_SHOWN_IDS: Final = 200
_CANCELLED: Final = "annotations that were cancelled in Label Studio, left out"
_EMPTY: Final = "annotations or predictions that say nothing, left out"
_UNLABELED: Final = "tasks without annotation and prediction"
_DRAFTS: Final = "drafts that were never submitted in Label Studio, left out"
_STARRED: Final = "annotations marked as ground truth in Label Studio, read like the others"


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
    reader = _TaskReader(SayingReader(schema, mapping, rater=rater, limits=limits))
    found = Found()
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
    problems = tuple(found.problems)
    return LabelTable(format=FORMAT_NAME, schema=schema, reports=found.kept(), problems=problems, notes=found.notes())


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

    def __init__(self, sayings: SayingReader) -> None:
        self._sayings = sayings

    def read(self, row: int, task: Mapping[str, Any], found: Found) -> None:
        """Add the label sets of a task to `found`."""
        is_full = _is_full(task)
        data = task["data"] if is_full else task
        where = f"task {row}" + (f" (id {str(task['id'])[:_SHOWN_IDS]})" if _is_number(task.get("id")) else "")
        try:
            # Of JSON_MIN, `id` is Label Studio's own number of the task, whatever the data had there.
            report_id = self._sayings.report_id(data, passed_over=() if is_full else ("id", "annotation_id"))
        except StudioError as error:
            found.problems.append(RowProblem(row, error.code, f"{where}: {error}"))
            return
        where += f", report {report_id!r}"
        texts = self._sayings.texts(data)
        for draft in task.get("drafts") or () if is_full else ():
            if not (isinstance(draft, dict) and draft.get("annotation")):
                found.pass_over(_DRAFTS)
        if not (any(task.get(name) for name in _LISTS) if is_full else task["annotation_id"]):
            found.pass_over(_UNLABELED)
            return
        for what, saying in _sayings(task, found) if is_full else self._minimal(task):
            try:
                report = self._sayings.labeled(saying, report_id=report_id, texts=texts)
            except StudioError as error:
                message = f"{where}, {what}: {error}"
                found.problems.append(RowProblem(row, error.code, message, report_id))
                continue
            if report is None:
                found.pass_over(_EMPTY)
            else:
                found.add(report, row, f"{where}, {what}")

    def _minimal(self, task: Mapping[str, Any]) -> Iterator[tuple[str, Saying]]:
        try:
            results: Any = results_of_minimal(task, self._sayings.names)
        except StudioError as error:
            results = error
        yield "annotation", Saying(results=results, rater=_person(task.get("annotator")), meta=_meta(task))


def _sayings(task: Mapping[str, Any], found: Found) -> Iterator[tuple[str, Saying]]:
    for name in ("annotations", "completions"):
        for number, entry in enumerate(task.get(name) or (), start=1):
            what = f"annotation {number}"
            if not isinstance(entry, dict):
                yield what, Saying(results=None, rater="", meta=LabelMeta())
            elif entry.get("was_cancelled") is True or entry.get("skipped") is True:
                found.pass_over(_CANCELLED)
            else:
                if entry.get("ground_truth") is True:
                    found.pass_over(_STARRED)
                rater = _person(entry.get("completed_by"))
                yield what, Saying(results=entry.get("result"), rater=rater, meta=_meta(entry))
    for number, entry in enumerate(task.get("predictions") or (), start=1):
        known = entry if isinstance(entry, dict) else {}
        version = known.get("model_version")
        saying = Saying(
            results=known.get("result"),
            rater=version if isinstance(version, str) else "",
            meta=LabelMeta(extra={"kind": MACHINE_KIND}),
            is_model=True,
            score=known.get("score"),
        )
        yield f"prediction {number}", saying


def _person(sent: Any) -> str:
    """What an annotator is called: by address, else by number; empty when nothing is known."""
    if isinstance(sent, dict):
        email = sent.get("email")
        return email if isinstance(email, str) and email else _person(sent.get("id"))
    if not isinstance(sent, str) or not sent:
        return ""
    return f"annotator-{sent}" if sent.isdecimal() else sent


def _meta(entry: Mapping[str, Any]) -> LabelMeta:
    """When an annotation was made, as a first revision."""
    created, updated = entry.get("created_at"), entry.get("updated_at")
    return LabelMeta(
        revision=1,
        created_at=created if isinstance(created, str) else None,
        submitted_at=updated if isinstance(updated, str) else created if isinstance(created, str) else None,
        active_seconds=_seconds(entry.get("lead_time")),
    )


def _seconds(sent: Any) -> float | None:
    return float(sent) if _is_number(sent) and len(sent) < 20 else None


def _is_number(sent: Any) -> TypeGuard[str]:
    """Whether it is a number, which the reader of the file leaves as text."""
    return isinstance(sent, str) and sent.replace(".", "", 1).isdecimal() and sent.isascii()
