/** How a figure of all cells and its interval have settled while cases were read. */

import { areaY, axisX, axisY, dot, gridX, gridY, line, plot, ruleY, type Markish } from "@observablehq/plot";
import { shown } from "./scores";
import type { Line } from "./types";

export interface LearningPoint {
  readonly metric: string;
  readonly n_cases: number;
  readonly n: number;
  readonly n_positive: number;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly half_width: number | null;
}

export interface Learning {
  readonly metric: string;
  readonly wished: number;
  readonly points: readonly LearningPoint[];
}

const LEARNED_WORDS: Readonly<Record<string, string>> = { f1: "F1", recall: "Recall" };

/** The points of the figure that is shown. */
export function pointsOf({ metric, points }: Learning): readonly LearningPoint[] {
  return points.filter((point) => point.metric === metric);
}

export function value(learning: Learning, width: number): Element {
  const known = pointsOf(learning).filter((point) => point.value !== null);
  const name = LEARNED_WORDS[learning.metric] ?? learning.metric;
  const at = { x: "n_cases", y: "value" };
  return plot({
    ...size(width),
    x: { label: "cases read", nice: true, zero: true },
    y: { label: `${name}, with 95 % interval`, domain: domainOf(known) },
    ariaLabel: `${name} of all cells by cases read`,
    marks: [
      ...frame(),
      areaY(known, { x: "n_cases", y1: "low", y2: "high", fill: "var(--accent)", fillOpacity: 0.2 }),
      line(known, { ...at, stroke: "var(--accent)", strokeWidth: 2 }),
      dot(known, { ...at, r: 4, fill: "var(--accent)", title: words }),
    ],
  });
}

export function halfWidth(learning: Learning, width: number): Element {
  const known = pointsOf(learning).filter((point) => point.half_width !== null);
  const name = LEARNED_WORDS[learning.metric] ?? learning.metric;
  const at = { x: "n_cases", y: "half_width" };
  const most = Math.max(learning.wished * 1.2, ...known.map((point) => point.half_width ?? 0));
  return plot({
    ...size(width),
    x: { label: "cases read", nice: true, zero: true },
    y: { label: `half width of the interval of ${name}`, domain: [0, most], nice: true },
    ariaLabel: `Half width of the interval of ${name} by cases read`,
    marks: [
      ...frame(),
      ruleY([learning.wished], { stroke: "var(--good)", strokeDasharray: "6 4", strokeWidth: 2, title: () => `wished: ±${learning.wished}` }),
      line(known, { ...at, stroke: "var(--accent)", strokeWidth: 2 }),
      dot(known, { ...at, r: 4, symbol: "square", fill: "var(--accent)", title: words }),
    ],
  });
}

export function linesOfLearning(learning: Learning): readonly Line[] {
  return learning.points.map((point) => ({ ...point }));
}

function words(point: LearningPoint): string {
  const interval = `${shown(point.value)} (${shown(point.low)} to ${shown(point.high)}, ±${shown(point.half_width)})`;
  return `first ${point.n_cases} cases: ${interval}, ${point.n_positive} of ${point.n} positive`;
}

function domainOf(points: readonly LearningPoint[]): [number, number] {
  const lows = points.map((point) => point.low ?? point.value ?? 0);
  return [Math.max(0, Math.floor(10 * Math.min(1, ...lows) - 0.5) / 10), 1];
}

function size(width: number): { width: number; height: number; marginLeft: number; marginBottom: number } {
  return { width, height: Math.min(300, Math.max(220, width * 0.55)), marginLeft: 46, marginBottom: 38 };
}

function frame(): Markish[] {
  return [
    gridX({ stroke: "var(--line)", strokeOpacity: 1 }),
    gridY({ stroke: "var(--line)", strokeOpacity: 1 }),
    axisX({ stroke: "var(--line-strong)", fill: "var(--dim)", ticks: 6 }),
    axisY({ stroke: "var(--line-strong)", fill: "var(--dim)", ticks: 5 }),
  ];
}
