"""Make runs, and choose which one readers start from."""

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

RULES = "rules"
# Labels are committed in chunks, so that nobody waits for the whole run to write.
CHUNK = 200
# A run that is going on says so every so often; one that was silent for long was killed.
HEARTBEAT = "heartbeat_at"
BEAT_S = 10
STALE_S = 180


def run_rules(
    *,
    project: Project,
    actor: User | None,
    keep_chosen: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """A finished run of the rules over all reports of the project, which readers then start from.

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
            _end(run, Run.State.FAILED, {"error": type(error).__name__})
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
    """Mark as failed the runs that nobody works on any more: a process that was killed could not say so."""
    now = timezone.now()
    for run in Run.objects.filter(project=project, state=Run.State.RUNNING):
        sign = parse_datetime(run.manifest.get(HEARTBEAT, "")) or run.started_at
        if (now - sign).total_seconds() > STALE_S:
            _end(run, Run.State.FAILED, {"error": "stopped"})


@transaction.atomic
def start_run(*, project: Project, labeler: str, inputs: dict[str, Any], actor: User | None) -> Run:
    """A run that is going on; `inputs` is the part of its manifest that is known before it starts."""
    run = Run.objects.create(
        project=project,
        schema_id=project.schema_id,
        labeler=labeler,
        manifest=inputs,
        created_by=actor,
        started_at=timezone.now(),
    )
    _log(run, actor, Event.Verb.RUN_CREATED, {"labeler": labeler})
    return run


def finish_run(run: Run, *, counts: dict[str, Any]) -> None:
    """End a run well; `counts` completes its manifest. It is never changed after that."""
    if not _end(run, Run.State.FINISHED, counts):
        raise UserError(f"run {run.run_id} was given up meanwhile: it gave no sign of life for {STALE_S} seconds")


def _end(run: Run, state: Run.State, more: dict[str, Any]) -> bool:
    """End a run, unless it has ended already."""
    finished_at = timezone.now()
    seconds = (finished_at - run.started_at).total_seconds()
    times = {"started_at": run.started_at.isoformat(), "ended_at": finished_at.isoformat()}
    manifest = {key: value for key, value in run.manifest.items() if key != HEARTBEAT}
    manifest |= more | times | {"wall_seconds": round(seconds, 3)}
    going_on = Run.objects.filter(pk=run.pk, state=Run.State.RUNNING)
    if not going_on.update(state=state, finished_at=finished_at, manifest=manifest):
        return False
    run.state, run.finished_at, run.manifest = state, finished_at, manifest
    return True


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


@transaction.atomic
def choose_prefill(*, run: Run, actor: User | None, keep_chosen: bool = False) -> None:
    """Let readers of the project start from `run`, instead of from the run before. Nobody's draft changes.

    With `keep_chosen` a run of another labeler that they start from stays.
    """
    Project.objects.select_for_update(no_key=True).get(pk=run.project_id)
    if run.state != Run.State.FINISHED:
        raise UserError(f"run {run.run_id} is {run.state}; only a finished run can be the pre-fill")
    if run.schema_id != run.project.schema_id:
        raise UserError(f"run {run.run_id} was made under another schema than the project has")
    if not MachineLabel.objects.filter(run=run).exists():
        raise UserError(f"run {run.run_id} has no labels; readers cannot start from it")
    before = Run.objects.filter(project=run.project_id, is_prefill=True).first()
    if before == run or (keep_chosen and before is not None and before.labeler != run.labeler):
        return
    Run.objects.filter(project=run.project_id, is_prefill=True).update(is_prefill=False)
    run.is_prefill = True
    run.save(update_fields=["is_prefill"])
    _log(run, actor, Event.Verb.PREFILL_CHOSEN, {"before": str(before.run_id) if before else None})


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


def _log(run: Run, actor: User | None, verb: str, payload: dict[str, Any]) -> None:
    payload = {"run": str(run.run_id), **payload}
    Event.objects.create(project_id=run.project_id, actor=actor, verb=verb, payload=payload, at=timezone.now())
