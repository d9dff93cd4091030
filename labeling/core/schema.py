"""A label schema: which targets are judged for which findings, and how cells belong together.

A schema is written as YAML (`schema_yaml` reads it), carries a version, and is identified by the hash of what it
says. The order of `Schema.cells` is the order of every stored label vector.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import NamedTuple

# One character per cell in every stored label vector; a schema with more cells is refused.
MAX_CELLS = 2000


class Cell(NamedTuple):
    """One target and one finding. Its string form, `target|finding`, is the key in JSON bodies and form fields."""

    target: str
    finding: str

    def __str__(self) -> str:
        return f"{self.target}|{self.finding}"


@dataclass(frozen=True, slots=True)
class Target:
    """An organ or a spinal level. `terms` add words to the rules; `masks` name its segmentation classes."""

    name: str
    title: str
    terms: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A type of finding or a condition.

    `definition` says what it is; `note` clarifies and is left out of the short form; `exclude_sections` are kinds of
    section that are no evidence for it (see `labeling.core.text`).
    """

    name: str
    short_name: str
    definition: str
    note: str = ""
    terms: tuple[str, ...] = ()
    exclude_sections: tuple[str, ...] = ()

    @property
    def long_definition(self) -> str:
        """The definition with its note in parentheses, as questions show it."""
        return f"{self.definition} ({self.note})" if self.note else self.definition


@dataclass(frozen=True, slots=True)
class Attribute:
    """A further property of a positive cell, with ordered levels. `findings` empty: every finding has it."""

    name: str
    levels: tuple[str, ...]
    definition: str = ""
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Findings, or targets, that are merged under one name for evaluation (see `values.merge_values`)."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """In one target, a positive `finding` does not go with a positive value of any of `forbids`."""

    finding: str
    forbids: tuple[str, ...]
    because: str


@dataclass(frozen=True)
class Schema:
    """A versioned set of cells. Build it with `schema_yaml.parse_schema` or `schema_yaml.load_preset`."""

    name: str
    version: int
    title: str
    modality: str
    targets: tuple[Target, ...]
    findings: tuple[Finding, ...]
    cells: tuple[Cell, ...]
    attributes: tuple[Attribute, ...] = ()
    finding_groups: tuple[Group, ...] = ()
    target_groups: tuple[Group, ...] = ()
    contradictions: tuple[Contradiction, ...] = field(default=())

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON of everything the schema says; comments and layout do not count."""
        canonical = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @cached_property
    def target_by_name(self) -> dict[str, Target]:
        """Targets by name."""
        return {target.name: target for target in self.targets}

    @cached_property
    def finding_by_name(self) -> dict[str, Finding]:
        """Findings by name."""
        return {finding.name: finding for finding in self.findings}

    @cached_property
    def index_of_cell(self) -> dict[Cell, int]:
        """Position of each cell in a stored vector."""
        return {cell: index for index, cell in enumerate(self.cells)}

    @property
    def urgency(self) -> Attribute | None:
        """The attribute called `urgency`, which has its own stored vector; None when the schema asks for none."""
        return next((attribute for attribute in self.attributes if attribute.name == "urgency"), None)

    def has_urgency(self, finding: str) -> bool:
        """Whether a positive cell of `finding` carries an urgency."""
        attribute = self.urgency
        return attribute is not None and (not attribute.findings or finding in attribute.findings)

    def cell_of(self, key: str) -> Cell:
        """The cell whose string form is `key`; raises KeyError that names the schema."""
        target, _, finding = key.partition("|")
        cell = Cell(target, finding)
        if cell not in self.index_of_cell:
            raise KeyError(f"schema {self.name} v{self.version} has no cell {key!r}")
        return cell
