"""What the manifest of a run says, in lines that people read."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from labeling.models import Run


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Facts with their titles, the hashes of prompts by their names, and all of it as JSON."""

    facts: list[tuple[str, str]]
    prompts: dict[str, str]
    lacks: list[str]
    as_json: str


def run_facts(run: Run) -> RunFacts:
    """The facts that the run knows; what it does not know is left out."""
    method = run.manifest.get("method") or {}
    pairs = (*_of_method(run, method), *_of_engine(run), *_of_input(run))
    return RunFacts(
        facts=[(title, str(value)) for title, value in pairs if value not in (None, "", {}, [])],
        prompts=dict(method.get("prompts") or {}),
        lacks=list(run.manifest.get("backend_lacks") or []),
        as_json=manifest_json(run),
    )


def manifest_json(run: Run) -> str:
    """The manifest with what identifies the run, as text."""
    whole = {
        "run": str(run.run_id),
        "project": run.project.slug,
        "state": run.state,
        "is_prefill": run.is_prefill,
        "request": run.request,
        "manifest": run.manifest,
    }
    return json.dumps(whole, indent=2, sort_keys=True, ensure_ascii=False)


def _of_method(run: Run, method: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    manifest, schema = run.manifest, run.schema
    yield "Labeler", run.labeler
    yield "Version of the labeler", method.get("version") or manifest.get("code_version")
    yield "Switches", ", ".join(f"{key}={_plain(value)}" for key, value in (method.get("switches") or {}).items())
    yield "Rater", manifest.get("rater")
    yield "Schema", f"{schema.name}, version {schema.version}, {schema.hash[:12]}"
    yield "Vocabulary", _short(manifest.get("vocabulary_hash"))


def _of_engine(run: Run) -> Iterator[tuple[str, Any]]:
    backend = dict(run.manifest.get("backend") or {})
    yield "Model", run.request.get("model")
    yield "Revision", run.request.get("revision") or backend.get("revision")
    yield "Engine", " ".join(str(backend[name]) for name in ("engine", "version") if backend.get(name))
    for name, value in sorted(backend.items()):
        if name not in {"engine", "version", "model", "revision"}:
            yield f"Engine: {name.replace('_', ' ')}", value
    yield "Address", run.request.get("url")
    yield "Calls in flight, at most", run.request.get("concurrency")
    yield "Sampling", "; ".join(_samplings(run.manifest.get("sampling") or []))


def _samplings(drawn: list[dict[str, Any]]) -> list[str]:
    """How answers were drawn, with the lengths that were allowed where they are known."""
    lengths: dict[str, list[int]] = {}
    unbounded = []
    for each in drawn:
        how = (f"{key.replace('_', ' ')} {_plain(each[key])}" for key in sorted(each) if key != "max_tokens")
        if each.get("max_tokens") is None:
            unbounded.append(", ".join(how))
        else:
            lengths.setdefault(", ".join(how), []).append(each["max_tokens"])
    bounded = [f"{how}, at most {', '.join(map(str, sorted(most)))} tokens" for how, most in lengths.items()]
    return bounded + unbounded


def _of_input(run: Run) -> Iterator[tuple[str, Any]]:
    manifest = run.manifest
    n_cases = run.request.get("cases")
    yield "Cases", f"{n_cases:,} chosen" if n_cases is not None else None
    yield "Reports in", _count(manifest.get("n_in"))
    yield "Reports labeled", _count(manifest.get("n_out"))
    yield "Taken over from an earlier run", _count(manifest.get("n_taken_over") or None)
    yield "Attempts", manifest.get("attempts")
    yield "Input set", _short(manifest.get("input_set"))
    yield "File", manifest.get("file_name")
    yield "Hash of the file", _short(manifest.get("file_sha256"))
    yield "Run that the file names", manifest.get("origin_run")


def _count(value: Any) -> str | None:
    return f"{value:,}" if isinstance(value, int) else None


def _short(digest: Any) -> str | None:
    return str(digest)[:12] if digest else None


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
