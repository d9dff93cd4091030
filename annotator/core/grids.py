"""A schema as rows and columns for a page."""

from dataclasses import dataclass

from labeling.core.schema import Cell, Schema


@dataclass(frozen=True, slots=True)
class GridRow:
    """One target, and for each finding in order whether the schema has that cell."""

    title: str
    has_cell: tuple[bool, ...]


def schema_grid(schema: Schema) -> list[GridRow]:
    """One row per target, one column per finding."""
    return [
        GridRow(
            title=target.title,
            has_cell=tuple(Cell(target.name, finding.name) in schema.index_of_cell for finding in schema.findings),
        )
        for target in schema.targets
    ]
