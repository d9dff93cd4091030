import { describe, expect, it } from "vitest";
import { differences, mergeVersions } from "../../static/src/read/conflict";
import { abdomen, cellOf, labels } from "./helpers";

const base = labels({ "liver|focal": "+1", "spleen|focal": "+" });
const mine = {
  ...labels({ "liver|focal": "0", "spleen|focal": "+", "stomach|focal": "?" }),
  body: { cells: { "liver|focal": { comment: "no lesion" } } },
};
const theirs = labels({ "liver|focal": "~", "spleen|focal": "0" });

describe("two versions", () => {
  it("differ in the cells that are not equal, with the only side that changed suggested", () => {
    expect(differences({ mine, theirs, base }, abdomen)).toEqual([
      { index: cellOf("spleen|focal"), key: "spleen|focal", suggested: "theirs" },
      { index: cellOf("liver|focal"), key: "liver|focal", suggested: null },
      { index: cellOf("stomach|focal"), key: "stomach|focal", suggested: "mine" },
    ]);
  });

  it("differ also by a comment alone", () => {
    const commented = { ...theirs, body: { cells: { "liver|focal": { comment: "x" } } } };
    expect(differences({ mine: commented, theirs, base }, abdomen).map(({ key }) => key)).toEqual(["liver|focal"]);
  });

  it("are merged cell by cell: value, urgency and note together", () => {
    const index = cellOf("liver|focal");
    const merged = mergeVersions(mine, theirs, [{ index, key: "liver|focal" }]);
    expect(merged.values.charAt(index)).toBe("0");
    expect(merged.values.charAt(cellOf("spleen|focal"))).toBe("0");
    expect(merged.values.charAt(cellOf("stomach|focal"))).toBe(".");
    expect(merged.body.cells).toEqual({ "liver|focal": { comment: "no lesion" } });
  });

  it("give either side whole when all cells are chosen for it", () => {
    const all = differences({ mine, theirs, base }, abdomen);
    expect(mergeVersions(mine, theirs, all)).toEqual(mine);
    expect(mergeVersions(mine, theirs, [])).toEqual(theirs);
  });
});
