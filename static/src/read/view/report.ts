/** The report: its own words, with the evidence of the focused cell and target marked and cited images as links. */

import { el, replaceChildren, setClass } from "../../lib/dom";
import { codeInfo } from "../codes";
import type { EvidenceMap, Segment } from "../evidence";
import type { SchemaTable } from "../schema";
import type { ReadingState } from "../state";
import type { Span } from "../types";
import { drawReport } from "./reportText";
import type { Piece, ReportText } from "./reportText";
import { selectedPassage } from "./selection";

/** Which value a piece of text is marked with when it supports several cells. */
const PRIORITY = "+?~0.!_";

export interface ReportActions {
  /** A click on a sentence. */
  onPick(sentence: number): void;
  /** A cited image was asked for, by its position in `evidence.mentions`. */
  onCite(mention: number): void;
}

export interface ReportView {
  readonly element: HTMLElement;
  update(state: ReadingState): void;
  /** Draws the words anew, since other pieces of them are evidence now. */
  setEvidence(evidence: EvidenceMap): void;
  /** Moves the sentence ring; null takes it away. */
  showSentence(sentence: number | null): void;
  /** Marks these sentences and draws the others back; null shows all alike. */
  showUnused(sentences: ReadonlySet<number> | null): void;
  /** Marks what another labeler names as its evidence, with `inSight` where the reader sees it. */
  showTold(spans: readonly Span[], options: { inSight: boolean }): void;
  /** Makes one mention the current one: marked, in sight, and with `focus` the keyboard is on it. */
  showMention(mention: number | null, options?: { focus: boolean }): void;
  /** Position of the mention that has the keyboard, null when none has. */
  readonly focusedMention: number | null;
  /** Whole words that are selected, null when none are. */
  selection(): Span | null;
}

export function createReport(evidence: EvidenceMap, schema: SchemaTable, actions: ReportActions): ReportView {
  return new Report(evidence, schema, actions);
}

/** The words; or, of a report whose words nobody has, that this is so. */
function childrenOf(drawn: ReportText, { report }: EvidenceMap): readonly Node[] {
  return report.missing ? [el("p", { class: "report-missing" }, [report.missing])] : drawn.sections;
}

class Report implements ReportView {
  readonly element = el("div", { class: "report-text" });
  private readonly schema: SchemaTable;
  private evidence: EvidenceMap;
  private drawn: ReportText;
  private ring: number | null = null;
  private unused: ReadonlySet<number> | null = null;
  private mention: number | null = null;
  private told: readonly Span[] = [];

  constructor(evidence: EvidenceMap, schema: SchemaTable, actions: ReportActions) {
    this.schema = schema;
    this.evidence = evidence;
    this.drawn = drawReport(evidence);
    replaceChildren(this.element, childrenOf(this.drawn, evidence));
    this.element.addEventListener("click", (event) => {
      if (!window.getSelection()?.isCollapsed) return;
      const mention = mentionAt(event.target);
      if (mention !== null) return actions.onCite(mention);
      const target = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-sentence]") : null;
      if (target) actions.onPick(Number(target.dataset["sentence"]));
    });
    this.element.addEventListener("keydown", (event) => {
      const mention = mentionAt(event.target);
      const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
      if (mention === null || hasModifier || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      actions.onCite(mention);
    });
  }

  get focusedMention(): number | null {
    return this.element.contains(document.activeElement) ? mentionAt(document.activeElement) : null;
  }

  setEvidence(evidence: EvidenceMap): void {
    const focused = this.focusedMention;
    this.evidence = evidence;
    this.drawn = drawReport(evidence);
    replaceChildren(this.element, childrenOf(this.drawn, evidence));
    this.showUnused(this.unused);
    this.showMention(this.mention, { focus: focused !== null && focused === this.mention });
  }

