"""The report as all questions of `leavs-fast` show it: untouched, with a number in front of every sentence.

It stands first in every conversation and is the same in all of them, so an engine with a prefix cache reads it once.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

from labeling.core.backends import Message
from labeling.core.leavs.excerpt import Source
from labeling.core.prompts import fill, prompt_source, quoted
from labeling.core.records import ReportText
from labeling.core.schema import Finding
from labeling.core.sections import SectionKind
from labeling.core.spans import Span


@dataclass(frozen=True, slots=True)
class Page:
    """A numbered report: `spans[n - 1]` is sentence n, `kinds[n - 1]` the kind of its section."""

    shown: str
    spans: tuple[Span, ...]
    kinds: tuple[SectionKind, ...]

    @property
    def numbers(self) -> range:
        """Numbers of the sentences."""
        return range(1, len(self.spans) + 1)

    def ask(self, question: str) -> list[Message]:
        """A new conversation: the report, then the question."""
        return [Message("system", prompt_source("system")), Message("user", f"{self.shown}\n\n{question}")]

    def evidence(self, numbers: Iterable[int]) -> tuple[Span, ...]:
        """Where these sentences stand, in their order in the report."""
        return tuple(self.spans[number - 1] for number in sorted(set(numbers)))

    def evidence_for(self, finding: Finding) -> tuple[int, ...]:
        """Numbers of the sentences that may be evidence for the finding: its `exclude_sections` are left out."""
        kinds = zip(self.numbers, self.kinds, strict=True)
        return tuple(number for number, kind in kinds if kind not in finding.exclude_sections)


def number_report(report: ReportText) -> Page:
    """The page of a report. A report that holds marks such as "[3]" itself gets other marks ("[s3]").

    Raises `NoReport` when there is no text.
    """
    source = Source.of(report)
    text, structure = source.text, source.structure
    mark = next("s" * n for n in count() if not re.search(rf"\[{'s' * n}\d+\]", text, re.IGNORECASE))
    pieces, done = [], 0
    for number, sentence in enumerate(structure.sentences, start=1):
        pieces += [text[done : sentence.span.start], f"[{mark}{number}] "]
        done = sentence.span.start
    numbered = "".join([*pieces, text[done:]])
    last = f"[{mark}{len(structure.sentences)}]"
    return Page(
        shown=fill("fast_report", first=f"[{mark}1]", last=last, report=quoted(numbered)),
        spans=tuple(sentence.span for sentence in structure.sentences),
        kinds=tuple(structure.sections[sentence.section].kind for sentence in structure.sentences),
    )


def listed(numbers: Iterable[int]) -> str:
    """Numbers in words, runs drawn together: "2, 4 to 6"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] + 1 == number:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return ", ".join(parts)
