"""Engines in this process: how one is named, and opened.

vllm:/models/Qwen2.5-7B-Instruct        a folder
transformers:Qwen/Qwen2.5-0.5B-Instruct a model in the cache of the Hugging Face hub; nothing is downloaded
"""

import os
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from labeling.core.backends.transformers_local import TransformersBackend
from labeling.core.backends.vllm_local import VllmBackend

KINDS: Final = ("transformers", "vllm")
DEVICES: Final = ("cpu", "cuda")
_HUB_NAME: Final = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """A model, and what runs it. `device` is for transformers; the empty one is a GPU where there is one.

    `revision` names the content of a folder, which is hashed otherwise. Raises ValueError for a device that this kind
    cannot be told.
    """

    kind: str
    path: str
    device: str = ""
    revision: str = ""

    def __post_init__(self) -> None:
        if self.device and self.kind == "vllm":
            raise ValueError("a device can be chosen for transformers only: vLLM runs on what it was built for")
        if self.device not in ("", *DEVICES):
            raise ValueError(f"there is no device {self.device!r}, expected one of {', '.join(DEVICES)}")

    def __str__(self) -> str:
        return self.address

    @property
    def address(self) -> str:
        """Its name where servers have an address."""
        return f"{self.kind}:{self.path}"

    @property
    def model(self) -> str:
        """What people call the model."""
        return posixpath.basename(self.path) if posixpath.isabs(self.path) else self.path


def engine_of(kind: str, model: str, *, device: str = "") -> LocalEngine:
    """The engine for a folder as a person at the terminal names it, or for a name in the cache.

    Raises ValueError as `LocalEngine` does.
    """
    return LocalEngine(kind, os.path.abspath(model) if Path(model).is_dir() else model, device)


def engine_at(address: str, *, device: str = "", revision: str = "") -> LocalEngine | None:
    """The engine of this address; None when it is the address of a server, or none at all.

    Raises ValueError when no model can have such a name, and as `LocalEngine` does.
    """
    kind, _, path = address.strip().partition(":")
    if kind not in KINDS:
        return None
    if posixpath.isabs(path) and path.isprintable():
        path = "/" + posixpath.normpath(path).lstrip("/")
    elif not _HUB_NAME.fullmatch(path):
        raise ValueError(f"{kind}: is followed by the full path of a folder, as in {kind}:/models/NAME, or by a name")
    return LocalEngine(kind, path, device, revision)


def open_engine(engine: LocalEngine, *, concurrency: int) -> TransformersBackend | VllmBackend:
    """A backend that is not loaded yet."""
    revision = engine.revision or None
    if engine.kind == "vllm":
        return VllmBackend(engine.path, concurrency=concurrency, revision=revision)
    device = engine.device or "auto"
    return TransformersBackend(engine.path, device=device, max_batch=concurrency, revision=revision)
