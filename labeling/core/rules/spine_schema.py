"""Which cells of a schema the spine rules serve, by what its targets and findings are called."""

import re
from dataclasses import dataclass
from typing import Final

from labeling.core.rules.levels import level_of_name
from labeling.core.rules.lexicon import Lexicon
from labeling.core.rules.spine_mentions import Concept
from labeling.core.rules.spine_vocabulary import build_spine_lexicon
from labeling.core.schema import Cell, Finding, Schema, Target

_REGION: Final = re.compile(
    r"(?:whole |entire |total )?(?:(lumbar|lumbosacral|lumbo-sacral|cervical|thoracic|dorsal|sacral) )?"
    r"(?:spine|spinal column|vertebral column|spinal canal|backbone)",
    re.IGNORECASE,
)
_REGION_LETTERS: Final = {
    "lumbar": "L",
    "lumbosacral": "LS",
    "lumbo-sacral": "LS",
    "cervical": "C",
    "thoracic": "T",
    "dorsal": "T",
    "sacral": "S",
}
_CONCEPTS: Final = (
    (re.compile(r"cauda", re.IGNORECASE), Concept.CAUDA),
    (re.compile(r"listhesis|listhes", re.IGNORECASE), Concept.SLIP),
    (re.compile(r"herni|protrusion|extrusion|prolapse", re.IGNORECASE), Concept.HERNIATION),
    (
        re.compile(r"stenos|narrowing|nerve compression|root compression|neural compression", re.IGNORECASE),
        Concept.STENOSIS,
    ),
    (re.compile(r"\bcancer|malignan|metasta|neoplas|tumou?r", re.IGNORECASE), Concept.CANCER),
)


@dataclass(frozen=True, slots=True)
class SpinePlan:
    """Cells that the spine rules fill. `level_of` and `region_of` say what a target is, `concept_of` a finding."""

    cells: tuple[Cell, ...]
    level_of: dict[str, str]
    region_of: dict[str, str]
    concept_of: dict[str, Concept]
    excluded: dict[str, tuple[str, ...]]
    lexicon: Lexicon


def concept_of_finding(finding: Finding) -> Concept:
    """What the rules take a finding for; `NAMED` when only its own words can say it."""
    for pattern, concept in _CONCEPTS:
        if pattern.search(finding.name):
            return concept
    return Concept.NAMED


def plan_spine(schema: Schema) -> SpinePlan | None:
    """Plan for `schema`, None when it asks for no condition of the spine in the spine or a level of it."""
    level_of = {target.name: level for target in schema.targets if (level := _level(target)) is not None}
    region_of = {target.name: region for target in schema.targets if (region := _region(target)) is not None}
    concept_of = {finding.name: concept_of_finding(finding) for finding in schema.findings}
    cells = tuple(cell for cell in schema.cells if cell.target in level_of or cell.target in region_of)
    if all(concept_of[cell.finding] is Concept.NAMED for cell in cells):
        return None
    own_terms = {
        finding.name: (finding.name, *finding.terms) if concept_of[finding.name] is Concept.NAMED else finding.terms
        for finding in schema.findings
    }
    return SpinePlan(
        cells=cells,
        level_of=level_of,
        region_of=region_of,
        concept_of=concept_of,
        excluded={finding.name: finding.exclude_sections for finding in schema.findings},
        lexicon=build_spine_lexicon(own_terms),
    )


def _level(target: Target) -> str | None:
    for name in (target.name, target.title, *target.terms):
        if (level := level_of_name(name)) is not None:
            return level
    return None


def _region(target: Target) -> str | None:
    """Letters of the vertebrae that a target covers, empty for the whole spine; None when it is no part of it."""
    for name in (target.name, target.title):
        match = _REGION.fullmatch(name.strip())
        if match is not None:
            return _REGION_LETTERS[match[1].lower()] if match[1] else ""
    return None
