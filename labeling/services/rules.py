"""Runs of labelers that need no language model, which the process that starts them carries itself."""

from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from annotator.models import Event, Project, User
from labeling.core.records import StoredLabels
from labeling.core.rules import RULES_VERSION, label_report, vocabulary_hash
from labeling.core.schema import Schema
from labeling.exceptions import UserError
from labeling.models import MachineLabel, Run
from labeling.selectors import InputSet, equal_run, input_set
from labeling.services.prefill import choose_prefill
from labeling.services.states import HEARTBEAT, TransitionRefused, change_state, log

RULES = "rules"
# Labels are committed in chunks, so that nobody waits for the whole run to write.
CHUNK = 200
# A run that is going on says so every so often; one that was silent for long was killed.
BEAT_S = 10
STALE_S = 180


def run_rules(
    *,
    project: Project,
    actor: User | None,
    keep_chosen: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """A complete run of the rules over all reports of the project, which readers then start from.

    When nothing changed since an earlier run that one is returned. What an earlier run of the same rules, vocabulary
    and schema says of a report is taken over: the rules say the same again. With `keep_chosen` labels of another
    labeler that readers start from by then stay their pre-fill. `progress` is told reports done and to do.
    """
    end_stale_runs(project=project)
    schema = project.schema.parsed()
    method = rules_method(schema)
    reports = input_set(project)
    inputs = method | {"input_set": reports.sha256, "n_in": reports.n_reports}
    run = equal_run(project, labeler=RULES, inputs=inputs)
    if run is None:
        before = equal_run(project, labeler=RULES, inputs=method)
        run = start_run(project=project, labeler=RULES, inputs=inputs, actor=actor)
        try:
            counts = _label_all(run, reports, schema=schema, before=before, progress=progress)
            finish_run(run, counts=counts)
        except BaseException as error:
            _fail(run, type(error).__name__)
            raise
    if reports.n_reports:
        choose_prefill(run=run, actor=actor, keep_chosen=keep_chosen)
    return run


def rules_method(schema: Schema) -> dict[str, Any]:
    """What the manifest of a run of the rules says of the method. The rules say the same as long as it is the same."""
    return {
        "labeler": RULES,
        "code_version": RULES_VERSION,
        "schema_hash": schema.hash,
        "vocabulary_hash": vocabulary_hash(),
    }


def end_stale_runs(*, project: Project) -> None:
    """Mark as failed the runs that nobody works on any more: a process that was killed could not say so.

    Runs in chunks are not among them: their leases tell.
    """
    now = timezone.now()
    for run in Run.objects.filter(project=project, state=Run.State.RUNNING, chunks__isnull=True):
        sign = parse_datetime(run.manifest.get(HEARTBEAT, "")) or run.started_at
        if (now - sign).total_seconds() > STALE_S:
            _fail(run, "stopped")


@transaction.atomic
def start_run(*, project: Project, labeler: str, inputs: dict[str, Any], actor: User | None) -> Run:
    """A run that is going on; `inputs` is the part of its manifest that is known before it starts."""
    now = timezone.now()
    run = Run.objects.create(
        project=project,
        schema_id=project.schema_id,
        labeler=labeler,
        manifest=inputs,
        n_reports=inputs.get("n_in", 0),
        created_by=actor,
        started_at=now,
        running_since=now,
    )
    log(run, actor, Event.Verb.RUN_CREATED, {"labeler": labeler})
    return run


def finish_run(run: Run, *, counts: dict[str, Any]) -> None:
    """End a run well; `counts` completes its manifest. It is never changed after that."""
    try:
        change_state(run, Run.State.COMPLETE, more=counts)
    except TransitionRefused as error:
        raise UserError(
            f"run {run.run_id} was given up meanwhile: it gave no sign of life for {STALE_S} seconds"
        ) from error


def _fail(run: Run, error: str) -> None:
    """Mark a run as failed, unless it has ended already."""
    try:
        change_state(run, Run.State.FAILED, reason=error, more={"error": error})
    except TransitionRefused:
        return


class _Heartbeat:
    """Writes a sign of life into the manifest of a run that is going on, every `BEAT_S` seconds."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._last_s = monotonic()

    def beat(self) -> None:
        """Write one if it is time for it."""
        if monotonic() - self._last_s >= BEAT_S:
            manifest = self._run.manifest | {HEARTBEAT: timezone.now().isoformat()}
            Run.objects.filter(pk=self._run.pk, state=Run.State.RUNNING).update(manifest=manifest)
            self._last_s = monotonic()


def _label_all(
    run: Run,
    reports: InputSet,
    *,
    schema: Schema,
    before: Run | None,
    progress: Callable[[int, int], None] | None,
) -> dict[str, Any]:
    """Store a label for every report; returns what completes the manifest."""
    n_done = n_taken_over = 0
    heart = _Heartbeat(run)
    for chunk in _chunks(reports):
        known = _labels_by_report(before, [pk for pk, _ in chunk]) if before else {}
        labels = []
        for pk, text in chunk:
            heart.beat()
            labels.append(known.get(pk) or StoredLabels.encode(label_report(text, schema), schema))
        MachineLabel.objects.bulk_create(
            MachineLabel(run=run, report_id=pk, values=label.values, urgencies=label.urgencies, body=label.body)
            for (pk, _), label in zip(chunk, labels, strict=True)
        )
        n_done += len(chunk)
        n_taken_over += len(known)
        if progress:
            progress(n_done, reports.n_reports)
    source = str(before.run_id) if before and n_taken_over else None
    return {"n_out": n_done, "n_taken_over": n_taken_over, "taken_over_from": source}


def _chunks(reports: InputSet) -> Iterator[list[tuple[int, str]]]:
    """Primary key and text of the reports, in chunks. Each is a query of its own: none stays open between commits."""
    done = 0
    while chunk := list(reports.reports().filter(pk__gt=done).values_list("pk", "text")[:CHUNK]):
        yield chunk
        done = chunk[-1][0]


def _labels_by_report(run: Run, report_ids: list[int]) -> dict[int, StoredLabels]:
    rows = MachineLabel.objects.filter(run=run, report__in=report_ids).order_by()
    return {
        report_id: StoredLabels(values=values, urgencies=urgencies, body=body)
        for report_id, values, urgencies, body in rows.values_list("report_id", "values", "urgencies", "body")
    }
