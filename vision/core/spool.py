"""A folder where received instances wait for their import: whole files only, within a quota, and safe to be killed.

arriving/            files that are being received; what is left there after a stop is removed
waiting/STUDY/       whole files of one study (names are hashes of UIDs)
importing/STUDY.N/   a study that is being imported; waits again after a stop
failed/STUDY.N/      a study whose import failed as a whole; tried again after the next start
aside/STUDY/         images that came too late for their series; kept for whoever removes that series to import them
"""

import fcntl
import hashlib
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

_NAME_CHARACTERS = 32


class SpoolBusy(Exception):
    """Another process uses this folder."""


class SpoolFull(Exception):
    """The quota is used up, or the disk nearly full."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """How long no instance may have come before a study counts as complete.

    With an open association, after all were released, and after one broke off or the listener was stopped: then the
    rest has still to be sent again, and a series that is stored takes no further images.
    """

    open_s: float = 60.0
    released_s: float = 10.0
    broken_s: float = 600.0


@dataclass(slots=True)
class _Waiting:
    """A study that waits; times in seconds of the monotonic clock."""

    last_arrival_s: float
    not_before_s: float = 0.0
    associations: set[int] = field(default_factory=set)
    all_released: bool = True

    def needed_s(self, quiet: Quiet) -> float:
        """For how long it must have been quiet."""
        if self.associations:
            return quiet.open_s
        return quiet.released_s if self.all_released else quiet.broken_s


class Spool:
    """The folder, held by one process from `open` to `close`. Methods may be called from any thread."""

    def __init__(self, folder: Path, *, quota_bytes: int, min_free_bytes: int = 1 << 30) -> None:
        self.folder = folder
        self.quota_bytes = quota_bytes
        self.min_free_bytes = min_free_bytes
        self._lock = threading.Lock()
        self._waiting: dict[str, _Waiting] = {}
        self._n_failed: Counter[str] = Counter()
        self._paused_until_s = 0.0
        self._n_bytes = 0
        self._holder: int | None = None

    @property
    def arriving(self) -> Path:
        """Where files are while they come in."""
        return self.folder / "arriving"

    @property
    def n_bytes(self) -> int:
        """What whole files take."""
        return self._n_bytes

    def open(self, *, now_s: float) -> None:
        """Take the folder, remove half files, let everything else wait. Raises `SpoolBusy`."""
        for name in ("arriving", "waiting", "importing", "failed", "aside"):
            (self.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._holder = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise SpoolBusy("another receiver uses this folder") from error
        self.sweep(older_than_s=0)
        for old in sorted([*(self.folder / "importing").iterdir(), *(self.folder / "failed").iterdir()]):
            self._put_back(old)
        waiting = [path for path in (self.folder / "waiting").iterdir() if path.is_dir()]
        self._waiting = {path.name: _Waiting(last_arrival_s=now_s, all_released=False) for path in waiting}
        self._n_bytes = sum(_size_of(path) for path in [*waiting, *(self.folder / "aside").iterdir()])

    def close(self) -> None:
        """Let go of the folder."""
        if self._holder is not None:
            os.close(self._holder)
            self._holder = None

    def has_room(self, n_bytes: int) -> bool:
        """Whether so many more bytes fit the quota and leave the disk room."""
        free = shutil.disk_usage(self.folder).free
        return self._n_bytes + n_bytes <= self.quota_bytes and free - n_bytes >= self.min_free_bytes

    def keep(self, path: Path, *, study_uid: str, sop_uid: str, association: int, now_s: float) -> None:
        """Move a whole file from `arriving` to its study; it is on the disk when this returns. Raises `SpoolFull`.

        An instance that is sent again takes the place of the earlier file.
        """
        n_bytes = path.stat().st_size
        sync(path)
        study = _name_of(study_uid)
        with self._lock:
            if not self.has_room(n_bytes):
                raise SpoolFull("no room is left")
            folder = self.folder / "waiting" / study
            folder.mkdir(mode=0o700, exist_ok=True)
            target = folder / f"{_name_of(sop_uid)}.dcm"
            replaced = target.stat().st_size if target.exists() else 0
            path.replace(target)
            sync(folder)
            self._n_bytes += n_bytes - replaced
            waiting = self._waiting.setdefault(study, _Waiting(last_arrival_s=now_s))
            waiting.last_arrival_s = now_s
            if association not in waiting.associations and not waiting.associations:
                waiting.all_released = True  # the sender has come again
            waiting.associations.add(association)

    def end_association(self, association: int, *, released: bool, now_s: float) -> None:
        """The association is over: released, or broken off (its sender may come again to go on)."""
        with self._lock:
            for waiting in self._waiting.values():
                if association in waiting.associations:
                    waiting.associations.discard(association)
                    waiting.all_released &= released
                    waiting.last_arrival_s = max(waiting.last_arrival_s, now_s) if released else waiting.last_arrival_s

    def take(self, quiet: Quiet, *, now_s: float) -> Path | None:
        """A study that has been quiet for long enough, moved to `importing`; None when there is none, or in a pause."""
        with self._lock:
            for study, waiting in self._waiting.items() if now_s >= self._paused_until_s else ():
                ready_s = max(waiting.last_arrival_s + waiting.needed_s(quiet), waiting.not_before_s)
                if now_s >= ready_s:
                    del self._waiting[study]
                    target = self.folder / "importing" / f"{study}.{time.time_ns()}"
                    (self.folder / "waiting" / study).replace(target)
                    return target
        return None

    def finish(self, folder: Path, *, late: Collection[str] = ()) -> None:
        """Remove a study that has been imported; the files called in `late` are kept aside and count to the quota."""
        aside = self.folder / "aside" / _study_of(folder)
        for name in late:
            aside.mkdir(mode=0o700, exist_ok=True)
            (folder / name).replace(aside / name)
        n_bytes = _size_of(folder)
        shutil.rmtree(folder)
        with self._lock:
            self._n_bytes -= n_bytes
            self._n_failed.pop(_study_of(folder), None)

    def put_aside(self, folder: Path) -> None:
        """Keep a study that could not be imported; it still counts towards the quota."""
        folder.replace(self.folder / "failed" / folder.name)
        with self._lock:
            self._n_failed.pop(_study_of(folder), None)

    def count_failure(self, folder: Path) -> int:
        """Note that the import of a study failed; returns how often it has since it came or the folder was opened."""
        with self._lock:
            self._n_failed[_study_of(folder)] += 1
            return self._n_failed[_study_of(folder)]

    def wait_again(self, folder: Path, *, now_s: float, wait_s: float = 0.0) -> None:
        """Let a study that was taken wait once more, for `wait_s` at least."""
        with self._lock:
            self._put_back(folder)
            waiting = self._waiting.setdefault(_study_of(folder), _Waiting(last_arrival_s=now_s))
            waiting.not_before_s = now_s + wait_s

    def pause(self, *, until_s: float) -> None:
        """Let every study wait until then; instances are kept all the same."""
        with self._lock:
            self._paused_until_s = until_s

    def sweep(self, *, older_than_s: float) -> int:
        """Remove half files into which nothing has been written for so long; returns how many."""
        n_removed = 0
        for path in self.arriving.iterdir():
            try:
                if time.time() - path.stat().st_mtime >= older_than_s:
                    path.unlink()
                    n_removed += 1
            except FileNotFoundError:  # it became whole, or its association removed it
                continue
        return n_removed

    def _put_back(self, old: Path) -> None:
        """Put what was taken back; files that came since then are the newer ones."""
        target = self.folder / "waiting" / _study_of(old)
        target.mkdir(mode=0o700, exist_ok=True)
        for path in old.iterdir():
            if not (target / path.name).exists():
                path.replace(target / path.name)
            else:
                self._n_bytes -= path.stat().st_size
        shutil.rmtree(old)


def sync(path: Path) -> None:
    """Wait until the file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _name_of(uid: str) -> str:
    return hashlib.sha256(uid.encode()).hexdigest()[:_NAME_CHARACTERS]


def _study_of(folder: Path) -> str:
    """The name of the study of a folder that was taken."""
    return folder.name.partition(".")[0]


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
