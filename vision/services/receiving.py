"""Import what the listener has received, study by study."""

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection, transaction
from django.db.models import F

from annotator.models import Project, User
from labeling.exceptions import UserError
from vision.core.receiver import Peer
from vision.core.spool import Quiet, Spool, SpoolBusy
from vision.models import ImageImport
from vision.services.imports import import_images
from vision.services.options import FileOutcome, ImportOptions

# Names of received files are hashes, so they lead to no case.
LINK_BY = ("accession_number", "study_uid", "study_id")
# How an import calls images of a series that is stored without them.
LATE = "series_is_stored"
# A study that the database refuses is tried so often; the waits double: 1, 2, 4 and 8 minutes.
MAX_TRIES: Final = 5
_FIRST_WAIT_S: Final = 60.0
# How long all studies wait when the database or the machine is at fault.
_PAUSE_S: Final = 30.0
_OF_THE_MACHINE: Final = frozenset(
    (
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS),
        *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN),
    )
)


class StoppedError(BaseException):
    """The listener is to stop while a study is imported; like KeyboardInterrupt nobody handles it on the way."""


@dataclass(frozen=True, slots=True)
class Received:
    """What became of one study: its record, or why there is none."""

    record: ImageImport | None
    reason: str = ""


def parse_peers(texts: Sequence[str]) -> list[Peer]:
    """Who may send, from `AET@ADDRESS` texts; from OVERREAD_DICOM_PEERS when there are none. Raises `UserError`."""
    try:
        peers = [Peer.parse(text) for text in texts or settings.DICOM_PEERS]
    except ValueError as error:
        raise UserError(str(error)) from error
    if not peers:
        raise UserError("nobody may send: name AET@ADDRESS with --allow or in OVERREAD_DICOM_PEERS")
    return peers


def open_spool(project: Project, *, quota_bytes: int, now_s: float) -> Spool:
    """The folder where what is sent for a project waits. Raises `UserError` when another listener has it."""
    folder = Path(settings.DATA_DIR) / "received" / str(project.pk)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.parent.chmod(0o700)
    spool = Spool(folder, quota_bytes=quota_bytes)
    try:
        spool.open(now_s=now_s)
    except SpoolBusy as error:
        raise UserError("another listener receives for this project") from error
    return spool


def import_next(
    *,
    project: Project,
    spool: Spool,
    quiet: Quiet,
    actor: User | None,
    now: datetime,
    now_s: float,
    progress: Callable[[int, int | None], None] | None = None,
) -> Received | None:
    """Import a study that has been quiet for long enough; None when there is none.

    A study is removed from the spool when it has been imported; its files that were refused or belong to no case are
    listed in the record of the import, and images that came too late for their stored series are kept aside. One that
    cannot be read as a whole is put aside. One that the database or the disk refuses waits again, and is put aside
    after `MAX_TRIES`. While the database is out of reach or the disk full, all wait and no try is counted. The reason
    that is returned is for the administrator: it names a folder of the spool, and nothing of the study.
    """
    folder = spool.take(quiet, now_s=now_s)
    if folder is None:
        return None
    late: list[str] = []

    def note(file: FileOutcome) -> None:
        if file.code == LATE:
            late.append(Path(file.name).name)

    options = ImportOptions(link_by=LINK_BY, title="received by DICOM", each_file=note)
    try:
        record = import_images(project=project, source=folder, actor=actor, options=options, now=now, progress=progress)
    except UserError as error:
        spool.put_aside(folder)
        return Received(None, f"put aside: {error}")
    except (DatabaseError, OSError) as error:
        return Received(None, _again_or_aside(folder, error, project=project, spool=spool, now_s=now_s))
    spool.finish(folder, late=late)
    return Received(record, f"{len(late):,} late images are kept aside" if late else "")


def _again_or_aside(folder: Path, error: Exception, *, project: Project, spool: Spool, now_s: float) -> str:
    """Decide what becomes of a study whose import ended with an error, and say it."""
    kind = type(error).__name__
    if not _is_of_the_study(error, project):
        spool.wait_again(folder, now_s=now_s)
        spool.pause(until_s=now_s + _PAUSE_S)
        return f"the database is out of reach or the machine has no room ({kind}): all studies wait {_PAUSE_S:.0f} s"
    n_tries = spool.count_failure(folder)
    if n_tries >= MAX_TRIES:
        spool.put_aside(folder)
        return f"put aside as failed/{folder.name} after {n_tries} tries ({kind}); the next start tries it again"
    wait_s = _FIRST_WAIT_S * 2 ** (n_tries - 1)
    spool.wait_again(folder, now_s=now_s, wait_s=wait_s)
    return f"try {n_tries} of {MAX_TRIES} failed ({kind}): it waits again, for {wait_s:.0f} s"


def _is_of_the_study(error: Exception, project: Project) -> bool:
    """Whether another study might fare better: the database takes writes, the machine has what every import needs."""
    if isinstance(error, OSError):
        return error.errno not in _OF_THE_MACHINE
    if not connection.in_atomic_block:
        close_old_connections()  # the one that failed may be dead
    try:
        with transaction.atomic():
            Project.objects.filter(pk=project.pk).update(image_dates=F("image_dates"))
            transaction.set_rollback(True)
    except DatabaseError:
        return False
    return True
