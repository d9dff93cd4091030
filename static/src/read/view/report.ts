/** The report: its own words, in sections and sentences, with the evidence of the focused cell and target marked. */

import { el, setClass } from "../../lib/dom";
import { codeInfo } from "../codes";
import type { EvidenceMap, Segment } from "../evidence";
import type { SchemaTable } from "../schema";
import { CodePointText } from "../spans";
import type { ReadingState } from "../state";
import type { SectionKind } from "../types";

/** Which value a piece of text is marked with when it supports several cells. */
const PRIORITY = "+?~0.!_";

interface Piece {
  readonly segment: Segment;
  readonly element: HTMLElement;
  readonly cells: readonly number[];
}

export interface ReportView {
  readonly element: HTMLElement;
  update(state: ReadingState): void;
  /** Moves the sentence ring; null takes it away. */
  showSentence(sentence: number | null): void;
  quote(index: number): string[];
}

const SECTION_NAME: Readonly<Record<SectionKind, string>> = {
  history: "History",
  technique: "Technique",
  comparison: "Comparison",
  findings: "Findings",
  impression: "Impression",
  other: "",
};

export function createReport(
  evidence: EvidenceMap,
  schema: SchemaTable,
  onPick: (cells: readonly number[], sentence: number) => void,
): ReportView {
  const text = new CodePointText(evidence.report.text);
  const pieces: Piece[] = [];
  let ring: number | null = null;

  const sections = evidence.blocks(text.length).map(({ section, segments }) => {
    const title = section.title ? text.slice(...section.title).replace(/[\s:]+$/, "") : "";
    const body = el("p", { class: "words" });
    for (const segment of segments) {
      const words = text.slice(segment.start, segment.end);
      const cells = evidence.cellsAt(segment.start, segment.end);
      const element = el("span", { text: words });
      if (segment.sentence === null) {
        if (body.childElementCount === 0 && /^[\s:]*$/.test(words)) continue;
        if (/^\s*\n\s*\n\s*$/.test(words)) element.className = "gap";
      } else {
        element.dataset["sentence"] = String(segment.sentence);
        pieces.push({ segment, element, cells });
      }
      body.append(element);
    }
    trimEnd(body);
    const heading = title || (section.title ? SECTION_NAME[section.kind] : "");
    if (!body.textContent?.trim() && !heading) return null;
    return el("section", { class: `section section-${section.kind}` }, [
      heading ? el("h3", { text: heading }) : null,
      body.textContent?.trim() ? body : null,
    ]);
  });

  const element = el("div", { class: "report-text" }, sections);
  element.addEventListener("click", (event) => {
    if (!window.getSelection()?.isCollapsed) return;
    const target = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-sentence]") : null;
    const sentence = target ? Number(target.dataset["sentence"]) : null;
    const span = sentence === null ? undefined : evidence.report.sentences[sentence];
    if (sentence !== null && span) onPick(evidence.cellsAt(...span), sentence);
  });

  function update(state: ReadingState): void {
    const inRow = new Set(schema.cellsOfRow(schema.place(state.focus).row));
    let previous = { mark: "", end: -1 };
    for (const { segment, element: span, cells } of pieces) {
      const isFocused = cells.includes(state.focus);
      const supported = isFocused ? [state.focus] : cells.filter((index) => inRow.has(index));
      const name = supported.length > 0 ? codeInfo(strongest(supported, state)).name : "";
      const mark = name ? `ev ${isFocused ? "ev-cell" : "ev-target"} v-${name}` : cells.length > 0 ? "supports" : "";
      const follows = mark === previous.mark && segment.start === previous.end ? " ev-more" : "";
      const ringed = segment.sentence === ring && ring !== null ? " ring" : "";
      setClass(span, `${mark}${name ? follows : ""}${ringed}`.trim());
      previous = { mark, end: segment.end };
    }
    bringIntoView(pieces.filter(({ cells }) => cells.includes(state.focus)));
  }

  function showSentence(sentence: number | null): void {
    ring = sentence;
    for (const { segment, element: span } of pieces) span.classList.toggle("ring", segment.sentence === sentence && sentence !== null);
    if (sentence !== null) bringIntoView(pieces.filter(({ segment }) => segment.sentence === sentence));
  }

  return {
    element,
    update,
    showSentence,
    quote: (index) => evidence.of(index).map(([start, end]) => text.slice(start, end)),
  };
}

function strongest(cells: readonly number[], state: ReadingState): string {
  const values = cells.map((index) => state.labels.values.charAt(index));
  return [...PRIORITY].find((code) => values.includes(code)) ?? "_";
}

function bringIntoView(pieces: readonly Piece[]): void {
  const [first] = pieces;
  const pane = first?.element.closest<HTMLElement>(".pane-body");
  if (!first || !pane) return;
  const box = pane.getBoundingClientRect();
  const isShown = pieces.some(({ element }) => {
    const own = element.getBoundingClientRect();
    return own.top >= box.top && own.bottom <= box.bottom;
  });
  if (!isShown) first.element.scrollIntoView({ block: "center" });
}

function trimEnd(body: HTMLElement): void {
  const last = body.lastElementChild;
  if (last instanceof HTMLElement && !last.dataset["sentence"] && !last.textContent?.trim()) last.remove();
}
