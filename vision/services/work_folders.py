"""Folders for files that are not complete: each is locked while its import lives, and removed with it or after it."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from django.conf import settings

from annotator.models import Project
from vision.storage import WORK_PREFIX, project_folder

# A folder that was made just now may not be locked yet.
_YOUNG_S: Final = 60.0


@contextmanager
def work_folder(project: Project) -> Iterator[Path]:
    """A folder on the disk of the images for files that are not complete; it goes away with what is left in it."""
    with TemporaryDirectory(prefix=WORK_PREFIX, dir=project_folder(project.pk)) as folder:
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield Path(folder)
        finally:
            os.close(handle)


def remove_dead_work() -> None:
    """Remove what imports that were killed have left: it may be as it came, with the names of patients."""
    for folder in Path(settings.IMAGE_DIR).glob(f"*/{WORK_PREFIX}*"):
        try:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:  # its import has ended
            continue
        try:
            if time.time() - os.fstat(handle).st_mtime > _YOUNG_S:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
        except (BlockingIOError, FileNotFoundError):  # its import lives, or another one removes it
            continue
        finally:
            os.close(handle)
