"""What changed between two releases: cases that came and went, and cells that say something else."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from annotator.core.releases.csv_tables import urgency_text, value_text
from annotator.core.releases.records import ReleasedCase, ReleaseError
from labeling.core.schema import Cell, Schema
from labeling.core.tables.cells import csv_line, text_cell
from labeling.core.values import CODE_OF_STATE, POSITIVE_VALUES

UNDECIDED: Final = "undecided"
_POSITIVE: Final = frozenset(CODE_OF_STATE[value] for value in POSITIVE_VALUES)
COLUMNS: Final = (
    *("report_id", "change", "target", "finding", "value_before", "value_after"),
    *("urgency_before", "urgency_after"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellChange:
    """One cell of a case that is in both releases, before and after; codes as in label vectors."""

    key: str
    cell: Cell
    value: tuple[str, str]
    urgency: tuple[str, str]

    @property
    def is_positive(self) -> bool:
        """Whether it is positive in the later one."""
        return self.value[1] in _POSITIVE

    @property
    def flips(self) -> bool:
        """Whether it was positive in one of them only."""
        return (self.value[0] in _POSITIVE) != (self.value[1] in _POSITIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingChanges:
    """How many cells of one finding changed: in all, in their value, from or to positive, in their urgency."""

    finding: str
    n_changed: int
    n_values: int
    n_flips: int
    n_urgencies: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two releases of one schema side by side. Keys of cases are in the order of their release."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    moved: tuple[tuple[str, str, str], ...]
    n_shared: int
    changes: tuple[CellChange, ...]

    def by_finding(self) -> list[FindingChanges]:
        """Changes counted by finding, most first."""
        rows = [
            FindingChanges(
                finding=name,
                n_changed=len(changes),
                n_values=sum(change.value[0] != change.value[1] for change in changes),
                n_flips=sum(change.flips for change in changes),
                n_urgencies=sum(change.urgency[0] != change.urgency[1] for change in changes),
            )
            for name, changes in self._grouped().items()
        ]
        return sorted(rows, key=lambda row: (-row.n_changed, row.finding))

    def _grouped(self) -> dict[str, list[CellChange]]:
        groups: dict[str, list[CellChange]] = {}
        for change in self.changes:
            groups.setdefault(change.cell.finding, []).append(change)
        return groups


def compare(before: Iterable[ReleasedCase], after: Iterable[ReleasedCase], *, schema: Schema) -> Difference:
    """What changed from one release to another of the same schema; raises `ReleaseError` when they do not fit it."""
    first = {case.key: case for case in before}
    second = {case.key: case for case in after}
    shared = [key for key in first if key in second]
    changes: list[CellChange] = []
    for key in shared:
        changes += _cell_changes(first[key], second[key], schema)
    return Difference(
        added=tuple(key for key in second if key not in first),
        removed=tuple(key for key in first if key not in second),
        moved=tuple(
            (key, first[key].split, second[key].split) for key in shared if first[key].split != second[key].split
        ),
        n_shared=len(shared),
        changes=tuple(changes),
    )


def _cell_changes(one: ReleasedCase, other: ReleasedCase, schema: Schema) -> Iterator[CellChange]:
    vectors = (one.values, other.values, one.urgencies, other.urgencies)
    if any(len(vector) != len(schema.cells) for vector in vectors):
        raise ReleaseError(f"case {one.key!r}: the two releases have different cells, so they cannot be compared")
    if one.values == other.values and one.urgencies == other.urgencies:
        return
    for cell, v0, v1, u0, u1 in zip(schema.cells, *vectors, strict=True):
        if v0 != v1 or u0 != u1:
            yield CellChange(key=one.key, cell=cell, value=(v0, v1), urgency=(u0, u1))


def shown_value(code: str) -> str:
    """The name of a value, or that it is undecided."""
    return value_text(code) or UNDECIDED


def difference_lines(difference: Difference) -> Iterator[str]:
    """The difference as CSV that is safe in a spreadsheet: a line per case that came, went or moved, and per cell."""
    yield csv_line(COLUMNS)
    for change, keys in (("added", difference.added), ("removed", difference.removed)):
        for key in keys:
            yield csv_line([text_cell(key), change, *[""] * 6])
    for key, before, after in difference.moved:
        yield csv_line([text_cell(key), "split", "", "", before, after, "", ""])
    for each in difference.changes:
        cells = [text_cell(each.cell.target), text_cell(each.cell.finding)]
        yield csv_line(
            [
                *(text_cell(each.key), "cell", *cells),
                *map(shown_value, each.value),
                *map(urgency_text, each.urgency),
            ]
        )


def difference_json(difference: Difference) -> dict[str, Any]:
    """The difference as plain JSON."""
    return {
        "added": list(difference.added),
        "removed": list(difference.removed),
        "moved": [list(each) for each in difference.moved],
        "n_shared": difference.n_shared,
        "changes": [
            {
                "report_id": change.key,
                "cell": str(change.cell),
                "value": [shown_value(code) for code in change.value],
                "urgency": [int(text) if (text := urgency_text(code)) else None for code in change.urgency],
            }
            for change in difference.changes
        ],
    }
