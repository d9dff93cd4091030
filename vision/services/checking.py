"""Compare what the database says of stored images with what lies on the disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from vision.models import Mask, Series
from vision.storage import WORK_PREFIX, mask_path, preview_path, series_path, sha256_of, thumbnail_path


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that is not as it should be; `path` is below the folder of images."""

    path: str
    what: str


def check_files() -> Iterator[Fault]:
    """Every stored file that is missing or changed, then every file that belongs to nothing."""
    expected: set[Path] = set()
    for series in Series.objects.defer("manifest", "removed").order_by("pk").iterator(chunk_size=500):
        yield from _compare(series_path(series), series.sha256, expected)
        for path in (thumbnail_path(series), preview_path(series)):
            expected.add(path)
            if not path.is_file():
                yield Fault(_shown(path), "is missing")
    for mask in Mask.objects.defer("classes", "centres").order_by("pk").iterator(chunk_size=500):
        yield from _compare(mask_path(mask), mask.sha256, expected)
    yield from _orphans(expected)


def _compare(path: Path, sha256: str, expected: set[Path]) -> Iterator[Fault]:
    expected.add(path)
    if not path.is_file():
        yield Fault(_shown(path), "is missing")
    elif sha256_of(path) != sha256:
        yield Fault(_shown(path), "differs from what was stored")


def _orphans(expected: set[Path]) -> Iterator[Fault]:
    for folder in sorted(Path(settings.IMAGE_DIR).iterdir()):
        if not folder.name.isdecimal():
            continue
        for path in sorted(folder.iterdir()):
            if path.name.startswith(WORK_PREFIX):
                yield Fault(_shown(path), "is left over from an import that goes on or was killed")
            elif path not in expected:
                yield Fault(_shown(path), "belongs to no series or mask")


def _shown(path: Path) -> str:
    return path.relative_to(settings.IMAGE_DIR).as_posix()
