"""What a worker holds while it computes figures or freezes a release: a lease that a thread renews."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, TypeVar

from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.utils import timezone

from annotator.models import Evaluation, Release

logger = logging.getLogger(__name__)

# A worker that is silent for so long is taken for dead.
LEASE_S: Final = 60
RENEW_S: Final = 15.0

Held = TypeVar("Held", Evaluation, Release)


def held(row: Held) -> QuerySet[Held]:
    """The row, as long as nobody else has taken it over."""
    running = type(row)._default_manager.filter(state="running")
    return running.filter(pk=row.pk, attempts=row.attempts)


def renew(row: Held, *, now: datetime) -> bool:
    """Hold it for `LEASE_S` more; False when another worker has taken it over."""
    return bool(held(row).update(lease_until=now + timedelta(seconds=LEASE_S)))


@contextmanager
def holding(row: Held) -> Iterator[None]:
    """Renew the lease every `RENEW_S` while the block runs."""
    is_over = threading.Event()
    thread = threading.Thread(target=_renew_until, args=(is_over, row), daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _renew_until(is_over: threading.Event, row: Held) -> None:
    try:
        while not is_over.wait(RENEW_S):
            try:
                if not renew(row, now=timezone.now()):
                    return
            except DatabaseError as error:  # the next turn tries again
                logger.warning("%s: lease not renewed: %s", row, type(error).__name__)
    finally:
        connection.close()
