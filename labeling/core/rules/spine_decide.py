"""From what all sentences say to one label for a cell.

Conventions. Narrowing or compression in words counts wherever it stands, and whatever is said of the canal as a
whole ("canal still adequate"). A protrusion or extrusion counts by itself, unless compression of sac or nerves is
denied for it; a denial on a line of its own holds for the whole report. Contact ("abutting") alone is no narrowing. A
bulge alone says nothing; with a denial its level is absent.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from labeling.core.records import CellLabel
from labeling.core.rules.spine_mentions import Concept, Grade, Polarity, SpineMention
from labeling.core.rules.spine_schema import SpinePlan
from labeling.core.schema import Cell
from labeling.core.sections import SectionKind
from labeling.core.spans import Span
from labeling.core.values import Value

_MOST_EVIDENCE: Final = 8


@dataclass(frozen=True, slots=True)
class Statement:
    """A mention with the levels it is about. `is_global`: it holds for the report as a whole."""

    mention: SpineMention
    levels: tuple[str, ...]
    is_global: bool
    span: Span
    section: SectionKind

    @property
    def is_denial(self) -> bool:
        """Whether narrowing or the finding is denied in words."""
        return self.mention.polarity is Polarity.NO and self.mention.grade is Grade.DIRECT


def decide(cell: Cell, statements: list[Statement], plan: SpinePlan) -> CellLabel:
    """Label of `cell`: present beats possible, possible beats absent."""
    concept = plan.concept_of[cell.finding]
    about = [
        statement
        for statement in statements
        if statement.section not in plan.excluded[cell.finding] and _is_about(statement.mention, concept, cell.finding)
    ]
    level = plan.level_of.get(cell.target)
    here = [statement for statement in about if _is_here(statement, cell.target, level, plan)]
    denials = [s for s in here if s.is_denial]
    if level is not None and here:
        denials += [s for s in about if s.is_denial and s.is_global and s not in denials]
    counted = [s for s in here if not s.is_denial and not _is_overruled(s, about)]
    for polarity, value in ((Polarity.YES, Value.PRESENT), (Polarity.MAYBE, Value.POSSIBLE)):
        chosen = [s for s in counted if s.mention.polarity is polarity and s.mention.grade is not Grade.TOUCH]
        if chosen:
            return _label(value, chosen)
    if denials:
        return _label(Value.ABSENT, denials)
    touching = [s for s in here if s.mention.grade is Grade.TOUCH]
    if touching:
        return _label(Value.ABSENT, touching)
    return CellLabel(Value.NOT_MENTIONED)


def _is_about(mention: SpineMention, concept: Concept, finding: str) -> bool:
    if mention.concept is Concept.NAMED:
        return mention.finding == finding
    return mention.concept is concept


def _is_here(statement: Statement, target: str, level: str | None, plan: SpinePlan) -> bool:
    if level is not None:
        return level in statement.levels
    letters = plan.region_of[target]
    return not letters or not statement.levels or any(name[0] in letters for name in statement.levels)


def _is_overruled(statement: Statement, about: list[Statement]) -> bool:
    """Whether a disc's protrusion is said not to compress: in the report as a whole, or at all its levels."""
    if statement.mention.grade is not Grade.DISC:
        return False
    denials = [other for other in about if other.is_denial and other.mention.of_nerves]
    if any(other.is_global for other in denials):
        return True
    denied = {level for other in denials for level in other.levels}
    return bool(statement.levels) and set(statement.levels) <= denied


def _label(value: Value, statements: Iterable[Statement]) -> CellLabel:
    chosen = list(statements)
    spans = tuple(sorted({statement.span for statement in chosen}))[:_MOST_EVIDENCE]
    return CellLabel(value, evidence=spans, reason=_reason(value, chosen[0].mention))


def _reason(value: Value, mention: SpineMention) -> str:
    said = " ".join(mention.words.split())
    if mention.grade is Grade.TOUCH:
        return f'contact without narrowing: "{said}"'
    if mention.grade is Grade.DISC:
        return f'displaced disc: "{said}"'
    verb = {Value.PRESENT: "stated", Value.POSSIBLE: "stated as possible", Value.ABSENT: "denied or normal"}[value]
    return f'{verb}: "{said}"'
