"""Which organ a finding belongs to: the nearest fitting place in the sentence, else the topic before it."""

from dataclasses import dataclass, replace
from typing import Final

from labeling.core.rules.clauses import CLAUSE, Parse
from labeling.core.rules.places import Group, Place, Places, is_filler
from labeling.core.rules.sides import SideResolver, Topic
from labeling.core.rules.vocabulary import FindingTerm, Vocabulary

_NEAR_REACH: Final = 7
_LOCATIVE_REACH: Final = 18
_SIZE_WORDS: Final = frozenset({"size", "volume", "bulk", "itself", "parenchyma", "gland", "outline"})


@dataclass(frozen=True, slots=True)
class Attachment:
    """Places a finding belongs to; `vague` when they were guessed from too broad a place; `how` names the rule."""

    places: tuple[Place, ...]
    how: str
    vague: bool = False
    adjacent: bool = False


NOWHERE: Final = Attachment((), "elsewhere")


def _is_adverb(parse: Parse, place: int) -> bool:
    return parse.items[place].key.endswith("ly") and not parse.findings[place]


class Attacher:
    """Finds the places of findings in one parsed sentence."""

    def __init__(self, parse: Parse, places: Places, vocabulary: Vocabulary, topic: Topic) -> None:
        self._parse = parse
        self._places = places
        self._vocabulary = vocabulary
        self._topic = topic
        self._sides = SideResolver(parse, places, vocabulary, topic)

    def attach(self, index: int, finding: FindingTerm) -> Attachment:
        """Where the finding at `index` is."""
        if finding.strict and not self._is_said_of_organ(index):
            return NOWHERE
        group, how = self._group_for(index, finding)
        if group is not None and group.is_elsewhere:
            stays = finding.strong or (group.region and finding.implied)
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
        if finding.implied:
            implied = tuple(Place(organ) for organ in finding.implied)
            vague = len(implied) > 1 and not finding.strong
            return Attachment(self._sides.resolve(index, implied, "implied", finding), "implied", vague)
        if group is None and self._other_subject(index):
            return NOWHERE
        return self._from_topic(index, finding)

    def _is_beside(self, start: int, end: int) -> bool:
        """Whether the subject only touches the finding: "the stomach abuts the mass"."""
        return any(self._parse.kind(place) == "near" for place in range(start, end))

    def _other_subject(self, index: int) -> bool:
        """Whether the clause names a place before the finding, though none that may have it."""
        start = self._parse.clause_start(index)
        return any(start <= group.start < index and not group.region for group in self._places.groups)

    def _is_said_of_organ(self, index: int) -> bool:
        """Whether a bare word like "small" is a predicate: its organ follows at once, or a copula leads to it."""
        parse = self._parse
        follower = index + 1
        while follower < len(parse.items) and parse.kind(follower) == "side":
            follower += 1
        if follower in self._places.group_at:
            group = self._places.groups[self._places.group_at[follower]]
            return group.role == "whole" and not group.is_elsewhere and not self._heads_lesion(group.end)
        if follower < len(parse.items) and (parse.findings[follower] or is_filler(parse, follower)):
            return False
        place = index - 1
        while place >= 0 and (parse.kind(place) in ("quantity", "negation") or _is_adverb(parse, place)):
            place -= 1
        while place >= 0 and parse.kind(place) in ("verb", "negation"):
            place -= 1
        if place < 0 or parse.kind(place) in ("stop", "colon") or parse.items[place].key in ("it", "they", "both"):
            return True
        if parse.items[place].key in ("and", ","):
            return self._has_copula_before(place)
        return place in self._places.group_at or parse.items[place].key in _SIZE_WORDS or parse.kind(place) == "side"

    def _has_copula_before(self, index: int) -> bool:
        """Whether the list of predicates that ends at `index` began with a copula behind an organ: "is small and"."""
        parse = self._parse
        for place in range(index - 1, max(index - 6, -1), -1):
            if parse.kind(place) == "verb":
                return place - 1 in self._places.group_at
            if parse.breaks[place] == CLAUSE:
                return False
        return False

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
                return ahead, "before"
        if before is not None and self._fits(before, finding):
            return before, "compound"
        if finding.predicate and self._lesion_is_subject(index):
            return Group(index, index, (), "other"), "lesion"
        located = self._located(index, finding)
        subject = self._subject(index, finding)
        if located is not None and located.region:
            named = subject if subject is not None else self._earlier_group(index, finding)
            located = located if named is None or named.is_elsewhere else None
        if located is not None and self._fits(located, finding):
            return self._with_further(located, index), "located"
        if subject is not None:
            return subject, "subject"
        follower = self._follower(index) or self._excepted_from(index)
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
                if finding.predicate and self._heads_lesion(group.end):
                    return None
                return group
            noun = next((f for f in parse.findings[place] if not (f.adjective or f.predicate)), None)
            if noun is not None:
                organs = tuple(Place(organ) for organ in noun.implied if noun.strong and "diffuse" in noun.types)
                return Group(place, place + 1, organs, "whole") if organs and finding.predicate else None
            if not is_filler(parse, place) and parse.items[place].key not in ("and", ",", "of", "the", "to"):
                return None
            if parse.items[place].key == "," and not parse.findings[place + 1 : place + 2]:
                return None
        return None

    def _heads_lesion(self, end: int) -> bool:
        """Whether the noun phrase that runs on at `end` is about a lesion: "large liver cyst"."""
        for place in range(end, min(end + 5, len(self._parse.items))):
            if any(not (f.adjective or f.predicate) for f in self._parse.findings[place]):
                return True
            if not is_filler(self._parse, place):
                return False
        return False

    def _lesion_is_subject(self, index: int) -> bool:
        """Whether a lesion, not the organ, is what the predicate at `index` is said of."""
        parse = self._parse
        for place in range(index - 1, -1, -1):
            if parse.breaks[place + 1] == CLAUSE:
                return False
            if parse.items[place].key in ("which", "that") and self._follows_group(place):
                return False
            if place in self._places.group_at:
                group = self._places.groups[self._places.group_at[place]]
                if parse.kind(place - 1) in ("locative", "near", "of") if place else False:
                    continue
                start = group.start
                back = start - 1
                while back >= 0 and (is_filler(parse, back) or parse.kind(back) == "article"):
                    back -= 1
                return back >= 0 and parse.kind(back) in ("locative", "near", "of") and self._lesion_before(back)
            if any("focal" in f.types and not f.predicate for f in parse.findings[place]):
                return True
        return False

    def _follows_group(self, place: int) -> bool:
        back = place - 2 if self._parse.items[place - 1].key == "," else place - 1
        return back in self._places.group_at

    def _lesion_before(self, index: int) -> bool:
        return any("focal" in f.types for place in range(index) for f in self._parse.findings[place])

    def _located(self, index: int, finding: FindingTerm) -> Group | None:
        """The group that a preposition behind the finding leads to: "cyst in the upper pole of the left kidney"."""
        parse = self._parse
        locative = parse.items[index].raw.endswith(" of")
        crossed = False
        for place in range(index + 1, min(index + 1 + _LOCATIVE_REACH, len(parse.items))):
            kind = parse.kind(place)
            if parse.breaks[place] == CLAUSE or kind in ("near", "exception", "with"):
                return None
            if place in self._places.group_at:
                group = self._places.groups[self._places.group_at[place]]
                if not locative or group.relation or (crossed and self._subject(index, finding) is not None):
                    return None
                return self._of_what(group)
            if kind in ("locative", "of") or (kind == "colon" and place == index + 1):
                if parse.items[place - 1].key == "and" and self._subject(index, finding) is not None:
                    return None
                locative = True
            elif any(not (f.adjective or f.weak) for f in parse.findings[place]):
                if locative:
                    return None
                crossed = True
            elif kind in ("verb", "negation") and not self._passive(place):
                return None
        return None

    def _of_what(self, group: Group) -> Group:
        """The group, or the one it is a part of: in "upper pole of the spleen", the spleen."""
        parse = self._parse
        for place in range(group.end, min(group.end + _LOCATIVE_REACH, len(parse.items))):
            if place in self._places.group_at:
                whole = self._places.groups[self._places.group_at[place]]
                belongs = parse.kind(group.end) == "of" or group.role == "part"
                return self._of_what(whole) if belongs and not whole.relation else group
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
            led = listed or bool(keys & {"in", "within", "at", "involving"})
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
            if self._parse.breaks[place] or not is_filler(self._parse, place):
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
