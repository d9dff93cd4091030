"""What a worker holds while it computes figures: a lease that a thread renews, so that a dead worker is soon told."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.utils import timezone

from annotator.models import Evaluation

logger = logging.getLogger(__name__)

# A worker that is silent for so long is taken for dead.
LEASE_S: Final = 60
RENEW_S: Final = 15.0


def held(evaluation: Evaluation) -> QuerySet[Evaluation]:
    """The row, as long as nobody else has taken it over."""
    running = Evaluation.objects.filter(state=Evaluation.State.RUNNING)
    return running.filter(pk=evaluation.pk, attempts=evaluation.attempts)


def renew(evaluation: Evaluation, *, now: datetime) -> bool:
    """Hold it for `LEASE_S` more; False when another worker has taken it over."""
    return bool(held(evaluation).update(lease_until=now + timedelta(seconds=LEASE_S)))


@contextmanager
def holding(evaluation: Evaluation) -> Iterator[None]:
    """Renew the lease every `RENEW_S` while the block runs."""
    is_over = threading.Event()
    thread = threading.Thread(target=_renew_until, args=(is_over, evaluation), daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _renew_until(is_over: threading.Event, evaluation: Evaluation) -> None:
    try:
        while not is_over.wait(RENEW_S):
            try:
                if not renew(evaluation, now=timezone.now()):
                    return
            except DatabaseError as error:  # the next turn tries again
                logger.warning("evaluation %s: lease not renewed: %s", evaluation.pk, type(error).__name__)
    finally:
        connection.close()
