/** Readers and the labeler on the same pairs: two dots with their intervals for each reader. */

import { axisX, axisY, dot, gridX, plot, ruleY } from "@observablehq/plot";
import { roomFor } from "./labels";
import { said } from "./said";
import type { Row } from "./types";

export type Side = "reader" | "labeler";
export interface Sided {
  readonly side: Side;
  readonly name: string;
  readonly row: Row;
}

const LABELER = " / labeler";
const LINE_HEIGHT = 34;
const SHIFT: Readonly<Record<Side, number>> = { reader: -6, labeler: 6 };
const COLOUR: Readonly<Record<Side, string>> = { reader: "var(--present)", labeler: "var(--accent)" };
const SYMBOL = { reader: "circle", labeler: "diamond" } as const;

/** The rows of readers in one metric: those of `readers`, then their mean where there is one. */
export function humanRows(rows: readonly Row[], { metric, readers }: { metric: string; readers: readonly string[] }): readonly Sided[] {
  const rowOf = new Map(rows.filter((row) => row.metric === metric).map((row) => [row.row, row]));
  const names = readers.includes("average") ? readers : [...readers, "average"];
  return names.flatMap((reader): Sided[] => {
    const name = reader === "average" && !readers.includes("average") ? "mean of readers" : reader;
    const [own, beside] = [rowOf.get(`human ${reader}`), rowOf.get(`human ${reader}${LABELER}`)];
    return own && beside ? [{ side: "reader", name, row: own }, { side: "labeler", name, row: beside }] : [];
  });
}

export function humanPlot(sided: readonly Sided[], { width, label }: { width: number; label: string }): Element {
  const names = [...new Set(sided.map(({ name }) => name))];
  const known = sided.filter(({ row }) => row.value !== null);
  return plot({
    width,
    height: 50 + LINE_HEIGHT * names.length,
    marginLeft: roomFor(names),
    marginBottom: 40,
    ariaLabel: label,
    x: { nice: true },
    y: { domain: names, label: null },
    marks: [
      gridX({ stroke: "var(--line)", strokeOpacity: 1 }),
      axisX({ stroke: "var(--line-strong)", fill: "var(--dim)", label, labelAnchor: "center", labelArrow: "none" }),
      axisY({ fill: "var(--ink)", tickSize: 0 }),
      ...(["reader", "labeler"] as const).flatMap((side) => sideMarks(known.filter((each) => each.side === side), side)),
    ],
  });
}

function sideMarks(sided: readonly Sided[], side: Side) {
  const place = { y: "name", dy: SHIFT[side], stroke: COLOUR[side] };
  return [
    ruleY(sided, { ...place, x1: ({ row }: Sided) => row.low, x2: ({ row }: Sided) => row.high, strokeWidth: 1.5 }),
    dot(sided, { ...place, x: ({ row }: Sided) => row.value, r: 4, symbol: SYMBOL[side], fill: COLOUR[side], title: ({ row }: Sided) => said(row) }),
  ];
}
