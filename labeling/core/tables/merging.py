"""Findings that are told as one: the columns of the wide table of LEAVS, and what a schema says with them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from labeling.core.records import CellLabel
from labeling.core.schema import Cell, Finding, Schema
from labeling.core.values import CellState, Missing, Value, merge_values


class Merged(NamedTuple):
    """A column of every target: its name, the findings that it stands for, whether it has an urgency."""

    name: str
    members: tuple[str, ...]
    has_urgency: bool = True


# METHODS A.12: 45 columns, urgency only for the last three of each organ.
PUBLISHED: Final = (
    Merged("quality", ("quality",), has_urgency=False),
    Merged("postsurgical_absent", ("postsurgical", "absent"), has_urgency=False),
    Merged("enlarged_atrophy", ("enlarged", "atrophy")),
    Merged("diffuse", ("diffuse",)),
    Merged("focal", ("focal",)),
)


def merged_findings(schema: Schema) -> tuple[Merged, ...]:
    """Columns of a target: the published five where `schema` has their findings, else by its groups.

    A group that holds another group is left out, as is one that shares a finding with an earlier group; a finding in
    no group is a column of its own. A schema whose findings are the published columns has those.
    """
    if is_merged(schema):
        published = {each.name: each for each in PUBLISHED}
        return tuple(
            published[finding.name]._replace(members=(finding.name,))
            if finding.name in published
            else Merged(finding.name, (finding.name,), schema.has_urgency(finding.name))
            for finding in schema.findings
        )
    if all(member in schema.finding_by_name for merged in PUBLISHED for member in merged.members):
        return PUBLISHED
    members = {group.name: set(group.members) for group in schema.finding_groups}
    used: dict[str, Merged] = {}
    for group in schema.finding_groups:
        inner = any(other < members[group.name] for other in members.values())
        if not inner and not members[group.name] & set(used):
            merged = Merged("_".join(group.members), group.members, any(map(schema.has_urgency, group.members)))
            used.update(dict.fromkeys(group.members, merged))
    columns = [
        used.get(finding.name, Merged(finding.name, (finding.name,), schema.has_urgency(finding.name)))
        for finding in schema.findings
    ]
    return tuple(dict.fromkeys(columns))


def merged_schema(schema: Schema) -> Schema:
    """`schema` with one finding for each merged column, what a wide table can say; itself where it has those only."""
    if is_merged(schema):
        return schema
    merged = merged_findings(schema)
    return replace(
        schema,
        name=f"{schema.name} wide"[:64],
        findings=tuple(Finding(each.name, each.name, " or ".join(each.members)) for each in merged),
        cells=tuple(
            Cell(target.name, each.name)
            for target in schema.targets
            for each in merged
            if any(Cell(target.name, member) in schema.index_of_cell for member in each.members)
        ),
        attributes=tuple(replace(attribute, findings=()) for attribute in schema.attributes),
        finding_groups=(),
        contradictions=(),
    )


def is_merged(schema: Schema) -> bool:
    """Whether the findings of `schema` are merged already: it has the published columns as findings."""
    return all(each.name in schema.finding_by_name for each in PUBLISHED)


def column_of_finding(schema: Schema) -> dict[str, str]:
    """Under a merged schema, the finding that each published finding goes into; empty under any other."""
    if not is_merged(schema):
        return {}
    return {member: each.name for each in PUBLISHED for member in each.members}


def merged_label(labels: Sequence[CellLabel]) -> CellLabel:
    """What findings say together: the highest of their values, and of the urgencies (METHODS A.1).

    A finding without a value counts only where none has one; unreadable goes before not asked.
    """
    values = [label.state for label in labels if isinstance(label.state, Value)]
    if values:
        state: CellState = merge_values(values)
    else:
        unread = any(label.state is Missing.UNREADABLE for label in labels)
        state = Missing.UNREADABLE if unread else Missing.NOT_ASKED
    return CellLabel(state, urgency=max((each.urgency for each in labels if each.urgency is not None), default=None))
