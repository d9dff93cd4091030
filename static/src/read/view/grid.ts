/** The table of cells: a row per target, a column per finding, one tab stop that moves with the focus. */

import { el, kbd, setAttribute, setClass } from "../../lib/dom";
import type { Attention } from "../attention";
import { codeInfo, isPositive, urgencyOf } from "../codes";
import { mnemonicPosition } from "../mnemonics";
import type { SchemaTable } from "../schema";
import { imageValueOf } from "../imageValue";
import { hasImageDisagrees, isChanged, noteOf } from "../state";
import type { ReadingState } from "../state";
import { differMark, glyph, urgencyBars } from "./glyph";

export interface GridMarks {
  /** A row letter was pressed and a column letter is awaited. */
  readonly pendingColumn: boolean;
  /** Cells that the chosen sentence supports. */
  readonly linked: ReadonlySet<number>;
  /** Cells to point out because no words support them. */
  readonly unsupported: ReadonlySet<number>;
  /** Cells on which labelers differ. */
  readonly differing: ReadonlySet<number>;
  /** Cells that have notes. */
  readonly noted: ReadonlySet<number>;
  /** Findings whose guideline is new to the reader; without a name that of the project. */
  readonly news: ReadonlySet<string>;
}

export interface GridView {
  readonly element: HTMLTableElement;
  update(state: ReadingState, attention: Attention, marks: GridMarks): void;
  focusCell(index: number): void;
}

export function cellLabel(state: ReadingState, schema: SchemaTable, index: number, clashes: ReadonlySet<number>): string {
  const { key } = schema.place(index);
  const note = noteOf(state, key);
  const urgency = urgencyOf(state.labels.urgencies.charAt(index));
  const parts = [codeInfo(state.labels.values.charAt(index)).says];
  if (urgency !== null) parts.push(`urgency ${schema.data.urgency_levels[urgency] ?? urgency}`);
  if (isChanged(state, index, key)) {
    const before = state.prefill?.values.charAt(index) ?? "";
    parts.push(before === state.labels.values.charAt(index) ? "changed" : `changed from ${codeInfo(before).says}`);
  }
  if (hasImageDisagrees(note)) parts.push("image disagrees");
  const shown = imageValueOf(note);
  if (shown) parts.push(`image shows ${codeInfo(shown).says}`);
  if (note.evidence) parts.push(note.evidence.length > 0 ? "your evidence" : "evidence taken away");
  if (note.comment) parts.push("has a comment");
  if (clashes.has(index)) parts.push("contradicts another cell");
  return `${schema.targetTitle(index)}, ${schema.findingName(index)}: ${parts.join(", ")}`;
}

/** A name with its letter underlined, or with the letter beside it when the name does not contain it. */
export function mnemonicLabel(name: string, letter: string | null): (Node | string)[] {
  if (letter === null) return [name];
  const position = mnemonicPosition(name, letter);
  if (position < 0) return [name, " ", kbd(letter)];
  return [name.slice(0, position), el("u", { text: name.charAt(position) }), name.slice(position + 1)];
}

