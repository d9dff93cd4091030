import { describe, expect, it } from "vitest";
import { KeyMap, bindingId, readKeyFile } from "../../static/src/read/keymap";
import { BINDINGS } from "../../static/src/read/keys";
import type { Binding } from "../../static/src/read/keys";
import { SchemaTable } from "../../static/src/read/schema";
import { ABDOMEN, abdomen } from "./helpers";

function binding(id: string): Binding {
  const found = BINDINGS.find((each) => bindingId(each) === id);
  if (!found) throw new Error(`no binding ${id}`);
  return found;
}
const inCells = { pane: "cells" as const, pendingColumn: false, schema: abdomen };
const UNDO = binding("undo");
const REDO = binding("redo");

describe("keys in force", () => {
  it("have one name per command, whatever else changes", () => {
    const ids = BINDINGS.map(bindingId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[\x21-\x7e]{1,80}$/);
  });

  it("are those the commands come with until one is changed", () => {
    expect(new KeyMap().commandFor("Ctrl+z", inCells)).toEqual({ do: "undo" });
    const changed = new KeyMap().with(UNDO, "Alt+u");
    expect(changed.commandFor("Alt+u", inCells)).toEqual({ do: "undo" });
    expect(changed.commandFor("Ctrl+z", inCells)).toBeNull();
    expect(changed.isOverridden(UNDO)).toBe(true);
    expect(changed.reset(UNDO).commandFor("Ctrl+z", inCells)).toEqual({ do: "undo" });
  });

  it("leave out what is stored for a command that there is no more", () => {
    expect(new KeyMap({ "long gone": ["q"] }).overrides).toEqual({});
  });
});

describe("a chord that is wanted twice", () => {
  it("is named with the command that has it", () => {
    expect(new KeyMap().clash(UNDO, "Ctrl+y", abdomen)).toMatchObject({ kind: "taken", by: { command: { do: "redo" } } });
    expect(new KeyMap().clash(UNDO, "Alt+u", abdomen)).toBeNull();
    expect(new KeyMap().clash(UNDO, "Ctrl+z", abdomen)).toBeNull();
  });

  it("may be swapped, and nobody goes without", () => {
    const swapped = new KeyMap().swapped(UNDO, REDO, "Ctrl+y");
    expect(swapped.commandFor("Ctrl+y", inCells)).toEqual({ do: "undo" });
    expect(swapped.commandFor("Ctrl+z", inCells)).toEqual({ do: "redo" });
  });

  it.each([
    // Undo has its keys in every pane: what it leaves would be that of the ellipse beside the images.
    ["a third command has in another pane", "undo", "e", { says: "measure an ellipse", chord: "e", clash: "taken" }],
    // "v" is a plane's in the images, and in the cells no command's.
    ["is the letter of a target for the other", "viewer:plane:1", "Shift+g", null],
    ["is needed by the page", "cancel", "n", { says: "next cell that needs you", chord: "Escape", clash: "reserved" }],
  ])("is not swapped when one of the two %s", (_, id, chord, wanted) => {
    const keys = new KeyMap();
    const clash = keys.clash(binding(id), chord, abdomen);
    if (clash?.kind !== "taken") throw new Error("not taken");
    const found = keys.swapClash(binding(id), clash.by, chord, abdomen);
    if (wanted === null) return expect(found).toBeNull();
    expect(found).toMatchObject({ chord: wanted.chord, clash: { kind: wanted.clash } });
  });

  it("is not swapped into the letter of a target", () => {
    const keys = new KeyMap().with(binding("viewer:plane:1"), "l");
    const cited = binding("cited:1");
    expect(keys.swapClash(binding("viewer:plane:1"), cited, "Shift+g", abdomen)).toMatchObject({
      binding: { command: { do: "cited" } },
      chord: "l",
      clash: { kind: "taken" },
    });
    const free = new KeyMap().with(binding("viewer:plane:1"), "l").with(binding("viewer:tool:length"), "Alt+l");
    expect(free.swapClash(binding("viewer:plane:1"), cited, "Shift+g", abdomen)).toMatchObject({ chord: "l", clash: { kind: "letter", target: "liver" } });
  });

  it("is no value when it is the letter of a finding, which wins behind a target", () => {
    const schema = new SchemaTable(ABDOMEN);
    const letter = schema.columnLetters.find((each) => each !== null && !schema.rowLetters.includes(each) && !"ceinuw".includes(each));
    if (!letter) throw new Error("no such letter");
    const column = schema.columnLetters.indexOf(letter);
    expect(new KeyMap().clash(binding("value:+"), letter, schema)).toEqual({ kind: "finding", finding: ABDOMEN.findings[column]?.name });
    expect(new KeyMap().clash(binding("comment"), letter, schema)).toBeNull();
  });

  it("may mean something else in another pane", () => {
    const length = binding("viewer:tool:length");
    expect(new KeyMap().clash(length, "n", abdomen)).toBeNull();
    expect(new KeyMap().clash(length, "e", abdomen)).toMatchObject({ kind: "taken" });
  });

  it("is refused when it is the letter of a target, or the browser's", () => {
    expect(new KeyMap().clash(binding("cycle"), "l", abdomen)).toEqual({ kind: "letter", target: "liver" });
    for (const chord of ["Escape", "Tab", "Ctrl+w"]) expect(new KeyMap().clash(UNDO, chord, abdomen)).toEqual({ kind: "reserved" });
  });
});

describe("a key that is its own again", () => {
  it("is given back by the command that took it", () => {
    const swapped = new KeyMap().swapped(binding("cycle"), binding("attention:1"), "n");
    const reset = swapped.reset(binding("cycle"));
    expect(reset.commandFor("Space", inCells)).toEqual({ do: "cycle" });
    expect(reset.commandFor("n", inCells)).toEqual({ do: "attention", by: 1 });
    expect(reset.overrides).toEqual({});
  });

  it("leaves changes that have nothing to do with it", () => {
    const keys = new KeyMap().with(UNDO, "Alt+u").with(REDO, "Alt+k");
    expect(keys.reset(UNDO).overrides).toEqual({ redo: ["Alt+k"] });
  });
});

describe("letters of targets", () => {
  it("make way for letters that the reader gave to commands", () => {
    const keys = new KeyMap().with(binding("cycle"), "l");
    const schema = new SchemaTable(ABDOMEN, keys.cellLetters);
    expect(abdomen.rowLetters).toContain("l");
    expect(schema.rowLetters).not.toContain("l");
    expect(schema.rowLetters.every((letter) => letter !== null)).toBe(true);
  });
});

describe("a file of keys", () => {
  it("brings back what it was made of", () => {
    const keys = new KeyMap().with(UNDO, "Alt+u");
    expect(readKeyFile(keys.toFile())).toEqual(keys.overrides);
  });

  it.each(["", "{}", "[1]", '{"format": "other", "keys": {}}', '{"format": "overread-keys", "keys": {"undo": "x"}}', '{"format": "overread-keys", "keys": {"undo": ["Escape"]}}'])(
    "is refused when it is none: %s",
    (text) => expect(readKeyFile(text)).toBeNull(),
  );
});
