/** The report with the evidence of the voices of one cell, each piece marked with who cites it. */

import { el, replaceChildren, setAttribute, setClass } from "../../lib/dom";
import { codeInfo } from "../../read/codes";
import { EvidenceMap } from "../../read/evidence";
import type { SchemaTable } from "../../read/schema";
import type { MachineCell, Span } from "../../read/types";
import { drawReport } from "../../read/view/reportText";
import type { Piece, ReportText } from "../../read/view/reportText";
import { selectedPassage } from "../../read/view/selection";
import type { DisputedCase, DisputedCell, Voice } from "../types";

const PRIORITY = "+?~0.";

/** The voices that cite a stretch of the report. */
export function citing(voices: readonly Voice[], start: number, end: number): Voice[] {
  return voices.filter((voice) => voice.evidence.some(([from, to]) => from < end && start < to));
}

export class DisputedReport {
  readonly element = el("div", { class: "report-text" });
  readonly evidence: EvidenceMap;
  private readonly drawn: ReportText;

  constructor({ report, cells }: DisputedCase, schema: SchemaTable, onCite: (mention: number) => void) {
    this.evidence = new EvidenceMap(report, schema, cited(cells));
    this.drawn = drawReport(this.evidence);
    replaceChildren(this.element, this.drawn.sections);
    const follow = (event: Event): void => {
      const link = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-mention]") : null;
      if (link && window.getSelection()?.isCollapsed !== false) onCite(Number(link.dataset["mention"]));
    };
    this.element.addEventListener("click", follow);
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.ctrlKey && !event.altKey) follow(event);
    });
  }

  /** Marks what the voices of this cell cite, and what the adjudicator chose. */
  show(cell: DisputedCell, own: readonly Span[]): void {
    let before = { mark: "", by: "", end: -1 };
    for (const { segment, element } of this.drawn.pieces) {
      const voices = citing(cell.voices, segment.start, segment.end);
      const [strongest] = [...PRIORITY].filter((code) => voices.some((voice) => voice.value === code));
      const isOwn = own.some(([from, to]) => from < segment.end && segment.start < to);
      const by = voices.map(({ letter }) => letter).join(" ");
      const mark = strongest ? `ev ev-cell v-${codeInfo(strongest).name}` : "";
      const follows = mark !== "" && mark === before.mark && by === before.by && segment.start === before.end;
      setClass(element, `${mark}${follows ? " ev-more" : ""}${isOwn ? " told" : ""}`.trim());
      setAttribute(element, "data-by", mark && !follows ? by : null);
      before = { mark, by, end: segment.end };
    }
    const first = this.drawn.pieces.find(({ element }) => element.dataset["by"]);
    if (first) bringIntoView(first);
  }

  selection(): Span | null {
    return selectedPassage(this.drawn.pieces, this.evidence.text);
  }
}

function cited(cells: readonly DisputedCell[]): Record<string, MachineCell> {
  return Object.fromEntries(cells.map(({ cell, voices }) => [cell, { evidence: voices.flatMap(({ evidence }) => evidence) }]));
}

function bringIntoView({ element }: Piece): void {
  const box = element.closest<HTMLElement>(".pane-body")?.getBoundingClientRect();
  const own = element.getBoundingClientRect();
  if (box && (own.top < box.top || own.bottom > box.bottom)) element.scrollIntoView({ block: "center" });
}
