"""Files that wait between upload and import: out of reach of the web, for one user and project, for a day at most."""

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from annotator.exceptions import UserError
from annotator.models import Project, User
from labeling.core.intake.records import has_unstorable

KEPT_SECONDS = 24 * 60 * 60
# Without a new byte for so long an upload has broken off.
ARRIVING_SECONDS = 60 * 60
# Whoever works on the files of an upload locks this file in its folder.
LOCK = "lock"
# What says of an upload that it is being imported; nobody can import it after that.
CLAIMED = "claimed.json"
# How Django calls a file while it arrives.
_ARRIVING = re.compile(r"tmp.*\.upload.*", re.DOTALL)
_TOKEN = re.compile(r"[0-9a-f]{32}")


class UploadGone(UserError):
    """There is no such upload, or it is not this user's, or its day is over."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that waits. `file_name` is what the user called it; on disk it has none."""

    token: str
    path: Path
    file_name: str
    n_bytes: int


def keep_upload(*, project: Project, user: User, uploaded: UploadedFile) -> Upload:
    """Put the file where only this user can import it into this project; uploads whose day is over are removed."""
    size = uploaded.size or 0
    if size > settings.MAX_UPLOAD_BYTES:
        raise UserError(f"the file has {size:,} bytes, at most {settings.MAX_UPLOAD_BYTES:,} are allowed")
    remove_old_uploads()
    token = secrets.token_hex(16)
    folder = upload_root() / token
    folder.mkdir(mode=0o700)
    path = folder / "file"
    path.touch(mode=0o600, exist_ok=False)
    with path.open("wb") as file:
        for chunk in uploaded.chunks():
            file.write(chunk)
    about: dict[str, Any] = {"project": project.pk, "user": user.pk, "file_name": _storable(uploaded.name)}
    about_path = folder / "about.json"
    about_path.touch(mode=0o600, exist_ok=False)
    about_path.write_text(json.dumps(about), encoding="utf-8")
    return _upload(folder, about)


def find_upload(*, project: Project, user: User, token: str) -> Upload:
    """The waiting file; raises `UploadGone` when there is none for this user and project."""
    folder = upload_root() / token
    if not _TOKEN.fullmatch(token) or not (folder / "about.json").is_file() or _age_s(folder) > KEPT_SECONDS:
        raise UploadGone("this upload is gone; upload the file again")
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    if (about["project"], about["user"]) != (project.pk, user.pk):
        raise UploadGone("this upload is gone; upload the file again")
    return _upload(folder, about)


def remove_upload(upload: Upload) -> None:
    """Delete the file."""
    shutil.rmtree(upload.path.parent, ignore_errors=True)


def remove_old_uploads() -> None:
    """Delete the files that have waited for more than a day, and what uploads and imports that broke off have left."""
    for path in upload_root().iterdir():
        try:
            age_s = _age_s(path)
        except FileNotFoundError:  # another request removed it
            continue
        if _TOKEN.fullmatch(path.name):
            kept_s = ARRIVING_SECONDS if (path / CLAIMED).exists() else KEPT_SECONDS
            if age_s > kept_s and not _is_locked(path):
                shutil.rmtree(path, ignore_errors=True)
        elif _ARRIVING.fullmatch(path.name) and age_s > ARRIVING_SECONDS:
            path.unlink(missing_ok=True)


@contextmanager
def upload_in_use(folder: Path) -> Iterator[None]:
    """Keep the folder of an upload from being removed while its files are imported."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _is_locked(folder: Path) -> bool:
    try:
        handle = os.open(folder / LOCK, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _age_s(path: Path) -> float:
    """Seconds since something was written."""
    return timezone.now().timestamp() - path.stat().st_mtime


def upload_root() -> Path:
    """The folder of all that waits."""
    root = Path(settings.UPLOAD_DIR)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root


def _storable(name: str | None) -> str:
    """What the user called a file, without what a database cannot store."""
    return "".join("_" if has_unstorable(character) else character for character in name or "file")[-255:]


def _upload(folder: Path, about: dict[str, Any]) -> Upload:
    path = folder / "file"
    return Upload(token=folder.name, path=path, file_name=about["file_name"], n_bytes=path.stat().st_size)
