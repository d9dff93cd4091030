"""Split the body of a section into sentences, with offsets into the untouched report.

Offsets never come from a library: candidate places are found here, the clear ones are decided here, and only the
doubtful ones are shown to pysbd, with a few words on either side. Radiology notes are telegraphic, so line breaks
count: a break ends a sentence unless the line is wrapped prose.
"""

import importlib
import re
import tomllib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from labeling.core.headings import split_lines
from labeling.core.spans import Span

_BULLET = re.compile(
    r"[ \t\xa0]*(?:[-*\u2022\u2023\u25cf\u25aa\u00b7\u2013\u2014+>]+(?=\s|[A-Za-z])"
    r"|\(?(\d{1,2}|[a-hA-H]|[ivx]{1,4})[.)](?=\s|[A-Z][a-z]))"
)
_CANDIDATE = re.compile(
    r"""
    (?P<stop>(?<=[^\s.!?])[.!?]+["'\u201d\u2019)\]]*(?=\s|[A-Z]|$|[-\u2022]\s))  # end of a sentence, perhaps
    | (?P<slashes>//+)
    | (?P<number>(?<=\s)\(?(?P<n>\d{1,2})[.)](?=\s*[A-Z]))  # entry of a list within a line
    | (?P<note>(?<=\s)(?:NB|N\.B\.?|P\.S\.?|Note)(?=\s?:))
    """,
    re.VERBOSE,
)
_LAST_WORD = re.compile(r"[^\s()\[\],;:/\"]+$")
_LEFT_WORD_CHARACTERS = 30
_FINAL = (".", "!", "?", ";", "//")
_WINDOW = 48
_LONGEST_PARENTHESIS = 120
_MIN_WRAP_WIDTH = 50
_LEVEL = re.compile(r"[CTDLS]\d")
_LABEL = re.compile(r"[A-Z0-9][^:.;\n]{0,40}:(?=\s|$)")


@dataclass(frozen=True, slots=True)
class _Words:
    titles: frozenset[str]
    before_number: frozenset[str]
    either: frozenset[str]
    units: frozenset[str]
    starters: frozenset[str]
    numbered_things: frozenset[str]
    unfinished: frozenset[str]


@cache
def _words() -> _Words:
    source = resources.files("labeling.core").joinpath("vocab", "sentence-ends.toml").read_text(encoding="utf-8")
    return _Words(**{key: frozenset(words) for key, words in tomllib.loads(source).items()})


def split_sentences(text: str, body: Span) -> Iterator[Span]:
    """Sentences of `text` in `body`, in order, without the blanks around them.

    Every character of `body` that is not blank is in one of them; what has no letter or digit is not a sentence of
    its own unless the body has nothing else.
    """
    pieces: list[Span] = []
    for block in split_blocks(text, body):
        pieces.extend(_split_block(text, block))
    yield from _without_scraps(text, [piece for piece in (trim(text, piece) for piece in pieces) if piece])


def trim(text: str, span: Span) -> Span | None:
    """`span` without the blanks around it; None when nothing is left."""
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end) if start < end else None


def _without_scraps(text: str, pieces: list[Span]) -> list[Span]:
    """Pieces with those that have no letter or digit joined to the one before, or after when there is none."""
    kept: list[Span] = []
    scrap_start: int | None = None
    for piece in pieces:
        if any(map(str.isalnum, text[piece.start : piece.end])):
            kept.append(Span(piece.start if scrap_start is None else scrap_start, piece.end))
            scrap_start = None
        elif kept:
            kept[-1] = Span(kept[-1].start, piece.end)
        elif scrap_start is None:
            scrap_start = piece.start
    if scrap_start is not None:
        kept.append(Span(scrap_start, pieces[-1].end))
    return kept


# Lines to blocks


def split_blocks(text: str, body: Span) -> Iterator[Span]:
    """Runs of lines that are one paragraph or one entry of a list."""
    lines = split_lines(text, body)
    width = max((line.end - line.start for line in lines), default=0)
    n_wide = sum(line.end - line.start > width - 15 for line in lines)
    start: int | None = None
    previous: Span | None = None
    for line in lines:
        content = trim(text, line)
        if content is None:
            if start is not None and previous is not None:
                yield Span(start, previous.end)
            start = previous = None
            continue
        if start is None:
            start = line.start
        elif previous is not None and not _continues(text, previous, content, width if n_wide > 1 else 0):
            yield Span(start, previous.end)
            start = line.start
        previous = content
    if start is not None and previous is not None:
        yield Span(start, previous.end)


def _continues(text: str, line: Span, following: Span, wrap_width: int) -> bool:
    """Whether `following` goes on with the sentence of `line`; `wrap_width` is 0 when lines are not wrapped."""
    words = _words()
    if _BULLET.match(text, following.start, following.end) or text.endswith("//", line.start, line.end):
        return False
    last = text[line.end - 1]
    if last in ",(-/&+=:":
        return True
    if _LABEL.match(text, following.start, following.end):
        return False
    tail = text[max(line.start, line.end - _LEFT_WORD_CHARACTERS) : line.end]
    last_word = tail.rsplit(None, 1)[-1].lower()
    if last in ".!?":
        return last == "." and last_word.strip("(.") in words.titles
    if last_word in words.unfinished:
        return True
    first_word = text[following.start : following.end].split(None, 1)[0]
    length = line.end - line.start
    wrapped = wrap_width >= _MIN_WRAP_WIDTH and length > wrap_width // 2 and length + 1 + len(first_word) > wrap_width
    if first_word[0].islower():
        return wrapped or last == ";" or first_word.lower() not in words.starters
    if first_word[0].isalpha():
        return wrapped and (first_word.isupper() or _LEVEL.match(first_word) is not None)
    return first_word[0] not in "*\u2022"


