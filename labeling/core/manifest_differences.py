"""What differs between the manifests of two runs, as a short table: what decides the labels, not counts and times."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

# How a run went, not how it was made; and the schema, which is the same when cells are compared.
_OUTCOMES: Final = frozenset(
    {
        *("n_in", "n_out", "n_failed", "n_out_from_stored_calls", "n_rows_refused", "attempts", "calls", "tokens"),
        *("started_at", "ended_at", "wall_seconds", "heartbeat_at", "error", "format", "method_sha256"),
        *("n_taken_over", "taken_over_from", "backend_lacks", "schema_hash"),
    }
)
_NAMES: Final[Mapping[str, str]] = {
    "code_version": "code version",
    "vocabulary_hash": "vocabulary",
    "file_name": "file",
    "file_sha256": "content of the file",
    "origin_run": "original run",
    "backend": "engine",
}
_FIRST: Final = ("labeler", "model", "rater", "code version", "switches", "prompts", "engine", "sampling")
_MAX_CHARACTERS: Final = 160
_HASH_CHARACTERS: Final = 12


class ManifestDifference(NamedTuple):
    """One line: what it is, and what each manifest says. None: it does not say."""

    name: str
    a: str | None
    b: str | None


def manifest_differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[ManifestDifference]:
    """The lines in which two manifests differ, the labeler first.

    Of two labelers, prompts are only counted: none of them is a version of another.
    """
    is_one_labeler = a.get("labeler") == b.get("labeler")
    said_a, said_b = (dict(_facts(each, each_prompt=is_one_labeler)) for each in (a, b))
    names = sorted({*said_a, *said_b}, key=lambda name: (_rank(name), name))
    lines = (ManifestDifference(name, said_a.get(name) or None, said_b.get(name) or None) for name in names)
    return [ManifestDifference(line.name, _short(line.a), _short(line.b)) for line in lines if line.a != line.b]


def _rank(name: str) -> int:
    first = name.partition(":")[0]
    return _FIRST.index(first) if first in _FIRST else len(_FIRST)


def _facts(manifest: Mapping[str, Any], *, each_prompt: bool) -> Iterator[tuple[str, str]]:
    for key, value in manifest.items():
        if key in _OUTCOMES or key in ("method", "input_set"):
            continue
        name = _NAMES.get(key, key.replace("_", " "))
        if isinstance(value, Mapping):
            parts = {part: each for part, each in value.items() if each != manifest.get(part)}
            yield from ((f"{name}: {part}", _text(each)) for part, each in parts.items())
        else:
            yield name, _text(value)
    if "input_set" in manifest:
        yield "reports", f"{manifest.get('n_in', 'unknown number')} ({str(manifest['input_set'])[:_HASH_CHARACTERS]})"
    method = manifest.get("method")
    if isinstance(method, Mapping):
        yield from _method_facts(method, each_prompt=each_prompt)


def _method_facts(method: Mapping[str, Any], *, each_prompt: bool) -> Iterator[tuple[str, str]]:
    if "version" in method:
        yield "code version", _text(method["version"])
    for part in ("switches", "prompts"):
        facts = method.get(part)
        if not isinstance(facts, Mapping):
            continue
        if part == "prompts" and not each_prompt:
            yield "prompts", f"{len(facts)} of {method.get('labeler')}"
        else:
            yield from ((f"{part}: {name}", _text(each)) for name, each in facts.items())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _short(text: str | None) -> str | None:
    if not text:
        return None
    if len(text) == 64 and set(text) <= set("0123456789abcdef"):
        return text[:_HASH_CHARACTERS]
    return text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 1]}…"
