"""Store machine labels that come from a file as runs of the labeler `imported`."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from annotator.core.transfer import sent_remainder, stored_of
from annotator.core.vectors import VectorError, check_body
from annotator.exceptions import UserError
from annotator.models import Project, User
from annotator.services.outcomes import RowOutcome, RunOutcome
from labeling.core.schema import Schema
from labeling.core.tables import LabeledReport
from labeling.core.values import NO_URGENCY_CODE
from labeling.models import MachineLabel, Run
from labeling.selectors import equal_run
from labeling.services import choose_prefill, finish_run, start_run

IMPORTED_LABELER = "imported"
MAX_ORIGIN_CHARACTERS = 200


class _Refused(Exception):
    """One label set cannot be stored as a machine label."""


class MoreReports(Exception):
    """The run by which a file came in before lacks a report that the file has labels of and that is here now."""

    def __init__(self, place: tuple[str, str]) -> None:
        self.place = place
        super().__init__("the file has labels of more reports than its run")


class Incoming(NamedTuple):
    """A label set, the report it is about and the length of its text."""

    labels: LabeledReport
    report_id: int
    text_length: int


@dataclass(frozen=True, slots=True)
class Origin:
    """The file that labels come from; `mapping` is what its names were taken for, where it needs such a thing."""

    file_name: str
    file_sha256: str
    mapping: dict[str, Any]


@dataclass(slots=True)
class _Target:
    """Where the label sets of one rater and origin go: the run `before`, by which they came in before, else a new one.

    That is made for the first label that is accepted, with `inputs` in its manifest. `is_export` says of `before`
    that it is the very run that the labels were exported from.
    """

    inputs: dict[str, Any]
    before: Run | None
    is_export: bool
    outcome: RunOutcome
    reports: set[int] = field(default_factory=set)


class RunWriter:
    """Writes batches of machine labels of one project. Call it inside a transaction that has locked the project.

    What is `anew` by rater and origin gets a run of its own, also when an equal one is there. With `dry_run` nothing is
    stored.
    """

    def __init__(
        self,
        project: Project,
        schema: Schema,
        *,
        actor: User | None,
        origin: Origin,
        anew: set[tuple[str, str]],
        dry_run: bool = False,
    ) -> None:
        self._project = project
        self._schema = schema
        self._actor = actor
        self._origin = origin
        self._anew = anew
        self._dry_run = dry_run
        self._targets: dict[tuple[str, str], _Target] = {}

    def write(self, batch: list[Incoming]) -> Iterator[RowOutcome]:
        """Store what is new; tells what became of each. Raises `MoreReports` where only a new run can take it."""
        placed = [(row, self._target(row.labels)) for row in batch]
        known = self._known(placed)
        rows = []
        for row, target in placed:
            report_id = row.labels.report_id
            try:
                label = self._label(row, target, known)
            except (_Refused, VectorError) as error:
                yield RowOutcome(0, report_id, "refused", "bad_labels", f"report {report_id!r}: {error}")
                continue
            target.reports.add(row.report_id)
            target.outcome.values.update(label.values)
            target.outcome.urgencies.update(label.urgencies.replace(NO_URGENCY_CODE, ""))
            if target.before is None:
                rows.append((label, target))
                yield RowOutcome(0, report_id, "created")
            else:
                yield RowOutcome(0, report_id, "unchanged")
        if not self._dry_run:
            MachineLabel.objects.bulk_create(self._with_run(label, target) for label, target in rows)

    def _with_run(self, label: MachineLabel, target: _Target) -> MachineLabel:
        if target.outcome.run is None:
            inputs = target.inputs | {"file_name": self._origin.file_name}
            target.outcome.run = start_run(
                project=self._project, labeler=IMPORTED_LABELER, inputs=inputs, actor=self._actor
            )
            target.outcome.is_new = True
        label.run = target.outcome.run
        return label

    def _known(self, placed: list[tuple[Incoming, _Target]]) -> dict[tuple[int, int], tuple[str, str]]:
        """Values and urgencies that are stored already, by run and report."""
        runs = {target.before.pk for _, target in placed if target.before is not None}
        if not runs:
            return {}
        labels = MachineLabel.objects.filter(run__in=runs, report__in=[row.report_id for row, _ in placed]).order_by()
        rows = labels.values_list("run_id", "report_id", "values", "urgencies")
        return {(run, report): (values, urgencies) for run, report, values, urgencies in rows}

    def _label(self, row: Incoming, target: _Target, known: dict[tuple[int, int], tuple[str, str]]) -> MachineLabel:
        """The label to store, still without its run, or the equal one that is stored already."""
        remainder = sent_remainder(row.labels.meta.extra.get("body", {}))
        stored = stored_of(row.labels.labels, self._schema, remainder=remainder)
        check_body(stored.body, schema=self._schema, text_length=row.text_length)
        if row.report_id in target.reports:
            raise _Refused("it stands twice under one labeler")
        label = MachineLabel(report_id=row.report_id, values=stored.values)
        label.urgencies, label.body = stored.urgencies, stored.body
        if target.before is not None:
            there = known.get((target.before.pk, row.report_id))
            if there is None and not target.is_export:
                raise MoreReports(_place(row.labels))
            if there != (label.values, label.urgencies):
                raise _Refused(f"run {target.before.run_id}, which it is of, says something else here")
        return label

    def _target(self, labels: LabeledReport) -> _Target:
        """The run for these labels; the first time, find out whether they are here already."""
        rater, origin = place = _place(labels)
        if place not in self._targets:
            inputs: dict[str, Any] = {
                "labeler": IMPORTED_LABELER,
                "rater": rater,
                "origin_run": origin,
                "schema_hash": self._schema.hash,
                "file_sha256": self._origin.file_sha256,
            }
            if self._origin.mapping:
                inputs["mapping"] = self._origin.mapping
            own = self._own_run(origin)
            before = own
            if own is None and place not in self._anew:
                before = equal_run(self._project, labeler=IMPORTED_LABELER, inputs=inputs)
            outcome = RunOutcome(rater, origin, run=before)
            self._targets[place] = _Target(inputs, before, is_export=own is not None, outcome=outcome)
        return self._targets[place]

    def _own_run(self, origin: str) -> Run | None:
        """The run of this very project that the labels were exported from."""
        try:
            run_id = uuid.UUID(origin)
        except ValueError:
            return None
        return Run.objects.filter(project=self._project, run_id=run_id).first()

    def finish(self, *, prefill: bool, rater: str = "") -> list[RunOutcome]:
        """End the new runs; with `prefill`, readers start from the only one of the file, or of `rater`."""
        for target in self._targets.values():
            outcome = target.outcome
            outcome.n_reports = len(target.reports)
            if self._dry_run or not target.reports or outcome.run is None:
                continue
            if outcome.is_new:
                outcome.run.n_reports = outcome.n_reports
                outcome.run.save(update_fields=["n_reports"])
                finish_run(outcome.run, counts={"n_out": outcome.n_reports})
        told = [target.outcome for target in self._targets.values() if target.reports]
        if prefill and not self._dry_run:
            asked = [outcome.run for outcome in told if rater in ("", outcome.rater)]
            self._start_readers([run for run in asked if run is not None], rater)
        return told

    def _start_readers(self, runs: list[Run], rater: str) -> None:
        """Let readers start from the only run; a file without any run leaves them as they are."""
        if rater and not runs:
            raise UserError(f"readers cannot start from the labels of {rater!r}: none of them came in; choose another")
        if len(runs) > 1:
            raise UserError(
                f"readers can start from one run only, and this file makes {len(runs)}; "
                "take the labels of one rater, or import without pre-fill and choose a run afterwards"
            )
        for run in runs:
            choose_prefill(run=run, actor=self._actor)


def _place(labels: LabeledReport) -> tuple[str, str]:
    """What tells runs of one file apart: who made the labels, and the run that they were exported from."""
    return labels.rater, str(labels.meta.extra.get("run") or "")[:MAX_ORIGIN_CHARACTERS]
