"""Sentences that stages hand on, and how prompts show them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from labeling.core.excerpts import require_text
from labeling.core.records import ReportText
from labeling.core.sections import ReportStructure
from labeling.core.spans import Span
from labeling.core.text import structure_report


@dataclass(frozen=True)
class Source:
    """A report and its structure. Every text that comes out of it has the report's own characters."""

    text: str
    structure: ReportStructure

    @classmethod
    def of(cls, report: ReportText) -> "Source":
        """Raises `NoReport` when there is no text, or only the word that a table leaves for a missing one ("nan")."""
        require_text(report)
        return cls(report.text, structure_report(report.text))

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """The sentences, without the headings they are under."""
        return tuple(self.text[slice(*sentence.span)] for sentence in self.structure.sentences)

    @cached_property
    def all_indexes(self) -> frozenset[int]:
        """Indexes of all sentences."""
        return frozenset(range(len(self.sentences)))

    @cached_property
    def headings(self) -> tuple[str, ...]:
        """For each sentence the heading that it is under, empty where there is none."""
        return tuple(self._heading(index) for index in range(len(self.sentences)))

    def spans(self, indexes: Iterable[int]) -> tuple[Span, ...]:
        """Where these sentences stand, in order."""
        return tuple(self.structure.sentences[index].span for index in sorted(indexes))

    def outside(self, indexes: frozenset[int], kinds: tuple[str, ...]) -> frozenset[int]:
        """Those of these sentences whose section is of none of `kinds`."""
        if not kinds:
            return indexes
        sections, sentences = self.structure.sections, self.structure.sentences
        return frozenset(index for index in indexes if sections[sentences[index].section].kind not in kinds)

    def alone(self, index: int) -> str:
        """A sentence under its heading, if it has one."""
        heading = self.headings[index]
        return f"{heading}\n{self.sentences[index]}" if heading else self.sentences[index]

    def excerpt(self, indexes: Iterable[int]) -> str:
        """The sentences in order, one a line behind its number, with the headings they are under."""
        lines: list[str] = []
        section = -1
        for number, index in enumerate(sorted(indexes), start=1):
            heading = self.headings[index]
            if heading and self.structure.sentences[index].section != section:
                lines.append(heading)
            section = self.structure.sentences[index].section
            lines.append(f"[{number}] {self.sentences[index]}")
        return "\n".join(lines)

    def _heading(self, index: int) -> str:
        title = self.structure.sections[self.structure.sentences[index].section].title_span
        return self.text[slice(*title)] if title else ""
