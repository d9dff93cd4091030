"""One sentence of a spine report: its words with their meaning, levels, and what is denied or doubted."""

from dataclasses import dataclass, field
from typing import Final

from labeling.core.rules.levels import LevelGroup, find_level_groups
from labeling.core.rules.lexicon import Lexicon
from labeling.core.rules.spine_vocabulary import SpineCue, Term

_BACK_REACH: Final = 14


@dataclass(slots=True)
class Token:
    """A phrase, a word or a group of levels, with how the cues before and behind it bear on it."""

    start: int
    end: int
    raw: str
    key: str
    terms: tuple[Term, ...] = ()
    cue: str = ""
    group: LevelGroup | None = None
    negated: bool = False
    hedged: bool = False
    ignored: bool = False

    def has(self, *kinds: str) -> bool:
        """Whether a meaning of the token is of one of `kinds`."""
        return any(term.kind in kinds for term in self.terms)

    def value(self, kind: str) -> str | None:
        """Value of the token's meaning of `kind`, None when it has none."""
        return next((term.value for term in self.terms if term.kind == kind), None)


@dataclass(slots=True)
class _Reach:
    negated: bool = False
    hedged: bool = False
    ignored: bool = False


@dataclass(slots=True)
class SpineSentence:
    """Tokens of a sentence in order. `stops` are places where a clause begins."""

    folded: str
    tokens: list[Token]
    groups: list[LevelGroup]
    stops: set[int] = field(default_factory=set)

    def clause(self, index: int) -> range:
        """Places of the clause around `index`."""
        start = max((stop for stop in self.stops if stop <= index), default=0)
        end = min((stop for stop in self.stops if stop > index), default=len(self.tokens))
        return range(start, end)


def read_sentence(folded: str, lexicon: Lexicon) -> SpineSentence:
    """Tokens of a folded sentence, with denial and doubt worked out."""
    groups = find_level_groups(folded)
    tokens = [Token(group.start, group.end, folded[group.start : group.end], "", group=group) for group in groups]
    for item in lexicon.scan(folded):
        if any(item.start < group.end and group.start < item.end for group in groups):
            continue
        terms = tuple(entry for entry in item.entries if isinstance(entry, Term))
        cues = [entry.kind for entry in item.entries if isinstance(entry, SpineCue)]
        tokens.append(Token(item.start, item.end, item.raw, item.key, terms, cues[0] if cues else ""))
        if len(cues) > 1 and "degree" in cues and cues[0] == "degree":
            tokens[-1].cue = cues[1]
    tokens.sort(key=lambda token: token.start)
    sentence = SpineSentence(folded, tokens, groups)
    _reach_forward(sentence)
    _reach_back(sentence)
    return sentence


def _reach_forward(sentence: SpineSentence) -> None:
    """Denial and doubt reach forward until a clause, a new statement or, for doubt, a comma ends them."""
    reach = _Reach()
    tokens = sentence.tokens
    for index, token in enumerate(tokens):
        if token.cue in ("stop", "exception") or token.key in (";", "."):
            sentence.stops.add(index)
            reach = _Reach()
        elif _begins_statement(tokens, index):
            reach.negated = reach.hedged = False
        elif token.key == ",":
            reach.hedged = reach.ignored = False
        elif token.cue == "negation":
            reach.negated, reach.hedged = True, False
        elif token.cue == "hedge":
            reach.hedged = True
        elif token.cue in ("history", "hypothetical", "ambiguous") or _is_reason_of_surgery(tokens, index):
            reach.ignored = True
        elif token.group is not None and "," in [other.key for other in tokens[max(0, index - 2) : index]]:
            reach.negated = False
        token.negated, token.hedged, token.ignored = reach.negated, reach.hedged, reach.ignored


def _is_reason_of_surgery(tokens: list[Token], index: int) -> bool:
    """Whether "for" says what an operation was done for: "laminectomy at L4/5 for stenosis"."""
    return tokens[index].key == "for" and any(token.has("surgery") for token in tokens[max(0, index - 6) : index])


def _begins_statement(tokens: list[Token], index: int) -> bool:
    """Whether a word of degree behind a comma, "and" or "with" ends a denial: "no stenosis, mild narrowing"."""
    if tokens[index].cue != "degree" or not index:
        return False
    return tokens[index - 1].key in (",", "and", "with", "&") and not any(
        token.key in ("or", "nor") for token in tokens[index + 1 : index + 3]
    )


def _reach_back(sentence: SpineSentence) -> None:
    """Cues behind what they are about: "compression is not seen", "cannot be excluded"."""
    tokens = sentence.tokens
    for index, cue in enumerate(tokens):
        if cue.cue not in ("negation_after", "hedge_after"):
            continue
        start = sentence.clause(index).start
        for place in range(index - 1, max(start, index - _BACK_REACH) - 1, -1):
            if tokens[place].key == "," and tokens[place - 1].terms and not tokens[place + 1].terms:
                break
            if cue.cue == "negation_after":
                tokens[place].negated = True
            else:
                tokens[place].hedged, tokens[place].negated = True, False
        if cue.cue == "negation_after" and cue.terms:
            cue.negated = True
