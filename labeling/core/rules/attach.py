"""Which organ a finding belongs to: the nearest fitting place in the sentence, else the topic before it."""

from dataclasses import dataclass, replace
from typing import Final

from labeling.core.rules.clauses import CLAUSE, Parse
from labeling.core.rules.places import Group, Place, Places, is_filler
from labeling.core.rules.predicates import Predicates
from labeling.core.rules.sides import SideResolver, Topic
from labeling.core.rules.vocabulary import FindingTerm, Vocabulary

_NEAR_REACH: Final = 7
_LOCATIVE_REACH: Final = 18

_LINKS: Final = frozenset({"from", "after", "before", "during", "via", "since"})


@dataclass(frozen=True, slots=True)
class Attachment:
    """Places a finding belongs to; `vague` when they were guessed from too broad a place; `how` names the rule."""

    places: tuple[Place, ...]
    how: str
    vague: bool = False
    adjacent: bool = False


NOWHERE: Final = Attachment((), "elsewhere")


class Attacher:
    """Finds the places of findings in one parsed sentence."""

    def __init__(self, parse: Parse, places: Places, vocabulary: Vocabulary, topic: Topic) -> None:
        self._parse = parse
        self._places = places
        self._vocabulary = vocabulary
        self._topic = topic
        self._predicates = Predicates(parse, places)
        self._sides = SideResolver(parse, places, vocabulary, topic)

    def attach(self, index: int, finding: FindingTerm) -> Attachment:
        """Where the finding at `index` is."""
        if (finding.strict and not self._predicates.is_said_of_organ(index)) or self._predicates.pushes(index, finding):
            return NOWHERE
        group, how = self._group_for(index, finding)
        if group is not None and group.is_elsewhere:
            stays = (finding.strong and not group.firm) or (group.region and finding.implied)
            if not stays or (how == "located" and not group.passing):
                return NOWHERE
        elif group is not None:
            places = self._fitting(group.places, finding)
            if places:
                beside = group.role == "around" or (how == "subject" and self._is_beside(group.end, index))
                resolved = self._sides.resolve(index, places, how, finding)
                return Attachment(resolved, how, group.role == "collective", beside)
            if not finding.implied:
                return NOWHERE
        implied = tuple(Place(organ) for organ in finding.implied) or self._operated_for(index, finding)
        if implied:
            vague = len(implied) > 1 and not finding.strong
            return Attachment(self._sides.resolve(index, implied, "implied", finding), "implied", vague)
        return self._from_topic(index, finding) if group is not None else self._without_group(index, finding)

    def _without_group(self, index: int, finding: FindingTerm) -> Attachment:
        """Where a finding is when its clause names no place for it."""
        shared = self._fitting(self._named_next(index), finding)
        if shared:
            return Attachment(self._sides.resolve(index, shared, "next", finding), "next")
        return NOWHERE if self._other_subject(index) else self._from_topic(index, finding)

    def _operated_for(self, index: int, finding: FindingTerm) -> tuple[Place, ...]:
        """Organs of the disease right behind a surgical finding: "after operation of gastric cancer"."""
        if not finding.surgical:
            return ()
        for place in range(index + 1, min(index + 3, len(self._parse.items))):
            for other in self._parse.findings[place]:
                if other.implied and not other.surgical:
                    return tuple(Place(organ) for organ in other.implied)
        return ()

    def _is_beside(self, start: int, end: int) -> bool:
        """Whether the subject only touches the finding: "the stomach abuts the mass"."""
        return any(self._parse.kind(place) == "near" for place in range(start, end))

    def _named_next(self, index: int) -> tuple[Place, ...]:
        """The organ that only the second of two sides is followed by: "in the left but not in the right kidney"."""
        start, end = self._parse.clause_start(index), self._parse.clause_end(index)
        sided = any(index < place < end for place, _ in self._places.free_sides)
        if not sided or any(start <= group.start < end for group in self._places.groups):
            return ()
        for group in self._places.groups:
            if group.start >= end:
                named = any(self._parse.findings[place] for place in range(end, group.start))
                return () if named or group.relation else tuple(Place(place.organ) for place in group.places)
        return ()

    def _other_subject(self, index: int) -> bool:
        """Whether the clause names a place before the finding, though none that may have it."""
        start = self._parse.clause_start(index)
        return any(start <= group.start < index and not group.region for group in self._places.groups)

    def _fitting(self, places: tuple[Place, ...], finding: FindingTerm) -> tuple[Place, ...]:
        if not finding.organs:
            return places
        part_of = self._vocabulary.part_of
        own = () if finding.strong else self._vocabulary.own_organs
        return tuple(
            p for p in places if p.organ in finding.organs or part_of.get(p.organ) in finding.organs or p.organ in own
        )

    def _group_for(self, index: int, finding: FindingTerm) -> tuple[Group | None, str]:
        before, gap = self._compound(index)
        if finding.adjective or finding.predicate:
            ahead = self._ahead(index, finding)
            if ahead is not None and (before is None or gap > 0):
                return self._with_further(ahead, index) if ahead.is_elsewhere else ahead, "before"
        if before is not None and self._fits(before, finding):
            return before, "compound"
        if finding.predicate and self._predicates.lesion_is_subject(index):
            return Group(index, index, (), "other"), "lesion"
        located = self._located(index, finding)
        subject = self._subject(index, finding)
        if located is not None and located.region:
            named = subject if subject is not None else self._earlier_group(index, finding)
            located = located if named is None or named.is_elsewhere else None
        if located is not None and self._fits(located, finding):
            return self._with_further(located, index), "located"
        follower = self._follower(index)
        if subject is not None and not (follower and self._is_heading(subject) and self._fits(follower, finding)):
            return subject, "subject"
        follower = follower or self._excepted_from(index)
        if follower is not None and self._fits(follower, finding):
            return follower, "follower"
        return located, "located"

    def _fits(self, group: Group, finding: FindingTerm) -> bool:
        return group.is_elsewhere or bool(self._fitting(group.places, finding))

    def _compound(self, index: int) -> tuple[Group | None, int]:
        """The group right before the finding in the same noun phrase: "left renal 2 cm cyst"."""
        for place in range(index - 1, max(index - 1 - _NEAR_REACH, -1), -1):
            if self._parse.breaks[place + 1]:
                return None, 0
            if place in self._places.group_at:
                group = self._places.groups[self._places.group_at[place]]
                return (None, 0) if group.relation or group.region else (group, index - 1 - place)
            if not is_filler(self._parse, place):
                return None, 0
        return None, 0

    def _ahead(self, index: int, finding: FindingTerm) -> Group | None:
        """The group that an adjective stands before: "enlarged spleen", "normal liver and pancreas"."""
        parse = self._parse
        for place in range(index + 1, min(index + 1 + _NEAR_REACH, len(parse.items))):
            if parse.breaks[place] == CLAUSE:
                return None
            if place in self._places.group_at:
                group = self._places.groups[self._places.group_at[place]]
                if finding.predicate and self._predicates.heads_lesion(group.end):
                    return None
                return group
            noun = next((f for f in parse.findings[place] if not (f.adjective or f.predicate)), None)
            if noun is not None:
                organs = tuple(Place(organ) for organ in noun.implied if "diffuse" in noun.types)
                return Group(place, place + 1, organs, "whole") if organs and finding.predicate else None
            if not is_filler(parse, place) and parse.items[place].key not in ("and", ",", "of", "the", "to"):
                return None
            if parse.items[place].key == "," and not self._adjectives_go_on(place + 1):
                return None
        return None

    def _adjectives_go_on(self, place: int) -> bool:
        """Whether the item behind a comma is one more adjective: "enlarged, lobulated liver"."""
        if place >= len(self._parse.items) or place in self._places.group_at:
            return False
        named = place + 1 in self._places.group_at
        return bool(self._parse.findings[place]) or (named and is_filler(self._parse, place))

    def _located(self, index: int, finding: FindingTerm) -> Group | None:
        """The group that a preposition behind the finding leads to: "cyst in the upper pole of the left kidney"."""
        parse = self._parse
        locative = parse.items[index].raw.endswith(" of")
        crossed = aside = False
        for place in range(index + 1, min(index + 1 + _LOCATIVE_REACH, len(parse.items))):
            kind = parse.kind(place)
            if parse.breaks[place] == CLAUSE or kind in ("near", "exception") or (kind == "with" and locative):
                return None
            group_index = self._places.group_at.get(place)
            aside = kind == "with" or (aside and not self._ends_aside(place))
            if group_index is not None:
                group = self._places.groups[group_index]
                blocked = aside or group.relation or (crossed and self._subject(index, finding) is not None)
                return self._of_what(group) if locative and not blocked else None
            if aside:
                continue
            if kind in ("locative", "of") or (kind == "colon" and place == index + 1):
                if parse.items[place - 1].key == "and" and self._subject(index, finding) is not None:
                    return None
                locative = True
            elif self._names_finding(place):
                if locative:
                    return None
                crossed = True
            elif kind in ("verb", "negation") and not self._passive(place):
                return None
        return None

    def _names_finding(self, place: int) -> bool:
        return any(not (f.adjective or f.weak) for f in self._parse.findings[place])

    def _ends_aside(self, place: int) -> bool:
        """Whether the sentence goes on behind "with ...": "a nodule with a bright rim is seen in the liver"."""
        return self._parse.kind(place) == "locative" and self._parse.kind(place - 1) in ("verb", "there", "perception")

    def _of_what(self, group: Group) -> Group:
        """The group, or the one it is a part of: in "upper pole of the spleen", the spleen."""
        parse = self._parse
        for place in range(group.end, min(group.end + _LOCATIVE_REACH, len(parse.items))):
            if place in self._places.group_at:
                whole = self._places.groups[self._places.group_at[place]]
                belongs = parse.kind(group.end) == "of" or group.role == "part"
                outer = whole.relation or whole.region or whole.is_elsewhere
                return self._of_what(whole) if belongs and not outer else group
            if parse.breaks[place] == CLAUSE or parse.kind(place) in ("near", "exception", "with"):
                return group
            if parse.kind(place) not in ("of", "locative", "article", "side") and not is_filler(parse, place):
                return group
        return group

    def _with_further(self, located: Group, index: int) -> Group:
        """`located` and the places listed behind it: "in the liver and in the spleen", "cysts: liver, right kidney"."""
        parse = self._parse
        listed = index + 1 < len(parse.items) and parse.kind(index + 1) == "colon"
        places = located.places
        for group in self._places.groups:
            if group.start < located.end or group.relation or group.is_elsewhere:
                continue
            between = range(located.end, group.start)
            keys = {parse.items[place].key for place in between}
            led = listed or located.is_elsewhere or bool(keys & {"in", "within", "at", "involving"})
            stopped = any(parse.findings[p] or parse.breaks[p] == CLAUSE or parse.kind(p) == "verb" for p in between)
            if not led or stopped or not keys & {"and", ","}:
                break
            places = (*places, *group.places)
        return located if places == located.places else replace(located, places=places)

    def _passive(self, place: int) -> bool:
        window = range(place + 1, min(place + 4, len(self._parse.items)))
        return any(self._parse.kind(other) in ("perception", "locative") for other in window)

    def _subject(self, index: int, finding: FindingTerm) -> Group | None:
        """The nearest group before the finding in its clause that may have it."""
        start = self._parse.clause_start(index)
        aside: Group | None = None
        for group in reversed(self._places.groups):
            if not start <= group.start < index or group.relation or group.region or group.role == "around":
                continue
            if not self._fits(group, finding) or (group.is_elsewhere and group.passing and finding.implied):
                continue
            if not group.is_elsewhere:
                return group
            if not self._is_object(group):
                return aside or group
            aside = aside or group
        return aside

    def _is_heading(self, group: Group) -> bool:
        """Whether a colon follows the group, which opens its sentence: "kidneys: cyst right lower pole"."""
        return group.start == 0 and group.end < len(self._parse.items) and self._parse.kind(group.end) == "colon"

    def _is_object(self, group: Group) -> bool:
        """Whether a preposition stands before the group: "in a right femoral hernia"."""
        place = group.start - 1
        while place >= 0 and (is_filler(self._parse, place) or self._parse.kind(place) == "article"):
            place -= 1
        return place >= 0 and self._parse.kind(place) in ("locative", "of", "near", "with")

    def _follower(self, index: int) -> Group | None:
        """The group right behind the finding: "calculus right kidney", "cyst, right kidney"."""
        for place in range(index + 1, min(index + 5, len(self._parse.items))):
            if place == index + 1 and self._parse.items[place].key == ",":
                continue
            if place in self._places.group_at:
                group = self._places.groups[self._places.group_at[place]]
                return None if group.relation else group
            if self._parse.breaks[place] or not is_filler(self._parse, place) or self._parse.items[place].key in _LINKS:
                return None
        return None

    def _excepted_from(self, index: int) -> Group | None:
        """What an exception at the head of a sentence is excepted from: "apart from a cyst, the liver is normal"."""
        if not any(self._parse.kind(place) == "exception" for place in range(index)):
            return None
        ahead = (group for group in self._places.groups if group.start > index and not group.relation)
        return next(ahead, None)

    def _from_topic(self, index: int, finding: FindingTerm) -> Attachment:
        earlier = self._earlier_group(index, finding)
        if earlier is not None:
            if earlier.is_elsewhere:
                return NOWHERE
            places = self._fitting(earlier.places, finding)
            return Attachment(self._sides.resolve(index, places, "earlier", finding), "earlier")
        if self._topic.elsewhere or self._acts_on_topic(index):
            return NOWHERE
        places = self._fitting(self._topic.places, finding)
        if not places:
            return NOWHERE
        return Attachment(self._sides.resolve(index, places, "topic", finding), "topic", vague=len(places) > 1)

    def _earlier_group(self, index: int, finding: FindingTerm) -> Group | None:
        """The nearest place named before the finding in its sentence, by itself or by a finding that implies it."""
        for place in range(index - 1, -1, -1):
            group_index = self._places.group_at.get(place)
            if group_index is not None:
                group = self._places.groups[group_index]
                skipped = group.relation or group.region or group.role == "around"
                if not skipped and self._fits(group, finding):
                    return group
            for other in self._parse.findings[place]:
                implied = tuple(Place(organ) for organ in other.implied if other.strong)
                unsaid = self._parse.status[place].negated and not finding.organs
                if implied and self._fitting(implied, finding) and not unsaid:
                    return Group(place, place + 1, implied, "whole")
        return None

    def _acts_on_topic(self, index: int) -> bool:
        """Whether the finding is what touches the topic: "the mass does not invade it"."""
        parse = self._parse
        for place in range(index + 1, parse.clause_end(index) - 1):
            if parse.kind(place) == "near" and parse.items[place + 1].key in ("it", "them"):
                return True
        return False
