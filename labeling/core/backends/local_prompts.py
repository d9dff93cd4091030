"""What the two engines in this process share: which weights, and how a conversation becomes tokens."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from labeling.core.backends.records import BackendError, Message, Trouble

_DECIDING: Final = frozenset({".safetensors", ".json", ".jinja", ".model", ".tiktoken", ".txt"})
_FILES_AT_ONCE: Final = 8
_MAX_SAID: Final = 300


@dataclass(frozen=True, slots=True)
class Weights:
    """A folder with a model, the name to show, and what identifies its content."""

    folder: Path
    model: str
    identity: str


def find_weights(path: str | Path, *, revision: str | None, may_download: bool) -> Weights:
    """The model in a folder, or of this name in the cache of the Hugging Face hub. Reads all weights of a folder.

    `revision` is what identifies the content of a folder in place of its hash. Raises `BackendError` where there is no
    such model.
    """
    folder = Path(path)
    if folder.is_dir():
        _require_files(folder, str(path))
        return Weights(folder, folder.resolve().name, revision or f"sha256:{hash_of(folder)}")
    hub = import_module("huggingface_hub")
    try:
        kinds = [f"*{suffix}" for suffix in sorted(_DECIDING)]
        options = {"local_files_only": not may_download, "allow_patterns": kinds}
        found = Path(hub.snapshot_download(str(path), revision=revision, **options))
    except (OSError, ValueError) as error:
        where = "on the Hugging Face hub" if may_download else "in the cache of the Hugging Face hub"
        advice = "" if may_download else "; nothing is downloaded here"
        message = f"{path} is neither a folder nor a model {where} ({type(error).__name__}){advice}"
        raise BackendError(Trouble.REFUSED, message) from None
    _require_files(found, str(path))
    return Weights(found, str(path), f"revision:{found.name}")


def need(*packages: str) -> None:
    """Raises `BackendError` that says what to install, unless all of the packages are here."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        message = f"{', '.join(missing)} is not installed here: install requirements-gpu.txt beside Overread"
        raise BackendError(Trouble.NOT_SUPPORTED, f"{message} (docs/models.md, In this process)")


def said_of(error: BaseException) -> str:
    """What a library said while it loaded a model; nothing of a report can be in it yet."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words[:_MAX_SAID]}" if words else type(error).__name__


def require_memory(weights: Weights) -> None:
    """Raises `BackendError` when the weights as they are have more bytes than this machine has memory."""
    n_bytes = sum(path.stat().st_size for path in weights.folder.glob("*.safetensors"))
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if n_bytes > memory_bytes:
        sizes = f"{n_bytes / 2**30:,.0f} GiB, and this machine has {memory_bytes / 2**30:,.0f} GiB of memory"
        raise BackendError(Trouble.REFUSED, f"the weights of {weights.model} have {sizes}")


def _require_files(folder: Path, shown: str) -> None:
    """Raises `BackendError` unless configuration and weights are there."""
    if not (folder / "config.json").is_file():
        message = f"the folder {shown} holds no model: config.json is not in it"
        raise BackendError(Trouble.REFUSED, message)
    if not any(folder.glob("*.safetensors")):
        raise BackendError(Trouble.REFUSED, f"the folder {shown} holds no weights: no file *.safetensors is in it")


def hash_of(folder: Path) -> str:
    """SHA-256 of weights, configuration and tokenizer: of the names of the files and what is in them."""
    paths = sorted(path for path in folder.iterdir() if path.suffix in _DECIDING and path.is_file())
    with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
        hashes = list(pool.map(_hash_of_file, paths))
    listed = "".join(f"{found} {path.name}\n" for path, found in zip(paths, hashes, strict=True))
    return hashlib.sha256(listed.encode()).hexdigest()


def _hash_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def prompt_ids(tokenizer: Any, messages: Sequence[Message], options: Mapping[str, Any]) -> list[int]:
    """The conversation as the model's chat template has it; a last assistant turn is gone on with.

    Characters that UTF-8 cannot hold become "?". Raises `BackendError` where the template does not take such turns.
    """
    is_begun = bool(messages) and messages[-1].role == "assistant"
    turns = [{"role": turn.role, "content": turn.content.encode("utf-8", "replace").decode()} for turn in messages]
    try:
        found = tokenizer.apply_chat_template(
            turns,
            tokenize=True,
            return_dict=False,
            add_generation_prompt=not is_begun,
            continue_final_message=is_begun,
            **options,
        )
    except (ValueError, TypeError, import_module("jinja2").TemplateError) as error:
        roles = ", ".join(turn.role for turn in messages)
        message = f"the model's chat template does not take these turns: {roles} ({type(error).__name__})"
        raise BackendError(Trouble.REFUSED, message) from None  # the library's message quotes the prompt
    return [int(token) for token in found]


def first_tokens(tokenizer: Any, choices: Sequence[str]) -> list[int]:
    """The first token of each choice. Raises `BackendError` where one has none, or two have the same."""
    found: list[int] = []
    for index, choice in enumerate(choices):
        tokens = tokenizer.encode(choice, add_special_tokens=False)
        if not tokens:
            raise BackendError(Trouble.REFUSED, f"choice {index + 1} has no token, expected a text")
        if tokens[0] in found:
            first, second = found.index(tokens[0]) + 1, index + 1
            message = (
                f"choices {first} and {second} begin with the same token, so that their logits cannot be told apart"
            )
            raise BackendError(Trouble.NOT_SUPPORTED, message)
        found.append(int(tokens[0]))
    return found


def room_for_answer(n_prompt: int, *, max_tokens: int, context: int) -> int:
    """How many tokens an answer may have: `max_tokens`, or what is left of the context.

    Raises `BackendError` when nothing is left, or `max_tokens` alone is more than the context.
    """
    if max_tokens < 1:
        raise BackendError(
            Trouble.REFUSED, f"an answer of at most {max_tokens} tokens was asked for, expected 1 or more"
        )
    if n_prompt >= context or max_tokens > context:
        message = f"the prompt has {n_prompt} tokens and the answer up to {max_tokens}; the model takes {context}"
        raise BackendError(Trouble.TOO_LONG, message)
    return min(max_tokens, context - n_prompt)
