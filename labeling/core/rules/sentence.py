"""Turns one parsed sentence into assertions."""

from collections.abc import Iterator
from typing import Final

from labeling.core.rules.assertions import ABNORMAL_TYPES, SIZE_TYPES, Assertion
from labeling.core.rules.attach import Attacher, Attachment
from labeling.core.rules.clauses import Parse
from labeling.core.rules.places import Group, Place, Places
from labeling.core.rules.sides import Topic
from labeling.core.rules.vocabulary import BOTH, FindingTerm, Vocabulary
from labeling.core.sections import SectionKind
from labeling.core.spans import Span
from labeling.core.values import POSITIVE_VALUES, Value

_ASPECTS: Final = {"size": SIZE_TYPES, "caliber": ("enlarged", "diffuse"), "volume": SIZE_TYPES, "bulk": SIZE_TYPES}
_ENLARGED_FROM_CM: Final = {"spleen": 13.0, "liver": 18.0}
_VALUE_OF_ABSENCE: Final = {"missing": Value.PRESENT, "unseen": Value.POSSIBLE, "there": Value.ABSENT}
_WIDE_FROM_CM: Final = {"pancreatic duct": 0.35}
_IDENTIFYING: Final = frozenset(
    {"consistent with", "compatible with", "in keeping with", "representing", "represents", "corresponds to", "likely"}
    | {"probably", "most likely", "probable", "corresponding to", "reflecting", "is", "are", "as", "to", "a prominent"}
)


def _is_plain_noun(parse: Parse, index: int) -> bool:
    return parse.items[index].key[:1].isalpha() and parse.cues[index] is None