export function createGrid(schema: SchemaTable, onPick: (index: number) => void): GridView {
  const cells = new Map<number, HTMLTableCellElement>();
  const rows: HTMLTableRowElement[] = [];
  const drawn = new Map<number, string>();

  const head = el("tr", {}, [
    el("td", { class: "corner" }),
    ...schema.data.findings.map((finding, column) =>
      el("th", { attrs: { scope: "col", "aria-label": finding.name }, title: `${finding.name}: ${finding.definition}` }, [
        el("span", { class: "slant" }, mnemonicLabel(finding.short_name, schema.columnLetters[column] ?? null)),
      ]),
    ),
  ]);
  const body = schema.data.targets.map((target, row) => {
    const line = el("tr", {}, [
      el("th", { attrs: { scope: "row", "aria-label": target.title } }, [
        el("span", { class: "target" }, mnemonicLabel(target.title, schema.rowLetters[row] ?? null)),
      ]),
      ...schema.data.findings.map((_, column) => {
        const index = schema.at(row, column);
        if (index === null) return el("td", { class: "cell none", attrs: { "aria-disabled": "true", role: "gridcell" } });
        const cell = el("td", { class: "cell", attrs: { role: "gridcell", tabindex: -1 }, data: { cell: String(index) } });
        cells.set(index, cell);
        return cell;
      }),
    ]);
    rows.push(line);
    return line;
  });
  const element = el("table", { class: "cells", attrs: { role: "grid", "aria-label": "Cells: targets by findings", "aria-multiselectable": "true" } }, [
    el("thead", {}, [head]),
    el("tbody", {}, body),
  ]);
  element.addEventListener("mousedown", (event) => {
    const cell = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-cell]") : null;
    if (cell) onPick(Number(cell.dataset["cell"]));
  });

  function draw(index: number, cell: HTMLTableCellElement, state: ReadingState, differs: boolean): void {
    const value = state.labels.values.charAt(index);
    const urgency = urgencyOf(state.labels.urgencies.charAt(index));
    const shown = imageValueOf(noteOf(state, schema.place(index).key));
    const wanted = `${value}${urgency ?? "_"}${shown ?? ""}${differs ? "≠" : ""}`;
    if (drawn.get(index) === wanted) return;
    drawn.set(index, wanted);
    const level = urgency === null ? "" : (schema.data.urgency_levels[urgency] ?? "");
    cell.replaceChildren(glyph(value));
    // Beside the sign for "image disagrees".
    if (shown) cell.append(el("span", { class: "image-shown" }, [glyph(shown)]));
    if (urgency !== null) cell.append(urgencyBars(urgency, `urgency: ${level}`));
    if (differs) cell.append(differMark());
  }

  function update(state: ReadingState, attention: Attention, { pendingColumn, linked, unsupported, differing, noted, news }: GridMarks): void {
    const focused = schema.place(state.focus);
    const clashes = new Set(attention.contradictions.flatMap((each) => each.cells));
    for (const [index, cell] of cells) {
      draw(index, cell, state, differing.has(index));
      const { key } = schema.place(index);
      const note = noteOf(state, key);
      const value = state.labels.values.charAt(index);
      const classes = ["cell", `v-${codeInfo(value).name}`];
      if (isPositive(value)) classes.push("positive");
      if (isChanged(state, index, key)) classes.push("changed");
      if (clashes.has(index)) classes.push("clash");
      if (hasImageDisagrees(note)) classes.push("disagrees");
      if (note.comment || noted.has(index)) classes.push("commented");
      if (linked.has(index)) classes.push("linked");
      if (unsupported.has(index)) classes.push("unsupported");
      if (index === state.focus) classes.push("focus");
      setClass(cell, classes.join(" "));
      const more = (unsupported.has(index) ? ", no sentence supports it" : "") + (differing.has(index) ? ", labelers differ" : "") + (noted.has(index) ? ", has notes" : "");
      setAttribute(cell, "aria-label", cellLabel(state, schema, index, clashes) + more);
      setAttribute(cell, "tabindex", index === state.focus ? "0" : "-1");
      setAttribute(cell, "aria-selected", String(index === state.focus || linked.has(index)));
    }
    for (const [row, line] of rows.entries()) setClass(line, row === focused.row ? "on" : "");
    for (const [column, header] of [...head.cells].slice(1).entries()) {
      const name = schema.data.findings[column]?.name ?? "";
      const isNew = news.has(name);
      setClass(header, [column === focused.column ? "on" : "", isNew ? "guided" : ""].filter(Boolean).join(" "));
      setAttribute(header, "aria-label", isNew ? `${name}, new guideline` : name);
    }
    setClass(element, pendingColumn ? "cells pending-column" : "cells");
  }

  return {
    element,
    update,
    focusCell(index) {
      cells.get(index)?.focus({ preventScroll: false });
    },
  };
}
