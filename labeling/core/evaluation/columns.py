"""Which cells of a label table make a row of results: groups of findings, and targets taken together."""

from collections.abc import Iterable, Sequence

from labeling.core.evaluation.ratings import MergedCell, RatingsError
from labeling.core.schema import Cell, Group, Schema
from labeling.core.tables.merging import merged_findings
from labeling.core.tables.records import LabelTable


def single_targets(schema: Schema) -> tuple[Group, ...]:
    """Each target by itself."""
    return tuple(Group(target.name, (target.name,)) for target in schema.targets)


def joined_targets(schema: Schema) -> tuple[Group, ...]:
    """The target groups of the schema and the targets in none, in the order of their first members."""
    group_of = {member: group for group in schema.target_groups for member in group.members}
    joined = (group_of.get(target.name) or Group(target.name, (target.name,)) for target in schema.targets)
    return tuple(dict.fromkeys(joined))


def columns(
    table: LabelTable, schema: Schema, *, targets: Iterable[Group], findings: Sequence[Group]
) -> tuple[MergedCell, ...]:
    """The cells of `table` behind each target and finding, targets first; `schema` is the one that was asked for.

    Pairs of which the schema has no cell are left out. Raises `RatingsError` when a column of the table stands for
    findings of which only some are wanted together.
    """
    stands_for = _meaning(table, schema)
    made = []
    for target in targets:
        for finding in findings:
            members = tuple(
                Cell(organ, column)
                for organ in target.members
                for column in _columns_for(finding, stands_for)
                if Cell(organ, column) in table.schema.index_of_cell
            )
            if members:
                made.append(MergedCell(target.name, finding.name, members))
    return tuple(made)


def _meaning(table: LabelTable, schema: Schema) -> dict[str, frozenset[str]]:
    """The findings of the schema that each column of the table stands for."""
    if table.schema.hash == schema.hash:
        return {finding.name: frozenset([finding.name]) for finding in schema.findings}
    return {merged.name: frozenset(merged.members) for merged in merged_findings(schema)}


def _columns_for(finding: Group, stands_for: dict[str, frozenset[str]]) -> list[str]:
    wanted = frozenset(finding.members)
    split = sorted(name for name, meant in stands_for.items() if meant & wanted and not meant <= wanted)
    if split:
        others = ", ".join(sorted(stands_for[split[0]] - wanted))
        raise RatingsError(f"{finding.name}: column {split[0]!r} also says something of {others}")
    return [name for name, meant in stands_for.items() if meant <= wanted]
