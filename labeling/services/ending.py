"""End a run whose chunks are all done, with the counts that complete its manifest."""

from collections import Counter
from contextlib import suppress
from typing import Any

from django.db import transaction

from labeling.exceptions import UserError
from labeling.models import MachineLabel, ReportFailure, Run, RunChunk
from labeling.selectors.run_costs import known_tokens
from labeling.selectors.runs import failures_by_kind, run_progress
from labeling.services.prefill import choose_prefill
from labeling.services.states import change_state


@transaction.atomic
def finish_if_done(run: Run) -> bool:
    """End the run when no chunk is left. Without a single label it has failed. Whether it ended now.

    A run that was started to be the pre-fill becomes it, unless the project has another schema by then.
    """
    stored = Run.objects.select_for_update(no_key=True).get(pk=run.pk)
    if stored.state not in (Run.State.QUEUED, Run.State.RUNNING):
        return False
    chunks = RunChunk.objects.filter(run=run)
    if not chunks.exists() or chunks.filter(state__in=[RunChunk.State.QUEUED, RunChunk.State.LEASED]).exists():
        return False
    is_empty = not MachineLabel.objects.filter(run=run).exists()
    state, reason = (Run.State.FAILED, _common_failure(stored)) if is_empty else (Run.State.COMPLETE, "")
    change_state(stored, state, reason=reason, more=counts_of(stored))
    if state == Run.State.COMPLETE and stored.request.get("is_prefill"):
        with suppress(UserError):
            choose_prefill(run=stored, actor=stored.created_by)
    run.refresh_from_db()
    return True


def counts_of(run: Run) -> dict[str, Any]:
    """What the manifest says once it is over: counts out, failures, calls, tokens, how answers were drawn.

    Tokens that the engine does not count are None.
    """
    progress = run_progress(run)
    known = known_tokens(run)
    failed = failures_by_kind(run)
    drawn = {
        tuple(sorted(each.items()))
        for each in _flat(RunChunk.objects.filter(run=run).values_list("samplings", flat=True))
    }
    return {
        "n_out": progress.n_labeled,
        "n_failed": failed,
        "attempts": run.attempt,
        "calls": {"asked": progress.n_calls, "failed": progress.n_calls_failed},
        "tokens": {
            "prompt": progress.prompt_tokens if known["prompt_tokens"] else None,
            "prompt_cached": progress.cached_tokens if known["cached_tokens"] else None,
            "generated": progress.generated_tokens if known["generated_tokens"] else None,
        },
        "sampling": sorted((dict(each) for each in drawn), key=str),
    }


def _flat(lists: Any) -> list[dict[str, Any]]:
    return [each for many in lists for each in many]


def _common_failure(run: Run) -> str:
    """What went wrong most often."""
    failures = ReportFailure.objects.filter(run=run, attempt=run.attempt).values_list("kind", "message")[:1000]
    common = Counter(failures).most_common(1)
    said = f": {common[0][0][0]}, {common[0][0][1]}" if common else ""
    return f"no report was labeled{said}"
