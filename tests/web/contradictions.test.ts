import { describe, expect, it } from "vitest";
import { attentionOf, nextAttention } from "../../static/src/read/attention";
import { findContradictions } from "../../static/src/read/contradictions";
import { abdomen, cellOf, labels } from "./helpers";

const keys = (cells: Record<string, string>): string[] => findContradictions(labels(cells), abdomen).map(({ key }) => key);

describe("contradictions", () => {
  it("finds a focal finding in an absent gallbladder, whether present or possible", () => {
    expect(keys({ "gallbladder|absent": "+", "gallbladder|focal": "?" })).toEqual(["gallbladder|absent|focal"]);
  });

  it("does not mix targets, nor count absent, ambiguous or not mentioned", () => {
    expect(keys({ "gallbladder|absent": "+", "liver|focal": "+" })).toEqual([]);
    for (const code of ["0", "~", ".", "!", "_"]) expect(keys({ "liver|absent": "+", "liver|focal": code })).toEqual([]);
  });

  it("finds an urgency on a cell that is not positive", () => {
    expect(keys({ "liver|focal": "02" })).toEqual(["liver|focal|urgency"]);
    expect(keys({ "liver|focal": "?2" })).toEqual([]);
  });

  it("says which cells to look at, the finding to correct first", () => {
    const [found] = findContradictions(labels({ "liver|normal": "+", "liver|focal": "+" }), abdomen);
    expect(found?.cells).toEqual([cellOf("liver|focal"), cellOf("liver|normal")]);
    expect(found?.says).toBe("liver: normal and focal");
    expect(found?.because).toBe("an organ with this finding is not normal");
  });
});

describe("what needs attention", () => {
  const given = labels({ "spleen|device": "!", "liver|normal": "+", "liver|focal": "+", "stomach|focal": "_" });

  it("gathers unreadable, undecided and contradicting cells in the order of the table", () => {
    const attention = attentionOf(given, abdomen);
    const expected = ["spleen|device", "liver|normal", "liver|focal", "stomach|focal"].map((key) => cellOf(key));
    expect(attention.cells).toEqual(expected);
    expect(attention.unreadable).toEqual([expected[0]]);
    expect(attention.undecided).toEqual([expected[3]]);
  });

  it("goes from one to the next and round", () => {
    const attention = attentionOf(given, abdomen);
    const [device, , focal, stomach] = attention.cells;
    expect(nextAttention(attention, abdomen, 0, 1)).toBe(device);
    expect(nextAttention(attention, abdomen, stomach ?? 0, 1)).toBe(device);
    expect(nextAttention(attention, abdomen, stomach ?? 0, -1)).toBe(focal);
    expect(nextAttention(attentionOf(labels(), abdomen), abdomen, 0, 1)).toBeNull();
  });
});
