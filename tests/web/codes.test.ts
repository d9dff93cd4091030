import { describe, expect, it } from "vitest";
import { CODES, codeInfo, isPositive, isValue, urgencyCode, urgencyOf } from "../../static/src/read/codes";

describe("codes", () => {
  it("has the seven states of labeling.core.values, each with its own code, sign and name", () => {
    expect(CODES.map(({ code }) => code).join("")).toBe("+?0~.!_");
    for (const part of ["code", "glyph", "name", "says"] as const) {
      expect(new Set(CODES.map((info) => info[part])).size).toBe(7);
    }
  });

  it("lets a reader set values but no missing state", () => {
    expect(CODES.filter(({ key }) => key !== null).map(({ code }) => code)).toEqual(["+", "?", "0", "~", "."]);
    expect(isValue("!")).toBe(false);
    expect(isValue("_")).toBe(false);
  });

  it("counts present and possible as positive", () => {
    expect([..."+?0~.!_"].filter(isPositive)).toEqual(["+", "?"]);
  });

  it("refuses an unknown code", () => {
    expect(() => codeInfo("x")).toThrow('"x" is not one of');
    expect(() => urgencyOf("4")).toThrow("not one of 0 1 2 3 _");
  });

  it("reads and writes urgency", () => {
    expect([..."0123_"].map(urgencyOf)).toEqual([0, 1, 2, 3, null]);
    expect([0, 3, null].map(urgencyCode)).toEqual(["0", "3", "_"]);
  });
});