class SentenceReader:
    """Reads the findings of a parsed sentence in the light of the topic before it."""

    def __init__(
        self,
        parse: Parse,
        places: Places,
        vocabulary: Vocabulary,
        topic: Topic,
        span: Span,
        section: SectionKind,
    ) -> None:
        self._parse = parse
        self._places = places
        self._vocabulary = vocabulary
        self._attacher = Attacher(parse, places, vocabulary, topic)
        self._topic = topic
        self._span = span
        self._in_history = section is SectionKind.HISTORY
        self.last_types: tuple[str, ...] = ()
        self._urgent = [index for index, cue in enumerate(parse.cues) if cue and cue.kind == "urgency"]

    def read(self, start: int) -> Iterator[Assertion]:
        """Assertions of the sentence; `start` is the item behind its heading."""
        for index, findings in enumerate(self._parse.findings):
            for finding in findings:
                if index >= start:
                    yield from self._read_finding(index, finding)
        if not self._in_history:
            yield from self._missing_organs()
            yield from self._present_organs()
            yield from self._measured_sizes()

    def _read_finding(self, index: int, finding: FindingTerm) -> Iterator[Assertion]:
        if not self._counts(index, finding):
            return
        attachment = self._attacher.attach(index, finding)
        if not attachment.places:
            return
        if finding.assertion:
            yield from self._read_normality(index, finding, attachment)
            return
        value = Value.ABSENT if self._is_explained(index, finding) else self._value(index, finding)
        for place in attachment.places:
            types = self._types(index, finding, attachment, place)
            if value in POSITIVE_VALUES:
                self.last_types = types
            for name in types:
                yield from self._assert(index, finding, attachment, place, name, value)

    def _counts(self, index: int, finding: FindingTerm) -> bool:
        """Whether the finding is said of this examination, and its words are enough for it."""
        status = self._parse.status[index]
        if status.hypothetical or (self._in_history and not finding.surgical):
            return False
        if not finding.surgical and (status.historical or self._is_reason_for_surgery(index)):
            return False
        return self._is_enough(index, finding)

    def _is_enough(self, index: int, finding: FindingTerm) -> bool:
        """Whether a finding that is too little by itself has beside it what it needs."""
        if finding.weak and self._has_other_finding(index, finding):
            return False
        if finding.needs and not self._has_word(index, finding.needs):
            return False
        if finding.pronoun and not self._may_stand_for_lesion(index):
            return False
        return not finding.repeats or self._may_repeat(index)

    def _types(self, index: int, finding: FindingTerm, attachment: Attachment, place: Place) -> tuple[str, ...]:
        """Findings of the schema that the term is about at `place`."""
        if finding.adjacent_only or (not finding.surgical and attachment.adjacent):
            return ("adjacent",)
        chosen = self._topic.types if finding.repeats else self._spread_types(index, finding)
        own = chosen or finding.types_in(place.organ)
        return ("postsurgical",) if "absent" in own and finding.surgical and self._is_partial(index) else own

    def _is_reason_for_surgery(self, index: int) -> bool:
        """Whether the finding is why there was surgery: "hemicolectomy for cecal cancer"."""
        parse = self._parse
        start = parse.clause_start(index)
        reasons = [place for place in range(start, index) if parse.items[place].key == "for"]
        return bool(reasons) and any(f.surgical for place in range(start, reasons[-1]) for f in parse.findings[place])

    def _has_word(self, index: int, words: tuple[str, ...]) -> bool:
        start, end = self._parse.clause_start(index), self._parse.clause_end(index)
        return any(item.key in words or item.key.split(" ")[0] in words for item in self._parse.items[start:end])

    def _is_partial(self, index: int) -> bool:
        """Whether only a part was taken out, with a side between: "partial right nephrectomy"."""
        return any(item.key in ("partial", "subtotal", "hemi") for item in self._parse.items[max(index - 2, 0) : index])

    def _may_stand_for_lesion(self, index: int) -> bool:
        """Whether "another" can mean a lesion: one was named before, and no noun follows."""
        parse = self._parse
        named = self.has_lesion_before(index) or self._topic.lesion
        follower = index + 1
        if follower < len(parse.items) and parse.kind(follower) == "compared":
            return False
        alone = follower >= len(parse.items) or not (
            parse.mentions[follower] or parse.findings[follower] or _is_plain_noun(parse, follower)
        )
        return named and alone

    def _may_repeat(self, index: int) -> bool:
        """Whether "same" opens its clause and stands alone or before a side: "left kidney: same"."""
        parse = self._parse
        opens = index == 0 or parse.kind(index - 1) in ("stop", "colon") or parse.items[index - 1].key == ","
        follower = parse.items[index + 1].key if index + 1 < len(parse.items) else "."
        return opens and (follower in (".", ",", "on", "in", "with") or parse.kind(index + 1) in ("side", "stop"))

    def _is_explained(self, index: int, finding: FindingTerm) -> bool:
        """Whether the sentence goes on to say that the lesion at `index` is something else: a splenule, stool."""
        if finding.types != ("focal",) or finding.strong or self._parse.status[index].negated:
            return False
        for place in range(index + 1, self._parse.clause_end(index)):
            for other in self._parse.findings[place]:
                if other.explains and not self._parse.status[place].negated:
                    return not other.types or (finding.name == "lesion" and self._is_apposition(index, place))
        return False

    def _is_apposition(self, index: int, place: int) -> bool:
        """Whether what stands at `place` names the item at `index` again, rather than something further."""
        parse = self._parse
        place -= 1
        while place > index and (parse.kind(place) == "article" or parse.kind(place) == "quantity"):
            if parse.items[place].raw in _IDENTIFYING:
                return True
            place -= 1
        item = parse.items[place]
        return item.key in (",", "(", "-", ":") or parse.kind(place) == "hedge" or item.raw in _IDENTIFYING

    def has_lesion_before(self, index: int) -> bool:
        """Whether a lesion is named before the item at `index` and not denied."""
        return any(
            "focal" in finding.types and not finding.pronoun and not self._parse.status[place].negated
            for place in range(index)
            for finding in self._parse.findings[place]
        )

    def _value(self, index: int, finding: FindingTerm) -> Value:
        status = self._parse.status[index]
        if status.ambiguous:
            return Value.AMBIGUOUS
        if status.negated and not (finding.surgical and status.denied_later):
            return Value.ABSENT
        return Value.POSSIBLE if status.hedged or finding.possible else Value.PRESENT

    def _spread_types(self, index: int, finding: FindingTerm) -> tuple[str, ...]:
        """The type that "diffuse" or "focal" near the finding chooses; empty when none does."""
        if not finding.spread:
            return ()
        for place in range(max(index - 4, 0), min(index + 2, len(self._parse.items))):
            cue = self._parse.cues[place]
            if cue and cue.kind == "spread":
                between = range(min(place, index) + 1, max(place, index))
                if not any(self._parse.findings[other] or self._parse.breaks[other] for other in between):
                    return (cue.value,)
        return ()

    def _has_other_finding(self, index: int, finding: FindingTerm) -> bool:
        start, end = self._parse.clause_start(index), self._parse.clause_end(index)
        return any(
            other is not finding and not other.weak and other.types and not other.assertion and "focal" in other.types
            for place in range(start, end)
            if not self._parse.status[place].negated
            for other in self._parse.findings[place]
        )

    def _read_normality(self, index: int, finding: FindingTerm, attachment: Attachment) -> Iterator[Assertion]:
        status = self._parse.status[index]
        is_denial = finding.assertion == "abnormality"
        if bool(status.negated) != is_denial or status.ambiguous or attachment.adjacent:
            return
        types = self._aspect_types(index) or finding.types or ABNORMAL_TYPES
        for place in attachment.places:
            yield from self._assert(index, finding, attachment, place, "normal", Value.PRESENT)
            for name in types:
                yield from self._assert(index, finding, attachment, place, name, Value.ABSENT)

    def _aspect_types(self, index: int) -> tuple[str, ...]:
        """What exactly is normal: the size, the calibre; empty when the organ as such."""
        items = self._parse.items
        near = [item.key for item in items[max(index - 3, 0) : index + 5]]
        aspects = [types for word, types in _ASPECTS.items() if word in near]
        if not aspects:
            return ()
        return tuple(dict.fromkeys(name for types in aspects for name in types))

    def _assert(
        self,
        index: int,
        finding: FindingTerm,
        attachment: Attachment,
        place: Place,
        name: str,
        value: Value,
    ) -> Iterator[Assertion]:
        targets, vague = self._targets(place)
        raw = self._parse.items[index].raw
        urgency = self._urgency(index) if value in POSITIVE_VALUES and name != "normal" else -1
        for target in targets:
            yield Assertion(
                target,
                name,
                Value.POSSIBLE if vague and value is Value.PRESENT and name != "normal" else value,
                self._span,
                self._reason(index, raw, place, name, value),
                (vague or attachment.vague) and name != "normal",
                self._in_history or self._parse.status[index].reported,
                urgency,
            )

    def _urgency(self, index: int) -> int:
        """Urgency that the clause of the finding states; -1 when it states none."""
        if not self._urgent:
            return -1
        clause = range(self._parse.clause_start(index), self._parse.clause_end(index))
        stated = [place for place in self._urgent if place in clause and self._is_said(place)]
        return max((int(cue.value) for place in stated if (cue := self._parse.cues[place])), default=-1)

    def _is_said(self, index: int) -> bool:
        """Whether the item is neither denied nor past nor only asked for."""
        status = self._parse.status[index]
        return not (status.negated or status.hypothetical or status.historical)

    def _targets(self, place: Place) -> tuple[list[str], bool]:
        """Targets that a place stands for, and whether the side had to be guessed."""
        targets = self._vocabulary.targets_of.get(place.organ, {})
        if "left" not in targets and "right" not in targets:
            return list(targets.values()), False
        if place.side in targets:
            return [targets[place.side]], False
        return list(targets.values()), place.side != BOTH

    def _reason(self, index: int, raw: str, place: Place, name: str, value: Value) -> str:
        status = self._parse.status[index]
        where = f"{place.side} {place.organ}".strip()
        why = "stated"
        if value is Value.ABSENT:
            why = f'negated by "{status.negated}"' if status.negated else "said to be normal"
        elif value is Value.AMBIGUOUS:
            why = f'only compared: "{status.ambiguous}"'
        elif status.hedged:
            why = f'hedged by "{status.hedged}"'
        return f'"{raw}" in {where}: {name}, {why}'

    def _missing_organs(self) -> Iterator[Assertion]:
        """ "The gallbladder is not seen": an organ, no finding, and a cue that denies it."""
        parse = self._parse
        for index, cue in enumerate(parse.cues):
            if cue is None or cue.value not in ("missing", "unseen"):
                continue
            start = parse.clause_start(index)
            if cue.kind == "negation":
                yield from self._absent_by_adjective(index)
                continue
            if any(parse.findings[place] for place in range(start, index)):
                continue
            for group in self._places.groups:
                if start <= group.start < index and group.role == "whole" and not group.relation:
                    yield from self._missing(index, group, cue.value)

    def _present_organs(self) -> Iterator[Assertion]:
        """ "The gallbladder is present": an organ that can be missing is not."""
        parse = self._parse
        for index, item in enumerate(parse.items):
            place = index - 1
            while place >= 0 and (parse.kind(place) in ("verb", "colon") or parse.items[place].key == "still"):
                place -= 1
            if item.key != "present" or place not in self._places.group_at or parse.status[index].negated:
                continue
            group = self._places.groups[self._places.group_at[place]]
            if group.role == "whole" and not group.relation and not parse.findings[place]:
                yield from self._missing(index, group, "there")

    def _absent_by_adjective(self, index: int) -> Iterator[Assertion]:
        """ "Absent left kidney", or "Gallbladder: absent"."""
        end = self._parse.clause_end(index)
        if any(self._parse.findings[place] for place in range(index + 1, end)):
            return
        behind = [group for group in self._places.groups if index < group.start < end]
        before = [group for group in self._places.groups if group.start < index]
        if behind and behind[0].role == "whole" and behind[0].start <= index + 3:
            yield from self._missing(index, behind[0], "missing")
        elif before and not behind and before[-1].role == "whole":
            yield from self._missing(index, before[-1], "missing")

    def _missing(self, index: int, group: Group, how: str) -> Iterator[Assertion]:
        finding = FindingTerm("not there", ("absent",))
        value = _VALUE_OF_ABSENCE[how]
        if self._parse.status[index].hypothetical:
            return
        for place in group.places:
            if place.organ in ("small bowel", "large bowel", "stomach", "pancreas"):
                continue
            yield from self._assert(index, finding, Attachment(group.places, "subject"), place, "absent", value)

    def _measured_sizes(self) -> Iterator[Assertion]:
        """A spleen of more than 13 cm or a liver of more than 18 cm is enlarged, whatever it is called."""
        parse = self._parse
        for index, item in enumerate(parse.items):
            if item.key not in ("cm", "mm") or not index:
                continue
            start = parse.clause_start(index)
            if any("focal" in f.types or f.assertion for p in range(start, index) for f in parse.findings[p]):
                continue
            behind = range(index, parse.clause_end(index))
            if any(f.assertion or parse.status[p].negated for p in behind for f in parse.findings[p]):
                continue
            yield from self._measured_size(index, start)

    def _measured_size(self, index: int, start: int) -> Iterator[Assertion]:
        number = self._parse.items[index - 1].key
        if not number[:1].isdigit() or self._parse.status[index].historical:
            return
        size_cm = float(number) / (10 if self._parse.items[index].key == "mm" else 1)
        groups = [group for group in self._places.groups if start <= group.start < index and not group.relation]
        places = groups[-1].places if groups else self._topic.places
        if len(places) != 1:
            return
        organ = places[0].organ
        if groups and organ in _WIDE_FROM_CM and size_cm > _WIDE_FROM_CM[organ]:
            finding = FindingTerm(f"{size_cm:g} cm", ("diffuse",))
            yield from self._assert(index, finding, Attachment(places, "measured"), places[0], "diffuse", Value.PRESENT)
        if (groups and groups[-1].role != "whole") or size_cm <= _ENLARGED_FROM_CM.get(organ, 1000):
            return
        finding = FindingTerm(f"{size_cm:g} cm", ("enlarged",))
        yield from self._assert(index, finding, Attachment(places, "measured"), places[0], "enlarged", Value.PRESENT)
