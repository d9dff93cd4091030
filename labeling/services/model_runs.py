"""Start, pause, resume and cancel runs that ask a language model. Who may is for the caller to say."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from annotator.models import Event, Project, User
from labeling.core.labelers import Labeler, OptionError, labeler_called
from labeling.core.schema import Schema
from labeling.engines import EngineView, is_allowed, local_engine, model_at, root
from labeling.exceptions import UserError
from labeling.models import Run, RunChunk
from labeling.selectors import InputSet, input_set
from labeling.services.ending import counts_of
from labeling.services.states import TransitionRefused, change_state, log

MAX_CONCURRENCY: Final = 4096


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is asked to be. `options` are `key=value`; `cases` are keys of cases, None for all reports.

    `url` is the address of a server, or names an engine in the worker, which has its model and may be told its
    `device`. With `is_prefill` readers start from its labels when it is complete.
    """

    labeler: str
    url: str
    model: str
    options: tuple[str, ...] = ()
    concurrency: int = 256
    cases: tuple[str, ...] | None = None
    revision: str = ""
    is_prefill: bool = False
    device: str = ""


class RunExists(UserError):
    """There is a run of the same method over the same reports; `run` is it."""

    def __init__(self, run: Run, message: str) -> None:
        super().__init__(message)
        self.run = run


def configured(plan: Plan, schema: Schema) -> tuple[Labeler, Any]:
    """The labeler of a plan and its configuration. Raises `UserError` that says what can be asked for."""
    try:
        labeler = labeler_called(plan.labeler)
        config = labeler.configure(plan.options, schema)
    except KeyError as error:
        raise UserError(str(error.args[0])) from error
    except OptionError as error:
        raise UserError(str(error)) from error
    model_at(plan.url, plan.model)
    if not 1 <= plan.concurrency <= MAX_CONCURRENCY:
        raise UserError(f"{plan.concurrency} calls in flight, expected 1 to {MAX_CONCURRENCY:,}")
    root(plan.url)
    if not local_engine(plan.url, device=plan.device) and plan.device:
        raise UserError("a device can be chosen for an engine in the worker only, not for a server")
    return labeler, config


def require_allowed(url: str) -> None:
    """Refuse an address that the settings do not list: the web server would send reports there."""
    if not is_allowed(url):
        raise UserError(f"{root(url)} is not one of the engines in OVERREAD_LLM_URLS; ask the administrator to add it")


