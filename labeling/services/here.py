"""Carry a run in this process, without a worker, for whoever waits for it at a terminal."""

from collections.abc import Callable
from contextlib import suppress

from labeling.models import Run
from labeling.selectors.runs import RunProgress, run_progress
from labeling.services.carrying import BackendOf, backend_of, carry
from labeling.services.chunks import claim_next
from labeling.services.model_runs import pause_run
from labeling.services.states import TransitionRefused


def carry_here(
    run: Run, *, backend_of: BackendOf = backend_of, told: Callable[[RunProgress], None] | None = None
) -> None:
    """Carry chunk after chunk until the run ends or what is left is with others. An interrupt pauses the run."""

    def tell(_: object) -> None:
        if told:
            told(run_progress(run))

    try:
        while taken := claim_next(run):
            carry(taken, backend_of=backend_of, told=tell)
    except KeyboardInterrupt:
        with suppress(TransitionRefused):  # it has ended meanwhile
            pause_run(run=run, actor=None, reason="interrupted at the terminal")
        raise
    finally:
        run.refresh_from_db()
