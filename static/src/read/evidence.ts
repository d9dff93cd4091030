/** Which words of the report support which cells, and the pieces that the report is drawn in. Knows no page. */

import { findImageMentions } from "./imageLinks";
import type { ImageMention } from "./imageLinks";
import type { SchemaTable } from "./schema";
import { CodePointText } from "./spans";
import type { CellNote, MachineCell, ReportData, Section, Span } from "./types";

/** A run of text that is wholly inside or outside of each sentence, piece of evidence and mention of an image. */
export interface Segment {
  readonly start: number;
  readonly end: number;
  /** Position in `report.sentences`, null for the white space and marks between sentences. */
  readonly sentence: number | null;
  /** Position in `mentions`, null for other words. */
  readonly mention: number | null;
}

export interface Block {
  readonly section: Section;
  readonly segments: readonly Segment[];
}

/** One piece of evidence of a cell, and who says so. */
export interface Quote {
  readonly span: Span;
  readonly words: string;
  readonly by: "machine" | "you";
}

/** A place of the report that cites an image, in code points. */
export type Mention = ImageMention;

export class EvidenceMap {
  readonly report: ReportData;
  readonly text: CodePointText;
  readonly mentions: readonly Mention[];
  private readonly machine: readonly (readonly Span[])[];
  private readonly spans: readonly (readonly Span[])[];
  private readonly isReaders: readonly boolean[];
  private readonly more: readonly Span[];

  /** `more` are further places to cut the report at. `notes` is what the reader says: a cell with evidence of the reader's own has that instead of the machine's. */
  constructor(
    report: ReportData,
    schema: SchemaTable,
    cells: Readonly<Record<string, MachineCell>>,
    notes: Readonly<Record<string, CellNote>> = {},
    more: readonly Span[] = [],
  ) {
    this.more = more;
    this.report = report;
    this.text = new CodePointText(report.text);
    this.mentions = findImageMentions(report.text).map((mention) => ({
      ...mention,
      start: this.text.toCodePoint(mention.start),
      end: this.text.toCodePoint(mention.end),
    }));
    this.machine = schema.cells.map(({ key }) => cells[key]?.evidence ?? []);
    this.isReaders = schema.cells.map(({ key }) => notes[key]?.evidence !== undefined);
    this.spans = schema.cells.map(({ key, index }) => notes[key]?.evidence ?? this.machineOf(index));
  }

  /** The evidence of one cell: the reader's where there is one, else the machine's. */
  of(index: number): readonly Span[] {
    return this.spans[index] ?? [];
  }

  machineOf(index: number): readonly Span[] {
    return this.machine[index] ?? [];
  }

  /** Whether the reader said which words support this cell. */
  hasOwn(index: number): boolean {
    return this.isReaders[index] ?? false;
  }

  quotes(index: number): Quote[] {
    const machine = new Set(this.machineOf(index).map(String));
    return this.of(index).map((span) => ({
      span,
      words: this.text.slice(...span),
      by: machine.has(String(span)) ? "machine" : "you",
    }));
  }

  supports(index: number, start: number, end: number): boolean {
    return this.of(index).some(([from, to]) => from < end && start < to);
  }

  /** Cells that a stretch of text supports, in schema order. */
  cellsAt(start: number, end: number): number[] {
    return this.spans.flatMap((_, index) => (this.supports(index, start, end) ? [index] : []));
  }

  /** Sentences that support any of `cells`, in reading order. */
  sentencesOf(cells: readonly number[]): number[] {
    return this.report.sentences.flatMap(([start, end], sentence) =>
      cells.some((index) => this.supports(index, start, end)) ? [sentence] : [],
    );
  }

  /** Images cited in the sentences that support any of `cells`: positions in `mentions`. */
  mentionsOf(cells: readonly number[]): number[] {
    const spans = this.sentencesOf(cells).flatMap((sentence) => this.report.sentences.slice(sentence, sentence + 1));
    return this.mentions.flatMap(({ start, end }, position) =>
      spans.some(([from, to]) => from < end && start < to) ? [position] : [],
    );
  }

  /** Sentences of findings and impression that support no cell. */
  unusedSentences(): number[] {
    const told = this.report.sections.filter(({ kind }) => kind === "findings" || kind === "impression");
    return this.report.sentences.flatMap(([start, end], sentence) => {
      const isTold = told.some((section) => start < section.end && (section.title?.[1] ?? section.start) <= start);
      const hasWords = /\p{L}/u.test(this.text.slice(start, end));
      return isTold && hasWords && this.cellsAt(start, end).length === 0 ? [sentence] : [];
    });
  }

  /** Cells that say something of the report, by `values`, without any words for it. */
  unsupportedCells(values: string): number[] {
    return this.spans.flatMap((spans, index) => (spans.length === 0 && "+?0~".includes(values.charAt(index) || "_") ? [index] : []));
  }

  /** The report cut into sections and segments. Every character is in exactly one block. */
  blocks(length: number): Block[] {
    const cuts = this.cuts();
    return wholeSections(this.report.sections, length).map((section) => ({
      section,
      segments: this.segmentsBetween(section.title?.[1] ?? section.start, section.end, cuts),
    }));
  }

  private cuts(): number[] {
    const mentions = this.mentions.map(({ start, end }): Span => [start, end]);
    const all = [...this.report.sentences, ...this.spans.flat(), ...mentions, ...this.more].flat();
    return [...new Set(all)].sort((one, other) => one - other);
  }

  private segmentsBetween(start: number, end: number, cuts: readonly number[]): Segment[] {
    const points = [start, ...cuts.filter((cut) => cut > start && cut < end), end];
    const segments: Segment[] = [];
    for (const [position, from] of points.entries()) {
      const to = points[position + 1];
      if (to === undefined || to <= from) continue;
      const sentence = this.report.sentences.findIndex(([first, last]) => first <= from && to <= last);
      const mention = this.mentions.findIndex((each) => each.start <= from && to <= each.end);
      segments.push({ start: from, end: to, sentence: sentence < 0 ? null : sentence, mention: mention < 0 ? null : mention });
    }
    return segments;
  }
}

/** The sections with any text that none of them covers put between them as `other`. */
function wholeSections(sections: readonly Section[], length: number): Section[] {
  const whole: Section[] = [];
  let reached = 0;
  for (const section of [...sections].sort((one, other) => one.start - other.start)) {
    if (section.start > reached) whole.push({ kind: "other", start: reached, end: section.start, title: null });
    whole.push(section);
    reached = Math.max(reached, section.end);
  }
  if (reached < length) whole.push({ kind: "other", start: reached, end: length, title: null });
  return whole;
}
