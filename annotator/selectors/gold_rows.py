"""Stored gold as lines of files."""

from collections.abc import Iterator
from typing import Final

from annotator.core.gold_lines import GoldRow, gold_head, gold_object, gold_table
from annotator.models import Gold, Project
from labeling.core.schema import Schema

_BATCH: Final = 500
_CODES: Final = ("state", "values", "urgencies", "origins", "n_agreeing", "n_voices")
_FIELDS: Final = (*_CODES, "case__key", "body", "case__report__text_sha256")


def gold_lines(project: Project, schema: Schema, *, is_jsonl: bool) -> Iterator[str]:
    """Gold of all cases that have any under `schema`, which is that of the project, in the order of the project."""
    found = Gold.objects.filter(project=project, schema=project.schema_id).order_by("case__position")
    if not is_jsonl:
        yield gold_head()
    for stored in found.values(*_FIELDS).iterator(chunk_size=_BATCH):
        row = GoldRow(
            key=stored["case__key"],
            evidence=stored["body"].get("evidence", {}),
            text_sha256=stored["case__report__text_sha256"] or "",
            **{name: stored[name] for name in _CODES},
        )
        yield gold_object(row, schema) if is_jsonl else gold_table(row, schema)
