/** The disputed cells of the case: where the adjudicator is, and what is decided. */

import { el, replaceChildren, setAttribute } from "../../lib/dom";
import { codeInfo } from "../../read/codes";
import type { SchemaTable } from "../../read/schema";
import { glyph } from "../../read/view/glyph";
import type { DisputedCell } from "../types";

export function titleOf(schema: SchemaTable, key: string): string {
  const index = schema.indexOf(key);
  return index === null ? key : `${schema.targetTitle(index)} · ${schema.findingName(index)}`;
}

export class CellList {
  readonly element = el("ol", { class: "disputed-cells", attrs: { "aria-label": "Disputed cells" } });
  private readonly schema: SchemaTable;
  private readonly onPick: (place: number) => void;

  constructor(schema: SchemaTable, onPick: (place: number) => void) {
    this.schema = schema;
    this.onPick = onPick;
  }

  draw(cells: readonly DisputedCell[], focus: number): void {
    replaceChildren(this.element, cells.map((cell, place) => this.line(cell, place, focus)));
    this.element.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  private line(cell: DisputedCell, place: number, focus: number): HTMLElement {
    const { decision } = cell;
    const state = decision
      ? el("span", { class: "state decided" }, [glyph(decision.value), codeInfo(decision.value).says])
      : el("span", { class: "state dim", text: cell.kind === "rule" ? "to check" : cell.kind });
    const button = el("button", { class: "disputed-cell", attrs: { type: "button", tabindex: -1 } }, [
      el("span", { class: "title", text: titleOf(this.schema, cell.cell) }),
      el("span", { class: "answers", attrs: { "aria-hidden": "true" } }, cell.voices.map(({ value }) => glyph(value))),
      state,
    ]);
    setAttribute(button, "aria-current", place === focus ? "true" : null);
    button.addEventListener("click", () => this.onPick(place));
    return el("li", {}, [button]);
  }
}
