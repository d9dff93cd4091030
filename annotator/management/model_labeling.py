"""What `manage.py label` does with a labeler that asks a language model."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from annotator.management.run_steering import carry_run, counted, named_run, wait_for_end
from annotator.models import Project, User
from labeling.core.backends.local_engines import DEVICES, KINDS, engine_of
from labeling.core.many import Failure
from labeling.core.values import Missing
from labeling.engines import close_engine, local_engine, look_at, open_backend
from labeling.services import Plan, resume_run, start_model_run
from labeling.services.trying import Trial, try_plan
from labeling.tasks import LOCAL_QUEUE, wake


def add_model_options(parser: ArgumentParser) -> None:
    """The options of labelers that ask a model."""
    group = parser.add_argument_group("labelers that ask a language model")
    group.add_argument("--backend", choices=["openai", *KINDS], help="a server, or an engine in the worker")
    group.add_argument("--url", help="an OpenAI-compatible server, such as http://localhost:8000/v1; or vllm:/folder")
    group.add_argument("--model", help="its name on the server; else a folder, or a name in the Hugging Face cache")
    group.add_argument("--device", choices=DEVICES, default="", help="for transformers; default: a GPU if there is one")
    group.add_argument("--revision", default="", help="of the weights, where the engine should not find out")
    group.add_argument(
        "--config", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="options of the labeler"
    )
    group.add_argument("--concurrency", type=int, default=256, metavar="N", help="calls in flight; default: 256")
    group.add_argument("--cases", nargs="+", metavar="KEY", help="only the reports of these cases")
    group.add_argument(
        "--dry-run", nargs="?", type=int, const=3, metavar="N", help="try N reports (3) and store nothing"
    )
    group.add_argument("--here", action="store_true", help="label in this process; else workers do")
    group.add_argument("--prefill", action="store_true", help="readers start from these labels once all are there")
    group.add_argument("--resume", metavar="RUN", help="go on with this paused or failed run")


def label_with_model(project: Project, *, actor: User | None, options: dict[str, Any], out: OutputWrapper) -> None:
    """Start a run, or try it, or go on with one. Raises `UserError`."""
    if options["resume"]:
        run = named_run(project, options["resume"])
        resume_run(run=run, actor=actor)
    else:
        plan = _plan(options)
        if options["dry_run"] is not None:
            _show_trial(_tried(project, plan, n_reports=max(1, options["dry_run"])), out)
            return
        engine = look_at(plan.url, plan.model, revision=plan.revision)
        for lack in engine.lacks:
            out.write(f"note: {lack}")
        run = start_model_run(project=project, plan=plan, actor=actor, engine=engine, only_allowed=False)
    if options["here"]:
        carry_run(run, out, is_shown=options["verbosity"] > 0)
    else:
        is_sent = wake(run)
        queue = f" of the queue {LOCAL_QUEUE}" if local_engine(run.request["url"]) else ""
        out.write(f"run {run.run_id}: {run.n_reports:,} reports are queued for the workers{queue}")
        if not is_sent:
            out.write("note: the broker takes no messages; a worker finds the run when it starts")
        if options["wait"]:
            wait_for_end(run, out, is_shown=options["verbosity"] > 0)


def _tried(project: Project, plan: Plan, *, n_reports: int) -> Trial:
    backend = None
    if local_engine(plan.url):
        backend = open_backend(
            plan.url, plan.model, concurrency=plan.concurrency, revision=plan.revision, device=plan.device
        )
    try:
        return try_plan(project=project, plan=plan, n_reports=n_reports, only_allowed=False, backend=backend)
    finally:
        close_engine()


def _named_engine(options: dict[str, Any]) -> tuple[str, str]:
    """Address and model."""
    backend, url, model = options["backend"] or "openai", options["url"], options["model"]
    if backend in KINDS:
        if url:
            raise CommandError(f"--url is the address of a server, and --backend {backend} has none")
        if not model:
            raise CommandError(f"--model is needed for --backend {backend}: a folder, or a name")
        return engine_of(backend, model).address, ""
    for name in ("url", "model"):
        if not options[name] and not (url and local_engine(url)):
            raise CommandError(f"--{name} is needed for the labeler {options['labeler']}")
    if options["device"] and not local_engine(url):
        raise CommandError("--device is for an engine in the worker only, not for a server")
    return url, model or ""


def _plan(options: dict[str, Any]) -> Plan:
    url, model = _named_engine(options)
    return Plan(
        labeler=options["labeler"],
        url=url,
        model=model,
        device=options["device"],
        options=tuple(options["config"]),
        concurrency=options["concurrency"],
        cases=None if options["cases"] is None else tuple(options["cases"]),
        revision=options["revision"],
        is_prefill=options["prefill"],
    )


def _show_trial(trial: Trial, out: OutputWrapper) -> None:
    for result in trial.results:
        if isinstance(result.labels, Failure):
            out.write(f"{result.report.report_id}: {result.labels.trouble}, {result.labels.message}")
            continue
        said = [
            f"  {cell} {label.state}" + ("" if label.probability is None else f" {label.probability:.3f}")
            for cell, label in result.labels.cells.items()
            if label.state is not Missing.NOT_ASKED
        ]
        out.write("\n".join([f"{result.report.report_id}:", *said]))
    _show_cost(trial, out)


def _show_cost(trial: Trial, out: OutputWrapper) -> None:
    tally, n = trial.tally, len(trial.results)
    is_known = tally.prompt_tokens > 0
    n_read, all_read = (counted(each, is_known=is_known) for each in (tally.prompt_tokens, trial.prompt_tokens))
    n_written, all_written = (
        counted(each, is_known=is_known) for each in (tally.generated_tokens, trial.generated_tokens)
    )
    n_cached = counted(tally.cached_tokens, is_known=is_known and trial.engine.counts_cached)
    out.write(
        f"{n} reports: {tally.n_calls:,} calls, {n_read} tokens read ({n_cached} from the cache), "
        f"{n_written} written, {trial.seconds:.1f} s\n"
        f"all {trial.n_all:,} reports: about {trial.n_calls:,} calls, {all_read} tokens read, "
        f"{all_written} written, {trial.seconds_at_least:,.0f} to {trial.seconds_at_most:,.0f} s\n"
        "nothing was stored"
    )
