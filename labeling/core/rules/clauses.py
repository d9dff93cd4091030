"""A sentence as the rules see it: items, what each means, where clauses break, and how far cues reach."""

from dataclasses import dataclass, field, replace
from typing import Final

from labeling.core.rules.lexicon import Item, Lexicon, is_measure
from labeling.core.rules.vocabulary import Cue, FindingTerm, Mention

CONNECTORS: Final = frozenset({",", "and", "&", "/", "or"})
_SPLITTERS: Final = frozenset({",", "and", "&"})
CLAUSE: Final = 2
SOFT: Final = 1


@dataclass(frozen=True, slots=True)
class Status:
    """What the cues make of an item; each text is the cue that did it, empty when none did."""

    negated: str = ""
    hedged: str = ""
    historical: str = ""
    hypothetical: str = ""
    ambiguous: str = ""
    reported: bool = False
    denied_later: bool = False


_NOTHING_SAID: Final = Status()


@dataclass(slots=True)
class Parse:
    """A sentence read once. Lists run parallel to `items`; `breaks` says what stands before an item."""

    items: list[Item]
    mentions: list[Mention | None]
    findings: list[tuple[FindingTerm, ...]]
    cues: list[Cue | None]
    breaks: list[int] = field(default_factory=list)
    status: list[Status] = field(default_factory=list)

    def kind(self, index: int) -> str:
        """Kind of the cue at `index`; empty when there is none."""
        cue = self.cues[index]
        return cue.kind if cue else ""

    def clause_start(self, index: int) -> int:
        """First item of the clause that `index` is in."""
        while index > 0 and self.breaks[index] < CLAUSE:
            index -= 1
        return index

    def clause_end(self, index: int) -> int:
        """Place behind the last item of the clause that `index` is in."""
        index += 1
        while index < len(self.items) and self.breaks[index] < CLAUSE:
            index += 1
        return index


def parse_sentence(folded: str, lexicon: Lexicon) -> Parse:
    """Read a folded sentence: items, their meanings, breaks and status."""
    items = lexicon.scan(folded)
    parse = Parse(items, [], [], [])
    for item in items:
        mention, cue, findings = None, None, []
        for entry in item.entries:
            if isinstance(entry, Mention):
                mention = mention or entry
            elif isinstance(entry, Cue):
                cue = cue or entry
            else:
                findings.append(entry)
        parse.mentions.append(mention)
        parse.cues.append(cue)
        parse.findings.append(tuple(findings))
    _find_breaks(parse, lexicon)
    parse.status = [_NOTHING_SAID] * len(items)
    _reach_forward(parse)
    _reach_back(parse)
    return parse


def _find_breaks(parse: Parse, lexicon: Lexicon) -> None:
    breaks = parse.breaks = [0] * len(parse.items)
    for index, item in enumerate(parse.items):
        kind = parse.kind(index)
        if kind == "stop":
            breaks[index] = CLAUSE
        elif kind in ("exception", "with", "colon"):
            breaks[index] = max(breaks[index], SOFT)
        elif item.key == "/" and parse.kind(min(index + 1, len(parse.items) - 1)) == "side":
            if _is_sided_finding(parse, index + 1):
                breaks[index + 1] = SOFT
        elif item.key in _SPLITTERS and index:
            follower = index + 1
            while follower < len(parse.items) and parse.items[follower].key in _SPLITTERS:
                follower += 1
            if follower < len(parse.items):
                breaks[follower] = max(breaks[follower], _break_before(parse, follower, lexicon))


