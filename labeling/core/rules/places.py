"""Places in a sentence: mentions joined into groups ("liver and both kidneys"), with their sides."""

from dataclasses import dataclass
from typing import Final

from labeling.core.rules.clauses import Parse
from labeling.core.rules.vocabulary import BOTH, Mention, Vocabulary

_JOINERS: Final = frozenset({",", "and", "&", "/", "or", "nor", "the", "as", "well", "+", "-", "plus"})
_SIDE_REACH: Final = 4
_MORE: Final = frozenset({"worse", "greater", "more", "especially", "particularly", "predominantly"})


@dataclass(frozen=True, slots=True)
class Place:
    """An organ with its side ("left", "right", "both"; empty when not said)."""

    organ: str
    side: str = ""


@dataclass(slots=True)
class Group:
    """Mentions that share what is said of them. Empty `places`: somewhere that is no target."""

    start: int
    end: int
    places: tuple[Place, ...]
    role: str
    passing: bool = False
    relation: str = ""
    region: bool = False
    lent_side: str = ""
    firm: bool = False

    @property
    def is_elsewhere(self) -> bool:
        """Whether the group names no target."""
        return not self.places


@dataclass(slots=True)
class Places:
    """Groups of a sentence, the group at each item, and side words that belong to no mention."""

    groups: list[Group]
    group_at: dict[int, int]
    free_sides: list[tuple[int, str]]


def find_places(parse: Parse, vocabulary: Vocabulary) -> Places:
    """Groups and free sides of a parsed sentence."""
    owned: dict[int, str] = {}
    sides = _sides_of_mentions(parse, vocabulary, owned)
    groups: list[Group] = []
    group_at: dict[int, int] = {}
    last = -1
    for index, mention in enumerate(parse.mentions):
        if mention is None:
            continue
        places = tuple(Place(organ, sides.get(index, "")) for organ in mention.organs)
        previous = groups[-1] if groups else None
        if previous and _may_join(mention, previous) and _joined(parse, last, index, owned):
            _extend(previous, places, parse, last, index, vocabulary)
            group_at[index] = len(groups) - 1
        else:
            lent = sides.get(index, "") if mention.lends_side else ""
            groups.append(
                Group(
                    index,
                    index + 1,
                    places,
                    mention.role,
                    mention.passing,
                    region=mention.region,
                    lent_side=lent,
                    firm=mention.firm,
                )
            )
            group_at[index] = len(groups) - 1
        last = index
    free = [
        (index, cue.value)
        for index, cue in enumerate(parse.cues)
        if cue and cue.kind == "side" and index not in owned and not _is_compared_with(parse, index)
    ]
    found = Places(groups, group_at, free)
    _relate(parse, found)
    return found


def settle_shared_parts(parse: Parse, topic: tuple[Place, ...]) -> None:
    """Forget mentions such as "upper pole" where the organ spoken of is another one; `topic` is that of the heading."""
    spoken = {place.organ for place in topic}
    for index, mention in enumerate(parse.mentions):
        if mention is None:
            continue
        if not mention.shared and mention.organs:
            spoken = set(mention.organs)
        elif mention.shared and _is_of_another(parse, index, mention, spoken):
            parse.mentions[index] = None


def _is_of_another(parse: Parse, index: int, mention: Mention, spoken: set[str]) -> bool:
    """Whether the part at `index` is of another organ: one is spoken of, and nothing names the part's own."""
    sided = index > 0 and parse.kind(index - 1) == "side"
    return bool(spoken) and not (sided or spoken & set(mention.organs) or _named_behind(parse, index, mention))


def _named_behind(parse: Parse, index: int, mention: Mention) -> bool:
    """Whether the organ of the part at `index` is named behind it: "at the upper pole of the left kidney"."""
    behind = (other for other in parse.mentions[index + 1 : index + 6] if other and not other.shared)
    return any(set(other.organs) & set(mention.organs) for other in behind)


def _is_compared_with(parse: Parse, index: int) -> bool:
    """Whether the side at `index` only compares: "larger than the right", "worse on the left", "L > R"."""
    if any(item.key in ("<", ">") for item in parse.items[max(index - 1, 0) : index + 2]):
        return True
    place = index - 1
    while place >= 0 and (parse.kind(place) == "article" or parse.items[place].key in ("that", "on")):
        place -= 1
    return place >= 0 and (parse.kind(place) == "compared" or parse.items[place].key in _MORE)


def _may_join(mention: Mention, group: Group) -> bool:
    return mention.role != "around" and group.role != "around" and mention.region == group.region


