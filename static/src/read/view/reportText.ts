/** The words of the report as elements: sections, sentences, pieces of evidence, and links to cited images. */

import { el } from "../../lib/dom";
import type { EvidenceMap, Segment } from "../evidence";
import { mentionText } from "../imageLinks";
import type { SectionKind } from "../types";

/** One piece of text on screen. */
export interface Piece {
  readonly segment: Segment;
  readonly element: HTMLElement;
  /** Cells that it supports; none for what is between sentences. */
  readonly cells: readonly number[];
}

export interface ReportText {
  readonly sections: readonly HTMLElement[];
  readonly pieces: readonly Piece[];
  /** The links of each mention; a mention that goes over a heading has two. */
  readonly links: ReadonlyMap<number, readonly HTMLElement[]>;
}

const SECTION_NAME: Readonly<Record<SectionKind, string>> = {
  history: "History",
  technique: "Technique",
  comparison: "Comparison",
  findings: "Findings",
  impression: "Impression",
  other: "",
};

export function drawReport(evidence: EvidenceMap): ReportText {
  const { text } = evidence;
  const pieces: Piece[] = [];
  const links = new Map<number, HTMLElement[]>();
  const sections = evidence.blocks(text.length).flatMap(({ section, segments }) => {
    const title = section.title ? text.slice(...section.title).replace(/[\s:]+$/, "") : "";
    const body = el("p", { class: "words" });
    for (const segment of segments) {
      const piece = drawPiece(segment, evidence, body.childElementCount === 0);
      if (!piece) continue;
      pieces.push(piece);
      parentOf(segment, body, links, evidence).append(piece.element);
    }
    trimEnd(body);
    const heading = title || (section.title ? SECTION_NAME[section.kind] : "");
    const hasWords = Boolean(body.textContent?.trim());
    if (!hasWords && !heading) return [];
    const parts = [heading ? el("h2", { text: heading }) : null, hasWords ? body : null];
    return [el("section", { class: `section section-${section.kind}` }, parts)];
  });
  return { sections, pieces: pieces.filter(({ element }) => element.parentElement !== null), links };
}

function drawPiece(segment: Segment, evidence: EvidenceMap, isFirst: boolean): Piece | null {
  const words = evidence.text.slice(segment.start, segment.end);
  const element = el("span", { text: words });
  if (segment.sentence === null) {
    if (isFirst && /^[\s:]*$/.test(words)) return null;
    if (/^\s*\n\s*\n\s*$/.test(words)) element.className = "gap";
    return { segment, element, cells: [] };
  }
  element.dataset["sentence"] = String(segment.sentence);
  return { segment, element, cells: evidence.cellsAt(segment.start, segment.end) };
}

/** The paragraph, or in it the link of the mention that the segment belongs to. */
function parentOf(segment: Segment, body: HTMLElement, links: Map<number, HTMLElement[]>, evidence: EvidenceMap): HTMLElement {
  const mention = segment.mention === null ? undefined : evidence.mentions[segment.mention];
  if (segment.mention === null || !mention) return body;
  const known = links.get(segment.mention) ?? [];
  const open = known.at(-1);
  if (open && open.parentElement === body) return open;
  const isFirst = links.size === 0;
  // No address: these lead to a place on this page, and a link with one would be dragged instead of its words selected.
  const link = el("a", {
    class: "mention",
    title: `Show ${mentionText(mention)}`,
    attrs: { role: "link", tabindex: isFirst ? 0 : -1 },
    data: { mention: String(segment.mention) },
  });
  links.set(segment.mention, [...known, link]);
  body.append(link);
  return link;
}

function trimEnd(body: HTMLElement): void {
  const last = body.lastElementChild;
  if (last instanceof HTMLElement && last.matches("span:not([data-sentence])") && !last.textContent?.trim()) last.remove();
}
