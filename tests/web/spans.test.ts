import { describe, expect, it } from "vitest";
import { CodePointText } from "../../static/src/read/spans";

describe("code points and UTF-16 units", () => {
  it("are the same in plain text", () => {
    const text = new CodePointText("liver – cyst");
    expect(text.length).toBe(12);
    expect(text.toUnit(7)).toBe(7);
    expect(text.slice(8, 12)).toBe("cyst");
  });

  it("differ after a character outside the basic plane", () => {
    const text = new CodePointText("a🫀b🫁c");
    expect(text.length).toBe(5);
    expect([0, 1, 2, 3, 4, 5].map((offset) => text.toUnit(offset))).toEqual([0, 1, 3, 4, 6, 7]);
    expect(text.slice(1, 3)).toBe("🫀b");
    expect(text.slice(3, 4)).toBe("🫁");
  });

  it("go back and forth", () => {
    const text = new CodePointText("🫀x🫁");
    for (let offset = 0; offset <= text.length; offset += 1) expect(text.toCodePoint(text.toUnit(offset))).toBe(offset);
    expect(text.toCodePoint(1)).toBe(0);
  });

  it("move offsets outside the text to its ends", () => {
    const text = new CodePointText("🫀");
    expect(text.toUnit(-3)).toBe(0);
    expect(text.toUnit(9)).toBe(2);
    expect(new CodePointText("").slice(0, 5)).toBe("");
  });
});
