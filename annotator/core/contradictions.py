"""Contradictions inside one reading: findings that exclude each other, and urgency without a positive value."""

from dataclasses import dataclass

from labeling.core.schema import Cell, Schema
from labeling.core.values import CODE_OF_STATE, NO_URGENCY_CODE, POSITIVE_VALUES

URGENCY = "urgency"
_POSITIVE_CODES = frozenset(CODE_OF_STATE[value] for value in POSITIVE_VALUES)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """`finding` of `target` does not go with `forbidden`, a finding of the same target or the word `urgency`."""

    target: str
    finding: str
    forbidden: str
    because: str

    @property
    def key(self) -> str:
        """How the reader's acknowledgement names it."""
        return f"{self.target}|{self.finding}|{self.forbidden}"


def find_contradictions(values: str, urgencies: str, *, schema: Schema) -> list[Contradiction]:
    """Every contradiction in a stored pair of vectors, in schema order; a positive value is present or possible.

    Source: the `contradictions` of the schema; an urgency belongs to positive cells only (METHODS A.8).
    """
    positive = {cell for cell, code in zip(schema.cells, values, strict=True) if code in _POSITIVE_CODES}
    excluded = [
        Contradiction(target.name, rule.finding, forbidden, rule.because)
        for target in schema.targets
        for rule in schema.contradictions
        for forbidden in rule.forbids
        if Cell(target.name, rule.finding) in positive and Cell(target.name, forbidden) in positive
    ]
    idle_urgencies = [
        Contradiction(cell.target, cell.finding, URGENCY, "only a present or possible finding has an urgency")
        for cell, code in zip(schema.cells, urgencies, strict=True)
        if code != NO_URGENCY_CODE and cell not in positive
    ]
    return excluded + idle_urgencies
