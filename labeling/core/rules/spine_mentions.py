"""What a sentence of a spine report says: findings, affirmed, doubted or denied, with the words that say so.

Stenosis is any narrowing or compression of the canal, its recesses and foramina, or of nerves. It is read from a word
of compression near a nervous structure, from the word itself, and from a disc that has left its space. Contact
alone ("abutting") is not narrowing. "Adequate canal" denies narrowing of the canal, not of the nerves.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from labeling.core.rules.spine_sentence import SpineSentence, Token

_OBJECT_REACH: Final = 10
_CAUDA_REACH: Final = 8
_ADEQUATE_AHEAD: Final = 5
_ADEQUATE_BACK: Final = 9
_LONGEST_VERDICT: Final = 6
_NERVES: Final = frozenset({"sac", "root", "cord", "cauda"})
_NERVE_WORDS: Final = ("nerve", "root", "sac", "cord")


class Concept(StrEnum):
    """What the rules can tell apart in a spine report."""

    STENOSIS = "stenosis"
    CANCER = "cancer"
    SLIP = "slip"
    CAUDA = "cauda"
    HERNIATION = "herniation"
    NAMED = "named"


class Grade(StrEnum):
    """How directly stenosis is said."""

    DIRECT = "direct"  # narrowing or compression in words
    DISC = "disc"  # a protrusion or extrusion; yields to a denial of compression
    TOUCH = "touch"  # contact without narrowing
    BULGE = "bulge"  # says only that the level was looked at


class Polarity(StrEnum):
    """Whether the sentence affirms, doubts or denies."""

    YES = "yes"
    MAYBE = "maybe"
    NO = "no"


@dataclass(frozen=True, slots=True)
class SpineMention:
    """One statement: `index` is its token, `words` what was matched; a denial `of_nerves` is about sac or roots."""

    concept: Concept
    polarity: Polarity
    index: int
    words: str
    grade: Grade = Grade.DIRECT
    of_nerves: bool = False
    finding: str = ""


def find_mentions(sentence: SpineSentence) -> list[SpineMention]:
    """Statements of `sentence` in order of their tokens."""
    found: list[SpineMention] = []
    for index, token in enumerate(sentence.tokens):
        if token.terms and not token.ignored:
            found.extend(_mentions_at(sentence, index, token))
    if not any(mention.concept is Concept.STENOSIS for mention in found):
        found.extend(_elliptic_denial(sentence))
    return found


def _mentions_at(sentence: SpineSentence, index: int, token: Token) -> Iterator[SpineMention]:
    """Statements that the token makes: by its first kind that says something, and for findings known by their words."""
    reader = next((_READERS[term.kind] for term in token.terms if term.kind in _READERS), None)
    if reader is not None:
        yield from reader(sentence, index, token)
    for term in token.terms:
        if term.kind == "named":
            yield SpineMention(Concept.NAMED, _polarity(token), index, token.raw, finding=term.value)


def _stenosis(sentence: SpineSentence, index: int, token: Token) -> Iterator[SpineMention]:
    nerves = any(word in token.raw for word in _NERVE_WORDS)
    yield SpineMention(Concept.STENOSIS, _polarity(token), index, token.raw, of_nerves=nerves)
    yield from _cauda(sentence, index)


def _touch(sentence: SpineSentence, index: int, token: Token) -> Iterator[SpineMention]:
    touched = _object(sentence, index)
    if touched is not None:
        words = f"{token.raw} {touched.raw}"
        yield SpineMention(Concept.STENOSIS, _polarity(token), index, words, Grade.TOUCH, of_nerves=True)


def _bulge(_: SpineSentence, index: int, token: Token) -> Iterator[SpineMention]:
    if not token.negated:
        yield SpineMention(Concept.STENOSIS, Polarity.NO, index, token.raw, Grade.BULGE)


def _herniation(_: SpineSentence, index: int, token: Token) -> Iterator[SpineMention]:
    yield SpineMention(Concept.HERNIATION, _polarity(token), index, token.raw)
    if not token.negated:
        yield SpineMention(Concept.STENOSIS, _polarity(token), index, token.raw, Grade.DISC)


def _slip(_: SpineSentence, index: int, token: Token) -> Iterator[SpineMention]:
    yield SpineMention(Concept.SLIP, _polarity(token), index, token.raw)


def _aligned(_: SpineSentence, index: int, token: Token) -> Iterator[SpineMention]:
    yield SpineMention(Concept.SLIP, Polarity.YES if token.negated else Polarity.NO, index, token.raw)


def _cauda_syndrome(_: SpineSentence, index: int, token: Token) -> Iterator[SpineMention]:
    yield SpineMention(Concept.CAUDA, _polarity(token), index, token.raw)


def _normal_marrow(_: SpineSentence, index: int, token: Token) -> Iterator[SpineMention]:
    if not token.negated:
        yield SpineMention(Concept.CANCER, Polarity.NO, index, token.raw)


def _polarity(token: Token) -> Polarity:
    if token.negated:
        return Polarity.NO
    return Polarity.MAYBE if token.hedged else Polarity.YES


def _compression(sentence: SpineSentence, index: int, token: Token) -> Iterator[SpineMention]:
    pressed = _object(sentence, index)
    if pressed is None and (_is_blocked(sentence, index) or not (token.negated or token.value("compress") == "open")):
        return
    words = f"{token.raw} … {pressed.raw}" if pressed else token.raw
    nerves = pressed is None or pressed.value("neural") in _NERVES
    yield SpineMention(Concept.STENOSIS, _polarity(token), index, words, of_nerves=nerves)
    yield from _cauda(sentence, index)


def _object(sentence: SpineSentence, index: int) -> Token | None:
    """The nervous structure that the word at `index` is about: the next in its clause, else the one before."""
    clause = sentence.clause(index)
    for place in range(index + 1, min(clause.stop, index + 1 + _OBJECT_REACH)):
        token = sentence.tokens[place]
        if token.has("neural"):
            return token
        if token.has("block"):
            break
    for place in range(index - 1, max(clause.start, index - _OBJECT_REACH) - 1, -1):
        token = sentence.tokens[place]
        if token.has("neural"):
            return token
        if token.has("block"):
            break
    return None


def _is_blocked(sentence: SpineSentence, index: int) -> bool:
    """Whether a word of compression without an object is about a vertebra, a disc space or the like."""
    return any(token.has("block") for token in sentence.tokens[max(0, index - 3) : index + 4])


def _cauda(sentence: SpineSentence, index: int) -> Iterator[SpineMention]:
    """Compression near the words "cauda equina" is compression of it."""
    token = sentence.tokens[index]
    clause = sentence.clause(index)
    for place in range(max(clause.start, index - _CAUDA_REACH), min(clause.stop, index + 1 + _CAUDA_REACH)):
        if sentence.tokens[place].value("neural") == "cauda":
            words = f"{token.raw} … {sentence.tokens[place].raw}"
            yield SpineMention(Concept.CAUDA, _polarity(token), index, words)
            return


def _adequacy(sentence: SpineSentence, index: int, token: Token) -> Iterator[SpineMention]:
    """ "Adequate canal" and "canal is adequate" deny narrowing; "not adequate" says it."""
    for place in _adequate_places(sentence, index):
        near = sentence.tokens[place]
        polarity = Polarity.YES if token.negated else Polarity.NO
        words = f"{token.raw} {near.raw}"
        if near.has("alignment"):
            yield SpineMention(Concept.SLIP, Polarity.NO, index, words)
            return
        value = near.value("neural")
        if value == "cauda":
            yield SpineMention(Concept.CAUDA, Polarity.NO, index, words)
        elif value not in (None, "cord"):
            yield SpineMention(Concept.STENOSIS, polarity, index, words, of_nerves=value in _NERVES)
        if value != "cord":
            return
    if _is_verdict_on_level(sentence):
        yield SpineMention(Concept.STENOSIS, Polarity.NO, index, token.raw, of_nerves=True)


def _is_verdict_on_level(sentence: SpineSentence) -> bool:
    """Whether a sentence says nothing but that a level is normal: "L3/4: unremarkable"."""
    spoken = [token for token in sentence.tokens if token.key.isalpha() or token.group is not None]
    return (
        len(spoken) <= _LONGEST_VERDICT
        and any(token.group for token in spoken)
        and (sum(bool(token.terms) for token in spoken) == 1)
    )


def _adequate_places(sentence: SpineSentence, index: int) -> Iterator[int]:
    """Places of what a word such as "adequate" may describe, nearest first, ahead and then behind."""
    clause = sentence.clause(index)
    ahead = range(index + 1, min(clause.stop, index + 1 + _ADEQUATE_AHEAD))
    behind = range(index - 1, max(clause.start, index - _ADEQUATE_BACK) - 1, -1)
    for places in (ahead, behind):
        for place in places:
            token = sentence.tokens[place]
            if token.has("compress", "stenosis", "touch", "bulge", "herniation", "subject"):
                break
            if places is ahead and token.key == ",":
                break
            if token.has("neural", "alignment"):
                yield place


def _cancer(sentence: SpineSentence, index: int, token: Token) -> Iterator[SpineMention]:
    clause = sentence.clause(index)
    near = [sentence.tokens[place] for place in clause]
    certain = token.value("cancer") == "certain"
    if _is_of_other_organ(sentence, index) and not any(other.has("bone") or other.group for other in near):
        return
    if _is_primary_elsewhere(sentence, index, token):
        return
    if not certain and not token.negated and any(other.has("benign") for other in near):
        return
    polarity = _polarity(token)
    if polarity is Polarity.YES and not certain:
        polarity = Polarity.MAYBE
    yield SpineMention(Concept.CANCER, polarity, index, token.raw)


def _is_of_other_organ(sentence: SpineSentence, index: int) -> bool:
    return any(token.has("elsewhere") for token in sentence.tokens[max(0, index - 3) : index + 5])


def _is_primary_elsewhere(sentence: SpineSentence, index: int, token: Token) -> bool:
    """Whether the word names the primary tumour of another organ: "lung cancer with vertebral metastases"."""
    if token.raw.startswith(("meta", "mets", "secondar", "deposit")):
        return False
    return any(other.has("elsewhere") for other in sentence.tokens[max(0, index - 2) : index])


def _elliptic_denial(sentence: SpineSentence) -> Iterator[SpineMention]:
    """ "No significant thecal sac or nerve roots." leaves the compression out that it denies."""
    if any(token.has("herniation", "cancer", "subject", "slip", "named", "bulge") for token in sentence.tokens):
        return
    for index, token in enumerate(sentence.tokens):
        if token.negated and token.value("neural") in ("sac", "root", "canal", "foramen", "recess"):
            yield SpineMention(Concept.STENOSIS, Polarity.NO, index, token.raw, of_nerves=True)
            return


_READERS: Final[dict[str, Callable[[SpineSentence, int, Token], Iterator[SpineMention]]]] = {
    "stenosis": _stenosis,
    "compress": _compression,
    "touch": _touch,
    "adequate": _adequacy,
    "bulge": _bulge,
    "herniation": _herniation,
    "slip": _slip,
    "aligned": _aligned,
    "cauda syndrome": _cauda_syndrome,
    "cancer": _cancer,
    "normal marrow": _normal_marrow,
}
