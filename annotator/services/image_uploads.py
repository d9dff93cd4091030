"""Images that wait between upload and import: many files under one token, for one user, for a day at most.

An upload is added to and claimed under a lock of its own: it is imported once, and nothing comes to it afterwards.
"""

import json
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile

from annotator.models import Project, User
from annotator.services.uploads import CLAIMED, UploadGone, remove_old_uploads, upload_in_use, upload_root
from labeling.core.intake.records import has_unstorable
from labeling.exceptions import UserError

MAX_FILES: Final = 100_000
_ABOUT: Final = "images.json"
_GONE: Final = "this upload is gone; upload the files again"
_TOKEN: Final = re.compile(r"[0-9a-f]{32}")
_MAX_DEPTH: Final = 12
_MAX_NAME_BYTES: Final = 180


@dataclass(frozen=True, slots=True)
class ImageUpload:
    """Files that wait, in `files` under the names that the user's machine gave them, and what belongs to them."""

    token: str
    folder: Path
    n_files: int
    n_bytes: int

    @property
    def files(self) -> Path:
        """The folder of the images."""
        return self.folder / "files"

    @property
    def name(self) -> str:
        """What the user sent: the name of the one file or folder, or how many files."""
        entries = sorted(os.listdir(self.files))
        return entries[0] if len(entries) == 1 else f"{self.n_files} files"


def keep_images(
    *, project: Project, user: User, uploaded: Sequence[UploadedFile], paths: Sequence[str] = (), token: str = ""
) -> ImageUpload:
    """Add files to an upload, or begin one. `paths` are the files' places in the folder that the user chose."""
    upload = find_images(project=project, user=user, token=token) if token else _begin(project, user)
    with _locked(upload.folder):
        upload = find_images(project=project, user=user, token=upload.token)
        n_bytes = upload.n_bytes + sum(file.size or 0 for file in uploaded)
        n_files = upload.n_files + len(uploaded)
        _check_amount(n_bytes=n_bytes, n_files=n_files)
        for index, file in enumerate(uploaded):
            name = paths[index] if index < len(paths) else (file.name or "")
            _move(file, _free_path(upload.files, name))
        about = {"project": project.pk, "user": user.pk, "n_files": n_files, "n_bytes": n_bytes}
        return _write_about(upload.folder, about)


def claim_images(upload: ImageUpload) -> ImageUpload:
    """Take the upload for the one import that it gets; raises `UploadGone` when another one has it."""
    about_path = upload.folder / _ABOUT
    with _locked(upload.folder):
        try:
            about = json.loads(about_path.read_text(encoding="utf-8"))
            os.rename(about_path, upload.folder / CLAIMED)
        except FileNotFoundError as error:
            raise UploadGone(_GONE) from error
    return ImageUpload(upload.token, upload.folder, about["n_files"], about["n_bytes"])


def keep_beside(upload: ImageUpload, *, name: str, uploaded: UploadedFile | None) -> Path | None:
    """Put a file that says something about the images beside them; None without one.

    It gets a folder of its own: a form may be sent again, while an import reads what came the first time.
    """
    if uploaded is None:
        return None
    folder = upload.folder / secrets.token_hex(8)
    try:
        folder.mkdir(mode=0o700)
    except FileNotFoundError as error:
        raise UploadGone(_GONE) from error
    _move(uploaded, folder / name)
    return folder / name


def find_images(*, project: Project, user: User, token: str) -> ImageUpload:
    """The files that wait; raises `UploadGone` when there are none for this user and project."""
    if not _TOKEN.fullmatch(token):
        raise UploadGone(_GONE)
    folder = upload_root() / token
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UploadGone(_GONE) from error
    if (about["project"], about["user"]) != (project.pk, user.pk):
        raise UploadGone(_GONE)
    return ImageUpload(token, folder, about["n_files"], about["n_bytes"])


def _check_amount(*, n_bytes: int, n_files: int) -> None:
    if n_bytes > settings.MAX_IMAGE_UPLOAD_BYTES:
        raise UserError(f"the files have {n_bytes:,} bytes, at most {settings.MAX_IMAGE_UPLOAD_BYTES:,} are allowed")
    if n_files > MAX_FILES:
        raise UserError(f"these are {n_files:,} files, at most {MAX_FILES:,} are allowed; send them as ZIP archives")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    if not folder.is_dir():
        raise UploadGone(_GONE)
    with upload_in_use(folder):
        yield


def _begin(project: Project, user: User) -> ImageUpload:
    remove_old_uploads()
    token = secrets.token_hex(16)
    folder = upload_root() / token
    folder.mkdir(mode=0o700)
    (folder / "files").mkdir(mode=0o700)
    return _write_about(folder, {"project": project.pk, "user": user.pk, "n_files": 0, "n_bytes": 0})


def _write_about(folder: Path, about: dict[str, Any]) -> ImageUpload:
    part = folder / f"{_ABOUT}.part"
    part.touch(mode=0o600)
    part.write_text(json.dumps(about), encoding="utf-8")
    os.replace(part, folder / _ABOUT)
    return ImageUpload(folder.name, folder, about["n_files"], about["n_bytes"])


def _free_path(root: Path, name: str) -> Path:
    """A path below `root` that says what the user's machine called the file, and that no other file has."""
    parts = [_safe(part) for part in re.split(r"[/\\]+", name) if part.strip(". ")][-_MAX_DEPTH:] or ["file"]
    folder = root
    for part in parts[:-1]:
        folder /= part
        if folder.is_file():
            folder = folder.with_name(f"{part}~")
        folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / parts[-1]
    while path.exists():
        path = folder / f"{secrets.token_hex(4)}-{parts[-1]}"
    return path


def _safe(part: str) -> str:
    shown = "".join("_" if has_unstorable(character) or ord(character) < 32 else character for character in part)
    while len(shown.encode()) > _MAX_NAME_BYTES:
        shown = shown[1:]
    return shown


def _move(file: UploadedFile, path: Path) -> None:
    """Put an uploaded file in its place without copying what lies on the same disk already."""
    if isinstance(file, TemporaryUploadedFile):
        os.replace(file.temporary_file_path(), path)
        path.chmod(0o600)
        return
    path.touch(mode=0o600, exist_ok=False)
    with path.open("wb") as target:
        for chunk in file.chunks():
            target.write(chunk)
