"""Carry one chunk: an event loop in a thread of its own asks, this thread writes and holds the lease meanwhile."""

import asyncio
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from django.db import transaction

from annotator.models import Report
from labeling.core.backends import BackendError
from labeling.core.labelers import labeler_called
from labeling.core.many import EngineGone, Pace, Tally
from labeling.core.records import ReportText
from labeling.engines import open_backend
from labeling.models import Run
from labeling.services.asking import Asking, OpenedBackend, Work
from labeling.services.chunks import ACTIVE, Claim, LeaseLost, close, release, remaining_reports
from labeling.services.states import TransitionRefused, change_state
from labeling.services.writing import ChunkWriter, known_calls

# Answers wait at most so long before they are written.
FLUSH_S: Final = 0.5


class Ending(StrEnum):
    """How the work on a chunk ended."""

    DONE = "done"
    STOPPED = "stopped"  # the run was paused or has ended
    LOST = "lost"  # the lease was taken away
    ENGINE = "engine"  # the engine gave no answers, or is another one: the run has failed


class ChunkBroke(Exception):
    """The work on a chunk ended with an error that nobody expected. Names its kind only: it may quote a report."""


class EngineChanged(Exception):
    """The engine is not the one that the run began with: its answers would be mixed with others."""


BackendOf = Callable[[Run], OpenedBackend]


def backend_of(run: Run) -> OpenedBackend:
    """The engine that the run was started with."""
    asked = run.request
    return open_backend(
        asked["url"],
        asked["model"],
        concurrency=asked["concurrency"],
        revision=asked.get("revision", ""),
        device=asked.get("device", ""),
    )


def carry(claim: Claim, *, backend_of: BackendOf = backend_of, told: Callable[[Tally], None] | None = None) -> Ending:
    """Label the reports of the chunk that are left, and write what the engine says as it says it.

    `told` hears the counts after each write. Raises `ChunkBroke`; whatever ends the work, the chunk is given back.
    """
    asking = Asking(_work(claim), backend_of(claim.run))
    writer = ChunkWriter(claim, asking.tally)
    asking.start()
    try:
        _write_while_asked(claim, asking, writer, told)
        asking.stop()
        writer.write(asking.outbox.take())
    except LeaseLost:
        asking.stop()
        return Ending.LOST
    except EngineChanged as error:
        asking.stop()
        return _end(claim, error)
    except BaseException:
        asking.stop()
        _give_back(claim, writer, asking)
        raise
    if told:
        told(asking.tally)
    return _end(claim, asking.error)


def _write_while_asked(claim: Claim, asking: Asking, writer: ChunkWriter, told: Callable[[Tally], None] | None) -> None:
    """Returns when the asking is over, or should be because the run does not go on."""
    while not asking.is_over(FLUSH_S):
        writer.write(asking.outbox.take())
        if told:
            told(asking.tally)
        if not _goes_on(claim.run):
            return
        if asking.fingerprint is not None and not asking.is_admitted:
            _admit(claim.run, asking.fingerprint, asking.lacks)
            asking.admit()


def _end(claim: Claim, error: BaseException | None) -> Ending:
    match error:
        case None:
            close(claim)
            return Ending.DONE
        case asyncio.CancelledError():
            release(claim, is_fault=False)
            return Ending.STOPPED
        case EngineGone() | BackendError() | EngineChanged():
            release(claim, is_fault=False, reason=str(error))
            _fail(claim.run, str(error))
            return Ending.ENGINE
    release(claim, is_fault=True, reason=f"it ended with {type(error).__name__}")
    raise ChunkBroke(f"chunk {claim.chunk.pk} ended with {type(error).__name__}")


def _give_back(claim: Claim, writer: ChunkWriter, asking: Asking) -> None:
    """Write what came in and let the chunk go."""
    try:
        writer.write(asking.outbox.take())
    except LeaseLost:
        return
    release(claim, is_fault=False)


@transaction.atomic
def _admit(run: Run, fingerprint: Mapping[str, str], lacks: tuple[str, ...]) -> None:
    """Note in the manifest which engine it is; raises `EngineChanged` when it was another one."""
    stored = Run.objects.select_for_update(no_key=True).get(pk=run.pk)
    known = stored.manifest.get("backend")
    if known is None and stored.state in ACTIVE:
        stored.manifest |= {"backend": dict(fingerprint), "backend_lacks": list(lacks)}
        stored.save(update_fields=["manifest"])
    elif known is not None and known != fingerprint:
        names = sorted(name for name in {*known, *fingerprint} if known.get(name) != fingerprint.get(name))
        seen = ", ".join(f"{name} {fingerprint.get(name, 'none')}, was {known.get(name, 'none')}" for name in names)
        raise EngineChanged(
            f"the engine is another one than the run began with ({seen}); start a new run, or bring the old engine back"
        )


def _fail(run: Run, reason: str) -> None:
    try:
        change_state(run, Run.State.FAILED, reason=reason, more={"error": reason[:500]})
    except TransitionRefused:
        return


def _goes_on(run: Run) -> bool:
    state = Run.objects.values_list("state", flat=True).get(pk=run.pk)
    return state in ACTIVE


def _work(claim: Claim) -> Work:
    """All that the event loop needs, read from the database beforehand."""
    run = claim.run
    left = remaining_reports(run, claim.chunk.report_ids)
    rows = Report.objects.filter(pk__in=left, project=run.project_id).order_by("pk")
    schema = run.schema.parsed()
    labeler = labeler_called(run.labeler)
    return Work(
        reports={
            pk: ReportText(report_id, text) for pk, report_id, text in rows.values_list("pk", "report_id", "text")
        },
        known=known_calls(claim, left),
        labeler=labeler,
        schema=schema,
        config=labeler.configure(run.request["options"], schema),
        pace=Pace(concurrency=run.request["concurrency"]),
    )
