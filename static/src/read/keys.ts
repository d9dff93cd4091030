/**
 * Every key of the reading page, as data. The `?` overlay is made from `BINDINGS`, so it cannot disagree with them.
 *
 * Keys follow the focused pane. A cell is three keys away from anywhere: the letter of its row, the letter of its
 * column, and a value. After a row letter the column letters win over commands with the same letter.
 */

import type { ViewerCommand } from "../viewer/types";
import type { ValueCode } from "./codes";
import type { Layout } from "./preferences";
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
  | { readonly do: "pane" | "cancel" | "worklist" | "sentence-cell" }
  | { readonly do: "skip" | "jump" | "summary" | "flag" | "case-comment" | "reopen" | "notes" | "case-notes" | "guideline" }
  | { readonly do: "layout"; readonly layout: Layout }
  | { readonly do: "cited"; readonly by: 1 | -1 }
  | { readonly do: "labeler" | "take-over" | "differing" }
  | { readonly do: "evidence-add" | "evidence-remove" | "image-value" | "unused" | "unsupported" }
  | { readonly do: "viewer"; readonly command: ViewerCommand };

export interface Binding {
  /** Chords as `chordOf` writes them; the first is shown. */
  readonly chords: readonly string[];
  readonly command: Command;
  readonly panes: readonly Pane[];
  readonly group: "Value" | "Urgency" | "Move" | "Evidence" | "Cell" | "Labelers" | "Reading" | "Case" | "Screen" | "Image" | "Image tools";
  readonly says: string;
}

const CELLS: readonly Pane[] = ["cells"];
const REPORT: readonly Pane[] = ["report"];
const TEXT: readonly Pane[] = ["report", "cells"];
const ALL: readonly Pane[] = ["report", "cells", "image"];

function onImage(
  chords: readonly string[],
  command: ViewerCommand,
  says: string,
  group: "Image" | "Image tools" = "Image",
): Binding {
  return { chords, command: { do: "viewer", command }, panes: ["image"], group, says };
}

const FAST = 10;

