/** Which words of the report support which cells, and the pieces that the report is drawn in. Knows no page. */

import type { SchemaTable } from "./schema";
import type { MachineCell, ReportData, Section, Span } from "./types";

/** A run of text that is wholly inside or outside of each sentence and of each piece of evidence. */
export interface Segment {
  readonly start: number;
  readonly end: number;
  /** Position in `report.sentences`, null for the white space and marks between sentences. */
  readonly sentence: number | null;
}

export interface Block {
  readonly section: Section;
  readonly segments: readonly Segment[];
}

export class EvidenceMap {
  private readonly spans: readonly (readonly Span[])[];
  readonly report: ReportData;

  constructor(report: ReportData, schema: SchemaTable, cells: Readonly<Record<string, MachineCell>>) {
    this.report = report;
    this.spans = schema.cells.map(({ key }) => cells[key]?.evidence ?? []);
  }

  /** The evidence of one cell. */
  of(index: number): readonly Span[] {
    return this.spans[index] ?? [];
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

  /** The report cut into sections and segments. Every character is in exactly one block. */
  blocks(length: number): Block[] {
    const cuts = this.cuts();
    return wholeSections(this.report.sections, length).map((section) => ({
      section,
      segments: segmentsBetween(section.title?.[1] ?? section.start, section.end, cuts, this.report.sentences),
    }));
  }

  private cuts(): number[] {
    const all = [...this.report.sentences, ...this.spans.flat()].flat();
    return [...new Set(all)].sort((one, other) => one - other);
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

function segmentsBetween(start: number, end: number, cuts: readonly number[], sentences: readonly Span[]): Segment[] {
  const points = [start, ...cuts.filter((cut) => cut > start && cut < end), end];
  const segments: Segment[] = [];
  for (const [position, from] of points.entries()) {
    const to = points[position + 1];
    if (to === undefined || to <= from) continue;
    const sentence = sentences.findIndex(([first, last]) => first <= from && to <= last);
    segments.push({ start: from, end: to, sentence: sentence < 0 ? null : sentence });
  }
  return segments;
}
