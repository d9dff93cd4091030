/** The levels of urgency of each rater, as bars of 100 % with counts written in them. */

import { axisX, axisY, barX, plot, text } from "@observablehq/plot";
import { roomFor } from "./labels";
import type { Line } from "./types";

export interface Part {
  readonly rater: string;
  readonly level: number;
  readonly words: string;
  readonly count: number;
  readonly percent: number;
  readonly n: number;
}

interface Laid extends Part {
  readonly x1: number;
  readonly x2: number;
  readonly said: string;
  readonly text: string;
}

const BAR_HEIGHT = 34;
const LETTER = 6.6;
/** The higher the level, the stronger; the strongest has text of the colour of the page. */
const OPACITY = [0.1, 0.26, 0.44, 0.95] as const;

const opacityOf = (level: number): number => OPACITY[Math.min(level, OPACITY.length - 1)] ?? 1;
const isStrong = (level: number): boolean => opacityOf(level) > 0.5;

/** Where each part lies from 0 to 100; what does not fit into it is left to its tooltip. */
export function laid(parts: readonly Part[], pixelsPerPercent: number): readonly Laid[] {
  const ends = new Map<string, number>();
  return parts.map((part) => {
    const x1 = ends.get(part.rater) ?? 0;
    const x2 = x1 + part.percent;
    ends.set(part.rater, x2);
    const percent = `${part.percent.toFixed(1)} %`;
    const count = part.count.toLocaleString("en");
    const room = part.percent * pixelsPerPercent - 6;
    const text = [`${count} · ${percent}`, percent, count].find((each) => each.length * LETTER <= room) ?? "";
    return { ...part, x1, x2, text: part.count === 0 ? "" : text, said: `${part.rater}: level ${part.level}, ${part.words}: ${count} of ${part.n.toLocaleString("en")} (${percent})` };
  });
}

export function bars(parts: readonly Part[], { width, label }: { width: number; label: string }): Element {
  const raters = [...new Set(parts.map((part) => part.rater))];
  const left = roomFor(raters);
  const all = laid(parts, (width - left - 20) / 100);
  const level = (each: Part): number => opacityOf(each.level);
  const middle = { x: (each: Laid) => (each.x1 + each.x2) / 2, y: "rater", text: "text", pointerEvents: "none" } as const;
  return plot({
    width,
    height: 74 + BAR_HEIGHT * raters.length,
    marginLeft: left,
    marginRight: 20,
    marginTop: 32,
    marginBottom: 38,
    ariaLabel: label,
    x: { domain: [0, 100], label: null },
    y: { domain: raters, label: null, padding: 0.22 },
    opacity: { type: "identity" },
    marks: [
      axisX({ stroke: "var(--line-strong)", fill: "var(--dim)", label: "% of the urgencies given", labelAnchor: "center", labelArrow: "none" }),
      axisY({ fill: "var(--ink)", tickSize: 0 }),
      barX(all, { x1: "x1", x2: "x2", y: "rater", fill: "var(--accent)", fillOpacity: level, title: "said", insetRight: 1 }),
      barX(all, { x1: "x1", x2: "x2", y: "rater", fill: "none", stroke: "var(--line-strong)", pointerEvents: "none" }),
      text(all.filter((each) => !isStrong(each.level)), { ...middle, fill: "var(--ink)" }),
      text(all.filter((each) => isStrong(each.level)), { ...middle, fill: "var(--bg)", fontWeight: 600 }),
      ...keyOf(parts),
    ],
  });
}

function keyOf(parts: readonly Part[]) {
  const levels = [...new Map(parts.map((part) => [part.level, `${part.level} ${part.words}`]))].sort(([a], [b]) => a - b);
  let start = 8;
  return levels.flatMap(([level, words]) => {
    const at = { frameAnchor: "top-left" } as const;
    const here = start;
    start += 30 + LETTER * words.length;
    return [
      text([words], { ...at, dx: here + 16, dy: -21, textAnchor: "start", text: () => words, fill: "var(--ink)" }),
      () => swatch({ x: here, level, left: roomFor([...new Set(parts.map((part) => part.rater))]) }),
    ];
  });
}

function swatch({ x, level, left }: { x: number; level: number; left: number }): SVGElement {
  const square = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const said = { x: left + x, y: 11, width: 12, height: 12, fill: "var(--accent)", "fill-opacity": opacityOf(level), stroke: "var(--line-strong)" };
  for (const [name, value] of Object.entries(said)) square.setAttribute(name, String(value));
  return square;
}

export function linesOf(parts: readonly Part[]): readonly Line[] {
  return parts.map(({ rater, level, words, count, percent, n }) => ({ rater, level, words, count, percent, n }));
}
