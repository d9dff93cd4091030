"""Read much as it was at one moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection, transaction

_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


@contextmanager
def at_one_moment() -> Iterator[None]:
    """What is read inside is as it was when the first of it was read; nobody waits for it. Nothing may be written.

    Within a transaction that has begun, it is as that transaction has it.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_SNAPSHOT)
            yield
    else:
        # Not `atomic`, which keeps writers of SQLite waiting.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
