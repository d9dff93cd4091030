"""Store machine labels that come from a file as runs of the labeler `imported`."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from annotator.core.transfer import sent_remainder, stored_of
from annotator.core.vectors import VectorError, check_body
from annotator.models import Project, User
from annotator.services.outcomes import RowOutcome
from labeling.core.schema import Schema
from labeling.core.tables import LabeledReport
from labeling.models import MachineLabel, Run
from labeling.selectors import equal_run
from labeling.services import choose_prefill, finish_run, start_run

IMPORTED_LABELER = "imported"
MAX_ORIGIN_CHARACTERS = 200


class _Refused(Exception):
    """One label set cannot be stored as a machine label."""


class Incoming(NamedTuple):
    """A label set, the report it is about and the length of its text."""

    labels: LabeledReport
    report_id: int
    text_length: int


@dataclass(slots=True)
class _Target:
    """Where the label sets of one origin go: the run `before`, by which they came in before, else one that is `made`.

    It is made for the first label that is accepted, with `inputs` in its manifest.
    """

    inputs: dict[str, Any]
    before: Run | None
    made: Run | None = None
    reports: set[int] = field(default_factory=set)


class RunWriter:
    """Writes batches of machine labels of one project. Call it inside a transaction that has locked the project."""

    def __init__(
        self, project: Project, schema: Schema, *, actor: User | None, file_name: str, file_sha256: str
    ) -> None:
        self._project = project
        self._schema = schema
        self._actor = actor
        self._file_name = file_name
        self._file_sha256 = file_sha256
        self._targets: dict[tuple[str, str], _Target] = {}

    def write(self, batch: list[Incoming]) -> Iterator[RowOutcome]:
        """Store what is new; tells what became of each."""
        rows = []
        for row in batch:
            report_id = row.labels.report_id
            target = self._target(row.labels)
            try:
                label = self._label(row, target)
            except (_Refused, VectorError) as error:
                yield RowOutcome(0, report_id, "refused", "bad_labels", f"report {report_id!r}: {error}")
                continue
            target.reports.add(row.report_id)
            if target.before is None:
                label.run = target.made = target.made or self._start(target)
                rows.append(label)
                yield RowOutcome(0, report_id, "created")
            else:
                yield RowOutcome(0, report_id, "unchanged")
        MachineLabel.objects.bulk_create(rows)

    def _start(self, target: _Target) -> Run:
        inputs = target.inputs | {"file_name": self._file_name}
        return start_run(project=self._project, labeler=IMPORTED_LABELER, inputs=inputs, actor=self._actor)

    def _label(self, row: Incoming, target: _Target) -> MachineLabel:
        """The label to store, still without its run, or the equal one that is stored already."""
        remainder = sent_remainder(row.labels.meta.extra.get("body", {}))
        stored = stored_of(row.labels.labels, self._schema, remainder=remainder)
        check_body(stored.body, schema=self._schema, text_length=row.text_length)
        if row.report_id in target.reports:
            raise _Refused("it stands twice under one labeler")
        label = MachineLabel(report_id=row.report_id, values=stored.values)
        label.urgencies, label.body = stored.urgencies, stored.body
        if target.before is not None:
            there = MachineLabel.objects.filter(run=target.before, report=row.report_id)
            if not there.filter(values=label.values, urgencies=label.urgencies).exists():
                raise _Refused(f"run {target.before.run_id}, which it is of, says something else here")
        return label

    def _target(self, labels: LabeledReport) -> _Target:
        """The run for these labels; the first time, find out whether they are here already."""
        origin = str(labels.meta.extra.get("run") or "")[:MAX_ORIGIN_CHARACTERS]
        place = (labels.rater, origin)
        if place not in self._targets:
            inputs = {
                "labeler": IMPORTED_LABELER,
                "rater": labels.rater,
                "origin_run": origin,
                "schema_hash": self._schema.hash,
                "file_sha256": self._file_sha256,
            }
            before = self._own_run(origin) or equal_run(self._project, labeler=IMPORTED_LABELER, inputs=inputs)
            self._targets[place] = _Target(inputs, before)
        return self._targets[place]

    def _own_run(self, origin: str) -> Run | None:
        """The run of this very project that the labels were exported from."""
        try:
            run_id = uuid.UUID(origin)
        except ValueError:
            return None
        return Run.objects.filter(project=self._project, run_id=run_id).first()

    def finish(self, *, prefill: bool) -> None:
        """End the new runs; with `prefill`, readers start from the last one of the file."""
        for target in self._targets.values():
            if target.made is not None:
                finish_run(target.made, counts={"n_out": len(target.reports)})
            run = target.made or (target.before if target.reports else None)
            if prefill and run is not None:
                choose_prefill(run=run, actor=self._actor)
