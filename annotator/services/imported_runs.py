"""Store machine labels that come from a file as runs of the labeler `imported`."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from annotator.core.transfer import stored_of
from annotator.core.vectors import VectorError, check_body
from annotator.models import Project, User
from annotator.services.outcomes import RowOutcome
from labeling.core.schema import Schema
from labeling.core.tables import LabeledReport
from labeling.models import MachineLabel, Run
from labeling.selectors import equal_run
from labeling.services import choose_prefill, finish_run, start_run

IMPORTED_LABELER = "imported"


class _Refused(Exception):
    """One label set cannot be stored as a machine label."""


class Incoming(NamedTuple):
    """A label set, the report it is about and the length of its text."""

    labels: LabeledReport
    report_id: int
    text_length: int


@dataclass(slots=True)
class _Target:
    """The run that the label sets of one origin go to; `is_new` is False where they came in before."""

    run: Run
    is_new: bool
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
            if target.is_new:
                rows.append(label)
                yield RowOutcome(0, report_id, "created")
            else:
                yield RowOutcome(0, report_id, "unchanged")
        MachineLabel.objects.bulk_create(rows)

    def _label(self, row: Incoming, target: _Target) -> MachineLabel:
        """The label to store, or the equal one that is stored already."""
        stored = stored_of(row.labels.labels, self._schema, remainder=row.labels.meta.extra.get("body", {}))
        check_body(stored.body, schema=self._schema, text_length=row.text_length)
        if row.report_id in target.reports:
            raise _Refused("it stands twice under one labeler")
        target.reports.add(row.report_id)
        label = MachineLabel(run=target.run, report_id=row.report_id, values=stored.values)
        label.urgencies, label.body = stored.urgencies, stored.body
        if not target.is_new:
            there = MachineLabel.objects.filter(run=target.run, report=row.report_id)
            if not there.filter(values=label.values, urgencies=label.urgencies).exists():
                raise _Refused(f"run {target.run.run_id}, which it is of, says something else here")
        return label

    def _target(self, labels: LabeledReport) -> _Target:
        """The run for these labels; the first time, find out whether they are here already."""
        origin = str(labels.meta.extra.get("run") or "")
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
            inputs |= {"file_name": self._file_name}
            run = before or start_run(project=self._project, labeler=IMPORTED_LABELER, inputs=inputs, actor=self._actor)
            self._targets[place] = _Target(run, is_new=before is None)
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
            if target.is_new:
                finish_run(target.run, counts={"n_out": len(target.reports)})
            if prefill:
                choose_prefill(run=target.run, actor=self._actor)
