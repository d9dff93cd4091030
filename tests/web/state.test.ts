import { describe, expect, it } from "vitest";
import * as state from "../../static/src/read/state";
import { abdomen, cellOf, labels, payload, spine } from "./helpers";

const FOCAL = cellOf("liver|focal");
const NORMAL = cellOf("spleen|normal");

function start(): state.ReadingState {
  return state.startState(payload(), abdomen);
}

describe("what is shown first", () => {
  const draft = { ...labels({ "liver|focal": "0" }), version: 2, active_seconds: 4, client_id: "x", saved_at: "" };
  const reading = { ...labels({ "liver|focal": "~" }), revision: 1, active_seconds: 4, submitted_at: "" };

  it("is the draft before the reading before the machine before a blank form", () => {
    const shown = (change: Parameters<typeof payload>[0]): string =>
      state.startState(payload(change), abdomen).labels.values.charAt(FOCAL);
    expect(shown({ draft, reading })).toBe("0");
    expect(shown({ reading })).toBe("~");
    expect(shown({})).toBe("+");
    expect(shown({ prefill: null, arm: "blank" })).toBe("_");
  });

  it("refuses labels of another length", () => {
    expect(() => state.startState(payload(), spine)).toThrow("has 8 cells, the server sent 99 values");
  });
});

describe("setting a cell", () => {
  it("changes the value and nothing else, and leaves the old state alone", () => {
    const before = start();
    const after = state.setValue(before, FOCAL, "?");
    expect(after.labels.values.charAt(FOCAL)).toBe("?");
    expect(after.labels.urgencies.charAt(FOCAL)).toBe("1");
    expect(before.labels.values.charAt(FOCAL)).toBe("+");
    expect([...after.labels.values].filter((code, index) => code !== before.labels.values.charAt(index))).toHaveLength(1);
  });

  it("takes the urgency away when the cell is no longer positive, and undo brings both back", () => {
    const after = state.setValue(start(), FOCAL, "0");
    expect(after.labels.urgencies.charAt(FOCAL)).toBe("_");
    expect(state.undo(after).labels).toEqual(start().labels);
  });

  it("is no step when the value is the same", () => {
    const before = start();
    expect(state.setValue(before, FOCAL, "+")).toBe(before);
  });

  it("cycles through the five values, beginning with present on an undecided cell", () => {
    let now = state.startState(payload({ prefill: null, arm: "blank" }), abdomen);
    const seen = Array.from({ length: 6 }, () => {
      now = state.cycleValue(now, FOCAL);
      return now.labels.values.charAt(FOCAL);
    });
    expect(seen.join("")).toBe("+?0~.+");
  });

  it("refuses an urgency where nothing is present or possible", () => {
    const before = start();
    expect(state.setUrgency(before, cellOf("liver|device"), 2)).toBe(before);
    expect(state.stepUrgency(before, cellOf("liver|device"), 1, 4)).toBe(before);
  });

  it("steps urgency up to none and down again", () => {
    let now = start();
    const seen = [1, 1, 1, 1, 1, -1].map((by) => {
      now = state.stepUrgency(now, FOCAL, by as 1 | -1, 4);
      return now.labels.urgencies.charAt(FOCAL);
    });
    expect(seen.join("")).toBe("23_010");
  });

  it("reverts value, urgency, comment and flag to what the machine said", () => {
    let now = state.setValue(start(), FOCAL, "0");
    now = state.setComment(now, "liver|focal", "see series 3");
    now = state.toggleImageDisagrees(now, "liver|focal");
    expect(state.isChanged(now, FOCAL, "liver|focal")).toBe(true);
    now = state.revertCell(now, FOCAL, "liver|focal");
    expect(now.labels).toEqual(start().labels);
    expect(state.changedCount(now, abdomen)).toBe(0);
  });
});

describe("notes", () => {
  it("keep what else the server stored of a cell", () => {
    const stored = { ...labels(), body: { cells: { "liver|focal": { flags: ["second look"], reason: "r" } } } };
    let now = state.withLabels(start(), stored);
    now = state.toggleImageDisagrees(now, "liver|focal");
    expect(state.noteOf(now, "liver|focal")).toEqual({ flags: ["second look", "image_disagrees"], reason: "r" });
    now = state.toggleImageDisagrees(now, "liver|focal");
    expect(state.noteOf(now, "liver|focal")).toEqual({ flags: ["second look"], reason: "r" });
  });

  it("leave no entry behind when emptied", () => {
    let now = state.setComment(start(), "liver|focal", "x");
    now = state.setComment(now, "liver|focal", "");
    expect(now.labels.body.cells).toEqual({});
  });

  it("are the same whatever the order of keys", () => {
    const one = { ...labels(), body: { cells: { "liver|focal": { comment: "a", flags: ["x"] } } } };
    const other = { ...labels(), body: { cells: { "liver|focal": { flags: ["x"], comment: "a" } } } };
    expect(state.isSameLabels(one, other)).toBe(true);
  });
});

describe("undo and redo", () => {
  it("walk through every change and bring the focus back to it", () => {
    let now = state.focusOn(start(), FOCAL);
    now = state.setValue(now, FOCAL, "0");
    now = state.setValue(state.focusOn(now, NORMAL), NORMAL, "~");
    now = state.focusOn(now, 50);
    now = state.undo(now);
    expect([now.labels.values.charAt(NORMAL), now.focus]).toEqual(["+", NORMAL]);
    now = state.undo(now);
    expect([now.labels.values.charAt(FOCAL), now.focus]).toEqual(["+", FOCAL]);
    expect(state.undo(now)).toBe(now);
    now = state.redo(state.redo(now));
    expect(now.labels.values.charAt(NORMAL)).toBe("~");
    expect(state.redo(now)).toBe(now);
  });

  it("forget what was undone when something new is done", () => {
    let now = state.undo(state.setValue(start(), FOCAL, "0"));
    now = state.setValue(now, FOCAL, "~");
    expect(now.redo).toEqual([]);
  });

  it("take typing in one comment as one step", () => {
    let now = state.focusOn(start(), FOCAL);
    for (const text of ["s", "se", "see"]) now = state.setComment(now, "liver|focal", text);
    expect(now.undo).toHaveLength(1);
    expect(state.undo(now).labels).toEqual(start().labels);
  });
});

describe("moving", () => {
  it("stops at the edges", () => {
    const corner = state.focusOn(start(), 0);
    expect(state.moveFocus(corner, abdomen, -1, 0)).toBe(corner);
    expect(state.moveFocus(corner, abdomen, 0, -1)).toBe(corner);
    expect(state.moveFocus(corner, abdomen, 1, 0).focus).toBe(11);
  });

  it("goes over cells that the schema lacks", () => {
    const blank = state.startState({ ...payload({ prefill: null }) }, spine);
    const herniation = state.focusOn(blank, cellOf("spine|herniation", spine));
    expect(state.moveFocus(herniation, spine, 1, 0).focus).toBe(cellOf("L3-L4|stenosis", spine));
    const level = state.focusOn(blank, cellOf("L3-L4|stenosis", spine));
    expect(state.moveFocus(level, spine, 0, 1)).toBe(level);
  });
});

it("records undecided cells as not mentioned but leaves unreadable ones", () => {
  const before = state.withLabels(start(), labels({ "liver|focal": "!", "liver|normal": "_" }, "+"));
  const after = state.settleUndecided(before).labels.values;
  expect(after.charAt(FOCAL)).toBe("!");
  expect(after.charAt(cellOf("liver|normal"))).toBe(".");
});
