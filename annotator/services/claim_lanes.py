"""Claims of one reader go one after the other, and past one that hangs. On SQLite all writers take turns anyway."""

from typing import Final
from zlib import crc32

from django.db import OperationalError, connection

from annotator.models import Project, User

# Far longer than a claim takes, and shorter than anybody notices.
LOCK_WAIT_MS: Final = 200
_LOCK_NOT_AVAILABLE: Final = "55P03"
# Locks with two keys; see the manual of PostgreSQL on pg_locks.
_OTHERS: Final = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 2 AND classid = %s AND granted AND pid <> pg_backend_pid()
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def enter_lane(*, project: Project, reader: User, lane: int) -> int:
    """Wait, not for long, for a lane of the reader's claims, and keep it until the transaction ends.

    Answers how many other claims of theirs are under way: what these take is not seen yet. Raises `OperationalError`
    (see `is_lock_wait`) where the lane stays taken: by a claim that hangs, and that another lane leads past. From here
    on no statement of the transaction waits for a lock longer than that.
    """
    if connection.vendor != "postgresql":
        return 0
    key = crc32(f"claims of {reader.pk} in {project.pk}".encode())
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_WAIT_MS}ms"])
        # The keys are signed, and pg_locks shows them unsigned.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [key - 2**32 if key >= 2**31 else key, lane])
        cursor.execute(_OTHERS, [key])
        return int(cursor.fetchone()[0])


def is_lock_wait(error: Exception) -> bool:
    """Whether a statement gave up waiting for a lock."""
    return isinstance(error, OperationalError) and getattr(error.__cause__, "sqlstate", None) == _LOCK_NOT_AVAILABLE