def _break_before(parse: Parse, start: int, lexicon: Lexicon) -> int:
    """What kind of break a comma or "and" makes before the item at `start`."""
    kind = parse.kind(start)
    if kind in ("verb", "with", "hedge", "negation"):
        return SOFT
    end = _segment_end(parse, start)
    verb = next((place for place in range(start, end) if _is_verb(parse, place)), None)
    opens = kind in ("article", "there") or is_measure(parse.items, start)
    opens = opens or (_is_quantity(parse, start, lexicon) and not _list_goes_on(parse, start - 1))
    if verb is not None and verb > start:
        if not _is_complete(parse, start):
            return 0
        passive = parse.kind(verb) == "verb" and any(
            parse.kind(place) == "perception" for place in range(verb + 1, min(verb + 4, end))
        )
        listed = any(parse.items[place].key == "or" for place in range(start, verb)) or _has_or_before(parse, start)
        if not passive:
            return 0 if listed and kind != "there" else CLAUSE
        return CLAUSE if opens else 0
    if opens or (kind == "side" and parse.items[start - 1].key == "," and _is_sided_finding(parse, start)):
        return SOFT
    if parse.mentions[start] and start + 1 < end and any(_is_adjective(f) for f in parse.findings[start + 1]):
        return CLAUSE
    if any(_is_normal(finding) for finding in parse.findings[start]):
        return SOFT
    return 0


def _is_sided_finding(parse: Parse, start: int) -> bool:
    """Whether a side and, at once, a finding follow, and no list with "or": "no stone, left cyst"."""
    follower = start + 1
    while follower < len(parse.items) and (parse.kind(follower) == "quantity" or parse.mentions[follower]):
        follower += 1
    return follower < len(parse.items) and bool(parse.findings[follower]) and not _list_goes_on(parse, start - 1)


def _is_quantity(parse: Parse, start: int, lexicon: Lexicon) -> bool:
    """Whether the item begins with a word of amount: "several", or "simple" in "simple cyst"."""
    if parse.kind(start) == "quantity":
        return True
    meaning = lexicon.meaning(parse.items[start].key) if parse.findings[start] else ()
    return any(isinstance(entry, Cue) and entry.kind == "quantity" for entry in meaning)


def _is_verb(parse: Parse, place: int) -> bool:
    kind = parse.kind(place)
    return kind == "verb" or (
        kind.endswith("_after") and parse.items[place].raw.startswith(("is ", "are ", "has ", "have "))
    )


def _is_complete(parse: Parse, start: int) -> bool:
    """Whether what stands before `start` in its clause says something, and is no mere list of subjects."""
    listed = parse.mentions[start] is not None and start > 1 and parse.mentions[start - 2] is not None
    for place in range(start - 1, -1, -1):
        if parse.kind(place) in ("verb", "negation") or (parse.findings[place] and not listed):
            return True
        if place and parse.kind(place) == "stop":
            return False
    return False


def _has_or_before(parse: Parse, start: int) -> bool:
    return parse.items[start - 1].key == "or"


def _is_adjective(finding: FindingTerm) -> bool:
    return finding.adjective or finding.predicate


def _is_normal(finding: FindingTerm) -> bool:
    return finding.assertion == "normal"


def _segment_end(parse: Parse, start: int) -> int:
    """Place behind the stretch that begins at `start`: the next comma, "and" before a verb, or break."""
    for place in range(start + 1, len(parse.items)):
        key = parse.items[place].key
        if key == "," or parse.kind(place) in ("stop", "exception"):
            return place
        if key == "and" and place + 1 < len(parse.items) and parse.kind(place + 1) == "verb":
            return place
    return len(parse.items)


def _reach_forward(parse: Parse) -> None:
    """Negation, hedge, history and hypothesis reach forward until something ends them."""
    state = Status()
    ends_at_comma: set[str] = set()
    for index, item in enumerate(parse.items):
        if parse.breaks[index] == CLAUSE:
            state = Status(hypothetical="" if "hypothetical" in ends_at_comma else state.hypothetical)
        elif parse.breaks[index] == SOFT and (state.negated or state.hedged or state.ambiguous):
            state = replace(state, negated="", hedged="", ambiguous="")
        if state.historical and parse.kind(index) == "with" and _is_operation(parse, index):
            state = replace(state, historical="")
        if item.key == "," and ends_at_comma:
            state = _after_comma(parse, index, state, ends_at_comma)
        cue = parse.cues[index]
        if cue is not None:
            state = _after_cue(cue, item, state, ends_at_comma)
        parse.status[index] = state


