"""What decides the labels of a run, apart from model and reports."""

from collections.abc import Iterable, Mapping
from typing import Any

from labeling.core.prompts import prompt_hashes, quoting_hash
from labeling.core.schema import Schema


def method_of(
    labeler: str, version: int, *, schema: Schema, switches: Mapping[str, Any], prompts: Iterable[str]
) -> dict[str, Any]:
    """The part of a manifest that a labeler fills: name, version, schema, switches, prompts, and how they quote."""
    return {
        "labeler": labeler,
        "version": version,
        "schema": {"name": schema.name, "version": schema.version, "hash": schema.hash},
        "switches": dict(switches),
        "prompts": prompt_hashes(*prompts),
        "quoting": quoting_hash(),
    }
