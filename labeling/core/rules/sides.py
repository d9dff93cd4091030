"""Left, right or both: the side of an organ that a finding is in."""

from dataclasses import dataclass
from typing import Final

from labeling.core.rules.clauses import Parse
from labeling.core.rules.places import Place, Places, is_filler
from labeling.core.rules.vocabulary import BOTH, Cue, FindingTerm, Vocabulary


@dataclass(frozen=True, slots=True)
class Topic:
    """What organless sentences are about.

    `heading` topics do not say that both sides are meant; `types` are those of the last finding ("left: same").
    """

    places: tuple[Place, ...] = ()
    elsewhere: bool = False
    heading: bool = False
    lesion: bool = False
    types: tuple[str, ...] = ()


NO_TOPIC: Final = Topic()
_OPPOSITE: Final = {"left": "right", "right": "left"}


def _one_side(values: list[str]) -> str:
    """The side that `values` agree on, both when they do not, empty when there is none."""
    return (values[0] if len(set(values)) == 1 else BOTH) if values else ""


def resolve_other_side(parse: Parse, topic: Topic) -> None:
    """Put left or right in the place of "the other side": the opposite of the side said last; nothing without one."""
    last = next((place.side for place in topic.places if place.side in _OPPOSITE), "")
    for index, cue in enumerate(parse.cues):
        if cue is None or cue.kind != "side":
            continue
        if cue.value == "other":
            parse.cues[index] = Cue("side", _OPPOSITE[last]) if last else None
        elif cue.value in _OPPOSITE:
            last = cue.value


class SideResolver:
    """Gives places their sides in one parsed sentence."""

    def __init__(self, parse: Parse, places: Places, vocabulary: Vocabulary, topic: Topic) -> None:
        self._parse = parse
        self._places = places
        self._vocabulary = vocabulary
        self._topic = topic

    def resolve(self, index: int, places: tuple[Place, ...], how: str, finding: FindingTerm) -> tuple[Place, ...]:
        """`places` with the side of each that the words near the finding at `index` give; `how` it was attached."""
        if not any(self._vocabulary.is_sided(place.organ) for place in places):
            return places
        near, anywhere = self._own_side(index, finding)
        result = []
        for place in places:
            if not self._vocabulary.is_sided(place.organ):
                result.append(place)
                continue
            fixed = place.side and how in ("compound", "located", "before", "follower")
            fixed = fixed and not (place.side == BOTH and near and how == "compound")
            said = place.side if fixed else near or (place.side if how != "topic" else "")
            earlier = self._earlier_side(index, place.organ)
            side = said or (anywhere if earlier == BOTH and anywhere else earlier or anywhere) or self._lent_side()
            side = side or (self._side_of_clause_before(index) if how == "implied" else "")
            side = side or self._topic_side(place.organ)
            result.append(Place(place.organ, side))
        return tuple(dict.fromkeys(result))

    def _own_side(self, index: int, finding: FindingTerm) -> tuple[str, str]:
        """The free side word that goes with the finding, and what all free ones in its clause say."""
        start, end = self._parse.clause_start(index), self._parse.clause_end(index)
        free = [(place, value) for place, value in self._places.free_sides if start <= place < end]
        before = self._sides_before(index, dict(free))
        if before:
            return _one_side(before), ""
        behind = [value for place, value in free if place > index and self._leads(index, place)]
        if finding.predicate and any(item.key in ("cm", "mm") for item in self._parse.items[index:end]):
            behind = []
        return _one_side(behind), _one_side([value for _, value in free])

    def _sides_before(self, index: int, free: dict[int, str]) -> list[str]:
        """Free sides in the noun phrase of the finding: "mild left and moderate right hydronephrosis"."""
        found: list[str] = []
        for place in range(index - 1, -1, -1):
            if place in free:
                found.append(free[place])
            elif self._is_set_off(place, free):
                continue
            elif (
                not is_filler(self._parse, place) and not (found and self._parse.items[place].key in ("and", "or"))
            ) or self._parse.findings[place]:
                break
        return found

    def _is_set_off(self, place: int, free: dict[int, str]) -> bool:
        """Whether the item is the comma or colon behind a side that opens its clause: "left, agenesis"."""
        opens = place - 1 in free and (place < 2 or self._parse.kind(place - 2) in ("stop", "colon"))
        return opens and self._parse.items[place].key in (",", ":", "-")

    def _leads(self, index: int, place: int) -> bool:
        """Whether nothing but another finding's absence stands between the finding and a side behind it."""
        between = range(index + 1, place)
        if any(self._parse.breaks[other] for other in range(index + 1, place + 1)):
            return False
        return not any(
            self._parse.findings[other] and not all(f.adjective or f.weak for f in self._parse.findings[other])
            for other in between
        ) and not any(other in self._places.group_at for other in between)

    def _earlier_side(self, index: int, organ: str) -> str:
        """Side of the same organ said earlier in the sentence."""
        for group in reversed(self._places.groups):
            if group.start < index:
                for place in group.places:
                    if self._same(place.organ, organ) and place.side:
                        return place.side
        return ""

    def _side_of_clause_before(self, index: int) -> str:
        """Side that an earlier clause of the sentence gave: "the right renal stone has passed; hydronephrosis ..."."""
        before = [value for place, value in self._places.free_sides if place < index]
        return before[-1] if before else ""

    def _lent_side(self) -> str:
        """Side of a ureter in the sentence: what is wrong above it is on that side too."""
        return next((group.lent_side for group in self._places.groups if group.lent_side), "")

    def _topic_side(self, organ: str) -> str:
        for place in self._topic.places:
            if self._same(place.organ, organ) and place.side and (not self._topic.heading or place.side != BOTH):
                return place.side
        return ""

    def _same(self, one: str, other: str) -> bool:
        part_of = self._vocabulary.part_of
        return part_of.get(one, one) == part_of.get(other, other)
