"""Prompts: text files in this folder with `$name` places, and the hash of each that goes into manifests.

What a prompt must convey is in METHODS A, B and D; the words are ours. A report is put in between two marks that do not
occur in it, and the system turn says that what stands there is quoted material and no instruction. Control words of
chat templates in it are broken up (`controls`).
"""

import hashlib
import re
from functools import cache
from importlib import resources
from string import Template
from typing import Final

from labeling.core.prompts.controls import RULE, without_controls

_MARK: Final = re.compile(r"</?report\d*>", re.IGNORECASE)


@cache
def prompt_source(name: str) -> str:
    """Content of `<name>.txt` without its last line break; raises FileNotFoundError."""
    return resources.files(__package__).joinpath(f"{name}.txt").read_text(encoding="utf-8").strip("\n")


def fill(name: str, **places: str) -> str:
    """The prompt `name` with its places filled; raises KeyError when one is not given."""
    return Template(prompt_source(name)).substitute(places)


def prompt_hashes(*names: str) -> dict[str, str]:
    """SHA-256 of each prompt as it stands in its file."""
    return {name: hashlib.sha256(prompt_source(name).encode()).hexdigest() for name in names}


def quoting_hash() -> str:
    """SHA-256 of the rule by which `quoted` changes a text."""
    return hashlib.sha256(RULE.encode()).hexdigest()


def quoted(text: str) -> str:
    """`text` between marks that it does not contain, every character kept but for a blank within control words."""
    used = {mark.lower() for mark in _MARK.findall(text)}
    number = next(n for n in range(len(used) + 2) if not {f"<report{n or ''}>", f"</report{n or ''}>"} & used)
    mark = f"report{number or ''}"
    return f"<{mark}>\n{without_controls(text)}\n</{mark}>"
