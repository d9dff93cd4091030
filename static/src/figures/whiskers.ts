/** Dots with their 95 % intervals, many lines in few columns. A hollow dot is one that its lines say not to trust. */

import { axisX, dot, gridX, plot, ruleX, ruleY, text } from "@observablehq/plot";
import { columnsFor, laid, type Placed } from "./columns";
import { roomFor, withoutTabStops } from "./labels";

/** A line of the plot; `value` null is undefined, and `why` says it. */
export interface Whisker {
  readonly name: string;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly isHollow: boolean;
  readonly title: string;
  readonly why: string;
  readonly href: string;
}

export interface Look {
  readonly width: number;
  readonly label: string;
  readonly domain: readonly [number, number];
  /** Where a line across the plot says "no difference". */
  readonly zero?: number;
}

const LINE_HEIGHT = 17;

type At<T> = Placed<T> & { readonly data: T };

export function whiskers(groups: readonly (readonly [string, readonly Whisker[]])[], look: Look): Element {
  const n = groups.reduce((sum, [name, members]) => sum + members.length + Number(name !== ""), 0);
  const { placed, columns, lines } = laid(groups, columnsFor(n, look.width));
  const rows = placed.filter((each): each is At<Whisker> => each.data !== null);
  const known = rows.filter(({ data }) => data.value !== null);
  const place = { fx: "column", y: "line" } as const;
  const room = roomFor(rows.map(({ data }) => data.name), 230);
  const right = 12;
  // Between two columns there is the same room for names as at the left of the first.
  const share = (room * columns) / (look.width - right);
  const name = { ...place, frameAnchor: "left", textAnchor: "end", dx: -8 } as const;
  const picture = plot({
    width: look.width,
    height: 48 + LINE_HEIGHT * lines,
    marginLeft: room,
    marginRight: right,
    marginTop: 4,
    marginBottom: 40,
    ariaLabel: look.label,
    fx: { domain: Array.from({ length: columns }, (_, column) => column), axis: null, paddingInner: columns > 1 ? share : 0, paddingOuter: 0 },
    x: { domain: [...look.domain] },
    y: { domain: [-0.5, lines - 0.5], reverse: true, axis: null },
    marks: [
      gridX({ stroke: "var(--line)", strokeOpacity: 1, ticks: 5 }),
      axisX({ stroke: "var(--line-strong)", fill: "var(--dim)", ticks: 5, label: look.label, labelAnchor: "center", labelArrow: "none" }),
      look.zero === undefined ? null : ruleX([look.zero], { stroke: "var(--line-strong)", strokeWidth: 1.5 }),
      text(placed.filter((each) => each.heading !== null), { ...name, text: "heading", fill: "var(--ink)", fontWeight: 650 }),
      text(rows, { ...name, text: ({ data }: At<Whisker>) => data.name, fill: "var(--dim)" }),
      ruleY(known, { ...place, x1: ({ data }: At<Whisker>) => data.low, x2: ({ data }: At<Whisker>) => data.high, stroke: "var(--accent)", strokeWidth: 1.5 }),
      dot(known, {
        ...place,
        x: ({ data }: At<Whisker>) => data.value,
        r: 3.5,
        stroke: "var(--accent)",
        fill: ({ data }: At<Whisker>) => (data.isHollow ? "var(--pane)" : "var(--accent)"),
        title: ({ data }: At<Whisker>) => data.title,
        href: ({ data }: At<Whisker>) => data.href || null,
      }),
      text(rows.filter(({ data }) => data.value === null), {
        ...place,
        frameAnchor: "left",
        textAnchor: "start",
        dx: 4,
        text: ({ data }: At<Whisker>) => `undefined: ${data.why}`,
        fill: "var(--dim)",
        fontStyle: "italic",
      }),
    ],
  });
  return withoutTabStops(picture);
}
