"""Words, phrases and the longest-match look-up that turns a sentence into items.

A sentence is lower-cased without changing its length, split into words, and every word is brought to one spelling
(British to American, plural to singular). Phrases are stored in a trie of such words, so one pass over a sentence
finds the longest phrase at each place.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from labeling.core.rules.data import read_vocabulary_file

_WORD = re.compile(
    r"(?:s/p|w/o|r/o|h/o|c/w|s/o|i/v|e/o|b/l|d/t|w/)(?![a-z])|\d+(?:\.\d+)?|[^\W\d_]+(?:'[a-z]+)?|[^\s\w]"
)
_MEASURE_UNITS: Final = frozenset({"cm", "mm"})
_SAME_LENGTH: Final = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u2013": "-", "\u2014": "\u2014", "\u00a0": " ", "\n": " ", "\r": " ", "\t": " "}
)
_FUZZY_LENGTH: Final = 7
_NEGATING: Final = frozenset({"no", "without", "not"})


@dataclass(slots=True)
class Word:
    """A word of the sentence: `key` is its one spelling, offsets count from the start of the sentence."""

    key: str
    raw: str
    start: int
    end: int


@dataclass(slots=True)
class Item:
    """A matched phrase (`entries` says what it can mean), or a single word that means nothing to the rules."""

    start: int
    end: int
    raw: str
    key: str
    entries: tuple[Any, ...] = ()


class _Node(dict[str, "_Node"]):
    """Words that may follow, and what the phrase that ends here means."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        super().__init__()
        self.entries: tuple[Any, ...] = ()


def fold(text: str) -> str:
    """Lower-case copy of `text` of the same length, with plain quotes, hyphens and blanks."""
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    return lower.translate(_SAME_LENGTH)


@cache
def _spelling_file() -> dict[str, Any]:
    return read_vocabulary_file("spelling.toml")


@cache
def _spelling() -> tuple[re.Pattern[str], dict[str, str], dict[str, str], frozenset[str]]:
    data = _spelling_file()
    parts = dict(data["parts"])
    return re.compile("|".join(map(re.escape, parts))), parts, dict(data["words"]), frozenset(data["keep"])


@cache
def _abbreviated() -> frozenset[str]:
    return frozenset(_spelling_file()["abbreviated"])


@cache
def word_key(word: str) -> str:
    """One spelling for a lower-case word: American, singular; numbers and short words stay as they are."""
    pattern, parts, words, keep = _spelling()
    if word in words:
        return words[word]
    if len(word) < 4 or not word[0].isalpha() or word in keep:
        return word
    word = pattern.sub(lambda match: parts[match.group()], word)
    return words.get(word) or _singular(word)


def _singular(word: str) -> str:
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def split_words(folded: str) -> list[Word]:
    """Words and punctuation of a folded text; a hyphen between letters joins nothing and is dropped."""
    words: list[Word] = []
    for match in _WORD.finditer(folded):
        raw = match.group()
        start, end = match.span()
        if raw == "-" and _joins(folded, start, end, after_no=bool(words) and words[-1].raw in _NEGATING):
            continue
        if raw == "." and words and words[-1].raw in _abbreviated() and words[-1].end == start:
            continue
        words.append(Word(word_key(raw), raw, start, end))
    return words


def _joins(folded: str, start: int, end: int, *, after_no: bool) -> bool:
    """Whether the hyphen stands between two characters that are not blank, or as in "no -itis"."""
    if start == 0 or end == len(folded) or folded[end].isspace():
        return False
    return after_no or not folded[start - 1].isspace()


