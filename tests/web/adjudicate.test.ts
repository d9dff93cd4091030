import { describe, expect, it } from "vitest";
import { NOTHING_CHOSEN, nextOpen, sameEvidence, valueForUrgency, verdictOf } from "../../static/src/adjudicate/choice";
import { REASON_KEYS, actFor } from "../../static/src/adjudicate/keys";
import type { DisputedCell } from "../../static/src/adjudicate/types";
import { citing } from "../../static/src/adjudicate/view/report";
import { BINDINGS } from "../../static/src/read/keys";
import { KeyMap } from "../../static/src/read/keymap";

function cellOf(said: readonly string[], more: Partial<DisputedCell> = {}): DisputedCell {
  const levels = new Set(said.filter((pair) => "+?".includes(pair.charAt(0)) && pair.charAt(1) !== "_").map((pair) => pair.charAt(1)));
  return {
    cell: "liver|focal",
    kind: "presence",
    basis: "b",
    revision: 0,
    voices: said.map((pair, place) => ({
      letter: "ABC".charAt(place),
      value: pair.charAt(0),
      urgency: pair.charAt(1),
      evidence: place === 0 ? [[10, 20]] : [],
      comment: "",
      image_value: "",
    })),
    decision: null,
    reasons: { "+": "reader_slip", "?": "reader_slip", "0": "reader_slip", "~": "ambiguous_report", ".": "reader_slip" },
    urgency: levels.size === 1 ? ([...levels][0] ?? "") : "",
    ...more,
  };
}

describe("a value", () => {
  it("decides with the urgency that all positive voices give and the likeliest reason", () => {
    const verdict = verdictOf(cellOf(["+1", "+1", "0_"]), "+", NOTHING_CHOSEN, true);
    expect(verdict).toEqual({ value: "+", urgency: "1", reason: "reader_slip", note: "", evidence: [] });
  });

  it("waits for an urgency where voices give several", () => {
    const cell = cellOf(["+1", "+2", "0_"]);
    expect(verdictOf(cell, "+", NOTHING_CHOSEN, true)).toBeNull();
    expect(verdictOf(cell, "+", { ...NOTHING_CHOSEN, urgency: "3" }, true)?.urgency).toBe("3");
    expect(verdictOf(cell, "0", NOTHING_CHOSEN, true)?.urgency).toBe("_");
  });

  it("has no urgency where the finding has none, or no voice gives one", () => {
    expect(verdictOf(cellOf(["+1", "+2", "0_"]), "+", NOTHING_CHOSEN, false)?.urgency).toBe("_");
    expect(verdictOf(cellOf(["+_", "0_"]), "+", NOTHING_CHOSEN, true)?.urgency).toBe("_");
  });

  it("takes the reason and note that were chosen", () => {
    const chosen = { ...NOTHING_CHOSEN, reason: "guideline_gap", note: " see page 3 " };
    expect(verdictOf(cellOf(["+_", "0_"]), "0", chosen, true)).toMatchObject({ reason: "guideline_gap", note: "see page 3" });
  });
});

describe("evidence", () => {
  it("is written out for the first voice that gives it", () => {
    const { voices } = cellOf(["+1", "+1", "0_"]);
    const again = voices.map((voice, place) => ({ ...voice, evidence: place === 2 ? [] : ([[10, 20]] as [number, number][]) }));
    expect(again.map((voice) => sameEvidence(again, voice))).toEqual([null, "A", null]);
    expect(voices.map((voice) => sameEvidence(voices, voice))).toEqual([null, null, null]);
  });
});

describe("an urgency", () => {
  it("decides where only urgency is disputed", () => {
    expect(valueForUrgency(cellOf(["+1", "+2"], { kind: "urgency" }), NOTHING_CHOSEN)).toBe("+");
    expect(valueForUrgency(cellOf(["+1", "?2"], { kind: "urgency" }), NOTHING_CHOSEN)).toBeNull();
    expect(valueForUrgency(cellOf(["+1", "0_"]), NOTHING_CHOSEN)).toBeNull();
  });

  it("decides for the value that waits for it", () => {
    expect(valueForUrgency(cellOf(["+1", "+2", "0_"]), { ...NOTHING_CHOSEN, value: "?" })).toBe("?");
  });
});

it("goes to the next open cell, and round", () => {
  const decided = cellOf(["+_", "0_"], {
    decision: { revision: 1, is_undo: false, value: "+", urgency: "_", reason: "reader_slip", note: "", evidence: [] },
  });
  const open = cellOf(["+_", "0_"]);
  expect(nextOpen([open, decided, decided], 2)).toBe(0);
  expect(nextOpen([decided, decided, open], 1)).toBe(2);
  expect(nextOpen([decided, decided], 1)).toBeNull();
});

it("names the voices that cite a stretch of the report", () => {
  const { voices } = cellOf(["+1", "0_"]);
  expect(citing(voices, 5, 11).map(({ letter }) => letter)).toEqual(["A"]);
  expect(citing(voices, 20, 30)).toEqual([]);
});

describe("keys", () => {
  it("of reasons are those of nothing else in the cells", () => {
    const taken = new Set(BINDINGS.filter(({ panes }) => panes.includes("cells")).flatMap(({ chords }) => chords));
    expect(Object.values(REASON_KEYS).filter((key) => taken.has(key))).toEqual([]);
    expect(new Set(Object.values(REASON_KEYS)).size).toBe(8);
  });

  it("of values follow what the reader changed", () => {
    const keys = new KeyMap({ "value:+": ["j"] });
    expect(actFor("j", "cells", keys)).toEqual({ do: "reading", command: { do: "value", code: "+" } });
    expect(actFor("1", "cells", keys)).toBeNull();
    expect(actFor("g", "cells", keys)).toEqual({ do: "reason", reason: "guideline_gap" });
    expect(actFor("1", "image", keys)).toMatchObject({ command: { do: "viewer" } });
  });
});