# Blocks to sentences


def _split_block(text: str, block: Span) -> Iterator[Span]:
    start = block.start
    listed = _list_number(text, block)
    for match in _CANDIDATE.finditer(text, block.start, block.end):
        begins = match.start() - start < _WINDOW and not text[start : match.start()].strip()
        place = match.end()
        if match["number"]:
            number = int(match["n"])
            named = _last_word(text, start, match.start()) in _words().numbered_things
            if number == listed + 1 and not named and (listed or begins):
                listed, place = number, match.start()
            elif begins or not _ends_sentence(text, Span(start, block.end), Span(match.end() - 1, match.end())):
                continue
        elif match["note"]:
            place = match.start()
        elif match["slashes"]:
            if begins:
                continue
        elif not _ends_sentence(text, Span(start, block.end), Span(match.start(), match.end())):
            continue
        if text[start:place].strip():
            yield Span(start, place)
            start = place
    yield Span(start, block.end)


def _list_number(text: str, block: Span) -> int:
    """Number of the list entry that `block` begins with, else 0."""
    bullet = _BULLET.match(text, block.start, block.end)
    return int(bullet[1]) if bullet and bullet[1] and bullet[1].isdigit() else 0


def _last_word(text: str, start: int, end: int) -> str:
    found = _LAST_WORD.search(text[max(start, end - _LEFT_WORD_CHARACTERS) : end].rstrip())
    return found.group().lower() if found else ""


def _ends_sentence(text: str, span: Span, stop: Span) -> bool:
    """Whether the marks at `stop` end the sentence that began at `span.start`."""
    after = text[stop.end : stop.end + _WINDOW].lstrip()
    if not after or stop.end >= span.end or _in_parenthesis(text, span.start, stop):
        return False
    word = _last_word(text, span.start, stop.start)
    mark = text[stop.start : stop.end]
    if mark[0] in "!?":
        return not after[0].islower()
    if mark == "." and _is_list_mark(text, span.start, stop.start, word):
        return False
    if not text[stop.end].isspace():
        if word[-1:].isdigit():
            return after[1:2].islower()
        return len(word) >= 3 and word.isalpha() and word not in _words().titles and after[1:2] != "."
    return _full_stop_ends(text, stop, word, after)


def _full_stop_ends(text: str, stop: Span, word: str, after: str) -> bool:
    words = _words()
    following = after.split(None, 1)[0].rstrip(".,;:)").lower()
    if stop.end - stop.start == 1:
        if word in words.titles or (word in words.before_number and after[0].isdigit()):
            return False
        if word in words.units and after[0].isupper() and not after[:2].isupper():
            return True
        if word in words.either or word in words.units:
            return following in words.starters and (after[0].isupper() or "\n" in text[stop.end : stop.end + 3])
    long_word = len(word) >= 4 and word.isalpha()
    if after[0] in ".,;:)":
        return False
    if after[0].isdigit():
        return long_word or _BULLET.match(after) is not None
    if after[0].islower():
        return long_word or "\n" in text[stop.end : stop.end + 3]
    if long_word or text[stop.end - 1] in ')]"' or any(map(str.isdigit, word)) or not after[0].isalpha():
        return True
    return pysbd_breaks(text[max(0, stop.end - _WINDOW) : stop.end], text[stop.end : stop.end + _WINDOW])


def _is_list_mark(text: str, start: int, stop: int, word: str) -> bool:
    """Whether the stop belongs to "1." or "b." at the start of a sentence or right behind the end of one."""
    if len(word) != 1 and not (word.isdigit() and len(word) == 2):
        return False
    before = text[max(start, stop - _WINDOW) : stop - len(word)].rstrip(" \t\xa0(")
    if not before.strip() or before[-1] in "\n\r:;!?/":
        return True
    return before[-1] == "." and _last_word(before, 0, len(before) - 1) not in _words().titles


def _in_parenthesis(text: str, start: int, stop: Span) -> bool:
    """Whether a parenthesis that is short and gets closed is open at `stop`."""
    opened = text.rfind("(", max(start, stop.start - _LONGEST_PARENTHESIS), stop.start)
    if opened < 0 or text.find(")", opened, stop.end) >= 0:
        return False
    closed = text.find(")", stop.end, opened + _LONGEST_PARENTHESIS)
    return closed >= 0 and text.find("(", opened + 1, closed) < 0


@cache
def _segmenter() -> Any:
    # Its source has escapes that Python warns of whenever it is compiled anew.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("pysbd").Segmenter(language="en", clean=False)


@lru_cache(maxsize=4096)
def pysbd_breaks(left: str, right: str) -> bool:
    """Whether pysbd ends a sentence between `left` and `right`.

    Only characters that are not blank are counted, so that it does not matter what pysbd does to blanks. When it
    changed the text in any other way its answer is not used, and the full stop counts as one.
    """
    left, right = (" ".join(side.split()) for side in (left, right))
    wanted = sum(len(word) for word in left.split())
    sentences = [str(sentence) for sentence in _segmenter().segment(f"{left} {right}")]
    joined = "".join("".join(sentence.split()) for sentence in sentences)
    if joined != "".join((left + right).split()):
        return True
    counted = 0
    for sentence in sentences:
        counted += sum(len(word) for word in sentence.split())
        if counted >= wanted:
            return counted == wanted
    return True
