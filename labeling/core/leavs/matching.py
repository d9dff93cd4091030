"""Whether a quote is a sentence of the report (stage 1b, METHODS A.5).

The published rule lets ten characters differ whatever the length: "right kidney normal" is "left kidney normal". Here
words are compared, without their case, punctuation and blanks. A quote is a sentence when at most one tenth of the
characters differ, and what differs is no more than
- a misspelling: one letter of a word of five letters or more, never its first;
- blanks or a hyphen inside a word;
- an article or a form of "to be".
So numbers, sides, negations and organs are the same in both. A quote that is part of a sentence counts when it has more
than ten characters and at least four words or half of the sentence's; a quote of several sentences counts for each.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from labeling.core.sentences import split_sentences
from labeling.core.spans import Span

_WORD: Final = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
_LIST_NUMBER: Final = re.compile(r"\s*\(?\d{1,2}[.)]\s+")
_FILLERS: Final = frozenset({"the", "a", "an", "is", "are", "was", "were", "be", "been"})
_MOST_DIFFERENT: Final = 0.1
_SHORTEST_PART: Final = 11  # characters; METHODS A.5: more than ten
_PART_WORDS: Final = 4
_COVERED: Final = 0.8  # share of a quote that sentences inside it must make up
_MISSPELT_FROM: Final = 5  # letters

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """Indexes of the sentences that were quoted, and how many quotes are not in the report."""

    sentences: frozenset[int]
    n_not_found: int


def match_quotes(
    quotes: Sequence[str], sentences: Sequence[str], *, headings: Sequence[str] = (), scope: str = ""
) -> Matches:
    """Find each quote among the sentences, with or without their number in a list and the heading they are under.

    A quote that is not there but stands in `scope`, the words of the question, is passed over and not counted.
    """
    of_sentences = [_Sentence.of(*pair) for pair in zip(sentences, headings or [""] * len(sentences), strict=True)]
    of_scope = words_of(scope)
    found: set[int] = set()
    n_not_found = 0
    for quote in quotes:
        hits, is_whole = _find(quote, of_sentences)
        found |= hits
        if not is_whole and not _contains(of_scope, words_of(quote)):
            n_not_found += 1
    return Matches(frozenset(found), n_not_found)


@dataclass(frozen=True, slots=True)
class _Sentence:
    """Words of a sentence, and other ways to quote the whole of it."""

    words: Words
    others: tuple[Words, ...]

    @classmethod
    def of(cls, sentence: str, heading: str) -> "_Sentence":
        """`heading` is empty where there is none."""
        words = words_of(sentence)
        number = _LIST_NUMBER.match(sentence)
        others = [words_of(sentence[number.end() :])] if number else []
        return cls(words, (*others, words_of(heading) + words) if heading else tuple(others))

    def is_quoted_by(self, quote: Words) -> bool:
        return any(is_same(quote, words) for words in (self.words, *self.others))


def words_of(text: str) -> Words:
    """What is compared: words and numbers, in lower case and plain letters."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def is_same(first: Words, second: Words) -> bool:
    """Whether these are the same words but for slips (see the module)."""
    if first == second:
        return bool(first)
    longest = max(_length(first), _length(second))
    if 2 * len(set(first) & set(second)) + 2 < max(len(set(first)), len(set(second))):
        return False  # most pairs, without aligning them
    if abs(_length(first) - _length(second)) > _MOST_DIFFERENT * longest:
        return False
    changed = 0
    for tag, i, j, k, m in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        cost = _slip(first[i:j], second[k:m])
        if cost is None:
            return False
        changed += cost
    return changed <= _MOST_DIFFERENT * longest


def _find(quote: str, sentences: Sequence[_Sentence]) -> tuple[set[int], bool]:
    """Sentences that the quote quotes, and whether the whole of it was found."""
    words = words_of(quote)
    whole = _equal_to(words, sentences)
    pieces = [words_of(quote[slice(*span)]) for span in split_sentences(quote, Span(0, len(quote)))]
    of_pieces = [_equal_to(piece, sentences) for piece in pieces if piece] if len(pieces) > 1 else []
    inside = {i for i, s in enumerate(sentences) if _is_long(s.words) and _contains(words, s.words)}
    covered = sum(_length(part) for part in {sentences[i].words for i in inside})
    is_whole = bool(whole) or (bool(of_pieces) and all(of_pieces)) or covered >= _COVERED * _length(words)
    return whole.union(inside, *of_pieces), is_whole


def _equal_to(words: Words, sentences: Sequence[_Sentence]) -> set[int]:
    same = {i for i, sentence in enumerate(sentences) if sentence.is_quoted_by(words)}
    return same or {i for i, sentence in enumerate(sentences) if _is_part(words, sentence.words)}


def _is_part(words: Words, sentence: Words) -> bool:
    is_telling = len(words) >= _PART_WORDS or 2 * len(words) >= len(sentence)
    return is_telling and _is_long(words) and _contains(sentence, words)


def _is_long(words: Words) -> bool:
    return _length(words) >= _SHORTEST_PART


def _contains(words: Words, part: Words) -> bool:
    return bool(part) and any(words[i : i + len(part)] == part for i in range(len(words) - len(part) + 1))


def _length(words: Words) -> int:
    return len(" ".join(words))


def _slip(first: Words, second: Words) -> int | None:
    """Characters in which these unequal runs of words differ, when the difference is only a slip."""
    if "".join(first) == "".join(second):
        return abs(len(first) - len(second))
    first_told, second_told = _telling(first), _telling(second)
    if len(first_told) != len(second_told):
        return None
    if not all(a == b or _is_misspelt(a, b) for a, b in zip(first_told, second_told, strict=True)):
        return None
    n_misspelt = sum(a != b for a, b in zip(first_told, second_told, strict=True))
    return n_misspelt + abs(_length(first) - _length(second))


def _telling(words: Words) -> Words:
    return tuple(word for word in words if word not in _FILLERS)


def _is_misspelt(first: str, second: str) -> bool:
    """Whether one letter behind the first was changed, left out, put in or exchanged with its neighbour."""
    shorter, longer = sorted((first, second), key=len)
    if len(shorter) < _MISSPELT_FROM or len(longer) - len(shorter) > 1 or first[0] != second[0] or first[0].isdigit():
        return False
    start = next((i for i, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    if len(shorter) < len(longer):
        return shorter[start:] == longer[start + 1 :]
    if shorter[start + 1 :] == longer[start + 1 :]:
        return True
    swapped = longer[start + 1 : start + 2] + longer[start : start + 1]
    return shorter[start:] == swapped + longer[start + 2 :]
