"""De-identify the files of an import, on all processors where there are many of them."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Final, Self

from vision.core.archives import ImageFile
from vision.core.deidentify import Dates, Removed, deidentify
from vision.core.dicom import read_instance, write_instance
from vision.core.frames import decode_frame, needs_transcoding, transcode
from vision.core.limits import ImageLimits
from vision.core.packed_pixels import bare_pixels
from vision.core.refusals import ImageRefused
from vision.core.silence import silence_pydicom

# Fewer images are done before other processes would be ready.
_MIN_IMAGES: Final = 100
_MAX_PROCESSES: Final = 4
# Files that are on their way at a time, for each process; larger files do not travel.
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
    """Cleans files in their order, with processes of its own when there are `n_images` enough to be worth them."""

    def __init__(self, rules: Rules, *, n_images: int) -> None:
        self._rules = rules
        self._n_processes = min(_MAX_PROCESSES, os.cpu_count() or 1) if n_images >= _MIN_IMAGES else 1
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        if self._n_processes > 1:
            self._pool = ProcessPoolExecutor(
                self._n_processes, mp_context=get_context("spawn"), initializer=silence_pydicom
            )
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def clean_all(self, files: Iterable[ImageFile]) -> Iterator[Cleaned | ImageRefused]:
        """What became of each file, in the order of `files`; few are held in memory at a time."""
        waiting: deque[tuple[ImageFile, Future[Cleaned]]] = deque()
        for file in files:
            waiting.append((file, self._begin(file)))
            if len(waiting) > _AHEAD * self._n_processes or self._pool is None:
                yield self._next(*waiting.popleft())
        while waiting:
            yield self._next(*waiting.popleft())

    def _next(self, file: ImageFile, future: "Future[Cleaned]") -> Cleaned | ImageRefused:
        """The result for a file; one that was on its way when a process died is done again, in a process of its own."""
        try:
            return _result(future)
        except BrokenProcessPool:
            return self._clean_apart(file)

    def _clean_apart(self, file: ImageFile) -> Cleaned | ImageRefused:
        try:
            with file.open() as stream:
                content = stream.read()
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                return _result(pool.submit(clean, content, self._rules))
        except ImageRefused as error:
            return error
        except BrokenProcessPool:
            return ImageRefused("its pixels end the process that decodes them", code="decoder_died")

    def _begin(self, file: ImageFile) -> "Future[Cleaned]":
        try:
            with file.open() as stream:
                content = stream.read()
            if self._pool is not None and len(content) <= _MAX_TRAVELLING_BYTES:
                return self._submit(content)
            return _done(clean(content, self._rules))
        except ImageRefused as error:
            failed: Future[Cleaned] = Future()
            failed.set_exception(error)
            return failed

    def _submit(self, content: bytes) -> "Future[Cleaned]":
        """Hand a file to the processes; to new ones where these are dead."""
        if self._pool is None:
            return _done(clean(content, self._rules))
        try:
            return self._pool.submit(clean, content, self._rules)
        except BrokenProcessPool:
            self._pool.shutdown()
            self._pool = ProcessPoolExecutor(self._n_processes, mp_context=get_context("spawn"))
            return self._pool.submit(clean, content, self._rules)


def _done(cleaned: Cleaned) -> "Future[Cleaned]":
    future: Future[Cleaned] = Future()
    future.set_result(cleaned)
    return future


def _result(future: "Future[Cleaned]") -> Cleaned | ImageRefused:
    try:
        return future.result()
    except ImageRefused as error:
        return error
