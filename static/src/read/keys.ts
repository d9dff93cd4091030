/**
 * Every key of the reading page, as data. The `?` overlay is made from `BINDINGS`, so it cannot disagree with them.
 *
 * Keys follow the focused pane. A cell is three keys away from anywhere: the letter of its row, the letter of its
 * column, and a value. After a row letter the column letters win over commands with the same letter.
 */

import type { ValueCode } from "./codes";
import type { SchemaTable } from "./schema";

export type Pane = "report" | "cells" | "image";

export type Command =
  | { readonly do: "value"; readonly code: ValueCode }
  | { readonly do: "urgency"; readonly level: number }
  | { readonly do: "urgency-step"; readonly by: 1 | -1 }
  | { readonly do: "move"; readonly rows: number; readonly columns: number }
  | { readonly do: "edge"; readonly where: "row-start" | "row-end" | "first" | "last" }
  | { readonly do: "row"; readonly row: number }
  | { readonly do: "column"; readonly column: number }
  | { readonly do: "attention"; readonly by: 1 | -1 }
  | { readonly do: "evidence"; readonly by: 1 | -1 }
  | { readonly do: "sentence"; readonly by: 1 | -1 }
  | { readonly do: "cycle" | "revert" | "disagrees" | "comment" | "undo" | "redo" | "submit" | "help" }
  | { readonly do: "pane" | "cancel" | "worklist" | "sentence-cell" };

export interface Binding {
  /** Chords as `chordOf` writes them; the first is shown. */
  readonly chords: readonly string[];
  readonly command: Command;
  readonly panes: readonly Pane[];
  readonly group: "Value" | "Urgency" | "Move" | "Evidence" | "Cell" | "Reading";
  readonly says: string;
}

const CELLS: readonly Pane[] = ["cells"];
const REPORT: readonly Pane[] = ["report"];
const TEXT: readonly Pane[] = ["report", "cells"];
const ALL: readonly Pane[] = ["report", "cells", "image"];

export const BINDINGS: readonly Binding[] = [
  { chords: ["1"], command: { do: "value", code: "+" }, panes: CELLS, group: "Value", says: "present" },
  { chords: ["2"], command: { do: "value", code: "?" }, panes: CELLS, group: "Value", says: "possible" },
  { chords: ["0"], command: { do: "value", code: "0" }, panes: CELLS, group: "Value", says: "absent" },
  { chords: ["3"], command: { do: "value", code: "~" }, panes: CELLS, group: "Value", says: "ambiguous" },
  { chords: ["-", "."], command: { do: "value", code: "." }, panes: CELLS, group: "Value", says: "not mentioned" },
  { chords: ["Space"], command: { do: "cycle" }, panes: CELLS, group: "Value", says: "next value" },
  { chords: ["Backspace", "Delete"], command: { do: "revert" }, panes: CELLS, group: "Value", says: "as it was pre-filled" },

  { chords: ["u"], command: { do: "urgency-step", by: 1 }, panes: CELLS, group: "Urgency", says: "higher, then none" },
  { chords: ["Shift+u"], command: { do: "urgency-step", by: -1 }, panes: CELLS, group: "Urgency", says: "lower" },
  { chords: ["Shift+0"], command: { do: "urgency", level: 0 }, panes: CELLS, group: "Urgency", says: "0" },
  { chords: ["Shift+1"], command: { do: "urgency", level: 1 }, panes: CELLS, group: "Urgency", says: "1" },
  { chords: ["Shift+2"], command: { do: "urgency", level: 2 }, panes: CELLS, group: "Urgency", says: "2" },
  { chords: ["Shift+3"], command: { do: "urgency", level: 3 }, panes: CELLS, group: "Urgency", says: "3" },

  { chords: ["ArrowUp"], command: { do: "move", rows: -1, columns: 0 }, panes: CELLS, group: "Move", says: "target above" },
  { chords: ["ArrowDown"], command: { do: "move", rows: 1, columns: 0 }, panes: CELLS, group: "Move", says: "target below" },
  { chords: ["ArrowLeft"], command: { do: "move", rows: 0, columns: -1 }, panes: CELLS, group: "Move", says: "finding to the left" },
  { chords: ["ArrowRight"], command: { do: "move", rows: 0, columns: 1 }, panes: CELLS, group: "Move", says: "finding to the right" },
  { chords: ["Home"], command: { do: "edge", where: "row-start" }, panes: CELLS, group: "Move", says: "first finding of the target" },
  { chords: ["End"], command: { do: "edge", where: "row-end" }, panes: CELLS, group: "Move", says: "last finding of the target" },
  { chords: ["Ctrl+Home"], command: { do: "edge", where: "first" }, panes: CELLS, group: "Move", says: "first cell" },
  { chords: ["Ctrl+End"], command: { do: "edge", where: "last" }, panes: CELLS, group: "Move", says: "last cell" },
  { chords: ["n"], command: { do: "attention", by: 1 }, panes: TEXT, group: "Move", says: "next cell that needs you" },
  { chords: ["Shift+n"], command: { do: "attention", by: -1 }, panes: TEXT, group: "Move", says: "the one before" },

  { chords: ["]"], command: { do: "evidence", by: 1 }, panes: TEXT, group: "Evidence", says: "next evidence of the target" },
  { chords: ["["], command: { do: "evidence", by: -1 }, panes: TEXT, group: "Evidence", says: "previous evidence" },
  { chords: ["ArrowDown"], command: { do: "sentence", by: 1 }, panes: REPORT, group: "Evidence", says: "in the report: next sentence" },
  { chords: ["ArrowUp"], command: { do: "sentence", by: -1 }, panes: REPORT, group: "Evidence", says: "in the report: previous sentence" },
  { chords: ["Enter"], command: { do: "sentence-cell" }, panes: REPORT, group: "Evidence", says: "in the report: its cell" },

  { chords: ["i"], command: { do: "disagrees" }, panes: CELLS, group: "Cell", says: "the image disagrees" },
  { chords: ["c"], command: { do: "comment" }, panes: CELLS, group: "Cell", says: "comment; Esc goes back" },

  { chords: ["Ctrl+Enter"], command: { do: "submit" }, panes: ALL, group: "Reading", says: "submit and next" },
  { chords: ["Ctrl+z"], command: { do: "undo" }, panes: ALL, group: "Reading", says: "undo" },
  { chords: ["Ctrl+Shift+z", "Ctrl+y"], command: { do: "redo" }, panes: ALL, group: "Reading", says: "redo" },
  { chords: ["F6", "`"], command: { do: "pane" }, panes: ALL, group: "Reading", says: "next pane (also Tab)" },
  { chords: ["w"], command: { do: "worklist" }, panes: TEXT, group: "Reading", says: "back to the worklist" },
  { chords: ["?"], command: { do: "help" }, panes: ALL, group: "Reading", says: "these keys" },
  { chords: ["Escape"], command: { do: "cancel" }, panes: ALL, group: "Reading", says: "back to the cells" },
];