@transaction.atomic
def start_model_run(
    *, project: Project, plan: Plan, actor: User | None, engine: EngineView | None = None, only_allowed: bool = True
) -> Run:
    """A queued run in chunks; the caller sends the messages (`labeling.tasks.wake`) or carries it itself.

    `engine` is what it said it is, if it was asked: without that the first worker asks. Raises `UserError`;
    `RunExists` when the same was done, or begun, already.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    schema = project.schema.parsed()
    labeler, config = configured(plan, schema)
    if only_allowed:
        require_allowed(plan.url)
    plan = replace(plan, model=model_at(plan.url, plan.model))
    engine = engine if engine and engine.is_known else None
    reports = input_set(project, cases=plan.cases)
    if not reports.n_reports:
        raise UserError(f"project {project.slug} has no reports to label")
    inputs = _inputs(plan, labeler, config, schema=schema, reports=reports, engine=engine)
    _refuse_repetition(project, plan, inputs)
    run = Run.objects.create(
        project=project,
        schema_id=project.schema_id,
        labeler=plan.labeler,
        manifest=inputs | ({"backend_lacks": list(engine.lacks)} if engine else {}),
        request=_request(plan),
        state=Run.State.QUEUED,
        n_reports=reports.n_reports,
        created_by=actor,
        started_at=timezone.now(),
    )
    _cut(run, reports.report_pks())
    log(run, actor, Event.Verb.RUN_CREATED, {"labeler": plan.labeler, "model": plan.model})
    return run


def _inputs(
    plan: Plan, labeler: Labeler, config: Any, *, schema: Schema, reports: InputSet, engine: EngineView | None
) -> dict[str, Any]:
    """What makes labels the same: the part of the manifest that is known before the run, as JSON gives it back."""
    inputs = {
        "labeler": plan.labeler,
        "method": labeler.manifest(schema, config),
        "schema_hash": schema.hash,
        "model": plan.model,
        "input_set": reports.sha256,
        "n_in": reports.n_reports,
    }
    if engine is not None:
        inputs["backend"] = dict(engine.fingerprint)
    plain: dict[str, Any] = json.loads(json.dumps(inputs, default=str))
    return plain


def _request(plan: Plan) -> dict[str, Any]:
    return {
        "url": root(plan.url),
        "model": plan.model,
        "revision": plan.revision,
        "device": plan.device,
        "options": list(plan.options),
        "concurrency": plan.concurrency,
        "is_prefill": plan.is_prefill,
        "cases": None if plan.cases is None else len(plan.cases),
    }


def _refuse_repetition(project: Project, plan: Plan, inputs: Mapping[str, Any]) -> None:
    """Same method, same reports: same labels. Without word of the engine, what was asked for counts as what it is."""
    asked = {name: value for name, value in _request(plan).items() if name in ("url", "revision", "device")}
    runs = Run.objects.filter(project=project, labeler=plan.labeler, schema=project.schema_id)
    for run in runs.exclude(state=Run.State.CANCELLED).exclude(request={}):
        is_equal = inputs.items() <= run.manifest.items()
        if "backend" not in inputs or "backend" not in run.manifest:
            known = {key: value for key, value in inputs.items() if key != "backend"}
            is_equal = known.items() <= run.manifest.items() and asked.items() <= ({"device": ""} | run.request).items()
        if is_equal:
            do = {Run.State.COMPLETE: "its labels are there"}
            do |= dict.fromkeys((Run.State.PAUSED, Run.State.FAILED), "resume it")
            raise RunExists(
                run,
                f"run {run.run_id} is {run.state} with the same labeler, model and reports: "
                f"{do.get(Run.State(run.state), 'wait for it')}",
            )


def _cut(run: Run, report_pks: list[int]) -> None:
    size = settings.RUN_CHUNK_REPORTS
    RunChunk.objects.bulk_create(
        RunChunk(run=run, number=number, report_ids=report_pks[start : start + size])
        for number, start in enumerate(range(0, len(report_pks), size), start=1)
    )


def pause_run(*, run: Run, actor: User | None, reason: str = "") -> None:
    """Stop asking within a second or so; what was answered is kept."""
    _require_chunks(run)
    change_state(run, Run.State.PAUSED, actor=actor, reason=reason)


@transaction.atomic
def resume_run(*, run: Run, actor: User | None) -> None:
    """Queue a paused or failed run again; the caller sends the messages. Reports that failed are tried once more."""
    _require_chunks(run)
    is_new_attempt = Run.objects.select_for_update(no_key=True).get(pk=run.pk).state == Run.State.FAILED
    change_state(run, Run.State.QUEUED, actor=actor)
    if is_new_attempt:
        run.attempt += 1
        run.save(update_fields=["attempt"])
    _open_chunks(run, all_unlabeled=is_new_attempt)


def _open_chunks(run: Run, *, all_unlabeled: bool) -> None:
    """Let the chunks be taken again, in a new attempt also those with failures. Who held one of those loses it."""
    chunks = RunChunk.objects.filter(run=run)
    chunks.filter(state=RunChunk.State.QUEUED).update(woken_at=None, attempts=0)
    if all_unlabeled:
        again = chunks.filter(Q(state__in=[RunChunk.State.QUEUED, RunChunk.State.LEASED]) | Q(n_failed__gt=0))
        anew = {"lease_token": None, "lease_until": None, "woken_at": None, "attempts": 0, "n_failed": 0, "reason": ""}
        again.update(state=RunChunk.State.QUEUED, **anew)


@transaction.atomic
def cancel_run(*, run: Run, actor: User | None) -> None:
    """End a run for good. Its labels stay, and are never the pre-fill; workers lose their leases at once."""
    _require_chunks(run)
    stored = Run.objects.select_for_update(no_key=True).get(pk=run.pk)
    if stored.state in (Run.State.CANCELLED, Run.State.COMPLETE, Run.State.FAILED):
        raise TransitionRefused(f"run {run.run_id} is {stored.state} already")
    change_state(run, Run.State.CANCELLED, actor=actor, more=counts_of(stored))
    RunChunk.objects.filter(run=run, state=RunChunk.State.LEASED).update(
        state=RunChunk.State.QUEUED, lease_token=None, lease_until=None
    )


def _require_chunks(run: Run) -> None:
    if not RunChunk.objects.filter(run=run).exists():
        raise UserError(f"run {run.run_id} of {run.labeler} cannot be paused, resumed or cancelled: it asks no model")
