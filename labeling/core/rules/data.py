"""Vocabulary files: where they are, how they are read, and the hash that goes into run manifests."""

import hashlib
import re
import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

_PHRASES: Final = re.compile(r'= \[(?:\s*"[^"\\\n]*"\s*,?)+\s*\]')
_PHRASE: Final = re.compile(r'"([^"\\\n]*)"')
_PLACEHOLDER: Final = "\ue000"


def vocabulary_folder() -> Traversable:
    """Folder that holds the vocabulary files."""
    return resources.files("labeling.core").joinpath("vocab")


def vocabulary_files() -> list[str]:
    """Names of all vocabulary files, sorted."""
    return sorted(entry.name for entry in vocabulary_folder().iterdir() if entry.name.endswith(".toml"))


def read_vocabulary_file(name: str) -> dict[str, Any]:
    """Content of the vocabulary file `name`.

    Most of a file are plain lists of phrases. They are taken out before the slow parser of the standard library sees
    the text, and put back into what it returns.
    """
    text = vocabulary_folder().joinpath(name).read_text(encoding="utf-8")
    phrases: list[list[str]] = []

    def take_out(match: re.Match[str]) -> str:
        phrases.append(_PHRASE.findall(match.group()))
        return f'= "{_PLACEHOLDER}{len(phrases) - 1}"'

    return _put_back(tomllib.loads(_PHRASES.sub(take_out, text)), phrases)


def _put_back(value: dict[str, Any], phrases: list[list[str]]) -> dict[str, Any]:
    """`value` with every placeholder replaced by its list of phrases."""
    for key, item in value.items():
        if isinstance(item, str) and item.startswith(_PLACEHOLDER):
            value[key] = phrases[int(item.removeprefix(_PLACEHOLDER))]
        elif isinstance(item, dict):
            _put_back(item, phrases)
        elif isinstance(item, list):
            for entry in item:
                if isinstance(entry, dict):
                    _put_back(entry, phrases)
    return value


def read_vocabulary_header(name: str) -> dict[str, Any]:
    """What stands before the first list of tables in the vocabulary file `name`: quick, the lists are most of it."""
    text = vocabulary_folder().joinpath(name).read_text(encoding="utf-8")
    return tomllib.loads(text.partition("\n[[")[0])


def vocabulary_hash() -> str:
    """SHA-256 over names and contents of all vocabulary files, as hexadecimal digits."""
    digest = hashlib.sha256()
    for name in vocabulary_files():
        content = vocabulary_folder().joinpath(name).read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
