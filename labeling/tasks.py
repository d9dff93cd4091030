"""What Celery carries. A message only says where to look: the rows of chunks are the truth."""

import logging
from collections.abc import Iterable
from typing import Any, Final

from celery import shared_task
from celery.signals import worker_process_shutdown, worker_shutdown
from kombu.exceptions import OperationalError

from labeling.engines import close_engine, local_engine
from labeling.models import Run, RunChunk
from labeling.services.carrying import carry
from labeling.services.chunks import chunks_to_wake, claim, sweep

logger = logging.getLogger(__name__)

# For workers that can load an engine themselves; others would fail the run.
LOCAL_QUEUE: Final = "llm-local"


@shared_task(name="labeling.tasks.label_chunk", acks_late=True, ignore_result=True)
def label_chunk(chunk_id: int) -> None:
    """Label one chunk. A chunk that somebody has, or that is done, is left alone, however often it is delivered."""
    taken = claim(chunk_id)
    if taken is None:
        return
    try:
        ending = carry(taken)
        logger.info("chunk %s of run %s: %s", taken.chunk.number, taken.run.run_id, ending)
    finally:
        _send(sweep())


@shared_task(name="labeling.tasks.sweep_chunks", acks_late=True, ignore_result=True)
def sweep_chunks() -> None:
    """Take back the chunks of dead workers, and send messages for what waits."""
    _send(sweep())


def wake(run: Run) -> bool:
    """Send the first messages for a run; outside a transaction. Whether the broker took them.

    When it does not, the run waits until a worker that sweeps finds it.
    """
    return _send(chunks_to_wake(run))


@worker_process_shutdown.connect
@worker_shutdown.connect
def let_engine_go(**_: Any) -> None:
    """A worker that ends takes its engine along."""
    close_engine()


def _send(chunk_ids: Iterable[int]) -> bool:
    ids = list(chunk_ids)
    urls = dict(RunChunk.objects.filter(pk__in=ids).values_list("pk", "run__request__url"))
    try:
        for chunk_id in ids:
            if local_engine(urls.get(chunk_id) or ""):
                label_chunk.apply_async((chunk_id,), queue=LOCAL_QUEUE)
            else:
                label_chunk.delay(chunk_id)
    except OperationalError as error:
        logger.warning("the broker takes no messages: %s", type(error).__name__)
        return False
    return True
