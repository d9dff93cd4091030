"""Thresholds that were picked."""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

import numpy as np

from annotator.models import PickedThreshold, Project
from labeling.core.metrics.scores import probability_of
from labeling.core.tables.cells import csv_line, number_cell, text_cell

_COLUMNS: Final = (
    *("run", "target", "finding", "threshold", "scale", "probability", "method", "is_latest"),
    *("picked_by", "picked_at", "truth", "readings", "n", "n_positive", "schema", "schema_version", "schema_hash"),
)


def picked_of_run(project: Project, run: str) -> dict[str, list[PickedThreshold]]:
    """What was picked for each cell of a run under the schema of the project, the latest first."""
    found = PickedThreshold.objects.filter(project=project, schema=project.schema, run=UUID(run))
    by_cell: dict[str, list[PickedThreshold]] = {}
    for picked in found.select_related("picked_by").order_by("-pk"):
        by_cell.setdefault(picked.cell, []).append(picked)
    return by_cell


def picked_lines(project: Project) -> list[dict[str, Any]]:
    """All that was ever picked in the project, the earliest first, as plain values; `is_latest` is what counts."""
    found = list(PickedThreshold.objects.filter(project=project).select_related("picked_by", "schema").order_by("pk"))
    latest = {(each.schema_id, each.run, each.cell): each.pk for each in found}
    return [_line(each, is_latest=latest[each.schema_id, each.run, each.cell] == each.pk) for each in found]


def picked_csv(project: Project) -> Iterator[str]:
    """`picked_lines` as CSV."""
    yield csv_line(_COLUMNS)
    for line in picked_lines(project):
        yield csv_line([_cell(line[name]) for name in _COLUMNS])


def _line(picked: PickedThreshold, *, is_latest: bool) -> dict[str, Any]:
    target, _, finding = picked.cell.partition("|")
    is_logit = picked.scale == PickedThreshold.Scale.LOGIT_DIFFERENCE
    made_from = picked.made_from
    return {
        "run": str(picked.run),
        "target": target,
        "finding": finding,
        "threshold": picked.threshold,
        "scale": picked.scale,
        "probability": float(probability_of(np.array(picked.threshold))) if is_logit else picked.threshold,
        "method": picked.method,
        "is_latest": is_latest,
        "picked_by": picked.picked_by.get_username(),
        "picked_at": picked.picked_at.isoformat(),
        "truth": made_from["request"]["truth"] or "most readers",
        "readings": made_from["request"]["origin"],
        "n": made_from["n"],
        "n_positive": made_from["n_positive"],
        "schema": picked.schema.name,
        "schema_version": picked.schema.version,
        "schema_hash": picked.schema.hash,
    }


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return text_cell(value) if isinstance(value, str) else number_cell(value, what="threshold")
