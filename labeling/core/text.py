"""Sections and sentences of a report, as character offsets into its untouched text.

The clinical history is recognised in any casing and kept apart. Text before the first heading is kept; sections
cover the whole report without gaps. Source of the faults avoided here: METHODS D.4.
"""

import re
from collections.abc import Iterator
from itertools import islice

from labeling.core.headings import find_headings, split_lines
from labeling.core.sections import ReportStructure, Section, SectionKind, Sentence
from labeling.core.sentences import split_blocks, split_sentences, trim
from labeling.core.spans import Span

__all__ = ["structure_report"]

_MODALITY = re.compile(
    r"\b(?:M\.?R\.?I?|CT|CTA|MRA|PET|X-?ray|ultrasound|scan|radiographs?|examination|study|department|hospital|patient|"
    r"name|date|DOB|MRN|accession|doctor|age|sex|radiology|imaging|report)\b",
    re.IGNORECASE,
)
_STATEMENT = re.compile(
    r"\b(?:no|not|is|are|was|were|seen|noted|normal|there|shows?|showed|demonstrates?|evidence|disc|with|mild|multiple|"
    r"unremarkable|changes?|features?)\b",
    re.IGNORECASE,
)
_LONGEST_TITLE_LINE_WORDS = 10
_SHORT_FINDINGS = 150
_FINDINGS_FOLLOW = frozenset({SectionKind.HISTORY, SectionKind.TECHNIQUE, SectionKind.COMPARISON})
_PARAGRAPH_BREAK = re.compile(r"(?:\r\n|[\n\r\x85\u2028\u2029])[ \t\xa0]*(?:\r\n|[\n\r\x85\u2028\u2029])\s*|\u2029")


def structure_report(text: str) -> ReportStructure:
    """Sections and sentences of `text`.

    Returns sections that cover `text` in order and sentences that lie in their bodies; every character that is not
    blank is in a heading or in one sentence. Empty text has no sections.
    """
    if not text:
        return ReportStructure((), ())
    sections = tuple(_sections(text))
    sentences = tuple(
        Sentence(span, index)
        for index, section in enumerate(sections)
        for span in split_sentences(text, _body(section))
    )
    return ReportStructure(sections, sentences)


def _body(section: Section) -> Span:
    return Span(section.title_span.end if section.title_span else section.span.start, section.span.end)


def _sections(text: str) -> Iterator[Section]:
    headings = find_headings(text)
    first = headings[0].span.start if headings else len(text)
    leading = trim(text, Span(0, first))
    if leading is not None or not headings:
        yield from _untitled(text, Span(0, first))
    if not headings:
        return
    starts = [heading.span.start for heading in headings]
    if leading is None:
        starts[0] = 0
    ends = [*starts[1:], len(text)]
    titled = [Section(h.kind, Span(h.span.end, end), h.span) for h, end in zip(headings, ends, strict=True)]
    unheaded = None if leading and _length(leading) > _SHORT_FINDINGS else _place_of_unheaded_findings(text, titled)
    for index, (heading, start, end) in enumerate(zip(headings, starts, ends, strict=True)):
        split = _end_of_first_statement(text, Span(heading.span.end, end)) if index == unheaded else None
        yield Section(heading.kind, Span(start, split or end), heading.span)
        if split:
            yield Section(SectionKind.FINDINGS, Span(split, end), None)


def _untitled(text: str, span: Span) -> Iterator[Section]:
    """Text without a heading: lines at its top that only name the examination or patient, then findings."""
    split = span.start
    for line in split_lines(text, span):
        content = text[line.start : line.end].strip()
        if content and not _is_title_line(content):
            break
        split = line.end
    else:
        split = span.end
    title = trim(text, Span(span.start, split))
    rest = trim(text, Span(split, span.end))
    if title is None or rest is None:
        yield Section(SectionKind.FINDINGS if title is None else SectionKind.OTHER, span, None)
        return
    yield Section(SectionKind.OTHER, Span(span.start, rest.start), None)
    yield Section(SectionKind.FINDINGS, Span(rest.start, span.end), None)


def _is_title_line(line: str) -> bool:
    return (
        len(line.split()) <= _LONGEST_TITLE_LINE_WORDS
        and _MODALITY.search(line) is not None
        and _STATEMENT.search(line) is None
    )


def _length(span: Span | None) -> int:
    return span.end - span.start if span else 0


def _place_of_unheaded_findings(text: str, bodies: list[Section]) -> int | None:
    """Index of the section behind which findings stand without a heading, when the report has none for them.

    A findings heading with hardly anything below it ("PRELIMINARY REPORT") does not count.
    """
    kinds = [body.kind for body in bodies]
    for body in bodies:
        if body.kind is SectionKind.FINDINGS and _length(trim(text, body.span)) > _SHORT_FINDINGS:
            return None
    for index, kind in enumerate(kinds):
        following = kinds[index + 1] if index + 1 < len(kinds) else None
        if kind in _FINDINGS_FOLLOW and following not in _FINDINGS_FOLLOW and following is not SectionKind.FINDINGS:
            return index
    return None


def _end_of_first_statement(text: str, body: Span) -> int | None:
    """Where findings without a heading begin in `body`: behind its first paragraph, or, when much follows, line."""
    content = trim(text, body)
    if content is None:
        return None
    blank = _PARAGRAPH_BREAK.search(text, content.start, content.end)
    if blank is not None:
        return blank.end()
    blocks = list(islice(split_blocks(text, content), 2))
    if len(blocks) < 2:
        return None
    rest = trim(text, Span(blocks[0].end, content.end))
    return rest.start if rest and _length(rest) > _SHORT_FINDINGS else None
