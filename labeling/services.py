"""Make runs, and choose which one readers start from."""

from collections.abc import Callable, Iterator
from typing import Any

from django.db import transaction
from django.utils import timezone

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


def run_rules(*, project: Project, actor: User | None, progress: Callable[[int, int], None] | None = None) -> Run:
    """A finished run of the rules over all reports of the project, which readers then start from.

    When nothing changed since an earlier run that one is returned. What an earlier run of the same rules, vocabulary
    and schema says of a report is taken over: the rules say the same again. `progress` is told reports done and to do.
    """
    schema = project.schema.parsed()
    method = {
        "labeler": RULES,
        "code_version": RULES_VERSION,
        "schema_hash": schema.hash,
        "vocabulary_hash": vocabulary_hash(),
    }
    reports = input_set(project)
    inputs = method | {"input_set": reports.sha256, "n_in": reports.n_reports}
    run = equal_run(project, labeler=RULES, inputs=inputs)
    if run is None:
        before = equal_run(project, labeler=RULES, inputs=method)
        run = start_run(project=project, labeler=RULES, inputs=inputs, actor=actor)
        try:
            counts = _label_all(run, reports, schema=schema, before=before, progress=progress)
            finish_run(run, counts=counts)
        except BaseException:
            _end(run, Run.State.FAILED)
            raise
    choose_prefill(run=run, actor=actor)
    return run


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
    run.manifest = run.manifest | counts
    _end(run, Run.State.FINISHED)


def _end(run: Run, state: Run.State) -> None:
    run.state = state
    run.finished_at = timezone.now()
    seconds = (run.finished_at - run.started_at).total_seconds()
    times = {"started_at": run.started_at.isoformat(), "ended_at": run.finished_at.isoformat()}
    run.manifest = run.manifest | times | {"wall_seconds": round(seconds, 3)}
    run.save(update_fields=["state", "finished_at", "manifest"])


@transaction.atomic
def choose_prefill(*, run: Run, actor: User | None) -> None:
    """Let readers of the project start from `run`, instead of from the run before. Nobody's draft changes."""
    Project.objects.select_for_update(no_key=True).get(pk=run.project_id)
    if run.state != Run.State.FINISHED:
        raise UserError(f"run {run.run_id} is {run.state}; only a finished run can be the pre-fill")
    if run.schema_id != run.project.schema_id:
        raise UserError(f"run {run.run_id} was made under another schema than the project has")
    before = Run.objects.filter(project=run.project_id, is_prefill=True).first()
    if before == run:
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
    for chunk in _chunks(reports):
        known = _labels_by_report(before, [pk for pk, _ in chunk]) if before else {}
        labels = [known.get(pk) or StoredLabels.encode(label_report(text, schema), schema) for pk, text in chunk]
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
