"""Gold as files: one line for each cell of each case, or one JSON object for each case."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from annotator.core.resolution import Origin
from labeling.core.schema import Schema
from labeling.core.tables.cells import csv_line, text_cell
from labeling.core.values import STATE_OF_CODE, Value, urgency_of_code

COLUMNS: Final = (
    *("report_id", "target", "finding", "value", "urgency", "origin", "n_agreeing", "n_voices", "evidence"),
    *("state", "text_sha256"),
)


@dataclass(frozen=True, slots=True)
class GoldRow:
    """Stored gold of one case, codes of cells in the order of the schema. `text_sha256` is empty without a report."""

    key: str
    state: str
    values: str
    urgencies: str
    origins: str
    n_agreeing: str
    n_voices: str
    evidence: Mapping[str, list[list[int]]]
    text_sha256: str


def gold_head() -> str:
    """First line of the table."""
    return csv_line(COLUMNS)


def gold_table(row: GoldRow, schema: Schema) -> str:
    """A line for each cell; what is undecided has neither value nor urgency."""
    lines = []
    for entry in _entries(row, schema):
        spans = ";".join(f"{start}-{end}" for start, end in entry["evidence"])
        urgency = "" if entry["urgency"] is None else str(entry["urgency"])
        numbers = (str(entry["n_agreeing"]), str(entry["n_voices"]))
        names = (text_cell(entry["target"]), text_cell(entry["finding"]), entry["value"] or "", urgency)
        tail = (text_cell(spans), row.state, text_cell(row.text_sha256))
        lines.append(csv_line([text_cell(row.key), *names, entry["origin"], *numbers, *tail]))
    return "".join(lines)


def gold_object(row: GoldRow, schema: Schema) -> str:
    """One line of JSON; what is undecided is null."""
    about = {"report_id": row.key, "state": row.state, "schema_hash": schema.hash, "text_sha256": row.text_sha256}
    return json.dumps(about | {"cells": list(_entries(row, schema))}, ensure_ascii=False) + "\n"


def _entries(row: GoldRow, schema: Schema) -> Iterator[dict[str, Any]]:
    for place, cell in enumerate(schema.cells):
        state = STATE_OF_CODE[row.values[place]]
        yield {
            "target": cell.target,
            "finding": cell.finding,
            "value": str(state) if isinstance(state, Value) else None,
            "urgency": urgency_of_code(row.urgencies[place]),
            "origin": Origin(row.origins[place]).name.lower(),
            "n_agreeing": int(row.n_agreeing[place]),
            "n_voices": int(row.n_voices[place]),
            "evidence": row.evidence.get(str(cell), []),
        }
