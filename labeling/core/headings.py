"""Find the headings of a report's sections, in any casing, with or without punctuation.

Titles are data (`vocab/headings.toml`). A title is looked for at the start of every line, behind marks such as `**`
or `<b>`, and, when a colon follows it, in the middle of a line. Names of organs are no titles: "LIVER:" stays in the
sentence that it begins.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from labeling.core.sections import SectionKind
from labeling.core.spans import Span

LINE_BREAK = re.compile(r"\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
LONGEST_TITLE_WORDS = 8

_DECORATION = re.compile(r"(?:[\s>#*_=~|•\-]|</?[A-Za-z][^<>\n]{0,40}>|&nbsp;|\(?\d{1,2}[.)](?=\s))*")
_WORD = re.compile(r"[A-Za-z]+")
_WORD_GAP = re.compile(r"[ \t\xa0]*[/&,.\-]?[ \t\xa0]*")
_TITLE_JOIN = re.compile(r"[ \t\xa0]*(?:[/&,+]|\band\b)[ \t\xa0]*", re.IGNORECASE)
_CLOSING_MARKS = re.compile(r"(?:[ \t\xa0*_]|</[A-Za-z][^<>\n]{0,20}>|<br ?/?>|\([^()\n]{0,40}\))*")
_SEPARATOR = re.compile(
    r"[:\uff1a;](?:[ \t\xa0*_]|</[A-Za-z][^<>\n]{0,20}>|<br ?/?>)*|[ \t\xa0]*[-\u2013\u2014]+[ \t\xa0]+"
)
_ALONE = re.compile(r"[.\-\u2013\u2014=_*#~|\s]*$")
_UNDERLINE = re.compile(r"[ \t]*([-=_*~#]{3,})[ \t]*")
_ENDED = re.compile(r"(?:[.!?:;)\]>]|//)\s*$")
_NEXT_WORD = re.compile(r"\s*([^\s]+)")


class Title(NamedTuple):
    """A recognised title and what it is followed by."""

    kind: SectionKind
    key: str
    end: int


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading as written, with its marks and its colon, and the kind of section that it opens."""

    kind: SectionKind
    span: Span


@dataclass(frozen=True, slots=True)
class _Titles:
    kind_of: dict[str, SectionKind]
    strong: frozenset[str]
    line_start: frozenset[str]
    continuations: frozenset[str]


@cache
def _titles() -> _Titles:
    data: dict[str, Any] = tomllib.loads(
        resources.files("labeling.core").joinpath("vocab", "headings.toml").read_text(encoding="utf-8")
    )
    return _Titles(
        kind_of={title: SectionKind(kind) for kind, titles in data["kinds"].items() for title in titles},
        strong=frozenset(data["strong"]),
        line_start=frozenset(data["line_start"]),
        continuations=frozenset(data["continuations"]),
    )


def split_lines(text: str, span: Span) -> list[Span]:
    """Lines of `text` in `span`, without their line breaks."""
    lines = []
    start = span.start
    for match in LINE_BREAK.finditer(text, span.start, span.end):
        lines.append(Span(start, match.start()))
        start = match.end()
    lines.append(Span(start, span.end))
    return lines


def find_headings(text: str) -> list[Heading]:
    """Headings of `text` in order; they do not overlap."""
    headings: list[Heading] = []
    lines = split_lines(text, Span(0, len(text)))
    for index, line in enumerate(lines):
        before = text[lines[index - 1].start : lines[index - 1].end] if index else ""
        at_start = _heading_at_line_start(text, line, before)
        if at_start is not None:
            headings.append(_with_underline(text, at_start, lines, index))
        headings.extend(_headings_within(text, Span(at_start.span.end if at_start else line.start, line.end)))
    return headings


def _read_title(text: str, start: int, end: int) -> Title | None:
    """The longest title that begins at `start`."""
    kind_of = _titles().kind_of
    words: list[str] = []
    found = None
    position = start
    while len(words) < LONGEST_TITLE_WORDS:
        word = _WORD.match(text, position, end)
        if word is None:
            break
        words.append(word.group().lower())
        key = " ".join(words)
        if key in kind_of and not (word.end() < end and (text[word.end()].isalnum() or text[word.end()] in "'\u2019")):
            found = Title(kind_of[key], key, word.end())
        gap = _WORD_GAP.match(text, word.end(), end)
        position = gap.end() if gap else word.end()
        if position == word.end():
            break
    return found


