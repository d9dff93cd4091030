"""Digests of files that come in."""

import hashlib
import os
from pathlib import Path

from labeling.core.intake.records import FileSource

_CHUNK = 1 << 20


def sha256_of(source: FileSource) -> str:
    """SHA-256 of a file; of a folder, over the names and contents of its files in order."""
    digest = hashlib.sha256()
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        if path.is_dir():
            for file in sorted(file for file in path.rglob("*") if file.is_file()):
                digest.update(f"{file.relative_to(path).as_posix()}\0{sha256_of(file)}\0".encode())
            return digest.hexdigest()
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    source.seek(0)
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
