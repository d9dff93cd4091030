"""Where the bytes of series and masks lie: `IMAGE_DIR/<project>/`, out of reach of the web, for the owner only."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from annotator.models import Project
from vision.models import Mask, Series

_CHUNK = 1 << 20
WORK_PREFIX = ".work-"


def project_folder(project_id: int) -> Path:
    """The folder of a project, made when it does not exist."""
    folder = Path(settings.IMAGE_DIR) / str(project_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def originals_folder(project: Project) -> Path:
    """Where the files of a project are kept as they came, if it keeps them."""
    return Path(settings.IMAGE_DIR) / "originals" / str(project.pk)


def series_path(series: Series) -> Path:
    """The pack of DICOM instances, or the NIfTI file."""
    ending = "pack" if series.source == Series.Source.DICOM else "nii.gz"
    return Path(settings.IMAGE_DIR) / str(series.project_id) / f"{series.pk}.{ending}"


def thumbnail_path(series: Series) -> Path:
    """A small picture of the series."""
    return Path(settings.IMAGE_DIR) / str(series.project_id) / f"{series.pk}.thumbnail.png"


def preview_path(series: Series) -> Path:
    """One image of the series in full size."""
    return Path(settings.IMAGE_DIR) / str(series.project_id) / f"{series.pk}.preview.png"


def mask_path(mask: Mask) -> Path:
    """The label map."""
    return Path(settings.IMAGE_DIR) / str(mask.project_id) / f"mask-{mask.pk}.nii.gz"


def write_file(path: Path, content: bytes) -> None:
    """Write a file for its owner; it is on the disk when this returns."""
    with open(path, "wb", opener=_open_for_owner) as file:
        file.write(content)
        sync(file)


def create_file(path: Path) -> BinaryIO:
    """A new file for its owner, open for writing."""
    return open(path, "xb", opener=_open_for_owner)


def sync(file: BinaryIO) -> None:
    """Wait until the file is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def put_in_place(path: Path, target: Path) -> None:
    """Move a complete file to where it is served from, in one step."""
    path.chmod(0o600)
    os.replace(path, target)


def sync_folder(folder: Path) -> None:
    """Wait until the names in the folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_range(source: BinaryIO, target: BinaryIO, *, offset: int, length: int) -> None:
    """Append `length` bytes of `source` from `offset` to `target`."""
    source.seek(offset)
    left = length
    while left:
        chunk = source.read(min(left, _CHUNK))
        if not chunk:
            raise OSError("a file of an import became shorter while it was read")
        target.write(chunk)
        left -= len(chunk)


def _open_for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
