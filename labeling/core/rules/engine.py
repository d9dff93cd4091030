"""Reads a report sentence by sentence and collects assertions.

Method: ConText (Harkema et al. 2009, doi:10.1016/j.jbi.2009.05.002): cues reach over a bounded part of the sentence;
rules, vocabulary and the attachment of findings to organs are our own.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from labeling.core.rules.assertions import Assertion
from labeling.core.rules.clauses import Parse, parse_sentence
from labeling.core.rules.corrections import addendum_start, exchange_sides, exchanges_sides, without_corrected
from labeling.core.rules.lexicon import fold
from labeling.core.rules.places import Group, Place, Places, find_places, settle_shared_parts
from labeling.core.rules.sentence import SentenceReader
from labeling.core.rules.sides import NO_TOPIC, Topic, resolve_other_side
from labeling.core.rules.vocabulary import Vocabulary
from labeling.core.sections import ReportStructure, SectionKind, Sentence
from labeling.core.spans import Span

_UNREAD = frozenset({SectionKind.TECHNIQUE, SectionKind.COMPARISON})
_LONGEST_HEADING = 9
_LONGEST_PIECE = 1500
_HEAD_CHARACTERS = 200
_PATIENT = re.compile(r"\b\d{1,3}\s?(?:[mMfF]|y\.?o\.?|yrs?|years?)\b|\b\d{1,3}[- ]year[- ]old\b|[?][a-z]")
_STATEMENT = re.compile(r"\b(?:is|are|was|shows?|demonstrates?|there|measur\w+)\b", re.IGNORECASE)


class ReportReader:
    """Walks through one report; keeps the heading and the topic that organless sentences are about."""

    def __init__(self, text: str, structure: ReportStructure, vocabulary: Vocabulary) -> None:
        self._text = text
        self._structure = structure
        self._vocabulary = vocabulary
        self._heading = self._topic = NO_TOPIC
        self._types: tuple[str, ...] = ()
        kinds = {section.kind for section in structure.sections}
        self._only_history = not kinds & {SectionKind.FINDINGS, SectionKind.IMPRESSION, SectionKind.OTHER}

    def read(self) -> list[Assertion]:
        """Assertions of all sentences in order, without what an addendum corrects."""
        addendum = addendum_start(self._text)
        assertions: list[Assertion] = []
        corrected = False
        for sentence, said in self._read_sentences():
            if sentence.span.end <= addendum:
                assertions.extend(said)
                continue
            corrected = True
            if exchanges_sides(self._text[sentence.span.start : sentence.span.end]):
                assertions = exchange_sides(assertions, self._vocabulary)
            else:
                assertions.extend(replace(a, correcting=True) for a in said)
        return without_corrected(assertions) if corrected else assertions

    def _read_sentences(self) -> Iterator[tuple[Sentence, list[Assertion]]]:
        """Sentences that are read, each with its assertions."""
        section, end = -1, 0
        for sentence in self._structure.sentences:
            kind = self._kind(sentence)
            if kind in _UNREAD:
                continue
            gap = self._text[end : sentence.span.start]
            if sentence.section != section:
                self._types = ()
                section = sentence.section
                self._heading, self._topic = self._title_topic(section), NO_TOPIC
            elif gap.count("\n") > 1:
                self._topic = self._topic if self._heading.places else NO_TOPIC
                self._heading = NO_TOPIC
            said: list[Assertion] = []
            for piece in _pieces(self._text, sentence.span):
                said.extend(self._read_piece(piece, sentence.span, kind, "\n" in gap or "\r" in gap))
            yield sentence, said
            end = sentence.span.end

    def _read_piece(self, piece: Span, span: Span, kind: SectionKind, new_line: bool) -> Iterator[Assertion]:
        """Assertions of a sentence, or of a stretch of one too long to be read at once; `span` is the evidence."""
        parse = parse_sentence(fold(self._text[piece.start : piece.end]), self._vocabulary.lexicon)
        resolve_other_side(parse, self._topic)
        settle_shared_parts(parse, self._heading.places)
        places = find_places(parse, self._vocabulary)
        own, skip = _heading_of(parse, places, new_line)
        self._heading = own or self._heading
        sided = _sided_heading(parse, skip, self._heading if self._heading is not NO_TOPIC else self._topic)
        self._heading = sided or self._heading
        topic = replace(self._topic if self._heading is NO_TOPIC else self._heading, types=self._types)
        reader = SentenceReader(parse, places, self._vocabulary, topic, span, kind)
        yield from reader.read(skip)
        self._types = reader.last_types or self._types
        topic = _next_topic(parse, places, self._topic)
        lesion = reader.has_lesion_before(len(parse.items)) or (self._topic.lesion and not places.groups)
        self._topic = replace(topic, lesion=lesion)
        if self._heading is not NO_TOPIC:
            self._heading = replace(self._heading, lesion=lesion)

    def _kind(self, sentence: Sentence) -> SectionKind:
        """Kind of the section, but findings where a report has only a history, and history for "52 F, ?stone"."""
        section = self._structure.sections[sentence.section]
        if self._only_history and self._text.find("\n", section.span.start, sentence.span.start) >= 0:
            return SectionKind.FINDINGS
        head = self._text[sentence.span.start : sentence.span.end]
        if sentence.span.start < _HEAD_CHARACTERS and _PATIENT.search(head) and not _STATEMENT.search(head):
            return SectionKind.HISTORY
        return section.kind

    def _title_topic(self, section: int) -> Topic:
        title = self._structure.sections[section].title_span
        if title is None:
            return NO_TOPIC
        parse = parse_sentence(fold(self._text[title.start : title.end]), self._vocabulary.lexicon)
        groups = find_places(parse, self._vocabulary).groups
        return _as_heading(groups) if groups else NO_TOPIC


def _heading_of(parse: Parse, places: Places, new_line: bool) -> tuple[Topic | None, int]:
    """The organ heading a sentence opens with ("KIDNEYS:"), and the item behind it."""
    for index in range(min(len(parse.items), _LONGEST_HEADING)):
        key = parse.items[index].key
        is_mark = key == ":" or (key in ("-", "\u2014") and parse.items[index].raw == key)
        if is_mark:
            groups = [group for group in places.groups if group.start < index]
            return (_as_heading(groups), index + 1) if groups else (None, 0)
        if parse.kind(index) in ("verb", "negation", "near", "locative") or parse.findings[index]:
            return None, 0
    if new_line and places.groups and len(parse.items) <= 4 and _names_only(parse, places):
        return _as_heading(places.groups), 0
    return None, 0


def _sided_heading(parse: Parse, start: int, topic: Topic) -> Topic | None:
    """The topic with the side that a second heading gives it: "Kidneys: Left: ...", or "Right - ..." after that."""
    if start + 1 >= len(parse.items) or parse.kind(start) != "side" or parse.kind(start + 1) != "colon":
        return None
    cue = parse.cues[start]
    if not topic.places or cue is None:
        return None
    return Topic(tuple(Place(place.organ, cue.value) for place in topic.places), heading=True)


def _names_only(parse: Parse, places: Places) -> bool:
    """Whether a short line holds names of places and nothing else: "LIVER"."""
    return all(
        index in places.group_at or item.key in (".", "and", ",", "&", "/") for index, item in enumerate(parse.items)
    )


def _as_heading(groups: list[Group]) -> Topic:
    places: list[Place] = []
    for group in groups:
        if group.is_elsewhere and not places and group is groups[0] and len(groups) == 1:
            return Topic((), elsewhere=True, heading=True)
        for place in group.places:
            places.append(Place(place.organ, place.side if place.side != "both" else ""))
    return Topic(tuple(dict.fromkeys(places)), not places, heading=True)


def _next_topic(parse: Parse, places: Places, topic: Topic) -> Topic:
    """What the next sentence is about when it names nothing: the first place of the last clause with one."""
    chosen: Group | None = None
    clause = -1
    for group in places.groups:
        if group.relation or group.role == "around" or group.passing:
            continue
        start = parse.clause_start(group.start)
        if start != clause:
            chosen, clause = group, start
    if chosen is None:
        return topic
    return Topic(chosen.places, chosen.is_elsewhere)


def _pieces(text: str, span: Span) -> Iterator[Span]:
    """The sentence, cut at blanks into stretches that bound the work: some rules look along the whole stretch."""
    start = span.start
    while span.end - start > _LONGEST_PIECE:
        cut = text.rfind(" ", start + _LONGEST_PIECE // 2, start + _LONGEST_PIECE)
        cut = cut if cut > 0 else start + _LONGEST_PIECE
        yield Span(start, cut)
        start = cut
    yield Span(start, span.end)