def _is_operation(parse: Parse, index: int) -> bool:
    """Whether the finding before the item at `index` is an operation: "status post Whipple with pneumobilia"."""
    named = next((findings for findings in reversed(parse.findings[:index]) if findings), ())
    return any(finding.surgical and finding.implied for finding in named)


def _after_comma(parse: Parse, index: int, state: Status, ends_at_comma: set[str]) -> Status:
    if "negation" in ends_at_comma and state.negated and not _list_goes_on(parse, index):
        state = replace(state, negated="")
    if "hypothetical" in ends_at_comma:
        state = replace(state, hypothetical="")
    return state


def _after_cue(cue: Cue, item: Item, state: Status, ends_at_comma: set[str]) -> Status:
    """The state behind a cue; `ends_at_comma` collects the kinds whose reach ends at the next comma."""
    if cue.kind in ("negation", "hypothetical"):
        (ends_at_comma.add if cue.value == "comma" else ends_at_comma.discard)(cue.kind)
    match cue.kind:
        case "negation":
            return replace(state, negated=item.raw, ambiguous="")
        case "exception":
            return replace(state, negated="", ambiguous="")
        case "hedge":
            return replace(state, hedged=item.raw)
        case "history":
            negated = "" if cue.value == "status" else state.negated
            return replace(state, negated=negated, historical=item.raw, reported=cue.value == "reported")
        case "hypothetical":
            return replace(state, hypothetical=item.raw)
        case "ambiguous":
            return replace(state, ambiguous=item.raw, negated="")
    return state


def _list_goes_on(parse: Parse, index: int) -> bool:
    """Whether a list with "or" or "nor" runs on behind the comma at `index`."""
    for place in range(index + 1, len(parse.items)):
        if parse.kind(place) in ("verb", "stop", "exception", "with") or parse.breaks[place]:
            return False
        if parse.items[place].key in ("or", "nor"):
            return True
    return False


def _reach_back(parse: Parse) -> None:
    """Cues that follow what they are about: "is not seen", "cannot be excluded", "has resolved"."""
    for index, cue in enumerate(parse.cues):
        if cue is None or not cue.kind.endswith("_after"):
            continue
        if parse.items[index].raw == "none" and index and _is_contrasted(parse, index):
            continue
        if parse.findings[index + 1 : index + 2] not in ([], [()]) and " " not in parse.items[index].raw:
            parse.status[index + 1] = _denied_later(cue, parse.items[index].raw, parse.status[index + 1])
            continue
        for place in range(index - 1, -1, -1):
            if place + 1 != index and _stops_reach(parse, place + 1, index):
                break
            parse.status[place] = _denied_later(cue, parse.items[index].raw, parse.status[place])


def _is_contrasted(parse: Parse, index: int) -> bool:
    """Whether "none" begins a new statement: "cyst in the right kidney, none in the left"."""
    return parse.items[index - 1].key in (",", "and") and parse.kind(min(index + 1, len(parse.items) - 1)) == "locative"


def _denied_later(cue: Cue, raw: str, status: Status) -> Status:
    match cue.kind:
        case "negation_after":
            return replace(status, denied_later=not status.negated, negated=status.negated or raw)
        case "hedge_after":
            return replace(status, hedged=raw, negated="")
        case "surgery_after":
            return replace(status, historical=raw, negated="")
    return status


def _stops_reach(parse: Parse, place: int, cue: int) -> bool:
    """Whether the break at `place` keeps the cue behind it from reaching back: a soft one does behind a finding."""
    soft = parse.breaks[place] == SOFT and any(parse.findings[other] for other in range(place, cue))
    return soft or parse.breaks[place] == CLAUSE
