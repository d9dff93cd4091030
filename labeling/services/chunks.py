"""Who works on which part of a run: leases, which a worker keeps or loses, and the sweeper that takes them back.

Every step is one short transaction, and may be done twice. The run is always locked before its chunks.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from labeling.engines import local_engine
from labeling.models import MachineLabel, ReportFailure, Run, RunChunk
from labeling.services.clock import start_clock, stop_clock_if_idle
from labeling.services.ending import finish_if_done
from labeling.services.states import change_state

ACTIVE: Final = (Run.State.QUEUED, Run.State.RUNNING)
WAITING: Final = RunChunk.State.QUEUED
LEASED: Final = RunChunk.State.LEASED
# Messages that are under way for one run, and after how long one counts as lost while others are worked on.
WAKE_AHEAD: Final = 16
WAKE_AGAIN_S: Final = 120
_LEASE_FIELDS: Final = ("state", "lease_token", "lease_until", "woken_at", "reason")


class LeaseLost(Exception):
    """Another worker may have the chunk by now: nothing more may be written for it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A chunk that this worker holds, and the token that proves it."""

    run: Run
    chunk: RunChunk
    token: uuid.UUID

    def held(self) -> QuerySet[RunChunk]:
        """The chunk, as long as it is held."""
        return RunChunk.objects.filter(pk=self.chunk.pk, state=LEASED, lease_token=self.token)


@transaction.atomic
def claim(chunk_id: int, *, now: datetime | None = None) -> Claim | None:
    """Take a chunk; None when somebody else has it, it is done, or its run does not go on."""
    found = RunChunk.objects.filter(pk=chunk_id).first()
    if found is None:
        return None
    run = Run.objects.select_for_update(no_key=True).select_related("project", "schema").get(pk=found.run_id)
    chunk = RunChunk.objects.select_for_update(no_key=True).get(pk=chunk_id)
    now = now or timezone.now()
    is_free = chunk.state == WAITING or (
        chunk.state == LEASED and chunk.lease_until is not None and chunk.lease_until < now
    )
    if run.state not in ACTIVE or not is_free or chunk.attempts >= settings.RUN_MAX_ATTEMPTS:
        return None
    stop_clock_if_idle(run, now=now)
    token = uuid.uuid4()
    chunk.state, chunk.lease_token, chunk.lease_until = LEASED, token, _lease_end(now)
    chunk.attempts += 1
    chunk.save(update_fields=["state", "lease_token", "lease_until", "attempts"])
    if run.state == Run.State.QUEUED:
        change_state(run, Run.State.RUNNING)
    start_clock(run, now=now)
    return Claim(run, chunk, token)


def claim_next(run: Run) -> Claim | None:
    """Take the next chunk of the run that is free; None when there is none."""
    now = timezone.now()
    free = Q(state=WAITING) | Q(state=LEASED, lease_until__lt=now)
    for pk in RunChunk.objects.filter(free, run=run).order_by("number").values_list("pk", flat=True):
        if taken := claim(pk):
            return taken
    return None


def renew(claim: Claim, *, now: datetime | None = None) -> None:
    """Hold the chunk longer. Inside a transaction it also keeps others from taking it until that ends.

    Raises `LeaseLost`.
    """
    if not claim.held().update(lease_until=_lease_end(now or timezone.now())):
        raise LeaseLost


@transaction.atomic
def release(claim: Claim, *, is_fault: bool, reason: str = "") -> None:
    """Give the chunk back unfinished, if it is still held. Only a fault counts as an attempt."""
    run = Run.objects.select_for_update(no_key=True).get(pk=claim.run.pk)
    chunk = claim.held().select_for_update(no_key=True).first()
    if chunk is None:
        return
    chunk.state, chunk.lease_token, chunk.lease_until, chunk.woken_at = WAITING, None, None, None
    chunk.reason = reason[:500]
    chunk.attempts -= not is_fault
    if chunk.attempts >= settings.RUN_MAX_ATTEMPTS:
        give_up(run, chunk)
    chunk.save(update_fields=[*_LEASE_FIELDS, "attempts", "n_failed"])
    now = timezone.now()
    stop_clock_if_idle(run, now=now, until=now)


@transaction.atomic
def close(claim: Claim) -> None:
    """Say that the chunk is done, and end the run when it was the last one."""
    run = Run.objects.select_for_update(no_key=True).get(pk=claim.run.pk)
    claim.held().update(state=RunChunk.State.DONE, lease_token=None, lease_until=None, reason="")
    now = timezone.now()
    stop_clock_if_idle(run, now=now, until=now)
    finish_if_done(claim.run)


def remaining_reports(run: Run, report_ids: list[int]) -> list[int]:
    """Those of the reports that this attempt of the run has neither labeled nor failed to."""
    labeled = MachineLabel.objects.filter(run=run, report__in=report_ids).values_list("report_id", flat=True)
    failed = ReportFailure.objects.filter(run=run, report__in=report_ids, attempt=run.attempt)
    over = {*labeled, *failed.values_list("report_id", flat=True)}
    return [pk for pk in report_ids if pk not in over]


def sweep(*, now: datetime | None = None) -> list[int]:
    """Take back what dead workers held, end runs that nothing is left of; returns chunks to send messages for."""
    now = now or timezone.now()
    expired = RunChunk.objects.filter(state=LEASED, lease_until__lt=now).values_list("pk", flat=True)
    for pk in list(expired):
        _take_back(pk, now)
    to_wake: list[int] = []
    for run in Run.objects.filter(state__in=ACTIVE, chunks__isnull=False).distinct():
        if not finish_if_done(run):
            to_wake += chunks_to_wake(run, now=now)
    return to_wake


@transaction.atomic
def _take_back(chunk_id: int, now: datetime) -> None:
    run_id = RunChunk.objects.values_list("run_id", flat=True).get(pk=chunk_id)
    run = Run.objects.select_for_update(no_key=True).get(pk=run_id)
    chunk = RunChunk.objects.select_for_update(no_key=True).get(pk=chunk_id)
    if chunk.state != LEASED or chunk.lease_until is None or chunk.lease_until >= now:
        return
    stop_clock_if_idle(run, now=now)
    chunk.state, chunk.lease_token, chunk.lease_until, chunk.woken_at = WAITING, None, None, None
    chunk.reason = f"the worker that had it gave no sign of life (attempt {chunk.attempts})"
    if chunk.attempts >= settings.RUN_MAX_ATTEMPTS:
        give_up(run, chunk)
    chunk.save(update_fields=[*_LEASE_FIELDS, "n_failed"])


def give_up(run: Run, chunk: RunChunk) -> None:
    """Note for every report of the chunk that is left that nothing more is tried."""
    left = remaining_reports(run, chunk.report_ids)
    chunk.state, chunk.n_failed = RunChunk.State.GIVEN_UP, chunk.n_failed + len(left)
    chunk.reason = f"given up after {chunk.attempts} attempts: {chunk.reason}"[:500]
    now, kind = timezone.now(), ReportFailure.Kind.GIVEN_UP
    ReportFailure.objects.bulk_create(
        ReportFailure(run=run, report_id=pk, attempt=run.attempt, kind=kind, message=chunk.reason, at=now)
        for pk in left
    )


@transaction.atomic
def chunks_to_wake(run: Run, *, now: datetime | None = None) -> list[int]:
    """The next chunks of the run to send a message for, marked as sent; a bounded number is under way at a time."""
    now = now or timezone.now()
    waiting = RunChunk.objects.filter(run=run, state=WAITING)
    recently = Q(woken_at__gte=now - timedelta(seconds=_patience_s(now)))
    # Perhaps no worker has such an engine: one message is enough to find out.
    is_unseen = run.state == Run.State.QUEUED and local_engine(run.request["url"]) is not None
    room = (1 if is_unseen else WAKE_AHEAD) - waiting.filter(recently).count()
    unsent = waiting.filter(~recently | Q(woken_at__isnull=True)).order_by("number")
    chunks = list(unsent.values_list("pk", flat=True)[: max(0, room)])
    RunChunk.objects.filter(pk__in=chunks, state=WAITING).update(woken_at=now)
    return chunks


def _patience_s(now: datetime) -> float:
    """After how long a message counts as lost: soon when nobody works on anything, for then nobody waits in a queue."""
    is_anybody_at_work = RunChunk.objects.filter(state=LEASED, lease_until__gte=now).exists()
    return WAKE_AGAIN_S if is_anybody_at_work else min(WAKE_AGAIN_S, 2 * settings.RUN_SWEEP_S)


def _lease_end(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.RUN_LEASE_S)