def _sides_of_mentions(parse: Parse, vocabulary: Vocabulary, owned: dict[int, str]) -> dict[int, str]:
    """Side of each mention; `owned` collects the side words that were used, by index."""
    sides: dict[int, str] = {}
    for index, mention in enumerate(parse.mentions):
        if mention is None:
            continue
        before = _sides_before(parse, index)
        sided = mention.lends_side or any(vocabulary.is_sided(organ) for organ in mention.organs)
        if before:
            for place, value in before.items():
                owned[place] = value
        after = {} if before or not sided else _side_after(parse, index)
        owned.update(after)
        values = set(before.values()) | set(after.values())
        if sided and values:
            sides[index] = values.pop() if len(values) == 1 else BOTH
        elif sided and mention.side:
            sides[index] = mention.side
        elif sided and mention.role == "collective":
            sides[index] = BOTH
    return sides


def _sides_before(parse: Parse, index: int) -> dict[int, str]:
    """Side words directly before the mention at `index`, with only adjectives between."""
    found: dict[int, str] = {}
    for place in range(index - 1, max(index - 1 - _SIDE_REACH, -1), -1):
        cue = parse.cues[place]
        if cue and cue.kind == "side":
            if found and parse.items[place + 1].key not in ("and", "or", "/", "&", ",") and place + 1 not in found:
                break
            found[place] = cue.value
        elif parse.mentions[place] and parse.mentions[place] != parse.mentions[index]:
            break
        elif parse.items[place].key in ("and", "or", "/", "&"):
            if not found:
                break
        elif not _is_filler(parse, place):
            break
    return found


def _side_after(parse: Parse, index: int) -> dict[int, str]:
    """A side behind the mention: "kidney on the left", "kidneys bilaterally", "kidney (left)"."""
    steps = 0
    for place in range(index + 1, min(index + 1 + _SIDE_REACH, len(parse.items))):
        cue = parse.cues[place]
        if cue and cue.kind == "side":
            nearest = parse.mentions[place + 1] if place + 1 < len(parse.items) else None
            return {} if nearest else {place: cue.value}
        if parse.items[place].key not in ("on", "the", "(", ",", "side", "of", "-"):
            return {}
        if parse.items[place].key == ",":
            steps += 1
        if steps > 1:
            return {}
    return {}


def _is_filler(parse: Parse, place: int) -> bool:
    """Whether the item may stand inside a noun phrase: an adjective, a noun, a number, but no verb or preposition."""
    kind = parse.kind(place)
    if kind:
        joins = kind == "joiner" and parse.items[place].key not in ("as", "in", "including")
        return joins or kind in ("quantity", "side", "filler", "spread", "hedge")
    key = parse.items[place].key
    return (key[:1].isalnum() and key not in ("and", "or", "nor")) or key in ("-", ".", "'")


def is_filler(parse: Parse, place: int) -> bool:
    """Public name of the noun-phrase test."""
    return _is_filler(parse, place)


def _joined(parse: Parse, last: int, index: int, owned: dict[int, str]) -> bool:
    """Whether only joining words and sides stand between the mentions at `last` and `index`."""
    for place in range(last + 1, index):
        if place in owned or parse.items[place].key in _JOINERS:
            if parse.breaks[place] == 2:
                return False
            continue
        if parse.kind(place) in ("filler", "joiner", "article"):
            continue
        return False
    return parse.breaks[index] < 2


def _extend(
    group: Group, places: tuple[Place, ...], parse: Parse, last: int, index: int, vocabulary: Vocabulary
) -> None:
    adjacent = index == last + 1 or all(
        parse.cues[place] is not None and parse.kind(place) == "side" for place in range(last + 1, index)
    )
    merged = list(group.places)
    for place in places:
        twin = next((old for old in merged if old.organ == place.organ), None)
        whole = next((old for old in merged if old.organ == vocabulary.part_of.get(place.organ)), None)
        if twin is None and whole is not None and adjacent:
            merged[merged.index(whole)] = Place(place.organ, place.side or whole.side)
        elif twin is None:
            merged.append(place)
        elif adjacent and not (twin.side and place.side):
            merged[merged.index(twin)] = Place(place.organ, twin.side or place.side)
        elif place.side and place != twin:
            merged.append(place)
    mention = parse.mentions[index]
    if adjacent and mention is not None and not places:
        merged = []
    group.places = tuple(merged)
    group.end = index + 1
    if mention is not None and mention.role == "whole" and group.role in ("part", "other"):
        group.role = "whole"
    group.passing = group.passing and bool(mention and mention.passing)


def _relate(parse: Parse, found: Places) -> None:
    """Mark groups that are only what something lies near, or is compared with."""
    for group in found.groups:
        place = group.start - 1
        steps = 0
        while place >= 0 and steps < 6:
            kind = parse.kind(place)
            if kind in ("near", "compared"):
                group.relation = kind
                break
            comma = parse.items[place].key == "," and place and parse.kind(place - 1) == "near"
            if parse.mentions[place] or not (comma or _is_filler(parse, place) or kind in ("article", "of")):
                break
            if any(not finding.adjective for finding in parse.findings[place]):
                break
            place -= 1
            steps += 1