def _read_titles(text: str, start: int, end: int) -> Title | None:
    """The title at `start`, or several joined as in "History / Reason for exam"; history wins over other kinds."""
    title = _read_title(text, start, end)
    while title is not None:
        join = _TITLE_JOIN.match(text, title.end, end)
        following = _read_title(text, join.end(), end) if join else None
        if following is None:
            return title
        kinds = (title.kind, following.kind)
        kind = SectionKind.HISTORY if SectionKind.HISTORY in kinds else title.kind
        title = Title(kind, title.key, following.end)
    return None


def _heading_at_line_start(text: str, line: Span, before: str) -> Heading | None:
    decoration = _DECORATION.match(text, line.start, line.end)
    title_start = decoration.end() if decoration else line.start
    title = _read_titles(text, title_start, line.end)
    if title is None:
        return None
    marks = _CLOSING_MARKS.match(text, title.end, line.end)
    after = marks.end() if marks else title.end
    separator = _SEPARATOR.match(text, after, line.end) or _SEPARATOR.match(text, title.end, line.end)
    start = line.start + len(text[line.start : title_start]) - len(text[line.start : title_start].lstrip())
    if separator is not None:
        return Heading(title.kind, _trimmed(text, start, separator.end()))
    if _ALONE.match(text, after, line.end):
        lower = text[title_start].islower()
        if lower and before.strip() and not _ENDED.search(before):
            return None
        return Heading(title.kind, _trimmed(text, start, line.end))
    if _opens_without_punctuation(text, Span(title_start, title.end), title, line.end, before):
        return Heading(title.kind, Span(start, title.end))
    return None


def _opens_without_punctuation(text: str, written: Span, title: Title, line_end: int, before: str) -> bool:
    """Whether a title that runs straight on into text is a heading: "CLINICAL HISTORY Back pain"."""
    titles = _titles()
    following = _NEXT_WORD.match(text, written.end, line_end)
    if following is None or title.key not in titles.strong or not text[written.end].isspace():
        return False
    word = following.group(1)
    if word.lower().strip(",.;:") in titles.continuations or not word[0].isalnum():
        return False
    fresh = not before.strip() or _ENDED.search(before) is not None
    if text[written.start : written.end].isupper():
        return fresh or not word.isupper()
    if not fresh or not text[written.start].isupper():
        return False
    return " " in title.key or (word[0].isupper() and title.key not in ("history", "comparison"))


def _headings_within(text: str, span: Span) -> Iterator[Heading]:
    """Headings in the middle of a line; all of them have a colon."""
    titles = _titles()
    previous = span.start
    colon = text.find(":", span.start, span.end)
    while colon >= 0:
        found = _title_before(text, previous, colon)
        if found is not None:
            start, title = found
            ended = _ENDED.search(text, max(previous, start - 12), start) is not None or start == previous
            capitals = text[start:colon].isupper() and title.kind is not SectionKind.OTHER
            if title.key not in titles.line_start and (
                ended or capitals or (text[start].isupper() and title.key in titles.strong)
            ):
                separator = _SEPARATOR.match(text, colon, span.end)
                end = separator.end() if separator else colon + 1
                yield Heading(title.kind, _trimmed(text, start, end))
                previous = end
        colon = text.find(":", colon + 1, span.end)


def _title_before(text: str, earliest: int, colon: int) -> tuple[int, Title] | None:
    """The longest title that ends at `colon` and begins a word at or after `earliest`."""
    end = colon
    while end > earliest and text[end - 1] in " \t\xa0*":
        end -= 1
    window = max(earliest, end - 60)
    for word in _WORD.finditer(text, window, end):
        start = word.start()
        if start > window and not text[start - 1].isspace() and text[start - 1] not in "./*)>":
            continue
        title = _read_titles(text, start, end)
        if title is not None and title.end == end:
            return start, title
    return None


def _with_underline(text: str, heading: Heading, lines: list[Span], index: int) -> Heading:
    """`heading` with the row of dashes below it, when it stands alone on its line."""
    if index + 1 >= len(lines) or text[heading.span.end : lines[index].end].strip():
        return heading
    below = _UNDERLINE.fullmatch(text, lines[index + 1].start, lines[index + 1].end)
    return Heading(heading.kind, Span(heading.span.start, below.end(1))) if below else heading


def _trimmed(text: str, start: int, end: int) -> Span:
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)
