"""What the words of spine reports are to the rules, read from `vocab/spine-mri.toml` and the shared cues."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from labeling.core.rules.data import read_vocabulary_file
from labeling.core.rules.lexicon import Lexicon

VOCABULARY_FILE: Final = "spine-mri.toml"
CUES_FILE: Final = "cues.toml"
_SHORTEST_FUZZY: Final = 7
_TWO_EDITS_FROM: Final = 11
_MOST_CORRECTED: Final = 100_000


@dataclass(frozen=True, slots=True)
class Term:
    """A phrase of the vocabulary: `kind` is its part in the rules, `value` divides the kind."""

    kind: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class SpineCue:
    """A phrase that denies, doubts or bounds what is said."""

    kind: str


class SpineLexicon(Lexicon):
    """A lexicon for dictation full of slips: two in words of eleven letters and more; the nearest word wins."""

    def __init__(self) -> None:
        super().__init__()
        self._near: dict[str, list[str]] | None = None

    def _correct(self, word: str) -> str:
        corrected = self._corrected.get(word)
        if corrected is None:
            corrected = self._nearest(word)
            if len(self._corrected) < _MOST_CORRECTED:
                self._corrected[word] = corrected
        return corrected

    def _nearest(self, word: str) -> str:
        if self._near is None:
            self._near = defaultdict(list)
            for known in sorted(self._words):
                if len(known) >= _SHORTEST_FUZZY and known.isalpha():
                    for key in _deletions(known):
                        self._near[key].append(known)
        found = {known for key in _deletions(word) for known in self._near.get(key, ()) if known[0] == word[0]}
        ranked = sorted((_distance(word, known), known) for known in found)
        allowed = 2 if len(word) >= _TWO_EDITS_FROM else 1
        return ranked[0][1] if ranked and ranked[0][0] <= allowed else word


def _deletions(word: str) -> set[str]:
    """`word` and what is left of it without one letter, or two when it is long."""
    shorter = {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}
    if len(word) >= _TWO_EDITS_FROM - 1:
        shorter |= {part[:place] + part[place + 1 :] for part in list(shorter) for place in range(len(part))}
    return shorter


def _distance(left: str, right: str) -> int:
    """Edits between two words: letters put in, left out, changed, or swapped with their neighbour."""
    rows = [list(range(len(right) + 1))]
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            cost = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]


@cache
def spine_data() -> dict[str, Any]:
    """The vocabulary file as it is written."""
    return read_vocabulary_file(VOCABULARY_FILE)


def _cues() -> Iterator[tuple[str, str]]:
    """Terms and kinds of all cues that hold in spine reports."""
    header = spine_data()["vocabulary"]
    for cue in read_vocabulary_file(CUES_FILE)["cue"]:
        kind = "pseudo" if cue.get("value") == "pseudo" else cue["kind"]
        if kind in header["shared_cues"]:
            yield from ((term, kind) for term in cue["terms"] if term not in header["not_cues"])
    for cue in spine_data()["cue"]:
        yield from ((term, cue["kind"]) for term in cue["terms"])


def build_spine_lexicon(terms_of_findings: dict[str, tuple[str, ...]]) -> SpineLexicon:
    """Lexicon of spine reports; `terms_of_findings` adds phrases for findings that the vocabulary does not know.

    A finding's own phrases become terms of kind `named` with the finding's name as value; a phrase that the
    vocabulary has keeps its meaning there too.
    """
    lexicon = SpineLexicon()
    for entry in spine_data()["term"]:
        for phrase in entry["phrases"]:
            lexicon.add(phrase, Term(entry["kind"], entry.get("value", "")))
    for term, kind in _cues():
        lexicon.add(term, SpineCue(kind))
    for finding, phrases in terms_of_findings.items():
        for phrase in phrases:
            if any(char.isalnum() for char in phrase):
                lexicon.add(phrase, Term("named", finding))
    return lexicon
