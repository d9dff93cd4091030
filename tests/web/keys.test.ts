import { describe, expect, it } from "vitest";
import { BINDINGS, chordOf, commandFor, keyCaps } from "../../static/src/read/keys";
import type { KeyPress, Pane } from "../../static/src/read/keys";
import { COMMAND_LETTERS } from "../../static/src/read/schema";
import { abdomen, spine } from "./helpers";

function press(key: string, change: Partial<KeyPress> = {}): string | null {
  return chordOf({
    key,
    code: "",
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    shiftKey: false,
    altGraph: false,
    ...change,
  });
}

const inCells = { pane: "cells" as Pane, pendingColumn: false, schema: abdomen };

describe("chords", () => {
  it("name a key with its modifiers", () => {
    expect(press("l")).toBe("l");
    expect(press("L", { shiftKey: true })).toBe("Shift+l");
    expect(press("Enter", { ctrlKey: true })).toBe("Ctrl+Enter");
    expect(press("Enter", { metaKey: true })).toBe("Ctrl+Enter");
    expect(press("Z", { ctrlKey: true, shiftKey: true })).toBe("Ctrl+Shift+z");
    expect(press(" ")).toBe("Space");
  });

  it("do not depend on how a layout writes a shifted digit", () => {
    expect(press('"', { code: "Digit2", shiftKey: true })).toBe("Shift+2");
    expect(press("@", { code: "Digit2", shiftKey: true })).toBe("Shift+2");
  });

  it("take a sign as it is, with or without Shift or AltGr", () => {
    expect(press("?", { code: "Slash", shiftKey: true })).toBe("?");
    expect(press("[", { code: "Digit8", altGraph: true, altKey: true, ctrlKey: true })).toBe("[");
    expect(press("-", { code: "NumpadSubtract" })).toBe("-");
  });

  it("take Alt with a letter or digit by its place, and leave the browser its arrows", () => {
    expect(press("©", { code: "KeyG", altKey: true })).toBe("Alt+g");
    expect(press("1", { code: "Digit1", altKey: true, shiftKey: true })).toBe("Alt+Shift+1");
    expect(press("ArrowLeft", { code: "ArrowLeft", altKey: true })).toBeNull();
  });
});

describe("commands", () => {
  it("reach and set any cell of the grid with three keys", () => {
    for (const [row, rowLetter] of abdomen.rowLetters.entries()) {
      for (const [column, columnLetter] of abdomen.columnLetters.entries()) {
        expect(commandFor(rowLetter ?? "", inCells)).toEqual({ do: "row", row });
        const next = commandFor(columnLetter ?? "", { ...inCells, pendingColumn: true });
        expect(next).toEqual({ do: "column", column });
      }
    }
    expect(commandFor("2", inCells)).toEqual({ do: "value", code: "?" });
    expect(commandFor("Shift+3", inCells)).toEqual({ do: "urgency", level: 3 });
  });

  it("set a value while a column letter is awaited", () => {
    expect(commandFor("0", { ...inCells, pendingColumn: true })).toEqual({ do: "value", code: "0" });
  });

  it("give a letter back to commands when no column is awaited", () => {
    expect(commandFor("n", inCells)).toEqual({ do: "attention", by: 1 });
    expect(commandFor("n", { ...inCells, pendingColumn: true })).toEqual({ do: "column", column: 0 });
  });

  it("reach spinal levels by digits that set no value", () => {
    expect(commandFor("4", { ...inCells, schema: spine })).toEqual({ do: "row", row: 2 });
  });

  it("follow the focused pane", () => {
    expect(commandFor("ArrowDown", inCells)).toEqual({ do: "move", rows: 1, columns: 0 });
    expect(commandFor("ArrowDown", { ...inCells, pane: "report" })).toEqual({ do: "sentence", by: 1 });
    expect(commandFor("1", { ...inCells, pane: "report" })).toBeNull();
    expect(commandFor("1", { ...inCells, pane: "image" })).toEqual({ do: "viewer", command: { do: "preset", number: 1 } });
    expect(commandFor("l", { ...inCells, pane: "image" })).toEqual({ do: "viewer", command: { do: "tool", tool: "length" } });
    expect(commandFor("q", { ...inCells, pane: "image" })).toBeNull();
    expect(commandFor("Ctrl+Enter", { ...inCells, pane: "image" })).toEqual({ do: "submit" });
  });
});

describe("the keys of evidence and cited images", () => {
  it("are the same in report and cells, and leave every target its letter", () => {
    for (const pane of ["report", "cells"] as const) {
      const at = { ...inCells, pane };
      expect(commandFor("e", at)).toEqual({ do: "evidence-add" });
      expect(commandFor("Shift+e", at)).toEqual({ do: "evidence-remove" });
      expect(commandFor("Shift+g", at)).toEqual({ do: "cited", by: 1 });
      expect(commandFor("g", at)).toEqual({ do: "row", row: 6 });
    }
    expect(commandFor("e", { ...inCells, pendingColumn: true })).toEqual({ do: "column", column: 7 });
    expect(commandFor("Shift+g", { ...inCells, pane: "image" })).toEqual({ do: "cited", by: 1 });
    expect(commandFor("e", { ...inCells, pane: "image" })).toMatchObject({ do: "viewer" });
  });
});

describe("the key map", () => {
  it("gives each chord one meaning per pane", () => {
    for (const pane of ["report", "cells", "image"] as const) {
      const chords = BINDINGS.filter(({ panes }) => panes.includes(pane)).flatMap((binding) => binding.chords);
      expect(new Set(chords).size).toBe(chords.length);
    }
  });

  it("reserves exactly the letters that are commands", () => {
    const inWords = BINDINGS.filter(({ panes }) => panes.includes("cells") || panes.includes("report"));
    const letters = inWords.flatMap(({ chords }) => chords).filter((chord) => /^[a-z]$/.test(chord));
    expect(letters.sort().join("")).toBe(COMMAND_LETTERS);
  });

  it("is written as on a keyboard", () => {
    expect(keyCaps("Ctrl+Shift+z")).toEqual(["Ctrl", "Shift", "z"]);
    expect(keyCaps("ArrowUp")).toEqual(["↑"]);
  });
});
