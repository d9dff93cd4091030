"""Which cells a list of cases is about: one, those of a target or a finding, or all."""

from collections.abc import Mapping
from dataclasses import dataclass

from annotator.core.figure_requests import Level
from annotator.core.figure_results import cells_at
from labeling.core.evaluation.ratings import MergedCell
from labeling.core.schema import Cell, Schema

_WHOLE = frozenset({"micro", "macro", "overall"})


class UnknownPlaceError(LookupError):
    """The schema has no such cell, target or finding."""


@dataclass(frozen=True, slots=True)
class Place:
    """The cells, at least one, with what they are made of; `target` and `finding` are empty where there are several."""

    target: str
    finding: str
    cells: tuple[MergedCell, ...]

    @property
    def is_one(self) -> bool:
        """Whether it is one cell."""
        return bool(self.target and self.finding)

    @property
    def members(self) -> tuple[Cell, ...]:
        """The cells of the schema that it is made of."""
        return tuple(dict.fromkeys(member for cell in self.cells for member in cell.members))


def place_of(query: Mapping[str, str], *, schema: Schema, level: Level) -> Place:
    """What an address names by `cell`, by `row` as figures call it, or by `target` and `finding`; all when by none.

    Raises `UnknownPlaceError` for what is not in the schema at this level.
    """
    cells = cells_at(schema, level)
    if query.get("cell"):
        target, _, finding = query["cell"].partition("|")
    elif query.get("row"):
        target, finding = _of_row(query["row"], cells)
    else:
        target, finding = query.get("target", ""), query.get("finding", "")
    found = tuple(
        cell for cell in cells if (not target or cell.target == target) and (not finding or cell.finding == finding)
    )
    if not found:
        raise UnknownPlaceError
    return Place(target, finding, found)


def _of_row(row: str, cells: tuple[MergedCell, ...]) -> tuple[str, str]:
    """Target and finding that a row of figures is about; empty for all of them."""
    if row in _WHOLE:
        return "", ""
    for cell in cells:
        if row == f"{cell.target} {cell.finding}":
            return cell.target, cell.finding
    kind, _, name = row.partition(" ")
    if kind not in {"target", "finding"} or not name:
        raise UnknownPlaceError
    return (name, "") if kind == "target" else ("", name)
