"""The list of quoted sentences that a model wrote (stage 1a, METHODS A.5).

Read line by line, with bullets of any kind or numbers, straight, curly, low or angle quotes, marks of emphasis, quotes
inside the quoted sentence, and sentences that go on in the next line. What the list says is only a claim: `matching`
looks for each quote in the report.
"""

import re
from dataclasses import dataclass
from typing import Final

from labeling.core.asking import UnreadableAnswer
from labeling.core.backends import Answer

_BULLET: Final = re.compile(r"\s*(?:[-*+\u2022\u2023\u25cf\u25aa\u00b7\u2013\u2014](?!\*)|\(?\d{1,3}[.)](?=\s))\s*")
_OPEN: Final = '"\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039'
_CLOSE: Final = f"{_OPEN}\u203a"
_SAID: Final = r"\b(?P<no>un|non-?\s?|not )?informative\b"
_QUOTED: Final = (
    re.compile(rf"\s*[*_`(\[]*[{_OPEN}](?P<quote>.*?)[{_CLOSE}]\W{{0,12}}{_SAID}", re.DOTALL | re.IGNORECASE),
    re.compile(rf"\s*[*_`(\[]*['\u2018](?P<quote>.*?)['\u2019]\W{{0,12}}{_SAID}", re.DOTALL | re.IGNORECASE),
    re.compile(rf"\s*[*_`(\[]*[{_OPEN}](?P<quote>.*)[{_CLOSE}](?P<no>(?!))?", re.DOTALL),
)
_VERDICT: Final = re.compile(rf"[\s*_`(\[:\u2013\u2014-]{{0,12}}{_SAID}[\s*_`)\].]*$", re.IGNORECASE)
_NONE: Final = re.compile(r"[\W_]*none[\W_]*", re.IGNORECASE)
COMPLAINT: Final = (
    "Write one line for each sentence: a dash, the sentence between double quotes, and Informative or Uninformative. "
    "Write NONE if there is no such sentence."
)


@dataclass(frozen=True, slots=True)
class QuoteList:
    """Quotes that were marked informative or not marked, in order. `is_cut`: the list may go on."""

    quotes: tuple[str, ...]
    is_cut: bool = False

    def __str__(self) -> str:
        return f"{len(self.quotes)} quotes{', cut' if self.is_cut else ''}"


def read_quotes(answer: Answer) -> QuoteList:
    """What the list quotes as informative; nothing when it says NONE or marks all uninformative.

    The last entry of an answer that was cut is left out, being unfinished. Raises `UnreadableAnswer` when there is
    neither an entry nor NONE.
    """
    if _NONE.fullmatch(answer.text):
        return QuoteList((), answer.is_cut)
    texts = _entries(answer.text)
    found = [_entry(text) for text in (texts[:-1] if answer.is_cut else texts)]
    entries = [entry for entry in found if entry is not None]
    if not entries and not answer.is_cut:
        raise UnreadableAnswer(COMPLAINT)
    return QuoteList(tuple(dict.fromkeys(quote for quote, is_informative in entries if is_informative)), answer.is_cut)


def _entries(text: str) -> list[str]:
    """The list's entries without their bullets: lines, joined with those that go on from them."""
    entries: list[str] = []
    is_open = False
    for line in text.splitlines():
        bullet = _BULLET.match(line)
        content = line[bullet.end() :] if bullet else line.strip()
        starts = bullet is not None or content[:1] in _OPEN or not is_open
        if not content.strip():
            is_open = False
        elif starts:
            entries.append(content)
            is_open = _VERDICT.search(content) is None
        else:
            entries[-1] += f"\n{content}"
            is_open = _VERDICT.search(content) is None
    return entries


def _entry(text: str) -> tuple[str, bool] | None:
    """Quote of an entry, and whether it counts as informative; None when it is no quote."""
    match = next((match for form in _QUOTED if (match := form.match(text))), None)
    if match is not None:
        return (match["quote"], match["no"] is None) if match["quote"].strip() else None
    verdict = _VERDICT.search(text)
    if verdict is None or not text[: verdict.start()].strip():
        return None
    return text[: verdict.start()].strip(" \t*_`"), verdict["no"] is None
