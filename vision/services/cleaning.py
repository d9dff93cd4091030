"""De-identify the files of an import: on all processors where there are many, packed pixels always in another process.

Packed pixels are decoded by native code, and what that does with a damaged file is not known: it may end its process.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Final, Self

from vision.core.archives import ImageFile
from vision.core.deidentify import Dates, Removed, deidentify
from vision.core.dicom import read_instance, write_instance
from vision.core.frames import decode_frame, needs_transcoding, transcode
from vision.core.limits import ImageLimits
from vision.core.packed_pixels import bare_pixels
from vision.core.refusals import ImageRefused
from vision.services.workers import Apart, Workers

# Fewer images are done by one process before others would be ready.
_MIN_IMAGES: Final = 100
_MAX_PROCESSES: Final = 4
# Files that are on their way at a time, for each process; a larger file travels alone.
_AHEAD: Final = 3
_MAX_TRAVELLING_BYTES: Final = 16 * 1024**2


@dataclass(frozen=True, slots=True)
class Rules:
    """How a project de-identifies, and what it reads at most."""

    secret: str
    scope: str
    dates: Dates
    limits: ImageLimits


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A de-identified file, its new SOP Instance UID, and what was removed."""

    content: bytes
    sop_uid: str
    removed: Removed


def clean(content: bytes, rules: Rules) -> Cleaned:
    """De-identify one DICOM file. Every frame is decoded once: raises `ImageRefused` for one that cannot be."""
    instance = read_instance(content, limits=rules.limits)
    instance.load_pixels()
    dataset = instance.dataset
    if needs_transcoding(dataset) or not bare_pixels(dataset):
        transcode(dataset)
    else:
        for frame in range(instance.header.n_frames):
            decode_frame(dataset, frame)
    removed = deidentify(dataset, secret=rules.secret, scope=rules.scope, dates=rules.dates, keep_descriptions=True)
    return Cleaned(write_instance(dataset), str(dataset.SOPInstanceUID), removed)


class Cleaner:
    """Cleans files in their order, with several processes when there are `n_images` enough to be worth them."""

    def __init__(self, rules: Rules, *, n_images: int) -> None:
        self._rules = rules
        self._n_processes = min(_MAX_PROCESSES, os.cpu_count() or 1) if n_images >= _MIN_IMAGES else 1
        self._workers = Workers(self._n_processes)
        self._apart = Apart()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._workers.close()
        self._apart.close()

    def clean_all(self, files: Iterable[ImageFile]) -> Iterator[Cleaned | ImageRefused]:
        """What became of each file, in the order of `files`; few are held in memory at a time, large ones singly."""
        waiting: deque[tuple[ImageFile, Future[Cleaned]]] = deque()
        for file in files:
            is_large = file.n_bytes > _MAX_TRAVELLING_BYTES
            while is_large and waiting:
                yield self._next(*waiting.popleft())
            waiting.append((file, self._begin(file)))
            if is_large or len(waiting) > _AHEAD * self._n_processes or self._n_processes == 1:
                yield self._next(*waiting.popleft())
        while waiting:
            yield self._next(*waiting.popleft())

    def _next(self, file: ImageFile, future: Future[Cleaned]) -> Cleaned | ImageRefused:
        """The result for a file; one that was on its way when a process died is done again, apart."""
        try:
            try:
                return future.result()
            except BrokenProcessPool:
                return self._apart.run(clean, _content_of(file), self._rules)
        except ImageRefused as error:
            return error

    def _begin(self, file: ImageFile) -> Future[Cleaned]:
        try:
            content = _content_of(file)
            if self._goes_elsewhere(content):
                return self._workers.submit(clean, content, self._rules)
            return _done(clean(content, self._rules))
        except ImageRefused as error:
            failed: Future[Cleaned] = Future()
            failed.set_exception(error)
            return failed

    def _goes_elsewhere(self, content: bytes) -> bool:
        """Whether another process cleans the file: to share the work, or because its pixels are packed."""
        if self._n_processes > 1 and len(content) <= _MAX_TRAVELLING_BYTES:
            return True
        return read_instance(content, limits=self._rules.limits).layout.is_encapsulated


def _content_of(file: ImageFile) -> bytes:
    with file.open() as stream:
        return stream.read()


def _done(cleaned: Cleaned) -> Future[Cleaned]:
    future: Future[Cleaned] = Future()
    future.set_result(cleaned)
    return future
