/** Plots of the arms: what is under which heading, what is hollow, and the data behind them. */

import { describe, expect, test } from "vitest";
import { effectGroups, effectLines, saidOf, spreadLines, spreadPlot, type Effect, type Spread } from "../../static/src/figures/arms";
import { evenDomain } from "../../static/src/figures/differences";

function effect(row: string, scope: string, difference: number | null, more: Partial<Effect> = {}): Effect {
  const ends = difference === null ? { low: null, high: null } : { low: difference - 0.02, high: difference + 0.02 };
  return { row, scope, prefilled: 0.5, blank: 0.4, difference, ...ends, said: `${row} said`, why: difference === null ? "no judge" : "", is_few: false, ...more };
}

const EFFECTS = [effect("overall", "overall", 0.1), effect("focal", "finding", null, { is_few: true }), effect("anna", "reader", -0.3)];
const SPREADS: Spread[] = [
  { row: "overall", arm: "prefilled", n: 12, percentiles: [10, 20, 30.4, 40, 80] },
  { row: "overall", arm: "blank", n: 0, percentiles: null },
];

describe("effects", () => {
  test("stand under what they are about", () => {
    expect(effectGroups(EFFECTS).map(([name, lines]) => [name, lines.map((line) => line.name)])).toEqual([["All", ["overall"]], ["Findings", ["focal"]], ["Readers", ["anna"]]]);
  });

  test("that are undefined say why, and those with little behind them are hollow", () => {
    const [, findings] = effectGroups(EFFECTS);
    expect(findings?.[1].map(({ value, why, isHollow }) => [value, why, isHollow])).toEqual([[null, "no judge", true]]);
  });

  test("have no difference in the middle", () => {
    const [least, most] = evenDomain(EFFECTS);
    expect([least, most]).toEqual([-0.4, 0.4]);
  });

  test("are files without what a pointer reads", () => {
    expect(Object.keys(effectLines(EFFECTS)[0] ?? {})).toEqual(["row", "scope", "prefilled", "blank", "difference", "low", "high", "is_few"]);
  });
});

describe("times", () => {
  test("are said with their arm and number", () => {
    expect(SPREADS.map(saidOf)).toEqual(["overall, pre-filled: median 30, middle half 20 to 40, 80 % 10 to 80, 12 readings", "overall, blank: not measured"]);
  });

  test("that nobody measured are empty in the file, and drawn as such", () => {
    expect(spreadLines(SPREADS)[1]).toEqual({ row: "overall", arm: "blank", n: 0, p10: null, p25: null, p50: null, p75: null, p90: null });
    const look = { width: 600, label: "Seconds", words: "Seconds" };
    expect(spreadPlot(SPREADS.slice(1), look).textContent).toContain("not measured");
    expect(spreadPlot(SPREADS, look).textContent).not.toContain("not measured");
  });
});
