import { describe, expect, it } from "vitest";
import { isOverlapping, setEvidence, wholeWords, withPassage, withoutPassage } from "../../static/src/read/passages";
import { CodePointText } from "../../static/src/read/spans";
import * as state from "../../static/src/read/state";
import { abdomen, payload } from "./helpers";

const TEXT = new CodePointText("🫀 The liver has a 2.1 cm cyst, (stable). Spleen: normal.");
const spanOf = (words: string): [number, number] => {
  const start = TEXT.toCodePoint(TEXT.text.indexOf(words));
  return [start, start + [...words].length];
};
const words = (span: readonly [number, number] | null): string | null => span && TEXT.slice(...span);

describe("a selection", () => {
  it.each([
    ["iver has", "liver has"],
    ["liver ha", "liver has"],
    [" a 2.1 cm", "a 2.1 cm"],
    [" liver ", "liver"],
    ["1 cm cy", "2.1 cm cyst"],
    ["cyst, ", "cyst"],
    [". Spleen: ", "Spleen"],
    ["(stable).", "(stable)."],
    ["normal.", "normal."],
    ["🫀 The", "🫀 The"],
  ])("%o becomes whole words", (selected, expected) => {
    expect(words(wholeWords(TEXT, spanOf(selected)))).toBe(expected);
  });

  it("without a word is none", () => {
    expect(wholeWords(TEXT, spanOf(", "))).toBeNull();
    expect(wholeWords(TEXT, [5, 5])).toBeNull();
  });

  it("outside of the text is moved inside", () => {
    expect(words(wholeWords(TEXT, [-3, 900]))).toBe(TEXT.text);
  });
});

describe("pieces of evidence", () => {
  it("are added in reading order, and grow together where they touch", () => {
    expect(withPassage([[30, 40]], [10, 20])).toEqual([
      [10, 20],
      [30, 40],
    ]);
    expect(withPassage([[10, 20], [30, 40]], [15, 32])).toEqual([[10, 40]]);
    expect(withPassage([[10, 20]], [12, 14])).toEqual([[10, 20]]);
  });

  it("are taken away in whole or in part", () => {
    const sentence = spanOf("The liver has a 2.1 cm cyst, (stable).");
    expect(withoutPassage([sentence], sentence, TEXT)).toEqual([]);
    expect(withoutPassage([sentence], spanOf("a 2.1 cm"), TEXT).map(words)).toEqual(["The liver has", "cyst, (stable)."]);
    expect(withoutPassage([sentence], spanOf("The liver has a 2.1 cm cyst, (stable)"), TEXT)).toEqual([]);
    expect(withoutPassage([[0, 3]], [10, 12], TEXT)).toEqual([[0, 3]]);
  });

  it("know what they share words with", () => {
    expect(isOverlapping([[10, 20]], [19, 25])).toBe(true);
    expect(isOverlapping([[10, 20]], [20, 25])).toBe(false);
  });
});

describe("the reader's evidence", () => {
  const start = state.startState(payload(), abdomen);
  const machine = [[59, 72] as const, [10, 31] as const];

  it("is kept with the cell, beside what else the reader said of it, and undone as one step", () => {
    const commented = state.setComment(start, "liver|focal", "hm");
    const next = setEvidence(commented, "liver|focal", [[10, 31]], machine);
    expect(state.noteOf(next, "liver|focal")).toEqual({ comment: "hm", evidence: [[10, 31]] });
    expect(state.noteOf(state.undo(next), "liver|focal")).toEqual({ comment: "hm" });
  });

  it("is empty when the reader took all away", () => {
    expect(state.noteOf(setEvidence(start, "liver|focal", [], machine), "liver|focal")).toEqual({ evidence: [] });
  });

  it("is nothing of the reader's own when it is what the machine said", () => {
    const changed = setEvidence(start, "liver|focal", [[10, 31]], machine);
    const back = setEvidence(changed, "liver|focal", [[10, 31], [59, 72]], machine);
    expect(state.noteOf(back, "liver|focal")).toEqual({});
    expect(setEvidence(start, "stomach|focal", [], [])).toBe(start);
  });

  it("goes with the machine's value when the cell is reverted", () => {
    const changed = setEvidence(start, "liver|focal", [], machine);
    const index = abdomen.indexOf("liver|focal") ?? 0;
    expect(state.noteOf(state.revertCell(changed, index, "liver|focal"), "liver|focal")).toEqual({});
  });
});
