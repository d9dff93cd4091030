import { describe, expect, it } from "vitest";
import { assignMnemonics, mnemonicPosition } from "../../static/src/read/mnemonics";
import { COMMAND_LETTERS } from "../../static/src/read/schema";
import { abdomen, spine } from "./helpers";

describe("mnemonics", () => {
  it("gives every row and column of the abdominal schema a letter of its own name", () => {
    expect(abdomen.rowLetters).toEqual(["s", "l", "r", "k", "t", "p", "g", "b", "a"]);
    expect(abdomen.columnLetters).toEqual(["n", "a", "j", "q", "p", "t", "d", "e", "r", "i", "f"]);
  });

  it("uses digits that set no value for spinal levels", () => {
    expect(spine.rowLetters).toEqual(["s", "l", "4", "5"]);
    expect(spine.columnLetters).toEqual(["s", "c", "l", "e", "h"]);
  });

  it("keeps command letters for commands", () => {
    const letters = assignMnemonics(["uvula", "iris", "nose", "cornea", "wrist"], COMMAND_LETTERS);
    for (const letter of letters) expect(COMMAND_LETTERS).not.toContain(letter);
    expect(new Set(letters).size).toBe(5);
  });

  it("never gives one letter twice and leaves the rest without", () => {
    const names = Array.from({ length: 40 }, (_, position) => `lobe ${position}`);
    const letters = assignMnemonics(names).filter((letter) => letter !== null);
    expect(new Set(letters).size).toBe(letters.length);
    expect(letters.length).toBeGreaterThanOrEqual(26);
    expect(letters.length).toBeLessThan(40);
    expect(letters.join("")).not.toMatch(/[0-3]/);
  });

  it("takes any free letter for a name without letters", () => {
    expect(assignMnemonics(["肝", "脾"])).toEqual(["a", "b"]);
    expect(assignMnemonics([])).toEqual([]);
  });

  it("underlines the start of a word before a letter inside one", () => {
    expect(mnemonicPosition("small bowel", "b")).toBe(6);
    expect(mnemonicPosition("large bowel", "a")).toBe(1);
    expect(mnemonicPosition("肝", "a")).toBe(-1);
  });
});