class Lexicon:
    """Phrases and what they mean. `add` first, then `scan` sentences."""

    def __init__(self) -> None:
        self._root = _Node()
        self._words: set[str] = set()
        self._known: defaultdict[tuple[str, int], list[str]] | None = None
        self._corrected: dict[str, str] = {}

    def add(self, phrase: str, entry: Any) -> None:
        """Let `phrase` mean `entry` too. A last word with a leading "=" matches only in that very spelling."""
        node = self._root
        for word in _phrase_words(phrase):
            self._words.add(word)
            node = node[word] if word in node else node.setdefault(word, _Node())
        if entry not in node.entries:
            node.entries = (*node.entries, entry)

    def replace(self, phrase: str, entry: Any) -> None:
        """Let `phrase` mean `entry` alone."""
        node = self._root
        for word in _phrase_words(phrase):
            self._words.add(word)
            node = node[word] if word in node else node.setdefault(word, _Node())
        node.entries = (entry,)

    def remove(self, phrase: str) -> None:
        """Let `phrase` mean nothing by itself; what its words mean stays."""
        node: _Node | None = self._root
        for word in _phrase_words(phrase):
            node = node.get(word) if node is not None else None
        if node is not None:
            node.entries = ()

    def scan(self, folded: str) -> list[Item]:
        """Items of a folded sentence in order: longest phrases first, then single words."""
        words = split_words(folded)
        items: list[Item] = []
        index = 0
        while index < len(words):
            length, entries = self._longest(words, index)
            if length > 1 and _takes_measure(words, index + length):
                length, entries = self._longest(words[: index + length - 1], index)
            last = words[index + max(length, 1) - 1]
            first = words[index]
            if not length and first.key not in self._words and len(first.raw) >= _FUZZY_LENGTH:
                corrected = self._correct(first.key)
                corrected = self._correct(first.raw) if corrected == first.key else corrected
                if corrected not in (first.key, first.raw):
                    first.key = corrected
                    continue
            items.append(Item(first.start, last.end, folded[first.start : last.end], first.key, entries))
            index += max(length, 1)
        return items

    def _longest(self, words: list[Word], index: int) -> tuple[int, tuple[Any, ...]]:
        node = self._root
        best, entries = 0, ()
        for position in range(index, len(words)):
            word = words[position]
            exact, following = node.get("=" + word.raw), node.get(word.key)
            if exact is not None:
                best, entries = position - index + 1, exact.entries
            elif following is not None and following.entries:
                best, entries = position - index + 1, following.entries
            if following is None:
                break
            node = following
        return best, entries

    def meanings(self, phrase: str) -> tuple[Any, ...]:
        """What the whole of `phrase` means; empty when it is not known."""
        node: _Node | None = self._root
        for word in _phrase_words(phrase):
            node = node.get(word) if node is not None else None
        return node.entries if node is not None else ()

    def meaning(self, word: str) -> tuple[Any, ...]:
        """What `word`, in its one spelling, means by itself."""
        node = self._root.get(word)
        return node.entries if node is not None else ()

    def _correct(self, word: str) -> str:
        """`word`, or the only known word that is one edit away."""
        if word in self._corrected:
            return self._corrected[word]
        if self._known is None:
            self._known = defaultdict(list)
            for known in self._words:
                if len(known) >= _FUZZY_LENGTH:
                    self._known[known[0], len(known)].append(known)
        lengths = range(len(word) - 1, len(word) + 2)
        near = [
            known for length in lengths for known in self._known.get((word[0], length), ()) if _is_near(word, known)
        ]
        corrected = near[0] if len(near) == 1 else word
        if len(self._corrected) < 100_000:
            self._corrected[word] = corrected
        return corrected


def _phrase_words(phrase: str) -> list[str]:
    keys: list[str] = []
    for part in phrase.split():
        if part.startswith("="):
            keys.append(part)
        elif part.isalpha() and part.isascii():
            keys.append(word_key(part.lower()))
        else:
            keys.extend(word.key for word in split_words(fold(part)))
    if not keys:
        raise ValueError("a phrase in the vocabulary has no words")
    return keys


def _is_near(word: str, known: str) -> bool:
    """Whether one letter more, less or other, or two neighbours exchanged, make `word` of `known`."""
    shorter = min(len(word), len(known))
    head = next((place for place in range(shorter) if word[place] != known[place]), shorter)
    rest = shorter - head
    tail = next((place for place in range(rest) if word[-1 - place] != known[-1 - place]), rest)
    if len(word) != len(known):
        return head + tail >= shorter
    exchanged = head + tail == shorter - 2 and word[head : head + 2] == known[head + 1] + known[head]
    return exchanged or head + tail >= shorter - 1


def phrase_key(phrase: str) -> str:
    """The words of `phrase` in their one spelling, joined by blanks."""
    return " ".join(_phrase_words(phrase))


def _takes_measure(words: list[Word], end: int) -> bool:
    """Whether a phrase that ends at `end` took the number of a length: "L 4" in "L 4 mm stone"."""
    return end < len(words) and words[end].key in _MEASURE_UNITS and words[end - 1].raw.isdigit()


def is_measure(items: list[Item], index: int) -> bool:
    """Whether a number with a unit of length begins at `index`."""
    if not items[index].key[:1].isdigit():
        return False
    return any(item.key in _MEASURE_UNITS for item in items[index + 1 : index + 6])
