"""Invented notes about the width of a spinal canal: what each of four sections says of it is a finding of its own.

The four questions of a note differ by the section that they show, since each finding leaves the others out: so a model
of 100,000 weights learns in seconds to answer them, from words alone. Held-out notes have other sentences, another
order of sections, and in each section words that notes to learn from have in others only.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from labeling.core.schema import Cell, Schema
from labeling.core.schema_yaml import parse_schema

Said = Literal["present", "equivocal", "absent"]
SCHEMA_SOURCE: Final = """\
format: 1
name: templated-notes
version: 1
title: Templated notes
modality: MR
targets:
  - {name: spine, masks: []}
findings:
  - {name: suspected stenosis, definition: stenosis by history, exclude_sections: [comparison, findings, impression]}
  - {name: earlier stenosis, definition: stenosis at that time, exclude_sections: [history, findings, impression]}
  - {name: visible stenosis, definition: stenosis in the images, exclude_sections: [history, comparison, impression]}
  - {name: concluded stenosis, definition: stenosis by conclusion, exclude_sections: [history, comparison, findings]}
"""
SECTION_OF: Final = {
    "suspected stenosis": "HISTORY",
    "earlier stenosis": "COMPARISON",
    "visible stenosis": "FINDINGS",
    "concluded stenosis": "IMPRESSION",
}
WORDS: Final[Mapping[Said, tuple[str, ...]]] = {
    "present": ("narrow", "tight", "stenotic", "squeezed"),
    "equivocal": ("borderline", "doubtful", "unclear", "smallish"),
    "absent": ("wide", "roomy", "normal", "open"),
}
LEVELS: Final = ("L1", "L2", "L3", "L4", "L5")
FRAMES: Final = ("The canal is {word} at {level}.", "Canal at {level} {word}.", "{level}: the canal appears {word}.")
HELD_OUT_FRAMES: Final = ("At {level} the canal is {word}.", "The canal appears {word}.")


@dataclass(frozen=True)
class Note:
    """A note and what it says of each cell."""

    text: str
    says: Mapping[Cell, Said]


def schema() -> Schema:
    """One target, four findings."""
    return parse_schema(SCHEMA_SOURCE)


def make_note(rng: random.Random, *, is_held_out: bool = False) -> Note:
    """A note in which each section finds stenosis present, equivocal or absent at random."""
    findings = list(SECTION_OF)
    said: dict[str, Said] = {name: rng.choices(("present", "equivocal", "absent"), (2, 1, 2))[0] for name in findings}
    order = list(reversed(findings)) if is_held_out else findings
    sections = [
        f"{SECTION_OF[name]}: {_sentence(rng, findings.index(name), said[name], is_held_out=is_held_out)}"
        for name in order
    ]
    return Note("\n\n".join(sections), {Cell("spine", name): how for name, how in said.items()})


def _sentence(rng: random.Random, place: int, said: Said, *, is_held_out: bool) -> str:
    """A sentence for the section at this place, which has one of the four words in held-out notes only."""
    kept = [word for number, word in enumerate(WORDS[said]) if (number == place) == is_held_out]
    frame = rng.choice(HELD_OUT_FRAMES if is_held_out else FRAMES)
    return frame.format(word=rng.choice(kept), level=rng.choice(LEVELS))
