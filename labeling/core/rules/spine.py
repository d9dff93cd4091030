"""Labels of spine reports: conditions of the spine, and stenosis level by level.

Used for every cell whose target is the spine or a spinal level and whose finding the rules know by its name or its
terms. Definitions: METHODS D. Conventions where reports leave room are in `spine_decide`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from labeling.core.records import CellLabel
from labeling.core.rules.levels import LevelGroup
from labeling.core.rules.lexicon import fold
from labeling.core.rules.spine_decide import Statement, decide
from labeling.core.rules.spine_mentions import Grade, Polarity, SpineMention, find_mentions
from labeling.core.rules.spine_schema import SpinePlan
from labeling.core.rules.spine_sentence import SpineSentence, read_sentence
from labeling.core.schema import Cell
from labeling.core.sections import ReportStructure, Section, SectionKind

_LONGEST_PART: Final = 2_000
_UNREAD: Final = frozenset({SectionKind.HISTORY, SectionKind.TECHNIQUE, SectionKind.COMPARISON})
_HEADER_WORDS: Final = frozenset(
    {"level", "disc", "disk", "at", "the", "space", "and", "&", ":", "-", ".", ",", "(", ")", "/"}
)
_GOES_ON: Final = frozenset(
    {
        "with",
        "and",
        "causing",
        "associated",
        "resulting",
        "extending",
        "leading",
        "also",
        "which",
        "along",
        "but",
        "thus",
    }
)
_PREPOSITIONS: Final = frozenset(
    {"at", "in", "of", "on", "from", "the", "level", "(", "both", "involving", "between", "to"}
)
_NEW_SUBJECTS: Final = (
    "subject", "surgery", "bulge", "herniation", "compress", "stenosis", "touch", "slip", "cancer", "adequate",
)  # fmt: skip


def label_spine(text: str, structure: ReportStructure, plan: SpinePlan) -> dict[Cell, CellLabel]:
    """A label for every cell of `plan`. Evidence is the sentences that say it."""
    statements = list(_Reader(text, structure, plan).read())
    return {cell: decide(cell, statements, plan) for cell in plan.cells}


@dataclass(slots=True)
class _Context:
    """Levels that sentences without levels are about: by the header above them, or by the words before them."""

    header: tuple[str, ...] = ()
    line: tuple[str, ...] = ()
    section: int = -1
    ended: bool = True
    from_header: bool = False
    stated: bool = False


@dataclass(slots=True)
class _Reader:
    text: str
    structure: ReportStructure
    plan: SpinePlan
    context: _Context = field(default_factory=_Context)

    def read(self) -> Iterator[Statement]:
        """Statements of all sentences that count as evidence, in order."""
        end = 0
        for sentence in self.structure.sentences:
            section = self.structure.sections[sentence.section]
            if _is_unread(section):
                continue
            if sentence.section != self.context.section:
                self.context = _Context(section=sentence.section)
            written = self.text[slice(*sentence.span)]
            gap = self.text[end : sentence.span.start]
            end = sentence.span.end
            for part in _parts(written):
                parsed = read_sentence(fold(part), self.plan.lexicon)
                carried = self._carried(parsed, gap)
                mentions = find_mentions(parsed)
                for mention in mentions:
                    levels, is_global = self._levels(parsed, mention, carried or self._of_header(parsed, mention))
                    yield Statement(mention, levels, is_global, sentence.span, section.kind)
                self._remember(parsed, part)
                self.context.stated = any(mention.grade is not Grade.BULGE for mention in mentions)
                gap = ""

    def _levels(
        self, parsed: SpineSentence, mention: SpineMention, carried: tuple[str, ...]
    ) -> tuple[tuple[str, ...], bool]:
        """Levels of a mention, and whether it holds for the report as a whole."""
        levels, is_global = _levels_of(parsed, mention.index, carried)
        denied = mention.polarity is Polarity.NO
        if is_global and (denied or not _only_rest(parsed)):
            levels = tuple(dict.fromkeys((*levels, *self.plan.level_of.values())))
        return levels, is_global or (denied and not levels)

    def _carried(self, parsed: SpineSentence, gap: str) -> tuple[str, ...]:
        """Levels that hold for `parsed` when it names none."""
        context = self.context
        new_line = "\n" in gap or "\r" in gap
        if gap.count("\n") > 1:
            context.header = ()
        if new_line and parsed.groups and parsed.groups[0].start < 24:
            context.header = ()
        if context.header:
            return context.header
        if not new_line or _goes_on(parsed, context.ended):
            return context.line
        own_subject = any(token.has("bulge", "herniation") for token in parsed.tokens)
        if not own_subject and not context.ended and not context.stated:
            return context.line
        return ()

    def _of_header(self, parsed: SpineSentence, mention: SpineMention) -> tuple[str, ...]:
        """Levels of the last "L4/L5 level: ..." for what later lines affirm; what they deny is said of all levels."""
        if mention.polarity is Polarity.NO or not self.context.from_header or "multilevel" in parsed.folded:
            return ()
        return self.context.line

    def _remember(self, parsed: SpineSentence, written: str) -> None:
        context = self.context
        context.ended = written.rstrip()[-1:] in (".", "!", "?")
        named = [group for group in parsed.groups if group.scope == "named"]
        if not named:
            return
        header_end = _header_end(parsed)
        context.from_header = header_end is not None
        if header_end is not None:
            behind = parsed.folded[header_end:]
            if not behind.strip(" .:-\u2014\t") or written[header_end:].lstrip(" \t:.-").startswith(("\n", "\r")):
                context.header = named[0].levels
            context.line = named[0].levels
        else:
            plain = [group for group in named if not group.emphasised]
            context.line = (plain or named)[-1].levels


def _parts(written: str) -> Iterator[str]:
    """`written` in parts of bounded length, cut at blanks: what is not prose must not cost quadratic time."""
    start = 0
    while len(written) - start > _LONGEST_PART:
        cut = written.rfind(" ", start + 1, start + _LONGEST_PART)
        cut = cut if cut > start else start + _LONGEST_PART
        yield written[start:cut]
        start = cut
    yield written[start:]


def _only_rest(parsed: SpineSentence) -> bool:
    return not any(group.scope == "all" for group in parsed.groups)


def _is_unread(section: Section) -> bool:
    return section.kind in _UNREAD or (section.kind is SectionKind.OTHER and section.title_span is not None)


def _goes_on(parsed: SpineSentence, ended: bool) -> bool:
    """Whether a sentence on a new line belongs to the one before: "Compressing the thecal sac"."""
    first = next((token for token in parsed.tokens if token.key.isalnum()), None)
    if first is None:
        return False
    if first.key in _GOES_ON:
        return True
    degree = first.cue == "degree" and len(parsed.tokens) > 1
    head = parsed.tokens[parsed.tokens.index(first) + 1] if degree else first
    is_participle = head.value("compress") == "open" and head.raw.endswith("ing")
    return is_participle or (not ended and first.has("compress"))


def _header_end(parsed: SpineSentence) -> int | None:
    """Where the header ends that the sentence opens with ("L4/L5 level:"), None when it opens with none."""
    seen = False
    for token in parsed.tokens[:14]:
        if token.group is not None and token.group.scope == "named":
            seen = True
        elif token.key == ":" and seen:
            return token.end
        elif token.key not in _HEADER_WORDS and not token.key.isdigit():
            return None
    return len(parsed.folded) if seen else None


def _levels_of(parsed: SpineSentence, index: int, carried: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """Levels of the statement at `index`, and whether it is about all levels."""
    following = _following(parsed, index)
    before = [token.group for token in parsed.tokens[:index] if token.group is not None]
    if following is not None and not following.emphasised:
        chosen = [following]
    elif before:
        chosen = _with_emphasised(before)
        if following is not None:
            chosen.append(following)
    elif following is not None:
        chosen = [following]
    else:
        chosen = [token.group for token in parsed.tokens[index:] if token.group is not None][:1]
        if chosen and carried and parsed.tokens[index].start + 60 < chosen[0].start:
            chosen = []
    levels: list[str] = []
    named = [group for group in before if group.scope == "named"]
    for group in chosen:
        if group.scope == "same":
            levels.extend(named[-1].levels if named else carried)
        levels.extend(group.levels)
    if not chosen:
        levels.extend(carried)
    return tuple(dict.fromkeys(levels)), any(group.scope in ("all", "rest") for group in chosen)


def _following(parsed: SpineSentence, index: int) -> LevelGroup | None:
    """The group behind a statement that it belongs to: "stenosis at L3/4", not "..., L4/5: bulge"."""
    tokens = parsed.tokens
    for place in range(index + 1, len(tokens)):
        token = tokens[place]
        if token.group is not None:
            is_header = ":" in [other.key for other in tokens[place + 1 : place + 3]]
            joined = tokens[place - 1].key in _PREPOSITIONS or tokens[place - 1].has("neural") or token.group.emphasised
            has_before = any(other.group for other in tokens[:index])
            listed = place > 1 and tokens[place - 1].key in _PREPOSITIONS and tokens[place - 2].key == ","
            if is_header or (has_before and (listed or not joined)):
                return None
            return token.group
        if token.has(*_NEW_SUBJECTS) or place in parsed.stops:
            return None
    return None


def _with_emphasised(groups: list[LevelGroup]) -> list[LevelGroup]:
    """The last group, and those before it that it only emphasises."""
    chosen = [groups[-1]]
    place = len(groups) - 1
    while place > 0 and groups[place].emphasised:
        place -= 1
        chosen.insert(0, groups[place])
    return chosen