  update(state: ReadingState): void {
    const inRow = new Set(this.schema.cellsOfRow(this.schema.place(state.focus).row));
    let previous = { mark: "", end: -1 };
    for (const { segment, element: span, cells } of this.drawn.pieces) {
      if (segment.sentence === null) continue;
      const isFocused = cells.includes(state.focus);
      const supported = isFocused ? [state.focus] : cells.filter((index) => inRow.has(index));
      const name = supported.length > 0 ? codeInfo(strongest(supported, state)).name : "";
      const mark = name ? `ev ${isFocused ? "ev-cell" : "ev-target"} v-${name}` : cells.length > 0 ? "supports" : "";
      const follows = mark === previous.mark && segment.start === previous.end ? " ev-more" : "";
      const ringed = segment.sentence === this.ring && this.ring !== null ? " ring" : "";
      const unused = this.unused?.has(segment.sentence) ? " unused" : "";
      const told = this.isTold(segment) ? " told" : "";
      setClass(span, `${mark}${name ? follows : ""}${ringed}${unused}${told}`.trim());
      previous = { mark, end: segment.end };
    }
    bringIntoView(this.drawn.pieces.filter(({ cells }) => cells.includes(state.focus)).map(({ element }) => element));
  }

  showSentence(sentence: number | null): void {
    this.ring = sentence;
    const isRinged = ({ segment }: Piece): boolean => sentence !== null && segment.sentence === sentence;
    for (const piece of this.drawn.pieces) piece.element.classList.toggle("ring", isRinged(piece));
    if (sentence !== null) bringIntoView(this.drawn.pieces.filter(isRinged).map(({ element }) => element));
  }

  showUnused(sentences: ReadonlySet<number> | null): void {
    this.unused = sentences;
    this.element.classList.toggle("show-unused", sentences !== null);
    for (const { segment, element } of this.drawn.pieces) {
      element.classList.toggle("unused", segment.sentence !== null && (sentences?.has(segment.sentence) ?? false));
    }
  }

  showTold(spans: readonly Span[], { inSight }: { inSight: boolean }): void {
    this.told = spans;
    for (const { segment, element } of this.drawn.pieces) element.classList.toggle("told", this.isTold(segment));
    if (inSight) bringIntoView(this.drawn.pieces.filter(({ segment }) => this.isTold(segment)).map(({ element }) => element));
  }

  private isTold({ start, end }: Segment): boolean {
    return this.told.some(([from, to]) => from < end && start < to);
  }

  showMention(mention: number | null, options: { focus: boolean } = { focus: false }): void {
    this.mention = mention;
    const current = mention === null ? undefined : this.drawn.links.get(mention);
    const [first] = this.drawn.links.keys();
    for (const [position, links] of this.drawn.links) {
      for (const link of links) {
        link.classList.toggle("current", links === current);
        link.tabIndex = links === current || (!current && position === first) ? 0 : -1;
      }
    }
    if (!current) return;
    bringIntoView(current);
    if (options.focus) current[0]?.focus({ preventScroll: true });
  }

  selection(): Span | null {
    return selectedPassage(this.drawn.pieces, this.evidence.text);
  }
}

function mentionAt(target: EventTarget | null): number | null {
  const link = target instanceof Element ? target.closest<HTMLElement>("[data-mention]") : null;
  return link ? Number(link.dataset["mention"]) : null;
}

function strongest(cells: readonly number[], state: ReadingState): string {
  const values = cells.map((index) => state.labels.values.charAt(index));
  return [...PRIORITY].find((code) => values.includes(code)) ?? "_";
}

function bringIntoView(elements: readonly HTMLElement[]): void {
  const [first] = elements;
  const pane = first?.closest<HTMLElement>(".pane-body");
  if (!first || !pane) return;
  const box = pane.getBoundingClientRect();
  const isShown = elements.some((element) => {
    const own = element.getBoundingClientRect();
    return own.top >= box.top && own.bottom <= box.bottom;
  });
  if (!isShown) first.scrollIntoView({ block: "center" });
}
