"""Places in a text as Label Studio counts them, as ranges of code points.

Label Studio counts code points since October 2021 and counted UTF-16 units before, and a line end of two characters
has been one and two. A file does not say which. The text that stands with a span does: `span_of` takes the only range
at which it stands, and none where two differ.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from labeling.core.spans import Span

# The quote has a backslash and an n for a line end, and lost blanks where the page showed fewer.
_LEFT_OUT: Final = re.compile(r"\\n|\s+")


class Offsets:
    """The ways to count the characters of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends = [_ends(text, wide=wide, joined=joined) for wide, joined in _ways(text)]

    def span_of(self, start: int, end: int, *, quote: str | None) -> Span | None:
        """The range from `start` to `end`; None where there is none, or where it cannot be told which.

        The quote stands for nothing when it is missing: then every way to count must lead to the same range.
        """
        spans = {span for ends in self._ends if (span := _span(ends, start, end)) is not None}
        if quote is not None:
            wanted = _LEFT_OUT.sub("", quote)
            spans = {span for span in spans if _LEFT_OUT.sub("", self._text[span.start : span.end]) == wanted}
        if len(spans) > 1:  # they may differ by nothing but blanks around the same words
            spans = {self._trimmed(span) for span in spans}
        return spans.pop() if len(spans) == 1 else None

    def _trimmed(self, span: Span) -> Span:
        words = self._text[span.start : span.end]
        return Span(span.end - len(words.lstrip()), span.start + len(words.rstrip()))


def _ways(text: str) -> Iterator[tuple[bool, bool]]:
    """Which ways there are, once each: whether astral characters count twice, and `\\r\\n` once."""
    has_wide = any(character > "\uffff" for character in text)
    for wide in (False, True) if has_wide else (False,):
        for joined in (False, True) if "\r\n" in text else (False,):
            yield wide, joined


def _ends(text: str, *, wide: bool, joined: bool) -> Sequence[int]:
    """Where each code point ends when they are counted in one of the ways, after a zero for the beginning."""
    if not (wide or joined):
        return range(len(text) + 1)
    before = ""
    lengths = []
    for character in text:
        is_second = joined and character == "\n" and before == "\r"
        lengths.append(0 if is_second else 2 if wide and character > "\uffff" else 1)
        before = character
    return [0, *accumulate(lengths)]


def _span(ends: Sequence[int], start: int, end: int) -> Span | None:
    """The range of code points; None when it lies outside or inside of a character."""
    first, last = _position(ends, start), _position(ends, end)
    return Span(first, last) if first is not None and last is not None and first < last else None


def _position(ends: Sequence[int], offset: int) -> int | None:
    """The code point at which `offset` is reached, behind a whole line end."""
    place = bisect_right(ends, offset) - 1
    return place if place >= 0 and ends[place] == offset else None
