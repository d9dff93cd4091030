"""What one sentence says of one cell, and how all of them together fill the cells of a schema."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from labeling.core.records import CellLabel, LabelSet
from labeling.core.schema import Cell, Schema
from labeling.core.spans import Span
from labeling.core.values import MERGE_ORDER, POSITIVE_VALUES, Value

ABNORMAL_TYPES: Final = ("absent", "enlarged", "atrophy", "diffuse", "focal")
SIZE_TYPES: Final = ("enlarged", "atrophy")
_RANK: Final = {value: rank for rank, value in enumerate((Value.ABSENT, *MERGE_ORDER[2:]))}
_MOST_EVIDENCE: Final = 8
_NOT_MENTIONED: Final = CellLabel(Value.NOT_MENTIONED)


@dataclass(frozen=True, slots=True)
class Assertion:
    """One sentence says `value` of one cell.

    `vague`: it may be about another target of the same kind; `correcting`: the sentence stands in an addendum.
    """

    target: str
    finding: str
    value: Value
    span: Span
    reason: str
    vague: bool = False
    from_history: bool = False
    urgency: int = -1
    correcting: bool = False


def merge_assertions(assertions: Iterable[Assertion], schema: Schema) -> LabelSet:
    """Labels for every cell of `schema`.

    Present beats possible, ambiguous and absent, in this order. A vague positive counts only when no target of its
    sentence has a certain one; surgery known from the history alone counts unless the organ is described.
    """
    by_cell: dict[Cell, list[Assertion]] = defaultdict(list)
    for assertion in _without_idle(list(assertions)):
        cell = Cell(assertion.target, assertion.finding)
        if cell in schema.index_of_cell:
            by_cell[cell].append(assertion)
    _settle_contradictions(by_cell, schema)
    return LabelSet({cell: _label(by_cell.get(cell, []), schema) for cell in schema.cells})


def _without_idle(assertions: list[Assertion]) -> list[Assertion]:
    """Drop vague positives that a certain one explains, and history that the images contradict."""
    certain = {(a.finding, _kind_of(a.target)) for a in assertions if a.value in POSITIVE_VALUES and not a.vague}
    denied = {(a.target, a.finding) for a in assertions if a.value is Value.ABSENT and not a.vague}
    described = {
        a.target
        for a in assertions
        if not a.from_history and not a.vague and a.finding in ("normal", *ABNORMAL_TYPES[1:])
    }
    total = {(a.target, a.span) for a in assertions if a.from_history and a.finding == "absent"}
    kept = []
    for a in assertions:
        guessed = a.vague and a.value in POSITIVE_VALUES
        if guessed and (a.finding, _kind_of(a.target)) in certain:
            continue
        if guessed and (a.target, a.finding) in denied and _has_twin(a, assertions, denied):
            continue
        if a.from_history and a.target in described and (a.target, a.span) in total:
            continue
        kept.append(a)
    return kept


def _has_twin(a: Assertion, assertions: list[Assertion], denied: set[tuple[str, str]]) -> bool:
    """Whether the vague `a` may as well be about another target that nothing denies it of."""
    return any(
        b.vague and b.span == a.span and b.finding == a.finding and (b.target, b.finding) not in denied
        for b in assertions
    )


def _kind_of(target: str) -> str:
    """Targets that differ only in their first word, such as the side, are of one kind."""
    return target.split(" ", 1)[-1]


def _settle_contradictions(by_cell: dict[Cell, list[Assertion]], schema: Schema) -> None:
    """Apply the schema's contradictions in order: what is positive there takes the positives it forbids away.

    "normal" is the exception: it yields to the findings, because they are more specific.
    """
    for contradiction in schema.contradictions:
        for target in schema.targets:
            mine = Cell(target.name, contradiction.finding)
            if not _is_positive(by_cell.get(mine)):
                continue
            others = [Cell(target.name, finding) for finding in contradiction.forbids]
            positive = [cell for cell in others if _is_positive(by_cell.get(cell))]
            if not positive:
                continue
            if contradiction.finding == "normal":
                by_cell[mine] = [_denied(a) for a in by_cell[positive[0]] if a.value in POSITIVE_VALUES]
            elif contradiction.finding == "absent":
                for cell in positive:
                    by_cell[cell] = [a for a in by_cell[cell] if a.value not in POSITIVE_VALUES]
            else:
                _keep_stronger(by_cell, mine, positive)


def _keep_stronger(by_cell: dict[Cell, list[Assertion]], mine: Cell, others: list[Cell]) -> None:
    for cell in others:
        own, other = _value(by_cell[mine]), _value(by_cell[cell])
        loser = cell if _RANK[own] >= _RANK[other] else mine
        by_cell[loser] = [a for a in by_cell[loser] if a.value not in POSITIVE_VALUES]


def _denied(a: Assertion) -> Assertion:
    return Assertion(a.target, "normal", Value.ABSENT, a.span, f"not normal: {a.reason}")


def _is_positive(assertions: list[Assertion] | None) -> bool:
    return bool(assertions) and any(a.value in POSITIVE_VALUES for a in assertions or ())


def _value(assertions: list[Assertion]) -> Value:
    return max((a.value for a in assertions), key=lambda value: _RANK[value])


def _label(assertions: list[Assertion], schema: Schema) -> CellLabel:
    if not assertions:
        return _NOT_MENTIONED
    value = _value(assertions)
    chosen = [a for a in assertions if a.value is value]
    spans = tuple(sorted({a.span for a in chosen}))[:_MOST_EVIDENCE]
    flags = ("vague",) if all(a.vague for a in chosen) else ()
    urgency = None
    if value in POSITIVE_VALUES and schema.has_urgency(chosen[0].finding):
        stated = [a.urgency for a in chosen if a.urgency >= 0]
        urgency = max(stated) if stated else None
    return CellLabel(value, urgency, evidence=spans, reason=chosen[0].reason, flags=flags)
