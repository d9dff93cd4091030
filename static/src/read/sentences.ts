/** Walking through the sentences of the report: which one is ringed, and which cells it leads to. */

import { toast } from "../lib/toast";
import type { ReadingPage } from "./page";

export class Sentences {
  private readonly page: ReadingPage;
  private ringed: number | null = null;

  constructor(page: ReadingPage) {
    this.page = page;
  }

  /** Position of the ringed sentence in the report, null when none is. */
  get current(): number | null {
    return this.ringed;
  }

  /** Cells that the ringed sentence supports. */
  linkedCells(): number[] {
    const { evidence } = this.page;
    const span = this.ringed === null ? undefined : evidence.report.sentences[this.ringed];
    return span ? evidence.cellsAt(...span) : [];
  }

  /** Takes the ring away without drawing: for a report that is about to be drawn. */
  forget(): void {
    this.ringed = null;
  }

  /** Moves the ring. Words that were selected before give way to it, so that a key never means them by mistake. */
  show(sentence: number | null): void {
    if (sentence !== null && this.page.report.selection()) window.getSelection()?.removeAllRanges();
    this.ringed = sentence;
    this.page.render();
    this.page.report.showSentence(sentence);
  }

  toEvidence(by: 1 | -1): void {
    const { evidence, schema, state } = this.page;
    const { row } = schema.place(state.focus);
    const ofTarget = evidence.sentencesOf(schema.cellsOfRow(row));
    const ofCell = evidence.sentencesOf([state.focus]);
    if (ofTarget.length === 0) return toast(`No sentence was found for ${schema.targetTitle(state.focus)}.`);
    const at = this.ringed === null ? -1 : ofTarget.indexOf(this.ringed);
    const start = by === 1 ? (ofCell[0] ?? ofTarget[0]) : (ofCell.at(-1) ?? ofTarget.at(-1));
    const next = at < 0 ? start : ofTarget[(at + by + ofTarget.length) % ofTarget.length];
    this.show(next ?? null);
  }

  /** Rings the first sentence that supports the focused cell. */
  toEvidenceOfCell(): void {
    const { evidence, state } = this.page;
    this.show(evidence.sentencesOf([state.focus])[0] ?? null);
  }

  step(by: 1 | -1): void {
    const count = this.page.evidence.report.sentences.length;
    if (count === 0) return;
    const from = this.ringed ?? (by === 1 ? -1 : count);
    this.show(Math.max(0, Math.min(count - 1, from + by)));
  }

  /** Rings a sentence, marks the cells that it supports and goes to the first; again goes to the next of them. */
  pick(sentence: number | null): void {
    const { page } = this;
    const span = sentence === null ? undefined : page.evidence.report.sentences[sentence];
    if (!span) return;
    const cells = page.evidence.cellsAt(...span);
    const after = sentence === this.ringed ? cells.indexOf(page.state.focus) + 1 : 0;
    if (cells.length === 0) toast("No cell is based on this sentence.");
    else page.focusCell(cells[after % cells.length] ?? null);
    this.show(sentence);
  }
}
