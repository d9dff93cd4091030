"""What a predicate such as "small" is said of: the organ, or a lesion in it."""

from typing import Final

from labeling.core.rules.clauses import CLAUSE, Parse
from labeling.core.rules.places import Places, is_filler
from labeling.core.rules.vocabulary import FindingTerm

_SIZE_WORDS: Final = frozenset({"size", "volume", "bulk", "itself", "parenchyma", "gland", "outline"})
_PUSHED: Final = frozenset(
    {"displaced", "compressed", "pushed", "indented", "effaced", "squeezed", "splayed", "stretched"}
)


def _is_adverb(parse: Parse, place: int) -> bool:
    return parse.items[place].key.endswith("ly") and not parse.findings[place]


class Predicates:
    """Answers for one parsed sentence."""

    def __init__(self, parse: Parse, places: Places) -> None:
        self._parse = parse
        self._places = places

    def is_said_of_organ(self, index: int) -> bool:
        """Whether a bare word like "small" is a predicate: its organ follows at once, or a copula leads to it."""
        parse = self._parse
        follower = index + 1
        while follower < len(parse.items) and parse.kind(follower) == "side":
            follower += 1
        if follower in self._places.group_at:
            group = self._places.groups[self._places.group_at[follower]]
            return group.role == "whole" and not group.is_elsewhere and not self.heads_lesion(group.end)
        if follower < len(parse.items) and (parse.findings[follower] or is_filler(parse, follower)):
            return False
        place = index - 1
        while place >= 0 and (parse.kind(place) in ("quantity", "negation") or _is_adverb(parse, place)):
            place -= 1
        while place >= 0 and parse.kind(place) in ("verb", "negation"):
            place -= 1
        if place >= 0 and parse.kind(place) == "stop" and self._lesion_before(place):
            return False
        if (place < 0 or parse.kind(place) == "colon") and self._lesion_follows(index):
            return False
        if place < 0 or parse.kind(place) in ("stop", "colon") or parse.items[place].key in ("it", "they", "both"):
            return True
        if parse.items[place].key in ("and", ","):
            return self._has_copula_before(place)
        return place in self._places.group_at or parse.items[place].key in _SIZE_WORDS or parse.kind(place) == "side"

    def _lesion_follows(self, index: int) -> bool:
        """Whether a lesion is named before the next comma or break: "kidneys: tiny (2 mm) bilateral cysts"."""
        for place in range(index + 1, len(self._parse.items)):
            if self._parse.breaks[place] or self._parse.items[place].key == ",":
                return False
            if any("focal" in f.types for f in self._parse.findings[place]):
                return True
        return False

    def _has_copula_before(self, index: int) -> bool:
        """Whether the list of predicates that ends at `index` began with a copula behind an organ: "is small and"."""
        parse = self._parse
        for place in range(index - 1, max(index - 6, -1), -1):
            if parse.kind(place) == "verb":
                return place - 1 in self._places.group_at
            if parse.breaks[place] == CLAUSE:
                return False
        return False

    def heads_lesion(self, end: int) -> bool:
        """Whether the noun phrase that runs on at `end` is about a lesion: "large liver cyst"."""
        for place in range(end, min(end + 5, len(self._parse.items))):
            if any(not (f.adjective or f.predicate) for f in self._parse.findings[place]):
                return True
            if not is_filler(self._parse, place):
                return False
        return False

    def lesion_is_subject(self, index: int) -> bool:
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
            if any("focal" in f.types and "diffuse" not in f.types and not f.predicate for f in parse.findings[place]):
                return True
        return False

    def _follows_group(self, place: int) -> bool:
        back = place - 2 if self._parse.items[place - 1].key == "," else place - 1
        return back in self._places.group_at

    def _lesion_before(self, index: int) -> bool:
        return any("focal" in f.types or f.repeats for place in range(index) for f in self._parse.findings[place])

    def pushes(self, index: int, finding: FindingTerm) -> bool:
        """Whether the lesion is only what displaces the organ: "the spleen is displaced upwards by the mass"."""
        parse = self._parse
        place = index - 1
        while place > 0 and (parse.kind(place) == "article" or is_filler(parse, place)):
            place -= 1
        if "focal" not in finding.types or place < 0 or parse.items[place].key != "by":
            return False
        return any(item.key in _PUSHED for item in parse.items[parse.clause_start(index) : place])
