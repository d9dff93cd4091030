/** A figure in each square of a grid: its shade, and written in it. */

import { axisX, axisY, cell, plot, text } from "@observablehq/plot";
import { roomFor, withoutTabStops } from "./labels";
import type { Line } from "./types";

/** `value` null is undefined; `text` is what the square says then, or the figure. `is_alone` is no figure at all. */
export interface Square {
  readonly column: string;
  readonly row: string;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly n_cases: number;
  readonly n_units: number | null;
  readonly text: string;
  readonly said: string;
  readonly href: string | null;
  readonly is_alone?: boolean;
}

export interface Heat {
  readonly width: number;
  readonly label: string;
  /** Tells the hatching of this picture from that of others on the page. */
  readonly name: string;
}

const SQUARE_HEIGHT = 26;
const LEAST_SQUARE = 44;
const MOST_SQUARE = 92;
const LETTER = 7;
/** Text on the strongest shade still has 4.5:1. */
const [FAINTEST, STRONGEST] = [0.04, 0.46];
const shadeOf = ({ value }: Square): number => FAINTEST + Math.min(1, Math.abs(value ?? 0)) * (STRONGEST - FAINTEST);

/** Below 0 as the square writes it, with two decimals. */
const isBelow = ({ value }: Square): boolean => (value ?? 0) <= -0.005;

const unique = (names: readonly string[]): string[] => [...new Set(names)];

export function heat(squares: readonly Square[], { width, label, name }: Heat): Element {
  const [columns, rows] = [unique(squares.map((each) => each.column)), unique(squares.map((each) => each.row))];
  const left = roomFor(rows);
  const band = Math.min(MOST_SQUARE, Math.max(LEAST_SQUARE, (width - left) / columns.length));
  const longest = LETTER * Math.max(...columns.map((column) => column.length));
  const isTilted = longest > band - 4;
  const known = squares.filter((each) => each.value !== null);
  const place = { x: "column", y: "row", inset: 1 } as const;
  const told = { title: "said", href: "href" } as const;
  const picture = plot({
    width: left + band * columns.length + (isTilted ? longest * 0.6 : 8),
    height: SQUARE_HEIGHT * rows.length + (isTilted ? 28 + longest * 0.58 : 30),
    marginLeft: left,
    marginRight: isTilted ? longest * 0.6 : 8,
    marginTop: isTilted ? 22 + longest * 0.58 : 24,
    marginBottom: 6,
    padding: 0,
    ariaLabel: label,
    x: { domain: columns, label: null },
    y: { domain: rows, label: null },
    opacity: { type: "identity" },
    marks: [
      () => hatching(name),
      axisX({ anchor: "top", tickSize: 0, fill: "var(--dim)", tickRotate: isTilted ? -35 : 0, textAnchor: isTilted ? "start" : "middle" }),
      axisY({ tickSize: 0, fill: "var(--ink)" }),
      cell(squares.filter((each) => each.value === null && !each.is_alone), { ...place, ...told, fill: `url(#${name}-hatching)`, stroke: "var(--line)" }),
      cell(squares.filter((each) => each.is_alone), { ...place, title: "said", fill: "var(--raised)" }),
      cell(known.filter((each) => !isBelow(each)), { ...place, ...told, fill: "var(--accent)", fillOpacity: shadeOf, stroke: "var(--line)" }),
      cell(known.filter(isBelow), { ...place, ...told, fill: "var(--bad)", fillOpacity: shadeOf, stroke: "var(--bad)" }),
      text(squares, { x: "column", y: "row", text: "text", fill: (each: Square) => (each.value === null ? "var(--dim)" : "var(--ink)"), pointerEvents: "none" }),
    ],
    color: { type: "identity" },
  });
  return withoutTabStops(picture);
}

export function linesOf(squares: readonly Square[]): readonly Line[] {
  return squares
    .filter((each) => !each.is_alone)
    .map(({ row, column, value, low, high, n_cases, n_units }) => ({ row, column, value, low, high, n_cases, n_units }));
}

const SVG = "http://www.w3.org/2000/svg";

/** Slanting lines, for what is undefined. */
function hatching(name: string): SVGElement {
  const pattern = made("pattern", { id: `${name}-hatching`, width: "6", height: "6", patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(made("rect", { width: "6", height: "6", fill: "var(--pane)" }), made("rect", { width: "1.5", height: "6", fill: "var(--line)" }));
  const group = made("defs", {});
  group.append(pattern);
  return group;
}

function made(tag: string, attributes: Readonly<Record<string, string>>): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
