"""Spinal levels in words: "L4/5", "L4-L5", "L3-S1", "D12/L1", "L5 on S1", "lower two levels".

A level is the disc between two neighbouring vertebrae, written "L4-L5". A range such as "L3-S1" is all levels
between. Single vertebrae are no levels.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

VERTEBRAE: Final = (
    *(f"C{number}" for number in range(1, 8)),
    *(f"T{number}" for number in range(1, 13)),
    *(f"L{number}" for number in range(1, 6)),
    *(f"S{number}" for number in range(1, 6)),
)
LEVELS: Final = tuple(f"{upper}-{lower}" for upper, lower in pairwise(VERTEBRAE))
_PLACE: Final = {name: place for place, name in enumerate(VERTEBRAE)}
# With six lumbar vertebrae these levels exist too.
_TRANSITIONAL: Final = {("L5", "L6"): "L5-L6", ("L6", "S1"): "L6-S1"}
_LONGEST_REGION: Final = {"C": 7, "T": 12, "L": 5, "S": 5}
_NEXT_REGION: Final = {"C": "T", "T": "L", "L": "S"}

_LETTER = r"(?:lv|th|[lctds])"
_JOIN = r"(?:\s*[-/_\u2010-\u2015\\]+\s*|\s+(?:to|on|over|upon|through|thru|down to)\s+(?:the\s+)?)"
_CHAIN = re.compile(
    rf"(?:(?<![a-z0-9.])|(?<=\bat)|(?<=\band)|(?<=\bof)|(?<=ted)|(?<=level))(?P<first>{_LETTER}\s?\d{{1,2}})"
    rf"(?P<rest>(?:{_JOIN}(?:{_LETTER}\s?(?:\d{{1,2}}|i(?![a-z]))|\d{{1,2}}(?!\d|\.\d|\s?(?:mm|cm|x\s?\d))))+)(?!\d)",
    re.IGNORECASE,
)
_VERTEBRA = re.compile(rf"({_LETTER})?\s?(\d{{1,2}}|i(?![a-z]))", re.IGNORECASE)
_SEQUENCE_NAME = re.compile(
    r"\s*(?:and t2\s)?(?:weighted|signal|wi\b|w\b|hyper|hypo|iso|intensit|sequence|image|fse|tse)"
)
_WORDS: Final = (
    (re.compile(r"\blumbo-?\s?sacral (?:junction|level|disc|disk)s?\b"), ("L5-S1",)),
    (re.compile(r"\bthoraco-?\s?lumbar junction\b"), ("T12-L1",)),
    (
        re.compile(
            r"\b(?:lower|last|lowest|lowermost|caudal|bottom) (?:two|2)\b"
            r"|\btwo lower(?:most)? (?:lumbar )?(?:level|dis)"
        ),
        ("L4-L5", "L5-S1"),
    ),
    (re.compile(r"\b(?:lower|last|lowest|lowermost) (?:three|3)\b"), ("L3-L4", "L4-L5", "L5-S1")),
)
_ALL = re.compile(
    r"\b(?:all|every|each|any)(?: of)?(?: the| other)?(?: visuali[sz]ed| imaged)?(?: lumbar)?(?: dis[ck])? levels?\b"
)
_REST = re.compile(
    r"\b(?:all |the )*(?:remaining|remainder of the|other|rest of the)(?: visuali[sz]ed| imaged)?(?: lumbar)?"
    r"(?: disc| disk)? (?:levels?|dis[ck]s?)\b|\bat other levels\b|\belsewhere\b"
)
_SAME = re.compile(r"\b(?:same|this|that|these|those|above ?-?mentioned|mentioned) (?:disc |disk |lumbar )?levels?\b")
_EMPHASIS = re.compile(
    r"\b(?:no\w{0,9}bl?y|mainly|mostly|especially|particularly|predominantly|chiefly|maximal|maximum|largest|greatest|worst|"
    r"worse|more (?:so|marked|severe|pronounced|prominent)\w*|most (?:marked|severe|pronounced|prominent|notabl)\w*|"
    r"prominent|lesser (?:degree|extent)|in particular)[^.;:,]{0,20}[\s(]*$"
)
_BETWEEN = re.compile(
    r"[\s,&;+()/\-]*(?:(?:and|or|also|amnd|as well as|plus|at|the|to|levels?|discs?|disks?|"
    r"mild|moderate|severe|marked|minimal)(?:ly)?[\s,&;+()/\-]*)*"
)


@dataclass(frozen=True, slots=True)
class LevelGroup:
    """Neighbouring levels in a sentence. `scope` is `named`, `all`, `rest` or `same`.

    An emphasised group ("noticeably at L4-L5") adds to the levels named before it, it does not replace them.
    """

    start: int
    end: int
    levels: tuple[str, ...]
    scope: str = "named"
    emphasised: bool = False


def level_of_name(name: str) -> str | None:
    """The level that a schema calls `name` ("L4-L5", "L4/5", "level C5-6"), None when it is no single level."""
    chain = _CHAIN.search(name)
    if chain is None or re.sub(
        r"(?i)\b(?:level|disc|disk|space)\b|[\s\-]", "", name[: chain.start()] + name[chain.end() :]
    ):
        return None
    levels = _levels_of_chain(chain)
    return levels[0] if len(levels) == 1 else None


def find_level_groups(folded: str) -> list[LevelGroup]:
    """Groups of levels in a folded sentence, in order, neighbours merged."""
    merged: list[LevelGroup] = []
    for group in sorted(_single_groups(folded), key=lambda group: (group.start, -group.end)):
        if merged and group.start < merged[-1].end:
            continue
        if merged and _joins(folded, merged[-1], group):
            before = merged.pop()
            levels = tuple(dict.fromkeys((*before.levels, *group.levels)))
            group = LevelGroup(before.start, group.end, levels, "named", before.emphasised)
        merged.append(group)
    return merged


def _joins(folded: str, before: LevelGroup, group: LevelGroup) -> bool:
    if before.scope != "named" or group.scope != "named" or group.emphasised:
        return False
    return _BETWEEN.fullmatch(folded, before.end, group.start) is not None


def _single_groups(folded: str) -> Iterator[LevelGroup]:
    for chain in _CHAIN.finditer(folded):
        levels = _levels_of_chain(chain)
        if levels and not (levels == ("T1-T2",) and _SEQUENCE_NAME.match(folded, chain.end())):
            yield _group(folded, chain.start(), chain.end(), levels)
    for pattern, levels in _WORDS:
        for match in pattern.finditer(folded):
            yield _group(folded, match.start(), match.end(), levels)
    if "level" in folded or "elsewhere" in folded or "remain" in folded or "other" in folded:
        for scope, pattern in (("rest", _REST), ("all", _ALL), ("same", _SAME)):
            for match in pattern.finditer(folded):
                yield LevelGroup(match.start(), match.end(), (), scope)


def _group(folded: str, start: int, end: int, levels: tuple[str, ...]) -> LevelGroup:
    return LevelGroup(start, end, levels, "named", _EMPHASIS.search(folded, max(0, start - 60), start) is not None)


def _levels_of_chain(chain: re.Match[str]) -> tuple[str, ...]:
    """Levels of "L4-5", "L3/L4/L5" or "L3-S1"; empty when it is none."""
    vertebrae: list[str] = []
    region = ""
    for letter, number in _VERTEBRA.findall(chain.group()):
        vertebra = _vertebra(letter, number, region, vertebrae)
        if vertebra is None:
            return ()
        vertebrae.append(vertebra)
        region = vertebra[0]
    levels: list[str] = []
    for upper, lower in pairwise(vertebrae):
        levels.extend(_between(upper, lower))
    return tuple(dict.fromkeys(levels))


def _vertebra(letter: str, number: str, region: str, before: list[str]) -> str | None:
    count = 1 if number.lower() == "i" else int(number)
    if letter:
        region = {"LV": "L", "TH": "T", "D": "T"}.get(letter.upper(), letter.upper())
    elif before and count == 1 and int(before[-1][1:]) >= _LONGEST_REGION[region]:
        region = _NEXT_REGION.get(region, region)
    elif before and count <= int(before[-1][1:]):
        return None
    name = f"{region}{count}"
    return name if name in _PLACE or name == "L6" else None


def _between(upper: str, lower: str) -> tuple[str, ...]:
    for pair in ((upper, lower), (lower, upper)):
        if pair in _TRANSITIONAL:
            return (_TRANSITIONAL[pair],)
    if upper not in _PLACE or lower not in _PLACE:
        return ()
    first, last = sorted((_PLACE[upper], _PLACE[lower]))
    return LEVELS[first:last]
