"""Addenda: what they say takes the place of what the report said before, and some exchange left and right."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from labeling.core.rules.assertions import Assertion
from labeling.core.rules.vocabulary import Vocabulary
from labeling.core.values import POSITIVE_VALUES

_ADDENDUM: Final = re.compile(
    r"^\W*(?:[A-Za-z]+ ){0,2}(?:addend(?:um|a)|corrections?|corrected|amend(?:ed|ment)|erratum|revised)\b",
    re.IGNORECASE | re.MULTILINE,
)
_EXCHANGED: Final = re.compile(
    r"\b(?:laterality|sides?|sidedness|left and right|right and left)\b.*"
    r"\b(?:reversed|swapped|transposed|interchanged|exchanged|switched|inverted|incorrect|wrong|in error|mistaken)\b",
    re.IGNORECASE | re.DOTALL,
)
_SHOULD_READ: Final = re.compile(
    r"\b(left|right)\b.{0,80}?\bshould (?:have )?(?:read|be|been|say|said)\b.{0,80}?\b(left|right)\b",
    re.IGNORECASE | re.DOTALL,
)


def addendum_start(text: str) -> int:
    """Offset at which the first addendum begins; the length of the text when there is none."""
    found = next((match for match in _ADDENDUM.finditer(text) if match.start() > 0), None)
    return found.start() if found else len(text)


def exchanges_sides(sentence: str) -> bool:
    """Whether a sentence of an addendum says that left and right were mistaken for each other."""
    if _EXCHANGED.search(sentence):
        return True
    read = _SHOULD_READ.search(sentence)
    return read is not None and read.group(1).lower() != read.group(2).lower()


def exchange_sides(assertions: Iterable[Assertion], vocabulary: Vocabulary) -> list[Assertion]:
    """The assertions with left and right targets exchanged."""
    other: dict[str, str] = {}
    for targets in vocabulary.targets_of.values():
        if "left" in targets and "right" in targets:
            other[targets["left"]], other[targets["right"]] = targets["right"], targets["left"]
    return [replace(a, target=other.get(a.target, a.target)) for a in assertions]


def without_corrected(assertions: list[Assertion]) -> list[Assertion]:
    """Drop what an addendum corrects: earlier assertions of a cell that contradict what it says for certain."""
    said = {(a.target, a.finding): a.value in POSITIVE_VALUES for a in assertions if a.correcting and not a.vague}
    return [
        a
        for a in assertions
        if a.correcting or said.get((a.target, a.finding), a.value in POSITIVE_VALUES) == (a.value in POSITIVE_VALUES)
    ]
