/** What pre-filling does: differences between the arms, and how long readings of each arm took. */

import { axisX, axisY, dot, gridX, plot, ruleY, text } from "@observablehq/plot";
import { roomFor, withoutTabStops } from "./labels";
import type { Line } from "./types";
import type { Whisker } from "./whiskers";

/** A line of a contrast; null is undefined, and `why` says it. */
export interface Effect {
  readonly row: string;
  readonly scope: string;
  readonly prefilled: number | null;
  readonly blank: number | null;
  readonly difference: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly said: string;
  readonly why: string;
  readonly is_few: boolean;
}

/** Readings of one arm: the 10th, 25th, 50th, 75th and 90th percentile, null of none. */
export interface Spread {
  readonly row: string;
  readonly arm: string;
  readonly n: number;
  readonly percentiles: readonly [number, number, number, number, number] | null;
}

const HEADINGS: Readonly<Record<string, string>> = { overall: "All", finding: "Findings", target: "Targets", reader: "Readers" };
const LINE_HEIGHT = 26;
const APART = 5;

/** The lines under what they are about. */
export function effectGroups(effects: readonly Effect[]): readonly (readonly [string, readonly Whisker[]])[] {
  const scopes = [...new Set(effects.map(({ scope }) => scope))];
  return scopes.map((scope) => [HEADINGS[scope] ?? scope, effects.filter((each) => each.scope === scope).map(whiskerOf)] as const);
}

function whiskerOf({ row, difference, low, high, is_few, said, why }: Effect): Whisker {
  return { name: row, value: difference, low, high, isHollow: is_few, title: said, why, href: "" };
}

export function effectLines(effects: readonly Effect[]): readonly Line[] {
  return effects.map(({ said: _said, why: _why, is_few, ...line }) => ({ ...line, is_few: is_few ? 1 : 0 }));
}

/** A thick line over the middle half of the readings, a thin one over 80 %, a dot at the median; blank below pre-filled. */
export function spreadPlot(spreads: readonly Spread[], { width, label, words }: { width: number; label: string; words: string }): Element {
  const rows = [...new Set(spreads.map(({ row }) => row))];
  const most = Math.max(1, ...spreads.map(({ percentiles }) => percentiles?.[4] ?? 0));
  const picture = plot({
    width,
    height: 56 + LINE_HEIGHT * rows.length,
    marginLeft: roomFor(rows),
    marginRight: 14,
    marginTop: 8,
    marginBottom: 40,
    ariaLabel: label,
    x: { domain: [0, most], label: words },
    y: { domain: rows, label: null },
    marks: [
      gridX({ stroke: "var(--line)", strokeOpacity: 1, ticks: 6 }),
      axisX({ stroke: "var(--line-strong)", fill: "var(--dim)", ticks: 6, label: words, labelAnchor: "center", labelArrow: "none" }),
      axisY({ fill: "var(--ink)", tickSize: 0 }),
      ...["prefilled", "blank"].flatMap((arm) => marksOf(spreads.filter((each) => each.arm === arm), arm)),
      text(rows.filter((row) => spreads.every((each) => each.row !== row || each.percentiles === null)), {
        y: (row: string) => row,
        frameAnchor: "left",
        dx: 6,
        text: () => "not measured",
        fill: "var(--dim)",
        fontStyle: "italic",
      }),
    ],
  });
  return withoutTabStops(picture);
}

type Known = Spread & { readonly percentiles: NonNullable<Spread["percentiles"]> };

function marksOf(spreads: readonly Spread[], arm: string) {
  const known = spreads.filter((each): each is Known => each.percentiles !== null);
  const isBlank = arm === "blank";
  const colour = isBlank ? "var(--ambiguous)" : "var(--accent)";
  const place = { y: "row", dy: isBlank ? APART : -APART, stroke: colour };
  const at = (index: 0 | 1 | 2 | 3 | 4) => (each: Known) => each.percentiles[index];
  return [
    ruleY(known, { ...place, x1: at(0), x2: at(4), strokeWidth: 1.5 }),
    ruleY(known, { ...place, x1: at(1), x2: at(3), strokeWidth: 5, strokeOpacity: 0.7 }),
    dot(known, { ...place, x: at(2), r: 4, fill: isBlank ? "var(--pane)" : colour, title: saidOf }),
  ];
}

/** "reader-1, blank: median 120, middle half 90 to 160, 80 % 70 to 220, 40 readings". */
export function saidOf({ row, arm, n, percentiles }: Spread): string {
  const [least, low, middle, high, most] = (percentiles ?? []).map((each) => each.toFixed(0));
  const name = `${row}, ${arm === "blank" ? "blank" : "pre-filled"}`;
  return percentiles === null ? `${name}: not measured` : `${name}: median ${middle}, middle half ${low} to ${high}, 80 % ${least} to ${most}, ${n} readings`;
}

export function spreadLines(spreads: readonly Spread[]): readonly Line[] {
  return spreads.map(({ row, arm, n, percentiles }) => {
    const [p10 = null, p25 = null, p50 = null, p75 = null, p90 = null] = percentiles ?? [];
    return { row, arm, n, p10, p25, p50, p75, p90 };
  });
}
