"""Vocabulary files: where they are, how they are read, and the hash that goes into run manifests."""

import hashlib
import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any


def vocabulary_folder() -> Traversable:
    """Folder that holds the vocabulary files."""
    return resources.files("labeling.core").joinpath("vocab")


def vocabulary_files() -> list[str]:
    """Names of all vocabulary files, sorted."""
    return sorted(entry.name for entry in vocabulary_folder().iterdir() if entry.name.endswith(".toml"))


def read_vocabulary_file(name: str) -> dict[str, Any]:
    """Content of the vocabulary file `name`."""
    return tomllib.loads(vocabulary_folder().joinpath(name).read_text(encoding="utf-8"))


def vocabulary_hash() -> str:
    """SHA-256 over names and contents of all vocabulary files, as hexadecimal digits."""
    digest = hashlib.sha256()
    for name in vocabulary_files():
        content = vocabulary_folder().joinpath(name).read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
