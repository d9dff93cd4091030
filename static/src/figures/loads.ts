/** Readings of each reader as a bar, split by arm, with counts written in it. */

import { axisY, barX, plot, text } from "@observablehq/plot";
import { roomFor } from "./labels";
import type { Line } from "./types";

export interface Load {
  readonly reader: string;
  readonly arm: string;
  readonly count: number;
}

interface Laid extends Load {
  readonly x1: number;
  readonly x2: number;
  readonly total: number;
  readonly text: string;
  readonly said: string;
}

const BAR_HEIGHT = 28;
const LETTER = 6.6;
/** What is not there has the faintest. Text on each still has 4.5:1. */
const OPACITY: Readonly<Record<string, number>> = { blank: 0.1, prefilled: 0.28, seeded: 0.46, again: 0.02 };
export const WORDS: Readonly<Record<string, string>> = { blank: "blank", prefilled: "pre-filled", seeded: "with planted errors", again: "again" };

/** Where each part lies; a count that does not fit into it is left to its tooltip. */
export function laid(loads: readonly Load[], pixelsPerReading: number): readonly Laid[] {
  const totals = new Map<string, number>();
  for (const { reader, count } of loads) totals.set(reader, (totals.get(reader) ?? 0) + count);
  const ends = new Map<string, number>();
  return loads.map((load) => {
    const x1 = ends.get(load.reader) ?? 0;
    const x2 = x1 + load.count;
    ends.set(load.reader, x2);
    const total = totals.get(load.reader) ?? 0;
    const words = WORDS[load.arm] ?? load.arm;
    const count = load.count.toLocaleString("en");
    const fitting = [`${count} ${words}`, count].find((each) => each.length * LETTER <= load.count * pixelsPerReading - 6) ?? "";
    return { ...load, x1, x2, total, text: fitting, said: `${load.reader}: ${count} ${words} of ${total.toLocaleString("en")} readings` };
  });
}

export function loadBars(loads: readonly Load[], { width, label }: { width: number; label: string }): Element {
  const readers = [...new Set(loads.map((load) => load.reader))];
  const left = roomFor(readers);
  const right = 56;
  const sums = readers.map((reader) => loads.filter((load) => load.reader === reader).reduce((sum, load) => sum + load.count, 0));
  const most = Math.max(1, ...sums);
  const parts = laid(loads, (width - left - right) / most);
  const ends = parts.filter((part) => part.x2 === part.total);
  const middle = { x: (part: Laid) => (part.x1 + part.x2) / 2, y: "reader", text: "text", pointerEvents: "none" } as const;
  return plot({
    width,
    height: 12 + BAR_HEIGHT * readers.length,
    marginLeft: left,
    marginRight: right,
    marginTop: 4,
    marginBottom: 8,
    ariaLabel: label,
    x: { domain: [0, most], axis: null },
    y: { domain: readers, label: null, padding: 0.18 },
    marks: [
      axisY({ tickSize: 0, fill: "var(--ink)" }),
      barX(parts, { x1: "x1", x2: "x2", y: "reader", fill: "var(--accent)", fillOpacity: (part: Laid) => OPACITY[part.arm] ?? 0.2, stroke: "var(--accent)", title: "said" }),
      text(parts, { ...middle, fill: "var(--ink)" }),
      text(ends, { x: "total", y: "reader", text: (part: Laid) => part.total.toLocaleString("en"), textAnchor: "start", dx: 6, fill: "var(--ink)", fontWeight: 650 }),
    ],
  });
}

export function linesOf(loads: readonly Load[]): readonly Line[] {
  return loads.map(({ reader, arm, count }) => ({ reader, arm, count }));
}
