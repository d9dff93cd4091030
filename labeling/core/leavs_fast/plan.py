"""What of a schema is asked about one report."""

from dataclasses import dataclass

from labeling.core.leavs_fast.page import Page
from labeling.core.schema import Cell, Finding, Schema, Target


@dataclass(frozen=True, slots=True)
class Part:
    """One target and the findings it is judged for: those for which the report has any sentence that may count."""

    target: Target
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """Name of the target."""
        return self.target.name

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Its cells, in the order of `findings`."""
        return tuple(Cell(self.name, finding.name) for finding in self.findings)


def plan_parts(schema: Schema, page: Page) -> tuple[Part, ...]:
    """Targets in schema order; one without any cell to ask is left out."""
    asked = [finding for finding in schema.findings if page.evidence_for(finding)]
    parts = (
        Part(target, tuple(finding for finding in asked if Cell(target.name, finding.name) in schema.index_of_cell))
        for target in schema.targets
    )
    return tuple(part for part in parts if part.findings)


def shown_target(target: Target) -> str:
    """The target by its name, with its title where that says more."""
    return target.name if target.title.casefold() == target.name.casefold() else f"{target.name} ({target.title})"


def shown_finding(finding: Finding) -> str:
    """The finding by its name, with its definition and the note on it."""
    return f"{finding.name}: {finding.long_definition}"


def dashed(lines: list[str]) -> str:
    """A list, one entry a line."""
    return "\n".join(f"- {line}" for line in lines)
