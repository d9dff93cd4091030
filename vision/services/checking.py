"""Compare what the database says of stored images with what lies on the disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

from annotator.models import Project
from vision.models import Mask, Series
from vision.storage import WORK_PREFIX, mask_path, preview_path, series_path, sha256_of, thumbnail_path

_NOTHING: Final = "belongs to no series or mask"


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that is not as it should be; `path` is below the folder of images."""

    path: str
    what: str


def check_files() -> Iterator[Fault]:
    """Every stored file that is missing or changed, then every file that belongs to nothing, originals among them.

    What an import that goes on has put in place and not yet made visible is named as well.
    """
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
    yield from _orphaned_originals()


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
                yield Fault(_shown(path), _NOTHING)


def _orphaned_originals() -> Iterator[Fault]:
    """Files as they came, which belong to an image of a stored series or should not be there: they name patients."""
    projects = {str(pk) for pk in Project.objects.values_list("pk", flat=True)}
    for folder in _entries(Path(settings.IMAGE_DIR) / "originals"):
        if not folder.is_dir() or folder.is_symlink():
            yield Fault(_shown(folder), _NOTHING)
        elif folder.name not in projects:
            yield Fault(_shown(folder), "holds originals of no project")
        else:
            for path in _entries(folder):
                yield from _originals_of_nothing(path, int(folder.name))


def _originals_of_nothing(folder: Path, project_id: int) -> Iterator[Fault]:
    if not folder.is_dir() or folder.is_symlink():
        yield Fault(_shown(folder), _NOTHING)
        return
    parts = Series.objects.filter(project=project_id, series_uid=folder.name).only("manifest")
    names = {f"{image['sop_uid']}.dcm" for part in parts for image in part.manifest["images"]}
    if not names:
        yield Fault(_shown(folder), "holds originals of no stored series")
        return
    for path in _entries(folder):
        if path.name not in names:
            yield Fault(_shown(path), "belongs to no stored image")


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _shown(path: Path) -> str:
    return path.relative_to(settings.IMAGE_DIR).as_posix()
