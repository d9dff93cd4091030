"""Frozen records that labelers return and that the database stores: spans, cell labels, label sets.

A label set is stored as two strings with one character per cell in schema order, and a JSON body for what does not
fit in a character: evidence, probability, reason, flags, what the image shows. Both tables, machine labels and
readings, use this encoding.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from labeling.core.schema import Cell, Schema
from labeling.core.spans import Span
from labeling.core.values import (
    CODE_OF_STATE,
    STATE_OF_CODE,
    CellState,
    Missing,
    Value,
    urgency_code,
    urgency_of_code,
    value_of_name,
)


@dataclass(frozen=True, slots=True)
class ReportText:
    """One report as a labeler receives it. `text` keeps its exact characters."""

    report_id: str
    text: str


@dataclass(frozen=True, slots=True)
class CellLabel:
    """What one rater says about one cell, and why. `image_value` is what the image shows where it disagrees."""

    state: CellState
    urgency: int | None = None
    probability: float | None = None
    logit_difference: float | None = None
    evidence: tuple[Span, ...] = ()
    reason: str = ""
    flags: tuple[str, ...] = ()
    image_value: Value | None = None


NOT_ASKED = CellLabel(Missing.NOT_ASKED)


@dataclass(frozen=True, slots=True)
class LabelSet:
    """All cells of one report as one rater sees them. A cell that is not in `cells` was not asked."""

    cells: Mapping[Cell, CellLabel] = field(default_factory=dict)

    def __getitem__(self, cell: Cell) -> CellLabel:
        return self.cells.get(cell, NOT_ASKED)


@dataclass(frozen=True, slots=True)
class StoredLabels:
    """The stored form of a label set: two strings of one character per cell, in schema order, and a JSON body.

    `body["cells"]` maps `"target|finding"` to what else is known of that cell; a cell with nothing else to say
    has no entry.
    """

    values: str
    urgencies: str
    body: dict[str, Any]

    @classmethod
    def encode(cls, labels: LabelSet, schema: Schema) -> Self:
        """Stored form of `labels`; raises ValueError when a cell is not in `schema`."""
        unknown = set(labels.cells) - set(schema.cells)
        if unknown:
            raise ValueError(f"schema {schema.name}: no such cell {sorted(unknown)[0]}")
        ordered = [labels[cell] for cell in schema.cells]
        details = {
            str(cell): entry for cell, label in zip(schema.cells, ordered, strict=True) if (entry := _entry(label))
        }
        return cls(
            values="".join(CODE_OF_STATE[label.state] for label in ordered),
            urgencies="".join(urgency_code(label.urgency) for label in ordered),
            body={"cells": details},
        )

    def decode(self, schema: Schema) -> LabelSet:
        """The label set behind this stored form; raises ValueError when it does not fit `schema`."""
        n_cells = len(schema.cells)
        if len(self.values) != n_cells or len(self.urgencies) != n_cells:
            raise ValueError(
                f"schema {schema.name} v{schema.version} has {n_cells} cells, "
                f"got {len(self.values)} values and {len(self.urgencies)} urgencies"
            )
        details = self.body.get("cells", {})
        return LabelSet(
            {
                cell: _label(state_code, urgency, details.get(str(cell), {}))
                for cell, state_code, urgency in zip(schema.cells, self.values, self.urgencies, strict=True)
            }
        )


def _entry(label: CellLabel) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    if label.probability is not None:
        entry["probability"] = label.probability
    if label.logit_difference is not None:
        entry["logit_difference"] = label.logit_difference
    if label.evidence:
        entry["evidence"] = [list(span) for span in label.evidence]
    if label.reason:
        entry["reason"] = label.reason
    if label.flags:
        entry["flags"] = list(label.flags)
    if label.image_value:
        entry["image_value"] = str(label.image_value)
    return entry


def _label(state_code: str, urgency: str, entry: Mapping[str, Any]) -> CellLabel:
    if state_code not in STATE_OF_CODE:
        raise ValueError(f"value code {state_code!r} is not one of {''.join(STATE_OF_CODE)!r}")
    return CellLabel(
        state=STATE_OF_CODE[state_code],
        urgency=urgency_of_code(urgency),
        probability=entry.get("probability"),
        logit_difference=entry.get("logit_difference"),
        evidence=tuple(Span(start, end) for start, end in entry.get("evidence", ())),
        reason=entry.get("reason", ""),
        flags=tuple(entry.get("flags", ())),
        image_value=value_of_name(entry["image_value"]) if entry.get("image_value") else None,
    )
