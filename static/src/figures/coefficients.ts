/** Several coefficients of one line, each with its sign, its colour and its interval. */

import { axisX, axisY, dot, gridX, plot, ruleX, ruleY, text } from "@observablehq/plot";
import { roomFor, withoutTabStops } from "./labels";
import type { Line } from "./types";

export interface Point {
  readonly row: string;
  readonly metric: string;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly said: string;
  readonly href: string | null;
  readonly [more: string]: string | number | null;
}

const LOOKS = [
  { symbol: "circle", colour: "var(--accent)" },
  { symbol: "diamond", colour: "var(--present)" },
  { symbol: "triangle", colour: "var(--ambiguous)" },
] as const;
const lookOf = (index: number): (typeof LOOKS)[number] => LOOKS[index % LOOKS.length] ?? LOOKS[0];
const STEP = 9;
const LETTER = 6.6;

/** From 0, or below where a figure or an interval is, to 1. */
export function domainOf(points: readonly Point[]): [number, number] {
  const least = Math.min(0, ...points.flatMap((point) => [point.value, point.low]).filter((each) => each !== null));
  return [Math.max(-1, Math.floor(least * 10) / 10), 1];
}

export function coefficients(points: readonly Point[], { width, label }: { width: number; label: string }): Element {
  const [rows, metrics] = [[...new Set(points.map((point) => point.row))], [...new Set(points.map((point) => point.metric))]];
  const known = points.filter((point) => point.value !== null);
  const domain = domainOf(points);
  const height = 10 + STEP * metrics.length;
  const nothing = rows.filter((row) => !known.some((point) => point.row === row));
  const picture = plot({
    width,
    height: 56 + height * rows.length,
    marginLeft: roomFor(rows),
    marginRight: 14,
    marginTop: 30,
    marginBottom: 24,
    ariaLabel: label,
    x: { domain, label: null },
    y: { domain: rows, label: null },
    marks: [
      gridX({ stroke: "var(--line)", strokeOpacity: 1 }),
      axisX({ stroke: "var(--line-strong)", fill: "var(--dim)" }),
      axisY({ fill: "var(--ink)", tickSize: 0 }),
      ruleY(rows.slice(0, -1), { y: (row: string) => row, dy: height / 2, stroke: "var(--line)", strokeDasharray: "2 3" }),
      domain[0] < 0 ? ruleX([0], { stroke: "var(--line-strong)" }) : null,
      ...metrics.flatMap((metric, index) => marksOf(known.filter((point) => point.metric === metric), { index, n: metrics.length })),
      ...keyOf(metrics),
      text(nothing, { y: (row: string) => row, frameAnchor: "left", dx: 6, text: () => "undefined", fill: "var(--dim)", fontStyle: "italic" }),
    ],
  });
  return withoutTabStops(picture);
}

function marksOf(points: readonly Point[], { index, n }: { index: number; n: number }) {
  const { colour, symbol } = lookOf(index);
  const place = { y: "row", dy: (index - (n - 1) / 2) * STEP, stroke: colour };
  return [
    ruleY(points, { ...place, x1: "low", x2: "high", strokeWidth: 1.5 }),
    dot(points, { ...place, x: "value", r: 3.5, fill: colour, symbol, title: "said", href: "href" }),
  ];
}

/** Which sign is which, above the plot and part of the picture. */
function keyOf(metrics: readonly string[]) {
  const starts = metrics.map((_, index) => 8 + metrics.slice(0, index).reduce((sum, metric) => sum + 28 + LETTER * metric.length, 0));
  return metrics.flatMap((metric, index) => {
    const at = { frameAnchor: "top-left", dy: -16 } as const;
    const { colour, symbol } = lookOf(index);
    const start = starts[index] ?? 0;
    return [
      dot([metric], { ...at, dx: start, r: 4, fill: colour, stroke: colour, symbol }),
      text([metric], { ...at, dx: start + 9, dy: -21, textAnchor: "start", text: () => metric, fill: "var(--ink)" }),
    ];
  });
}

export function linesOf(points: readonly Point[]): readonly Line[] {
  return points.map(({ said: _said, href: _href, why: _why, ...line }) => line);
}