const IMAGE_BINDINGS: readonly Binding[] = [
  onImage(["ArrowDown", "ArrowRight"], { do: "scroll", by: 1 }, "next image"),
  onImage(["ArrowUp", "ArrowLeft"], { do: "scroll", by: -1 }, "image before"),
  onImage(["PageDown", "Shift+ArrowDown", "Shift+ArrowRight"], { do: "scroll", by: FAST }, `${FAST} images on`),
  onImage(["PageUp", "Shift+ArrowUp", "Shift+ArrowLeft"], { do: "scroll", by: -FAST }, `${FAST} images back`),
  onImage(["Home"], { do: "image-edge", where: "first" }, "first image"),
  onImage(["End"], { do: "image-edge", where: "last" }, "last image"),
  onImage(["]"], { do: "series", by: 1 }, "next series"),
  onImage(["["], { do: "series", by: -1 }, "series before"),
  onImage(["v"], { do: "plane", by: 1 }, "next plane"),
  onImage(["Shift+v"], { do: "plane", by: -1 }, "plane before"),
  onImage(["f"], { do: "maximise" }, "one pane or all"),
  onImage(["c"], { do: "compare" }, "two series side by side"),
  onImage(["k"], { do: "link" }, "link their scrolling"),
  onImage(["+", "="], { do: "zoom", by: 1 }, "larger"),
  onImage(["-"], { do: "zoom", by: -1 }, "smaller"),
  onImage(["0"], { do: "preset", number: 0 }, "window of the series"),
  ...[1, 2, 3, 4, 5].map((number) => onImage([String(number)], { do: "preset", number }, `window preset ${number}`)),
  onImage(["i"], { do: "invert" }, "invert"),
  onImage(["r"], { do: "reset" }, "as it was at first"),
  onImage(["t"], { do: "fit" }, "fit into the pane"),
  onImage(["m"], { do: "mask" }, "mask on or off"),
  onImage(["."], { do: "mask-opacity", by: 1 }, "mask stronger"),
  onImage([","], { do: "mask-opacity", by: -1 }, "mask weaker"),
  onImage(["w"], { do: "tool", tool: "window" }, "drag sets the window", "Image tools"),
  onImage(["p"], { do: "tool", tool: "pan" }, "drag moves the image", "Image tools"),
  onImage(["z"], { do: "tool", tool: "zoom" }, "drag zooms", "Image tools"),
  onImage(["s"], { do: "tool", tool: "scroll" }, "drag scrolls", "Image tools"),
  onImage(["l"], { do: "tool", tool: "length" }, "measure a length", "Image tools"),
  onImage(["e"], { do: "tool", tool: "ellipse" }, "measure an ellipse", "Image tools"),
  onImage(["b"], { do: "tool", tool: "probe" }, "value at a point", "Image tools"),
  onImage(["x"], { do: "tool", tool: "crosshairs" }, "cross-hairs", "Image tools"),
  onImage(["Delete", "Backspace"], { do: "delete-measurement" }, "delete the measurement", "Image tools"),
  onImage(["d"], { do: "detach" }, "a window of its own, and back", "Image tools"),
];

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
  { chords: ["Enter"], command: { do: "sentence-cell" }, panes: REPORT, group: "Evidence", says: "in the report: its cells in turn" },
  { chords: ["e"], command: { do: "evidence-add" }, panes: TEXT, group: "Evidence", says: "selected words or ringed sentence: evidence of the cell" },
  { chords: ["Shift+e"], command: { do: "evidence-remove" }, panes: TEXT, group: "Evidence", says: "no evidence of the cell" },
  { chords: ["Shift+g"], command: { do: "cited", by: 1 }, panes: ALL, group: "Evidence", says: "show the cited image, then the next" },
  { chords: ["Shift+s"], command: { do: "unused" }, panes: TEXT, group: "Evidence", says: "mark sentences no cell uses" },
  { chords: ["Shift+c"], command: { do: "unsupported" }, panes: TEXT, group: "Evidence", says: "mark cells no sentence supports" },

  { chords: ["i"], command: { do: "disagrees" }, panes: CELLS, group: "Cell", says: "the image disagrees" },
  { chords: ["Shift+i"], command: { do: "image-value" }, panes: CELLS, group: "Cell", says: "what the image shows instead" },
  { chords: ["c"], command: { do: "comment" }, panes: CELLS, group: "Cell", says: "comment; Esc goes back" },
  { chords: ["Shift+m"], command: { do: "notes" }, panes: TEXT, group: "Cell", says: "notes on the cell, with answers" },
  { chords: ["Shift+h"], command: { do: "guideline" }, panes: TEXT, group: "Cell", says: "guideline of the finding" },

  { chords: ["Shift+l"], command: { do: "labeler" }, panes: TEXT, group: "Labelers", says: "next other labeler: its reason and evidence" },
  { chords: ["Shift+t"], command: { do: "take-over" }, panes: TEXT, group: "Labelers", says: "take over what it says" },
  { chords: ["Shift+d"], command: { do: "differing" }, panes: TEXT, group: "Labelers", says: "mark cells on which labelers differ, or not" },

  { chords: ["Ctrl+Enter"], command: { do: "submit" }, panes: ALL, group: "Reading", says: "submit and next" },
  { chords: ["Ctrl+z"], command: { do: "undo" }, panes: ALL, group: "Reading", says: "undo" },
  { chords: ["Ctrl+Shift+z", "Ctrl+y"], command: { do: "redo" }, panes: ALL, group: "Reading", says: "redo" },
  { chords: ["F6", "`"], command: { do: "pane" }, panes: ALL, group: "Reading", says: "next pane (also Tab)" },
  { chords: ["w"], command: { do: "worklist" }, panes: TEXT, group: "Reading", says: "back to the worklist" },
  { chords: ["?"], command: { do: "help" }, panes: ALL, group: "Reading", says: "these keys" },
  { chords: ["Escape"], command: { do: "cancel" }, panes: ALL, group: "Reading", says: "back to the cells" },

  { chords: ["Ctrl+Shift+Enter"], command: { do: "skip" }, panes: ALL, group: "Case", says: "skip, with a reason" },
  { chords: ["Ctrl+j"], command: { do: "jump" }, panes: ALL, group: "Case", says: "jump to another case" },
  { chords: ["Alt+g"], command: { do: "flag" }, panes: ALL, group: "Case", says: "flag the case" },
  { chords: ["Alt+n"], command: { do: "case-comment" }, panes: ALL, group: "Case", says: "comment on the case" },
  { chords: ["Alt+m"], command: { do: "case-notes" }, panes: ALL, group: "Case", says: "note to the manager, and the notes on the case" },
  { chords: ["Alt+r"], command: { do: "reopen" }, panes: ALL, group: "Case", says: "reopen a submitted case, with a reason" },
  { chords: ["Alt+y"], command: { do: "summary" }, panes: ALL, group: "Case", says: "what was read today" },

  { chords: ["Alt+1"], command: { do: "layout", layout: "report" }, panes: ALL, group: "Screen", says: "report wide" },
  { chords: ["Alt+2"], command: { do: "layout", layout: "image" }, panes: ALL, group: "Screen", says: "image wide" },
  { chords: ["Alt+3"], command: { do: "layout", layout: "two" }, panes: ALL, group: "Screen", says: "images in a window of their own" },
  ...IMAGE_BINDINGS,
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

/** `Alt+g`, `Alt+2`: by the key's place, since Alt makes other characters of it on some systems. Arrows stay the browser's. */
function altChord(press: KeyPress): string | null {
  const [, letter, digit] = /^(?:Key([A-Z])|Digit([0-9]))$/.exec(press.code) ?? [];
  const name = letter?.toLowerCase() ?? digit;
  return name === undefined ? null : `${press.ctrlKey || press.metaKey ? "Ctrl+" : ""}Alt+${press.shiftKey ? "Shift+" : ""}${name}`;
}

/** `Ctrl+Shift+z`, `Shift+2`, `?`, `Space`: independent of layout for digits, of the shift state for signs. */
export function chordOf(press: KeyPress): string | null {
  const isSign = press.key.length === 1 && !/[a-z0-9 ]/i.test(press.key);
  if (press.altKey && !press.altGraph) return altChord(press);
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
  bindings: readonly Binding[] = BINDINGS,
): Command | null {
  const { pane, pendingColumn, schema } = context;
  if (pendingColumn && pane === "cells") {
    const column = schema.columnLetters.indexOf(chord);
    if (column >= 0) return { do: "column", column };
  }
  const binding = bindings.find((each) => each.panes.includes(pane) && each.chords.includes(chord));
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
  if (chord === "+") return ["+"];
  return chord.split(/\+(?=.)/).map((key) => SHOWN[key] ?? key);
}
