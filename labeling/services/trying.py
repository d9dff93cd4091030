"""Try a plan on a few reports before a run is started: labels, cost, and what all reports would take."""

import asyncio
from dataclasses import dataclass
from functools import partial
from time import monotonic

from annotator.models import Project
from labeling.core.backends import BackendError
from labeling.core.many import EngineGone, LabelOne, Pace, Result, Tally, label_many
from labeling.core.records import ReportText
from labeling.engines import LOOK_S, EngineView, local_engine, open_backend, root
from labeling.exceptions import UserError
from labeling.selectors import input_set
from labeling.services.asking import OpenedBackend
from labeling.services.model_runs import Plan, configured, require_allowed

TRY_S = 300.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a few reports; nothing of it is stored. `n_all` reports would be labeled by the run."""

    results: tuple[Result, ...]
    tally: Tally
    seconds: float
    n_all: int
    engine: EngineView
    concurrency: int

    @property
    def factor(self) -> float:
        """How many times the tried reports all of them are."""
        return self.n_all / len(self.results) if self.results else 0.0

    @property
    def n_calls(self) -> int:
        """Calls for all reports."""
        return round(self.tally.n_calls * self.factor)

    @property
    def prompt_tokens(self) -> int:
        """Tokens of all prompts."""
        return round(self.tally.prompt_tokens * self.factor)

    @property
    def generated_tokens(self) -> int:
        """Tokens that the model writes for all reports."""
        return round(self.tally.generated_tokens * self.factor)

    @property
    def seconds_at_most(self) -> float:
        """Seconds for all reports if no more calls were in flight than there were."""
        return self.seconds * self.factor

    @property
    def seconds_at_least(self) -> float:
        """Seconds for all reports if the engine answered as fast with all calls in flight that the plan allows."""
        return self.seconds_at_most * min(1.0, self.tally.most_waiting / self.concurrency)


def try_plan(
    *,
    project: Project,
    plan: Plan,
    n_reports: int = 3,
    only_allowed: bool = True,
    backend: OpenedBackend | None = None,
    limit_s: float = TRY_S,
) -> Trial:
    """Label the first few reports of the plan. Raises `UserError`, as when the engine does not answer.

    An engine in the worker is tried only with its `backend`, by a process that may load it.
    """
    schema = project.schema.parsed()
    labeler, config = configured(plan, schema)
    if only_allowed:
        require_allowed(plan.url)
    if local_engine(plan.url) and backend is None:
        raise UserError(
            f"{root(plan.url)} is an engine in the worker, which is not loaded here; try it on the worker's machine: "
            f"manage.py label {project.slug} --labeler {plan.labeler} --url {root(plan.url)} --dry-run"
        )
    reports = input_set(project, cases=plan.cases)
    rows = reports.reports().values_list("report_id", "text")[:n_reports]
    texts = [ReportText(report_id, text) for report_id, text in rows]
    if not texts:
        raise UserError(f"project {project.slug} has no reports to label")
    label_one = partial(labeler.label, schema=schema, config=config)
    engine = backend or open_backend(
        plan.url, plan.model, concurrency=plan.concurrency, revision=plan.revision, timeout_s=60, restart_s=LOOK_S
    )
    try:
        results, tally, seconds, view = asyncio.run(_label(texts, engine, label_one, plan, limit_s))
    except TimeoutError as error:
        raise UserError(f"{root(plan.url)}: {len(texts)} reports took more than {limit_s:g} seconds") from error
    except (BackendError, EngineGone) as error:
        raise UserError(f"{root(plan.url)}: {error}") from error
    return Trial(tuple(results), tally, seconds, reports.n_reports, view, plan.concurrency)


async def _label(
    texts: list[ReportText], backend: OpenedBackend, label_one: LabelOne, plan: Plan, limit_s: float
) -> tuple[list[Result], Tally, float, EngineView]:
    tally = Tally()
    try:
        async with asyncio.timeout(None if local_engine(plan.url) else limit_s):  # loading a model may take longer
            await backend.look()
            start_s = monotonic()
            results = [
                result
                async for result in label_many(
                    texts,
                    label_one=label_one,
                    backend=backend,
                    store_of=lambda _: None,
                    tally=tally,
                    pace=Pace(concurrency=plan.concurrency),
                )
            ]
            return results, tally, monotonic() - start_s, EngineView(dict(backend.fingerprint), backend.lacks)
    finally:
        await backend.aclose()
