"""Typed readers of the environment: the only module that touches `os.environ`."""

import contextlib
import os
import tempfile
from pathlib import Path

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}
MIN_SECRET_CHARACTERS = 40


class SettingError(Exception):
    """An environment variable is missing or cannot be read; says which and what was expected."""


def text(name: str, default: str | None = None) -> str:
    """The variable as it is; without a default it must be set and not blank."""
    value = os.environ.get(name, default)
    if value is None or (default is None and not value.strip()):
        raise SettingError(f"{name} is not set; it has no default")
    return value


def optional(name: str) -> str | None:
    """The variable, or None when it is unset or blank."""
    return os.environ.get(name, "").strip() or None


def flag(name: str, *, default: bool) -> bool:
    """A yes or no."""
    value = os.environ.get(name)
    if value is None:
        return default
    lowered = value.strip().lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise SettingError(f"{name} is {value!r}, expected one of {sorted(_TRUE | _FALSE)}")


def integer(name: str, *, default: int) -> int:
    """A whole number."""
    value = os.environ.get(name)
    if value is None:
        return default
    try:
        return int(value)
    except ValueError as error:
        raise SettingError(f"{name} is {value!r}, expected a whole number") from error


def names(name: str, *, default: tuple[str, ...] = ()) -> list[str]:
    """A comma-separated list."""
    value = os.environ.get(name)
    return list(default) if value is None else [part.strip() for part in value.split(",") if part.strip()]


def folder(name: str, default: Path) -> Path:
    """The folder that the variable names; see `private_folder`."""
    return private_folder(Path(os.environ.get(name) or default))


def private_folder(path: Path) -> Path:
    """The folder, made when it does not exist, readable by its owner only."""
    path = path.resolve()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def require_length(name: str, secret: str) -> str:
    """The secret, unless it is too short to be one; says its length, never the secret."""
    if len(secret) < MIN_SECRET_CHARACTERS:
        raise SettingError(f"{name} holds {len(secret)} characters, expected {MIN_SECRET_CHARACTERS} or more")
    return secret


def secret(name: str) -> str:
    """The secret in the variable; it must be set and long enough."""
    return require_length(name, text(name))


def secret_or_file(name: str, path: Path) -> str:
    """The secret in the variable, else the one that this machine keeps in the file."""
    value = optional(name)
    return secret_file(path) if value is None else require_length(name, value)


def secret_file(path: Path) -> str:
    """A secret that this machine made for itself: read from `path`, or drawn once and kept there for its owner.

    It is written beside `path` and linked into place when it is on the disk, so a crash leaves a whole secret or none.
    """
    if not path.exists():
        _draw_secret(path)
    return require_length(str(path), path.read_text(encoding="ascii").strip())


def _draw_secret(path: Path) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(os.urandom(48).hex())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first: its secret counts
            os.link(name, path)
    finally:
        os.unlink(name)
    folder_handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder_handle)
    finally:
        os.close(folder_handle)