export interface KeyPress {
  readonly key: string;
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  /** Whether AltGr, which reports itself as Ctrl+Alt, made this character. */
  readonly altGraph: boolean;
}

/** `Ctrl+Shift+z`, `Shift+2`, `?`, `Space`: independent of layout for digits, of the shift state for signs. */
export function chordOf(press: KeyPress): string | null {
  const isSign = press.key.length === 1 && !/[a-z0-9 ]/i.test(press.key);
  if (press.altKey && !press.altGraph) return null;
  const ctrl = (press.ctrlKey || press.metaKey) && !press.altGraph;
  const digit = /^Digit([0-9])$/.exec(press.code)?.[1];
  if (press.shiftKey && digit !== undefined && !ctrl) return `Shift+${digit}`;
  if (isSign) return ctrl ? `Ctrl+${press.key}` : press.key;
  const name = press.key === " " ? "Space" : press.key.length === 1 ? press.key.toLowerCase() : press.key;
  return (ctrl ? "Ctrl+" : "") + (press.shiftKey ? "Shift+" : "") + name;
}

/** What a chord means now. `pendingColumn` is set after a row letter. */
export function commandFor(
  chord: string,
  context: { pane: Pane; pendingColumn: boolean; schema: SchemaTable },
): Command | null {
  const { pane, pendingColumn, schema } = context;
  if (pendingColumn && pane === "cells") {
    const column = schema.columnLetters.indexOf(chord);
    if (column >= 0) return { do: "column", column };
  }
  const binding = BINDINGS.find((each) => each.panes.includes(pane) && each.chords.includes(chord));
  if (binding) return binding.command;
  if (pane === "image") return null;
  const row = schema.rowLetters.indexOf(chord);
  return row >= 0 ? { do: "row", row } : null;
}

const SHOWN: Readonly<Record<string, string>> = {
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  Escape: "Esc",
  Space: "Space",
};

/** The keys of a chord as they are printed on a keyboard. */
export function keyCaps(chord: string): string[] {
  return chord.split("+").map((key) => SHOWN[key] ?? key);
}
