"""Kinds of section a report has, and the records its structure is returned in."""

from dataclasses import dataclass
from enum import StrEnum

from labeling.core.spans import Span


class SectionKind(StrEnum):
    """What a section of a report is for. Clinical history is kept apart: it is no evidence of what the images show."""

    HISTORY = "history"
    TECHNIQUE = "technique"
    COMPARISON = "comparison"
    FINDINGS = "findings"
    IMPRESSION = "impression"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Section:
    """A section: `span` covers title and body; `title_span` the heading as written, None when it has none."""

    kind: SectionKind
    span: Span
    title_span: Span | None


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence without the blanks around it; `section` is the index of its section."""

    span: Span
    section: int


@dataclass(frozen=True, slots=True)
class ReportStructure:
    """Sections that cover the whole report in order, and sentences in order; headings are in no sentence."""

    sections: tuple[Section, ...]
    sentences: tuple[Sentence, ...]
